//! Between the wire and the domain.

use proto::v1;

use crate::Error;
use crate::account::{Charge, Entry, Owner};
use crate::file::millionths;
use crate::ledger::Book;
use crate::operation::{Reserve, Settle, Usage, Verdict};
use crate::policy::{Definition, Downgrade, KINDS, ONE, Policy, Scope};
use crate::pricing::Tokens;

/// The most scopes that one call may name.
const SCOPES_MAX: usize = 16;
/// The longest charge id.
const CHARGE_CHARACTERS_MAX: usize = 256;

pub(crate) fn tenant(context: Option<&v1::Context>) -> String {
    let tenant = context.map(|context| context.tenant.clone()).filter(|tenant| !tenant.is_empty());
    tenant.unwrap_or_else(|| crate::TENANT.to_owned())
}

pub(crate) fn invalid(path: &str, message: impl Into<String>) -> Error {
    Error::Invalid(path.to_owned(), message.into())
}

pub(crate) fn charge(context: Option<&v1::Context>, id: String) -> Result<Charge, Error> {
    if !(1..=CHARGE_CHARACTERS_MAX).contains(&id.chars().count()) {
        return Err(invalid("charge_id", "needs 1 to 256 characters"));
    }
    Ok(Charge { tenant: tenant(context), id })
}

pub(crate) fn scope(scope: Option<v1::Scope>) -> Result<Scope, Error> {
    let v1::Scope { r#type: kind, key } = scope.ok_or_else(|| invalid("scope", "is missing"))?;
    if !KINDS.contains(&kind.as_str()) {
        return Err(invalid("scope", format!("the type '{kind}' is none of {}", KINDS.join(", "))));
    }
    if !(1..=256).contains(&key.chars().count()) {
        return Err(invalid("scope", "the key needs 1 to 256 characters"));
    }
    Ok(Scope { kind, key })
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
    let amounts = [request.estimate_micros, request.per_call_micros, request.max_output_tokens];
    if request.input_tokens < 0 || amounts.into_iter().flatten().any(|amount| amount < 0) {
        return Err(invalid("estimate_micros", "amounts and token counts are not negative"));
    }
    Ok(Reserve {
        charge: charge(request.context.as_ref(), request.charge_id)?,
        scopes: scopes(request.scopes)?,
        model: request.model,
        input_tokens: request.input_tokens,
        max_output_tokens: request.max_output_tokens,
        per_call_micros: request.per_call_micros,
        estimate_micros: request.estimate_micros,
        tools: request.tools,
        ttl_ms,
        user_id: request.context.map(|context| context.user_id).unwrap_or_default(),
        agent_id: request.agent_id,
    })
}

pub(crate) fn settle(request: v1::SettleRequest) -> Result<Settle, Error> {
    let usage = |usage: v1::Usage| Usage {
        model: usage.model,
        provider: usage.provider,
        tokens: Tokens {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_read: usage.cache_read_tokens.unwrap_or_default(),
            cache_write: usage.cache_write_tokens.unwrap_or_default(),
        },
        cost_micros: usage.cost_micros,
    };
    let usage = request.usage.map(usage);
    let tokens = usage.as_ref().map(|usage| usage.tokens).unwrap_or_default();
    if [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write]
        .iter()
        .any(|count| *count < 0)
    {
        return Err(invalid("usage", "token counts are not negative"));
    }
    Ok(Settle {
        charge: charge(request.context.as_ref(), request.charge_id)?,
        actual_micros: request.actual_micros,
        usage,
        estimated: request.estimated,
        unreserved: request.unreserved,
        scopes: if request.unreserved { scopes(request.scopes)? } else { Vec::new() },
        per_call_micros: request.per_call_micros,
        user_id: request.context.map(|context| context.user_id).unwrap_or_default(),
        agent_id: request.agent_id,
    })
}

pub(crate) fn wire_scope(scope: &Scope) -> v1::Scope {
    v1::Scope { r#type: scope.kind.clone(), key: scope.key.clone() }
}

/// The state of a scope with a definition; `held` is what the request adds to it.
fn state(book: &Book, held: i64, denies: bool) -> Option<v1::ScopeState> {
    let definition = book.definition.as_ref()?;
    let remaining = book.remaining_micros()?;
    Some(v1::ScopeState {
        scope: Some(wire_scope(&book.scope)),
        limit_micros: definition.limit_micros,
        spent_micros: book.spent_micros,
        reserved_micros: book.reserved_micros,
        remaining_micros: remaining,
        remaining_after_micros: (remaining - held).max(0),
        state: definition.state(book.spent_micros).to_owned(),
        denies,
        reset_at_ms: book.end_ms,
        period_id: book.period_id.clone(),
    })
}

pub(crate) fn states(books: &[Book]) -> Vec<v1::ScopeState> {
    books.iter().filter_map(|book| state(book, 0, false)).collect()
}

pub(crate) fn decision(verdict: Verdict) -> v1::Decision {
    let Verdict { ruling, scopes } = verdict;
    let denying = scopes.iter().zip(&ruling.denies).filter(|(_, denies)| **denies);
    v1::Decision {
        allowed: ruling.is_allowed(),
        reset_at_ms: denying.filter_map(|(book, _)| book.end_ms).max(),
        scopes: scopes
            .iter()
            .zip(&ruling.denies)
            .filter_map(|(book, denies)| state(book, ruling.reserved_micros, *denies))
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

/// A definition with the account of its key, if it names one.
pub(crate) fn view(definition: &Definition, book: Option<&Book>) -> v1::BudgetView {
    let policy = &definition.policy;
    let rules = policy.auto_downgrade.iter();
    let account = book.map(|book| v1::BudgetAccount {
        period_id: book.period_id.clone(),
        spent_micros: book.spent_micros,
        reserved_micros: book.reserved_micros,
        remaining_micros: (definition.cap_micros() - book.spent_micros - book.reserved_micros)
            .max(0),
        state: definition.state(book.spent_micros).to_owned(),
    });
    v1::BudgetView {
        definition: Some(v1::BudgetDefinition {
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
        }),
        account,
    }
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
