//! WebSocket: a conversation over one connection.

mod census;
mod end;
mod inbound;
mod socket;
mod voice;

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use http::request::Parts;
use uuid::Uuid;

pub(crate) use self::census::{Census, Place, Sort};
use self::socket::Socket;
use crate::auth::PROTOCOL;
use crate::extract::{Caller, Chat, Query, header_text};
use crate::front::Front;
use crate::middleware::cors;
use crate::problem::Problem;
use crate::sse::{identity_of, listen, name_of};

/// The longest frame that is understood.
const FRAME_BYTES_MAX: usize = 64 << 10;
/// The longest that is read, so that a frame somewhat too long still gets its close code.
const READ_BYTES_MAX: usize = 4 << 20;
/// Idle sockets are many; their buffers grow when there is something in them.
const BUFFER_BYTES: usize = 4 << 10;

/// An upgrade, refused when it is none or comes from a foreign page.
pub(crate) struct Upgrade(WebSocketUpgrade);

impl FromRequestParts<Arc<Front>> for Upgrade {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Arc<Front>) -> Result<Self, Problem> {
        if !cors::may_connect(&front.config.origins, &parts.headers) {
            return Err(Problem::new("cors_rejected"));
        }
        let upgrade = WebSocketUpgrade::from_request_parts(parts, front).await;
        let path = parts.uri.path();
        upgrade.map(Self).map_err(|_| match header_text(&parts.headers, "upgrade") {
            Some(_) => Problem::invalid_field("Upgrade", "is not a WebSocket upgrade"),
            None => Problem::no_path(path),
        })
    }
}

/// Opens a socket: messages of the customer in, what happens in the session out. Shows a key in a header, in the
/// subprotocol `key.<base64url>` or in the query, or a ticket.
#[utoipa::path(get, path = "/ws", operation_id = "websocket", tag = "streams",
    params(
        ("sessionId" = Option<String>, Query, description = "The session, by its id or a name of the client's own."),
        ("user_id" = Option<String>, Query, description = "The customer, when no header says it."),
        ("ticket" = Option<String>, Query, description = "A ticket instead of a key."),
        ("api_key" = Option<String>, Query, description = "The key, for old clients."),
        ("resumeFrom" = Option<String>, Query, description = "The id of the last event that was heard.")),
    responses(
        (status = 101, description = "The socket is open."),
        (status = 404, description = "session_not_found, or not an upgrade")))]
pub(crate) async fn connect(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    mut query: Query,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Problem> {
    let identity = identity_of(&caller)?;
    let named = name_of(&caller, query.take("sessionId"))?;
    let place = front.census.enter(&caller.principal, Sort::Socket)?;
    let name = named.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    let resume = query.take("resumeFrom");
    let (subscription, session) = match named {
        Some(name) => listen(&front, &caller, (&identity, &name), resume.as_deref()).await?,
        // Nobody else knows the name, so there is no session to look for.
        None => {
            let owner = crate::fanout::Owner::new(&caller.principal.tenant, &identity.user_id);
            (front.fanout.subscribe(&owner, &name, front.config.sockets.queue_frames), None)
        }
    };
    let socket = Socket::new(front.clone(), caller, identity, subscription);
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_frame_size(READ_BYTES_MAX)
        .max_message_size(READ_BYTES_MAX);
    Ok(upgrade.on_upgrade(async move |stream| {
        let drain = front.drain.clone();
        drain.spawn_socket(async move {
            socket.serve(stream, &name, session.as_deref()).await;
            drop(place);
        });
    }))
}
