//! What a batch writes, as rows of the tables.

use serde::Serialize;

use super::Head;
use super::names::{charge_name, scope_name};
use crate::account::{Charge, Entry, Owner};
use crate::event::Event;
use crate::fold::{Changes, Sheet};
use crate::policy::Definition;

#[derive(Debug, Serialize)]
pub(super) struct AccountRow {
    pub scope: String,
    pub period_id: String,
    pub spent_micros: i64,
    pub reserved_micros: i64,
    pub told: String,
    pub state: String,
}

/// A charge: all of it when it is new, its body left out when it has ended.
#[derive(Debug, Serialize)]
pub(super) struct ChargeRow {
    pub charge: String,
    pub state: &'static str,
    pub expires_ms: i64,
    pub actual_micros: i64,
    pub estimated: i64,
    pub body: String,
}

#[derive(Debug, Serialize)]
pub(super) struct EntryRow {
    pub charge: String,
    pub scope: String,
    pub tenant: String,
    pub charge_id: String,
    pub scope_type: String,
    pub scope_key: String,
    pub period_id: String,
    pub amount_micros: i64,
    pub estimated: i64,
    pub model: String,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub user_id: String,
    pub agent_id: String,
    pub timestamp_ms: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct EventRow {
    pub id: i64,
    pub kind: &'static str,
    pub tenant: String,
    pub scope_type: String,
    pub scope_key: String,
    pub period_id: String,
    pub payload: String,
    pub timestamp_ms: i64,
}

/// A definition; without a limit it is removed.
#[derive(Debug, Serialize)]
pub(super) struct DefinitionRow {
    pub tenant: String,
    pub scope_type: String,
    pub scope_key: String,
    pub limit_micros: Option<i64>,
    pub period: String,
    pub policy: String,
    pub version: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct ResetRow {
    pub scope: String,
    pub resets: i64,
}

/// Everything that a batch writes.
#[derive(Debug)]
pub(super) struct Rows {
    pub accounts: Vec<AccountRow>,
    pub made: Vec<ChargeRow>,
    pub ended: Vec<ChargeRow>,
    pub entries: Vec<EntryRow>,
    pub events: Vec<EventRow>,
    pub definitions: Vec<DefinitionRow>,
    pub resets: Vec<ResetRow>,
}

impl Rows {
    /// The rows of what a sheet has changed since the head was so.
    pub(super) fn of(sheet: &Sheet, head: Head) -> serde_json::Result<Self> {
        let Changes { made, ended, moved, entries, events, resets, definitions } = &sheet.changes;
        let reset =
            |owner: &Owner| ResetRow { scope: scope_name(owner), resets: sheet.resets[owner] };
        Ok(Self {
            accounts: moved.iter().map(|key| account(sheet, key)).collect::<Result<_, _>>()?,
            made: made.iter().map(|of| charge(sheet, of, true)).collect::<Result<_, _>>()?,
            ended: ended.iter().map(|of| charge(sheet, of, false)).collect::<Result<_, _>>()?,
            entries: entries.iter().map(entry).collect(),
            events: (head.events + 1..).zip(events).map(event).collect(),
            definitions: definitions
                .iter()
                .map(|(owner, stored)| definition(owner, stored.as_deref()))
                .collect::<Result<_, _>>()?,
            resets: resets.iter().map(reset).collect(),
        })
    }
}

fn account(sheet: &Sheet, key: &(Owner, String)) -> serde_json::Result<AccountRow> {
    let account = &sheet.accounts[key];
    Ok(AccountRow {
        scope: scope_name(&key.0),
        period_id: key.1.clone(),
        spent_micros: account.spent_micros,
        reserved_micros: account.reserved_micros,
        told: serde_json::to_string(&account.told)?,
        state: account.state.clone(),
    })
}

fn charge(sheet: &Sheet, charge: &Charge, with_body: bool) -> serde_json::Result<ChargeRow> {
    let held = &sheet.reservations[charge];
    Ok(ChargeRow {
        charge: charge_name(charge),
        state: held.state.name(),
        expires_ms: held.expires_ms,
        actual_micros: held.actual_micros,
        estimated: i64::from(held.estimated),
        body: if with_body { serde_json::to_string(held)? } else { String::new() },
    })
}

fn entry(entry: &Entry) -> EntryRow {
    let owner = Owner { tenant: entry.charge.tenant.clone(), scope: entry.scope.clone() };
    EntryRow {
        charge: charge_name(&entry.charge),
        scope: scope_name(&owner),
        tenant: owner.tenant,
        charge_id: entry.charge.id.clone(),
        scope_type: owner.scope.kind,
        scope_key: owner.scope.key,
        period_id: entry.period_id.clone(),
        amount_micros: entry.amount_micros,
        estimated: i64::from(entry.estimated),
        model: entry.model.clone(),
        input_tokens: entry.input_tokens,
        output_tokens: entry.output_tokens,
        user_id: entry.user_id.clone(),
        agent_id: entry.agent_id.clone(),
        timestamp_ms: entry.timestamp_ms,
    }
}

fn event((id, event): (i64, &Event)) -> EventRow {
    EventRow {
        id,
        kind: event.kind,
        tenant: event.owner.tenant.clone(),
        scope_type: event.owner.scope.kind.clone(),
        scope_key: event.owner.scope.key.clone(),
        period_id: event.period_id.clone(),
        payload: event.payload.clone(),
        timestamp_ms: event.timestamp_ms,
    }
}

fn definition(owner: &Owner, stored: Option<&Definition>) -> serde_json::Result<DefinitionRow> {
    let policy = stored.map(|stored| serde_json::to_string(&stored.policy)).transpose()?;
    Ok(DefinitionRow {
        tenant: owner.tenant.clone(),
        scope_type: owner.scope.kind.clone(),
        scope_key: owner.scope.key.clone(),
        limit_micros: stored.map(|stored| stored.limit_micros),
        period: stored.map(|stored| stored.period.clone()).unwrap_or_default(),
        policy: policy.unwrap_or_default(),
        version: stored.map_or(0, |stored| stored.version),
    })
}
