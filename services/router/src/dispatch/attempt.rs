//! One attempt at a call: the request goes out, and what comes back is read.

use std::sync::atomic::Ordering;

use chassis::wire::{self, Form, Outgoing, Sent};
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::Incoming;
use serde_json::value::RawValue;

use super::message::{self, Message};
use super::session::Session;
use super::setback::Setback;
use super::stream::Stream;
use super::{Call, DispatchSettings, Reply, reply};

/// What all attempts at one call have in common.
pub(super) struct Errand<'a> {
    pub(super) settings: &'a DispatchSettings,
    pub(super) call: &'a Call,
    /// The tool's arguments, written once.
    pub(super) arguments: &'a RawValue,
    /// Whether the attempt under way has gone out.
    pub(super) sent: Sent,
}

/// A request on its way. Dropped before its answer, it is taken back.
struct Attempt<'a> {
    errand: &'a Errand<'a>,
    session: &'a Session,
    id: i64,
    is_over: bool,
}

/// Makes one attempt in a session.
pub(super) async fn attempt(errand: &Errand<'_>, session: &Session) -> Result<Reply, Setback> {
    let mut attempt = Attempt { errand, session, id: session.next_id(), is_over: false };
    let outcome = attempt.make().await;
    attempt.is_over = true;
    outcome
}

impl Attempt<'_> {
    async fn make(&self) -> Result<Reply, Setback> {
        let Self { errand, session, id, .. } = self;
        let body = message::request(*id, &session.meta(*id), errand.arguments);
        let body = Outgoing::new(body, errand.sent.clone());
        let posted = session.wire.post(&session.uri, self.headers(), body).await;
        let response = posted.map_err(|error| session.told(error.into()))?;
        match wire::form(response.headers())? {
            Form::Json => self.read_json(response.into_body()).await,
            Form::Events => self.read_events(response.into_body()).await,
        }
    }

    async fn read_json(&self, body: Incoming) -> Result<Reply, Setback> {
        let body = self.session.wire.whole(body).await?;
        let text = std::str::from_utf8(&body).map_err(Setback::unusable)?;
        match message::read(text, self.id)? {
            Message::Answer(result) => reply::read(result, self.errand.settings),
            _ => Err(Setback::unusable("the reply is not an answer")),
        }
    }

    async fn read_events(&self, body: Incoming) -> Result<Reply, Setback> {
        let Session { wire, uri, headers, .. } = self.session;
        let stream = Stream { wire, uri, headers, id: self.id, deltas: &self.errand.call.deltas };
        let result = stream.answer(body).await?;
        reply::read(&result, self.errand.settings)
    }

    fn headers(&self) -> HeaderMap {
        let call = self.errand.call;
        let traceparent = call.traceparent.clone().or_else(chassis::trace::traceparent);
        let own = [
            ("traceparent", traceparent.as_deref()),
            ("x-request-id", Some(call.request_id.as_str())),
            ("idempotency-key", Some(call.charge_id.as_str())),
        ];
        let mut headers = self.session.headers.clone();
        for (name, value) in own {
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.errand.sent.load(Ordering::Acquire) {
            self.session.take_back(self.id);
        }
    }
}
