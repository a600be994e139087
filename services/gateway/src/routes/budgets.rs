//! Budgets: definitions, balances, and what a call would be told.

pub(crate) mod check;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use proto::v1::{
    BudgetDefinition, BudgetPolicy, DeleteBudgetRequest, DowngradeRule, GetBudgetRequest,
    ListBudgetsRequest, PutBudgetRequest, ResetBudgetRequest, Scope,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{json, ok};
use crate::auth;
use crate::extract::{Admin, Caller, Json, Path, Read, call, header_text};
use crate::fields::Fields;
use crate::front::Front;
use crate::money::Usd;
use crate::openapi::{body, word};
use crate::problem::Problem;
use crate::view;

const TYPES: [&str; 5] = ["org", "user", "session", "agent", "task"];
const KEY_CHARACTERS_MAX: usize = 256;
const PERIOD_CHARACTERS_MAX: usize = 256;
const RULES_MAX: usize = 50;
const SOFT_CAP: f64 = 0.8;
const HARD_CAP: f64 = 1.0;

/// Every budget that the caller may see.
#[derive(Serialize, ToSchema)]
#[schema(as = BudgetList)]
pub(crate) struct List {
    budgets: Vec<view::Budget>,
}

/// A period that was begun anew.
#[derive(Serialize, ToSchema)]
#[schema(as = BudgetReset)]
pub(crate) struct Reset {
    period_id: String,
    previous_spent_usd: Usd,
}

/// The budgets: all of the tenant for an admin, one's own for others.
#[utoipa::path(get, path = "/budgets", operation_id = "list_budgets", tag = "budgets",
    responses((status = 200, description = "The budgets.", body = List)))]
pub(crate) async fn list(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
) -> Result<Response, Problem> {
    let own = Own::of(&caller)?;
    let context = Some(own.context.clone());
    let list = front.peers.budget().list_budgets(call(ListBudgetsRequest { context })).await?;
    let visible = list.into_inner().budgets.into_iter().filter(|budget| {
        budget
            .definition
            .as_ref()
            .and_then(|definition| definition.scope.as_ref())
            .is_some_and(|s| own.may_see(s))
    });
    Ok(ok(&List { budgets: visible.filter_map(view::Budget::of).collect() }))
}

/// One budget, with its account when the key is exact.
#[utoipa::path(get, path = "/budgets/{type}/{key}", operation_id = "get_budget", tag = "budgets",
    params(
        ("type" = word::ScopeType, Path, description = "The type of the scope."),
        ("key" = String, Path, description = "The key of the scope; * is every key of the type.")),
    responses((status = 200, description = "The budget.", body = view::Budget), (status = 404, description = "budget_not_found")))]
pub(crate) async fn get(
    State(front): State<Arc<Front>>,
    caller: Caller<Read>,
    path: Path,
) -> Result<Response, Problem> {
    let scope = scope_of(path)?;
    let own = Own::of(&caller)?;
    own.require(&scope)?;
    let request = GetBudgetRequest { context: Some(own.context), scope: Some(scope) };
    let budget = front.peers.budget().get_budget(call(request)).await?.into_inner();
    Ok(ok(&view::Budget::of(budget).ok_or_else(|| Problem::new("budget_not_found"))?))
}

/// Sets a budget. It counts from the next call on.
#[utoipa::path(put, path = "/budgets/{type}/{key}", operation_id = "put_budget", tag = "budgets",
    params(
        ("type" = word::ScopeType, Path, description = "The type of the scope."),
        ("key" = String, Path, description = "The key of the scope; * is every key of the type."),
        ("If-None-Match" = Option<String>, Header, description = "With * it is only made, never changed.")),
    request_body = body::BudgetDefinition,
    responses(
        (status = 200, description = "It was changed.", body = view::Budget),
        (status = 201, description = "It was made.", body = view::Budget),
        (status = 409, description = "budget_exists or version_conflict")))]
pub(crate) async fn put(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
    headers: HeaderMap,
    Json(body): Json,
) -> Result<Response, Problem> {
    let definition = definition(scope_of(path)?, &body)?;
    let create_only = header_text(&headers, "if-none-match") == Some("*");
    let context = Some(caller.context_at_large()?.0);
    let request = PutBudgetRequest { context, definition: Some(definition), create_only };
    let put = front.peers.budget().put_budget(call(request)).await?.into_inner();
    let status = if put.created { StatusCode::CREATED } else { StatusCode::OK };
    let budget = put.budget.and_then(view::Budget::of).ok_or_else(|| Problem::new("internal"))?;
    Ok(json(status, &budget))
}

/// Removes a budget. What was spent stays on record.
#[utoipa::path(delete, path = "/budgets/{type}/{key}", operation_id = "delete_budget", tag = "budgets",
    params(
        ("type" = word::ScopeType, Path, description = "The type of the scope."),
        ("key" = String, Path, description = "The key of the scope; * is every key of the type.")),
    responses((status = 204, description = "It is gone."), (status = 404, description = "budget_not_found")))]
