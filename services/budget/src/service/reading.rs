//! What the ledger says when it is asked.

use chassis::{clock, tokens};
use proto::v1;

use super::Service;
use crate::Error;
use crate::account::Entry;
use crate::analytics::{Group, Pace, Row};
use crate::convert::{self, invalid};
use crate::store::{Filter, Place, Spend};

const MINUTE_MS: i64 = 60_000;
const PAGE: i64 = 100;
const PAGE_MAX: i64 = 1_000;

/// The place that a cursor of ours names; an empty one names none.
pub(super) fn place(cursor: &str) -> Result<Option<Place>, Error> {
    if cursor.is_empty() {
        return Ok(None);
    }
    Place::read(cursor).map(Some).ok_or_else(|| invalid("cursor", "is none that was given out"))
}

/// The cursor of what comes after an entry.
pub(super) fn cursor_of(entry: &Entry) -> String {
    Place::of(entry).write()
}

/// How long a page is that was asked for.
pub(super) fn page_of(asked: i64, usual: i64) -> i64 {
    if asked <= 0 { usual } else { asked.min(PAGE_MAX) }
}

impl Service {
    pub(super) async fn reported(
        &self,
        request: v1::ReportRequest,
    ) -> Result<v1::ReportResponse, Error> {
        let name = if request.group_by.is_empty() { "day" } else { &request.group_by };
        let group = Group::of(name)
            .ok_or_else(|| invalid("group_by", "is none of day, scope, user, agent, model"))?;
        let minutes = if request.window_minutes <= 0 { 5 } else { request.window_minutes };
        let hours = if request.hours <= 0.0 { 1.0 } else { request.hours };
        let scope = request.scope.unwrap_or_default();
        let filter = Filter {
            tenant: convert::tenant(request.context.as_ref()),
            kind: scope.r#type,
            key: scope.key,
            from_ms: request.from_ms,
            to_ms: request.to_ms,
            ..Filter::default()
        };
        let since_ms = clock::now_ms().saturating_sub(minutes.saturating_mul(MINUTE_MS));
        let spent = self.store.spend(&Spend { filter, group, since_ms }).await?;
        let rate = |pace: Pace| {
            let rate = pace.rate(minutes, hours);
            v1::ScopeRate {
                scope: Some(convert::wire_scope(&pace.scope)),
                spent_micros: pace.spent_micros,
                rate_micros: rate.rate_micros,
                projection_micros: rate.projection_micros,
                spike: rate.is_spike,
            }
        };
        Ok(v1::ReportResponse {
            rows: spent.rows.into_iter().map(row).collect(),
            scopes: spent.paces.into_iter().map(rate).collect(),
            is_partial: spent.is_partial,
        })
    }

    pub(super) async fn listed(
        &self,
        request: v1::ListLedgerRequest,
    ) -> Result<v1::ListLedgerResponse, Error> {
        let scope = request.scope.unwrap_or_default();
        let limit = page_of(request.limit, PAGE);
        let filter = Filter {
            tenant: convert::tenant(request.context.as_ref()),
            kind: scope.r#type,
            key: scope.key,
            period_id: request.period_id,
            charge_id: request.charge_id,
            from_ms: request.from_ms,
            to_ms: request.to_ms,
            after: place(&request.cursor)?,
            limit,
        };
        let entries = self.store.entries(&filter).await?;
        let is_full = i64::try_from(entries.len()).is_ok_and(|count| count == limit);
        let next_cursor = entries.last().filter(|_| is_full).map(cursor_of).unwrap_or_default();
        Ok(v1::ListLedgerResponse {
            entries: entries.iter().map(convert::entry).collect(),
            next_cursor,
        })
    }

    pub(super) fn estimated(
        &self,
        request: v1::EstimateCostRequest,
    ) -> Result<v1::EstimateCostResponse, Error> {
        let input_tokens = if request.text.is_empty() {
            request.input_tokens
        } else {
            tokens::estimate(&request.text)
        };
        let output_tokens =
            request.max_output_tokens.unwrap_or_else(|| self.rules.output_of(input_tokens));
        let known_model =
            self.rules.prices.find(&request.model, &request.provider, clock::now_ms()).is_some();
        let ask = convert::reserve(
            v1::ReserveRequest {
                context: request.context,
                charge_id: "estimate".to_owned(),
                scopes: vec![v1::Scope { r#type: "org".to_owned(), key: "mesh".to_owned() }],
                model: request.model.clone(),
                input_tokens,
                max_output_tokens: Some(output_tokens),
                per_call_micros: request.per_call_micros,
                ..v1::ReserveRequest::default()
            },
            0,
        )?;
        let estimate = self.rules.estimate(&ask, &request.model, clock::now_ms());
        let estimate_micros = estimate.ok_or_else(|| invalid("model", "Unknown model"))?;
        Ok(v1::EstimateCostResponse { estimate_micros, input_tokens, output_tokens, known_model })
    }
}

fn row(row: Row) -> v1::ReportRow {
    #[expect(clippy::cast_precision_loss, reason = "a share is an estimate")]
    let estimated_share = row.estimated_micros as f64 / row.spent_micros.max(1) as f64;
    v1::ReportRow {
        group: row.group,
        spent_micros: row.spent_micros,
        calls: row.calls,
        input_tokens: row.input_tokens,
        output_tokens: row.output_tokens,
        estimated_share,
    }
}
