//! Between the wire and the domain.

use proto::v1;

use crate::Error;
use crate::account::{Charge, Entry, Owner};
use crate::file::millionths;
use crate::ledger::{Book, Standing};
use crate::operation::{Reserve, Settle, Usage, Verdict};
use crate::policy::{Definition, Downgrade, KINDS, ONE, Policy, Scope};
use crate::pricing::Tokens;

/// The most scopes that one call may name.
const SCOPES_MAX: usize = 16;
/// The longest charge id, model, user or agent.
const NAME_CHARACTERS_MAX: usize = 256;
/// The most that one call may name, in micro-USD: a million dollars.
const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// The most tokens that one call may name.
const TOKENS_MAX: i64 = 1_000_000_000;

pub(crate) fn tenant(context: Option<&v1::Context>) -> String {
    let tenant = context.map(|context| context.tenant.clone()).filter(|tenant| !tenant.is_empty());
    tenant.unwrap_or_else(|| crate::TENANT.to_owned())
}

pub(crate) fn invalid(path: &str, message: impl Into<String>) -> Error {
    Error::Invalid(path.to_owned(), message.into())
}

/// A name that both engines can store.
fn name(path: &str, text: String) -> Result<String, Error> {
    if NAME_CHARACTERS_MAX < text.chars().count() || text.chars().any(char::is_control) {
        return Err(invalid(path, "needs at most 256 characters, and no control characters"));
    }
    Ok(text)
}

/// A name that is not empty.
fn some_name(path: &str, text: String) -> Result<String, Error> {
    if text.is_empty() {
        return Err(invalid(path, "is empty"));
    }
    name(path, text)
}

/// A count or an amount within its bound.
fn within(path: &str, value: Option<i64>, max: i64) -> Result<Option<i64>, Error> {
    match value {
        Some(value) if !(0..=max).contains(&value) => {
            Err(invalid(path, format!("{value} is not within 0 to {max}")))
        }
        value => Ok(value),
    }
}

pub(crate) fn charge(context: Option<&v1::Context>, id: String) -> Result<Charge, Error> {
    Ok(Charge { tenant: tenant(context), id: some_name("charge_id", id)? })
}

