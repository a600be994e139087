//! Server-sent events: what happens in a session, for readers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::{Stream, stream};
use http::HeaderMap;

use crate::extract::{Caller, Chat, Query, header_text};
use crate::fanout::{Owner, Subscription};
use crate::frame::Frame;
use crate::front::Front;
use crate::identity::{Claims, Identity, Nameless};
use crate::message::{REFERENCE_RULE, is_reference};
use crate::problem::Problem;
use crate::resolve::session_of;
use crate::websocket::{Place, Sort};

const HEARTBEAT: Duration = Duration::from_secs(15);

/// A frame as an event of a stream.
pub(crate) fn of_frame(frame: &Frame) -> Event {
    let event = Event::default().event(&frame.kind).data(frame.text.as_str());
    match frame.id() {
        Some(id) => event.id(id),
        None => event,
    }
}

/// Comments that keep a silent stream open.
pub(crate) fn heartbeat() -> KeepAlive {
    KeepAlive::new().interval(HEARTBEAT).text("heartbeat")
}

/// What happens in a session, as server-sent events: the name is the type of a frame, the data the frame as on a socket, the
/// id `<requestId>:<seq>`. Shows a key or a ticket.
#[utoipa::path(get, path = "/sse", operation_id = "sse", tag = "streams",
    params(
        ("sessionId" = String, Query, description = "The session, by its id or a name of the client's own."),
        ("user_id" = Option<String>, Query, description = "The customer, when no header says it."),
        ("ticket" = Option<String>, Query, description = "A ticket instead of a key."),
        ("resumeFrom" = Option<String>, Query, description = "The id of the last event that was heard."),
        ("Last-Event-ID" = Option<String>, Header, description = "The same, as browsers send it.")),
    responses(
        (status = 200, description = "The events.", body = String, content_type = "text/event-stream"),
        (status = 404, description = "session_not_found")))]
pub(crate) async fn subscribe(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, Problem> {
    let name = name_of(&caller, query.take("sessionId"))?;
    let name = name.ok_or_else(|| Problem::invalid_field("sessionId", "is required"))?;
    let identity = identity_of(&caller)?;
    let resume = header_text(&headers, "last-event-id").map(str::to_owned);
    let resume = resume.or_else(|| query.take("resumeFrom"));
    let place = front.census.enter(&caller.principal, Sort::Stream)?;
    let subscription = listen(&front, &caller, (&identity, &name), resume.as_deref()).await?.0;
    let feed = Feed { subscription, front: front.clone(), begun: false, _place: place };
    Ok(Sse::new(feed.into_stream()).keep_alive(heartbeat()).into_response())
}

/// The session that a connection is for: that of its ticket, or the one that it names.
pub(crate) fn name_of(
    caller: &Caller<Chat>,
    named: Option<String>,
) -> Result<Option<String>, Problem> {
    if named.as_deref().is_some_and(|name| !is_reference(name)) {
        return Err(Problem::invalid_field("sessionId", REFERENCE_RULE));
    }
    let of_ticket = caller.ticket.as_ref().and_then(|ticket| ticket.session.clone());
    match (of_ticket, named) {
        (Some(own), Some(named)) if own != named => Err(Problem::new("forbidden")),
        (own, named) => Ok(own.or(named)),
    }
}

/// The user of a connection.
pub(crate) fn identity_of(caller: &Caller<Chat>) -> Result<Identity, Problem> {
    let identity = caller.acting(Claims::default(), Nameless::Key)?;
    Ok(caller.ticket.as_ref().map_or(identity, |ticket| ticket.identity()))
}

/// Listens to a session by its name, and says which one that is now. It listens before it asks, so that nothing is
/// missed in between.
pub(crate) async fn listen(
    front: &Front,
    caller: &Caller<Chat>,
    (identity, name): (&Identity, &str),
    resume: Option<&str>,
) -> Result<(Subscription, Option<String>), Problem> {
    let owner = Owner::new(&caller.principal.tenant, &identity.user_id);
    let mut subscription = front.fanout.subscribe(&owner, name, front.config.sockets.queue_frames);
    let session = session_of(front, &caller.context_of(identity), name).await?;
    if let Some(session) = &session {
        front.fanout.bind(&subscription, session);
        if let Some(id) = resume {
            front.fanout.resume(&mut subscription, session, id).await;
        }
    }
    Ok((subscription, session))
}

struct Feed {
    subscription: Subscription,
    front: Arc<Front>,
    begun: bool,
    _place: Place,
}

impl Feed {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        stream::unfold(Some(self), async |feed| {
            let mut feed = feed?;
            if !feed.begun {
                feed.begun = true;
                // Something has to be sent, or proxies hold the headers back.
                return Some((Ok(Event::default().comment("connected")), Some(feed)));
            }
            let slow = feed.subscription.slow();
            tokio::select! {
                biased;
                () = slow.cancelled() => None,
                frame = feed.subscription.next() => Some((Ok(of_frame(&*frame?)), Some(feed))),
                () = feed.front.drain.closing() => {
                    Some((Ok(of_frame(&Frame::bare("shutdown"))), None))
                }
            }
        })
    }
}
