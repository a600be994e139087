//! `POST /budgets/check`: what a call would be told, without effect.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use proto::v1::{ReserveRequest, Scope};

use super::{Own, scope};
use crate::extract::{Caller, Json, Read, call};
use crate::fields::Fields;
use crate::front::Front;
use crate::openapi::body::BudgetCheck;
use crate::problem::Problem;
use crate::routes::ok;
use crate::view;

const SCOPES_MAX: usize = 10;
const TOOLS_MAX: usize = 100;
const MODEL_CHARACTERS_MAX: usize = 256;

/// Says what a call would be told, without effect.
#[utoipa::path(post, path = "/budgets/check", operation_id = "check_budget", tag = "budgets",
    request_body = BudgetCheck,
    responses((status = 200, description = "What it would be told.", body = view::Decision)))]
pub(crate) async fn check(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
    Json(body): Json,
) -> Result<Response, Problem> {
    let own = Own::of(&caller)?;
    let mut request = read(&body)?;
    for scope in &request.scopes {
        own.require(scope)?;
    }
    request.charge_id = format!("check/{}", caller.request_id);
    request.context = Some(own.context);
    let decision = front.peers.budget().check(call(request)).await?.into_inner();
    Ok(ok(&view::Decision::of(decision)))
}

fn read(body: &[u8]) -> Result<ReserveRequest, Problem> {
    let mut fields = Fields::parse(body)?;
    let mut scopes = Vec::new();
    for element in fields.elements("scopes", SCOPES_MAX) {
        match scope_of(element.get()) {
            Some(scope) => scopes.push(scope),
            None => fields.reject("scopes", "has one that is neither \"type:key\" nor {type, key}"),
        }
    }
    if scopes.is_empty() {
        fields.reject("scopes", "names no scope");
    }
    let request = ReserveRequest {
        scopes,
        model: fields.text_up_to("model", MODEL_CHARACTERS_MAX).unwrap_or_default(),
        input_tokens: fields.count("input_tokens").unwrap_or_default(),
        max_output_tokens: fields.count("max_output_tokens"),
        per_call_micros: fields.usd("per_call_usd"),
        estimate_micros: fields.usd("estimate_usd"),
        tools: fields.texts("tools", TOOLS_MAX),
        ..ReserveRequest::default()
    };
    fields.finish(request)
}

fn scope_of(json: &str) -> Option<Scope> {
    if let Ok(text) = serde_json::from_str::<String>(json) {
        let (r#type, key) = text.split_once(':')?;
        return scope(r#type, key).ok();
    }
    let mut fields = Fields::parse(json.as_bytes()).ok()?;
    scope(&fields.text("type")?, &fields.text("key")?).ok()
}