pub(crate) async fn delete(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let request = DeleteBudgetRequest { context, scope: Some(scope_of(path)?) };
    front.peers.budget().delete_budget(call(request)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Begins a new period now.
#[utoipa::path(post, path = "/budgets/{type}/{key}/reset", operation_id = "reset_budget", tag = "budgets",
    params(
        ("type" = word::ScopeType, Path, description = "The type of the scope."),
        ("key" = String, Path, description = "The key of the scope; * is every key of the type.")),
    responses((status = 200, description = "It was begun.", body = Reset), (status = 404, description = "budget_not_found")))]
pub(crate) async fn reset(
    State(front): State<Arc<Front>>,
    caller: Caller<Admin>,
    path: Path,
) -> Result<Response, Problem> {
    let context = Some(caller.context_at_large()?.0);
    let request = ResetBudgetRequest { context, scope: Some(scope_of(path)?) };
    let reset = front.peers.budget().reset_budget(call(request)).await?.into_inner();
    let previous_spent_usd = Usd(reset.previous_spent_micros);
    Ok(ok(&Reset { period_id: reset.period_id, previous_spent_usd }))
}

/// What a caller may see of the money.
pub(super) struct Own {
    pub(super) context: proto::v1::Context,
    pub(super) is_admin: bool,
}

impl Own {
    pub(super) fn of(caller: &Caller<Read>) -> Result<Self, Problem> {
        let is_admin = caller.principal.may(auth::Scope::Admin);
        let context = if is_admin { caller.context_at_large()?.0 } else { caller.context()? };
        Ok(Self { context, is_admin })
    }

    /// Own is what is set for oneself, and for every user alike.
    fn may_see(&self, scope: &Scope) -> bool {
        let is_own = scope.key == "*" || scope.key == self.context.user_id;
        self.is_admin || (scope.r#type == "user" && is_own)
    }

    pub(super) fn require(&self, scope: &Scope) -> Result<(), Problem> {
        if self.may_see(scope) { Ok(()) } else { Err(Problem::new("forbidden")) }
    }
}

fn scope_of(path: Path) -> Result<Scope, Problem> {
    let (r#type, key) = path.two();
    scope(&r#type, &key).map_err(|(path, message)| Problem::invalid_field(path, message))
}

/// A scope, or which part of it is wrong.
pub(super) fn scope(r#type: &str, key: &str) -> Result<Scope, (&'static str, String)> {
    if !TYPES.contains(&r#type) {
        return Err(("type", format!("is none of {}", TYPES.join(", "))));
    }
    let count = key.chars().count();
    if !(1..=KEY_CHARACTERS_MAX).contains(&count) || key.chars().any(char::is_control) {
        return Err(("key", format!("has 1 to {KEY_CHARACTERS_MAX} characters")));
    }
    Ok(Scope { r#type: r#type.to_owned(), key: key.to_owned() })
}

fn definition(scope: Scope, body: &[u8]) -> Result<BudgetDefinition, Problem> {
    let mut fields = Fields::parse(body)?;
    let named = fields.text("scope");
    if named.is_some_and(|named| named != format!("{}:{}", scope.r#type, scope.key)) {
        fields.reject("scope", "is not the one of the path");
    }
    let limit_micros = fields.usd("limit_usd");
    if !fields.has("limit_usd") {
        fields.reject("limit_usd", "is required");
    } else if limit_micros == Some(0) {
        fields.reject("limit_usd", "is not above 0");
    }
    let period = fields.text_up_to("period", PERIOD_CHARACTERS_MAX);
    let policy = match fields.object("policy", "policy.") {
        Some(mut inner) => {
            let policy = policy(&mut inner);
            fields.absorb(inner);
            policy
        }
        None => BudgetPolicy { soft_cap: SOFT_CAP, hard_cap: HARD_CAP, ..BudgetPolicy::default() },
    };
    fields.finish(BudgetDefinition {
        scope: Some(scope),
        limit_micros: limit_micros.unwrap_or_default(),
        period: period.unwrap_or_else(|| "none".to_owned()),
        policy: Some(policy),
        version: 0,
    })
}

fn policy(fields: &mut Fields<'_>) -> BudgetPolicy {
    let soft_cap = fields.share("soft_cap").unwrap_or(SOFT_CAP);
    let hard_cap = fields.share("hard_cap").unwrap_or(HARD_CAP);
    if hard_cap < soft_cap {
        fields.reject("soft_cap", "is above hard_cap");
    }
    let mut auto_downgrade = Vec::new();
    for element in fields.elements("auto_downgrade", RULES_MAX) {
        match rule(element.get().as_bytes()) {
            Some(rule) => auto_downgrade.push(rule),
            None => fields.reject("auto_downgrade", "has a rule that is not {from: [..], to: ..}"),
        }
    }
    BudgetPolicy {
        soft_cap,
        hard_cap,
        notify_at: fields.shares("notify_at"),
        auto_downgrade,
        disable_tools: fields.texts("disable_tools", RULES_MAX),
        strict_projection: fields.flag("strict_projection").unwrap_or_default(),
    }
}

fn rule(text: &[u8]) -> Option<DowngradeRule> {
    let mut fields = Fields::parse(text).ok()?;
    let (from, to) = (fields.texts("from", RULES_MAX), fields.text_up_to("to", KEY_CHARACTERS_MAX));
    let rule = DowngradeRule { from, to: to? };
    fields.finish(rule).ok().filter(|rule| !rule.from.is_empty())
}
