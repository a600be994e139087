//! Tickets for pages that cannot set headers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::json;
use crate::extract::{Caller, Chat, OptionalJson};
use crate::fields::Fields;
use crate::front::Front;
use crate::identity::{Claims, Nameless};
use crate::message::{REFERENCE_RULE, is_reference};
use crate::openapi::body::TicketRequest;
use crate::problem::Problem;
use crate::tickets::{LIFE_S, Ticket};

/// A ticket.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(crate) struct Issued {
    /// What to show in the query.
    ticket: String,
    expires_in_s: i64,
}

/// Gives out a ticket that opens one socket or stream, for pages that cannot set headers.
#[utoipa::path(post, path = "/tickets", operation_id = "issue_ticket", tag = "streams",
    request_body = Option<TicketRequest>,
    responses((status = 201, description = "The ticket.", body = Issued)))]
pub(crate) async fn issue(
    State(front): State<Arc<Front>>,
    caller: Caller<Chat>,
    OptionalJson(body): OptionalJson,
) -> Result<Response, Problem> {
    let mut fields = Fields::parse(&body)?;
    let session = fields.text("sessionId");
    if session.as_deref().is_some_and(|name| !is_reference(name)) {
        fields.reject("sessionId", REFERENCE_RULE);
    }
    let user = fields.text("user_id");
    let (session, user) = fields.finish((session, user))?;
    let identity = caller.acting(Claims::of_user(user), Nameless::Key)?;
    let ticket = front.tickets.issue(Ticket::new(&caller.principal, &identity, session)).await;
    Ok(json(StatusCode::CREATED, &Issued { ticket, expires_in_s: LIFE_S }))
}