pub(crate) fn scope(scope: Option<v1::Scope>) -> Result<Scope, Error> {
    let v1::Scope { r#type: kind, key } = scope.ok_or_else(|| invalid("scope", "is missing"))?;
    if !KINDS.contains(&kind.as_str()) {
        let kinds = KINDS.join(", ");
        return Err(invalid("scope", format!("the type '{kind}' is none of {kinds}")));
    }
    Ok(Scope { kind, key: some_name("scope", key)? })
}

fn scopes(list: Vec<v1::Scope>) -> Result<Vec<Scope>, Error> {
    if !(1..=SCOPES_MAX).contains(&list.len()) {
        return Err(invalid("scopes", "needs 1 to 16 scopes"));
    }
    let mut scopes =
        list.into_iter().map(|item| scope(Some(item))).collect::<Result<Vec<_>, _>>()?;
    let mut seen = std::collections::BTreeSet::new();
    scopes.retain(|scope| seen.insert(scope.clone()));
    Ok(scopes)
}

pub(crate) fn reserve(request: v1::ReserveRequest, ttl_ms: i64) -> Result<Reserve, Error> {
    within("input_tokens", Some(request.input_tokens), TOKENS_MAX)?;
    let user_id =
        request.context.as_ref().map(|context| context.user_id.clone()).unwrap_or_default();
    Ok(Reserve {
        charge: charge(request.context.as_ref(), request.charge_id)?,
        scopes: scopes(request.scopes)?,
        model: name("model", request.model)?,
        input_tokens: request.input_tokens,
        max_output_tokens: within("max_output_tokens", request.max_output_tokens, TOKENS_MAX)?,
        per_call_micros: within("per_call_micros", request.per_call_micros, AMOUNT_MAX)?,
        estimate_micros: within("estimate_micros", request.estimate_micros, AMOUNT_MAX)?,
        tools: request.tools,
        ttl_ms,
        user_id: name("user_id", user_id)?,
        agent_id: name("agent_id", request.agent_id)?,
    })
}

fn usage(usage: v1::Usage) -> Result<Usage, Error> {
    let count =
        |tokens: Option<i64>| within("usage", tokens, TOKENS_MAX).map(Option::unwrap_or_default);
    Ok(Usage {
        model: name("usage.model", usage.model)?,
        provider: name("usage.provider", usage.provider)?,
        tokens: Tokens {
            input: count(Some(usage.input_tokens))?,
            output: count(Some(usage.output_tokens))?,
            cache_read: count(usage.cache_read_tokens)?,
            cache_write: count(usage.cache_write_tokens)?,
        },
        cost_micros: usage.cost_micros,
    })
}

pub(crate) fn settle(request: v1::SettleRequest) -> Result<Settle, Error> {
    let user_id =
        request.context.as_ref().map(|context| context.user_id.clone()).unwrap_or_default();
    Ok(Settle {
        charge: charge(request.context.as_ref(), request.charge_id)?,
        actual_micros: request.actual_micros,
        usage: request.usage.map(usage).transpose()?,
        estimated: request.estimated,
        unreserved: request.unreserved,
        scopes: if request.unreserved { scopes(request.scopes)? } else { Vec::new() },
        per_call_micros: within("per_call_micros", request.per_call_micros, AMOUNT_MAX)?,
        user_id: name("user_id", user_id)?,
        agent_id: name("agent_id", request.agent_id)?,
    })
}

pub(crate) fn wire_scope(scope: &Scope) -> v1::Scope {
    v1::Scope { r#type: scope.kind.clone(), key: scope.key.clone() }
}

/// The state of a scope with a definition; `held` is what the request adds to it.
fn state(standing: &Standing, held: i64, denies: bool) -> Option<v1::ScopeState> {
    let limit = standing.limit.as_ref()?;
    let remaining = (limit.cap_micros - standing.spent_micros - standing.reserved_micros).max(0);
    Some(v1::ScopeState {
        scope: Some(wire_scope(&standing.scope)),
        limit_micros: limit.limit_micros,
        spent_micros: standing.spent_micros,
        reserved_micros: standing.reserved_micros,
        remaining_micros: remaining,
        remaining_after_micros: (remaining - held).max(0),
        state: limit.state.clone().into_owned(),
        denies,
        reset_at_ms: standing.end_ms,
        period_id: standing.period_id.clone(),
    })
}

pub(crate) fn states(books: &[Book]) -> Vec<v1::ScopeState> {
    books.iter().filter_map(|book| state(&book.standing(), 0, false)).collect()
}

pub(crate) fn decision(verdict: Verdict) -> v1::Decision {
    let Verdict { ruling, scopes } = verdict;
    let denying = scopes.iter().zip(&ruling.denies).filter(|(_, denies)| **denies);
    v1::Decision {
        allowed: ruling.is_allowed(),
        reset_at_ms: denying.filter_map(|(standing, _)| standing.end_ms).max(),
        scopes: scopes
            .iter()
            .zip(&ruling.denies)
            .filter_map(|(standing, denies)| state(standing, ruling.reserved_micros, *denies))
            .collect(),
        action: ruling.action.into_owned(),
        model: ruling.model,
        disabled_tools: ruling.disabled_tools,
        reserved_micros: ruling.reserved_micros,
        estimate_micros: ruling.estimate_micros,
        warning: ruling.warning,
        reason: ruling.reason.into_owned(),
    }
}

pub(crate) fn definition(wire: v1::BudgetDefinition) -> Result<Definition, Error> {
    let policy = match wire.policy {
        None => Policy::default(),
        Some(policy) => Policy {
            soft_cap: millionths(policy.soft_cap),
            hard_cap: millionths(policy.hard_cap),
            notify_at: policy.notify_at.into_iter().map(millionths).collect(),
            auto_downgrade: policy
                .auto_downgrade
                .into_iter()
                .map(|r| Downgrade { from: r.from, to: r.to })
                .collect(),
            disable_tools: policy.disable_tools,
            strict_projection: policy.strict_projection,
        },
    };
    let period = if wire.period.is_empty() { "none".to_owned() } else { wire.period };
    if !crate::period::is_valid(&period) {
        return Err(invalid(
            "period",
            format!("'{period}' is neither a name nor a cron expression"),
        ));
    }
    let definition = Definition {
        scope: scope(wire.scope)?,
        limit_micros: wire.limit_micros,
        period,
        policy,
        version: 0,
    };
    match definition.violations().into_iter().next() {
        Some((path, message)) => Err(invalid(path, message)),
        None => Ok(definition),
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most a million")]
fn fraction(parts: i64) -> f64 {
    parts as f64 / ONE as f64
}

pub(crate) fn wire_definition(definition: &Definition) -> v1::BudgetDefinition {
    let policy = &definition.policy;
    let rules = policy.auto_downgrade.iter();
    v1::BudgetDefinition {
        scope: Some(wire_scope(&definition.scope)),
        limit_micros: definition.limit_micros,
        period: definition.period.clone(),
        policy: Some(v1::BudgetPolicy {
            soft_cap: fraction(policy.soft_cap),
            hard_cap: fraction(policy.hard_cap),
            notify_at: policy.notify_at.iter().copied().map(fraction).collect(),
            auto_downgrade: rules
                .map(|r| v1::DowngradeRule { from: r.from.clone(), to: r.to.clone() })
                .collect(),
            disable_tools: policy.disable_tools.clone(),
            strict_projection: policy.strict_projection,
        }),
        version: definition.version,
    }
}

/// A definition with the account of its key, if it names one.
pub(crate) fn view(definition: &Definition, book: Option<&Book>) -> v1::BudgetView {
    let account = book.map(|book| v1::BudgetAccount {
        period_id: book.period_id.clone(),
        spent_micros: book.spent_micros,
        reserved_micros: book.reserved_micros,
        remaining_micros: (definition.cap_micros() - book.spent_micros - book.reserved_micros)
            .max(0),
        state: definition.state(book.spent_micros).to_owned(),
    });
    v1::BudgetView { definition: Some(wire_definition(definition)), account }
}

pub(crate) fn owner(
    context: Option<&v1::Context>,
    wire: Option<v1::Scope>,
) -> Result<Owner, Error> {
    Ok(Owner { tenant: tenant(context), scope: scope(wire)? })
}

pub(crate) fn entry(entry: &Entry) -> v1::LedgerEntry {
    v1::LedgerEntry {
        charge_id: entry.charge.id.clone(),
        scope: Some(wire_scope(&entry.scope)),
        period_id: entry.period_id.clone(),
        amount_micros: entry.amount_micros,
        estimated: entry.estimated,
        model: entry.model.clone(),
        input_tokens: entry.input_tokens,
        output_tokens: entry.output_tokens,
        user_id: entry.user_id.clone(),
        agent_id: entry.agent_id.clone(),
        timestamp_ms: entry.timestamp_ms,
    }
}
