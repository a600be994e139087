//! `GET /spend`: what was spent, on what, and how fast.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use proto::v1::{ReportRequest, Scope};

use super::budgets::{Own, scope};
use super::ok;
use crate::extract::{Caller, Query, Read, call};
use crate::front::Front;
use crate::openapi::word;
use crate::problem::Problem;
use crate::time::Time;
use crate::view;

const GROUPS: [&str; 5] = ["day", "scope", "user", "agent", "model"];
const WINDOW_MINUTES_MAX: i64 = 525_600;
const HOURS_MAX: f64 = 87_600.0;

/// What was spent, on what, and how fast.
///
/// Reports the spend: of the whole tenant for an admin, one's own for others.
#[utoipa::path(get, path = "/spend", operation_id = "spend", tag = "budgets",
    params(
        ("from" = Option<Time>, Query, description = "From when."),
        ("to" = Option<Time>, Query, description = "Until when."),
        ("group_by" = Option<word::Group>, Query, description = "By what it is summed up; scope unless given."),
        ("scope_type" = Option<word::ScopeType>, Query, description = "The type of the only scope to look at."),
        ("scope_key" = Option<String>, Query, description = "The key of that scope."),
        ("window_minutes" = Option<i64>, Query, minimum = 1, maximum = 525_600, description = "Over how long the rate is taken; 5 unless given."),
        ("hours" = Option<f64>, Query, minimum = 0, maximum = 87_600, description = "How far to project; 1 unless given.")),
    responses((status = 200, description = "The spend.", body = view::Report)))]
pub(crate) async fn report(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
    mut query: Query,
) -> Result<Response, Problem> {
    let own = Own::of(&caller)?;
    let group = |text: &str| GROUPS.iter().find(|group| **group == text).map(|g| (*g).to_owned());
    let minutes = |text: &str| text.parse().ok().filter(|m| (1..=WINDOW_MINUTES_MAX).contains(m));
    let hours = |text: &str| text.parse().ok().filter(|h| (0.0..=HOURS_MAX).contains(h));
    let time = |text: &str| Time::parse(text).map(|time| time.0);
    let request = ReportRequest {
        from_ms: query.parsed("from", time)?,
        to_ms: query.parsed("to", time)?,
        scope: scope_of(&own, &mut query)?,
        group_by: query.parsed("group_by", group)?.unwrap_or_else(|| "scope".to_owned()),
        window_minutes: query.parsed("window_minutes", minutes)?.unwrap_or_default(),
        hours: query.parsed("hours", hours)?.unwrap_or_default(),
        context: Some(own.context),
    };
    let report = front.peers.budget().report(call(request)).await?.into_inner();
    Ok(ok(&view::Report::of(report)))
}

fn scope_of(own: &Own, query: &mut Query) -> Result<Option<Scope>, Problem> {
    let asked = match (query.take("scope_type"), query.take("scope_key")) {
        (Some(r#type), Some(key)) => {
            let fault = |(path, message)| Problem::invalid_field(&format!("scope_{path}"), message);
            Some(scope(&r#type, &key).map_err(fault)?)
        }
        (None, None) => None,
        _ => return Err(Problem::invalid_field("scope_key", "goes together with scope_type")),
    };
    if own.is_admin {
        return Ok(asked);
    }
    let mine = Scope { r#type: "user".to_owned(), key: own.context.user_id.clone() };
    match asked {
        Some(asked) if asked != mine => Err(Problem::new("forbidden")),
        _ => Ok(Some(mine)),
    }
}
