//! Offers over A2A: one POST to the agent's endpoint.

use chassis::clock;
use chassis::wire::{Outgoing, Sent, Wire};
use http::{HeaderMap, HeaderValue, Uri};
use proto::v1::Agent;
use serde::Serialize;
use serde_json::value::RawValue;

use super::failure::{Failure, persist};
use super::{Class, Outcome, Refusal, answer};
use crate::letter::{Letter, time};

/// Speaks A2A.
pub(super) struct A2a {
    wire: Wire,
    bytes_max: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    payload: &'a RawValue,
    source_agent: &'a str,
    require_explicit_acceptance: bool,
    timestamp: String,
}

impl A2a {
    /// Over these connections, and never more bytes than these in an offer.
    pub(super) fn new(wire: Wire, bytes_max: usize) -> Self {
        Self { wire, bytes_max }
    }

    pub(super) async fn offer(&self, agent: &Agent, letter: &Letter<'_>) -> Outcome {
        match self.post(agent, letter).await {
            Ok(body) => match serde_json::from_slice(&body).ok().and_then(answer::read) {
                Some(reply) => Outcome::Answered(reply),
                None => Outcome::Failed(Refusal::new(Class::Unknown, "the answer is not one")),
            },
            Err(failure) => Outcome::Failed(failure.refusal()),
        }
    }

    async fn post(&self, agent: &Agent, letter: &Letter<'_>) -> Result<bytes::Bytes, Failure> {
        let url = format!("{}/handoffs", agent.a2a_endpoint.trim_end_matches('/'));
        let url: Uri = url.parse().map_err(http::Error::from)?;
        let payload = letter.payload()?;
        let envelope = Envelope {
            payload: &payload,
            source_agent: letter.from_agent,
            require_explicit_acceptance: letter.must_accept,
            timestamp: time(clock::now_ms()),
        };
        let body = bytes::Bytes::from(serde_json::to_vec(&envelope)?);
        if self.bytes_max < body.len() {
            return Err(Failure::TooLarge(body.len()));
        }
        let mut headers = HeaderMap::new();
        let key = HeaderValue::from_str(letter.handoff_id).map_err(http::Error::from)?;
        headers.insert("idempotency-key", key);
        let (url, body, headers) = (&url, &body, &headers);
        persist(|| async move {
            let body = Outgoing::new(body.clone(), Sent::default());
            let response = self.wire.post(url, headers.clone(), body).await?;
            Ok(self.wire.whole(response.into_body()).await?)
        })
        .await
    }
}
