//! What balances are made of.

use chassis::clock;
use proto::v1;

use super::Service;
use super::reading::{cursor_of, page_of, place};
use crate::Error;
use crate::account::{Charge, Owner, Reservation};
use crate::convert::{self, invalid};
use crate::policy::Scope;
use crate::proof::{Page, Proof};
use crate::store::Filter;

/// How many ledger rows an explanation shows unless it is asked for more or less.
const ENTRIES: i64 = 100;
/// How many accounts are added up at a time unless somebody asks for more or less.
const ACCOUNTS: i64 = 500;
/// What stands between the parts of a cursor; names hold no control characters.
const BETWEEN: char = '\t';

impl Service {
    pub(super) async fn explained(
        &self,
        request: v1::ExplainBalanceRequest,
    ) -> Result<v1::ExplainBalanceResponse, Error> {
        let owner = convert::owner(request.context.as_ref(), request.scope)?;
        let book = self.book(&owner, clock::now_ms()).await?;
        let period_id =
            if request.period_id.is_empty() { book.period_id } else { request.period_id };
        let limit = page_of(request.limit, ENTRIES);
        let filter = Filter {
            tenant: owner.tenant,
            kind: owner.scope.kind,
            key: owner.scope.key,
            period_id: period_id.clone(),
            after: place(&request.cursor)?,
            limit,
            ..Filter::default()
        };
        let explanation = self.store.explain(&filter).await?;
        let entries = explanation.entries.iter().map(convert::entry).collect::<Vec<_>>();
        let is_full = i64::try_from(entries.len()).is_ok_and(|count| count == limit);
        let last = explanation.entries.last().filter(|_| is_full);
        let Proof { account, ledger, holds } = explanation.proof;
        Ok(v1::ExplainBalanceResponse {
            period_id,
            spent_micros: account.spent_micros,
            reserved_micros: account.reserved_micros,
            ledger_micros: ledger.micros,
            ledger_entries: ledger.count,
            holds_micros: holds.micros,
            holds_count: holds.count,
            next_cursor: last.map(cursor_of).unwrap_or_default(),
            entries,
            holds: explanation.holds.into_iter().map(hold).collect(),
            definition: book.definition.as_deref().map(convert::wire_definition),
        })
    }

    pub(super) async fn verified(
        &self,
        request: v1::VerifyRequest,
    ) -> Result<v1::VerifyResponse, Error> {
        let tenant = convert::tenant(request.context.as_ref());
        let page = Page {
            after: account(&tenant, &request.cursor)?,
            tenant,
            limit: page_of(request.limit, ACCOUNTS),
        };
        let verified = self.store.verify(&page).await?;
        for (owner, period_id, proof) in &verified.differences {
            tracing::error!(?owner, period_id, ?proof, "a balance is not what it is made of");
        }
        Ok(v1::VerifyResponse {
            accounts: verified.accounts,
            entries: verified.entries,
            differences: verified.differences.into_iter().map(difference).collect(),
            next_cursor: verified.last.map(cursor).unwrap_or_default(),
        })
    }
}

/// The account that a cursor names.
fn account(tenant: &str, cursor: &str) -> Result<Option<(Owner, String)>, Error> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let mut parts = cursor.split(BETWEEN).map(str::to_owned);
    let (Some(kind), Some(key), Some(period), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(invalid("cursor", "is none that was given out"));
    };
    let owner = Owner { tenant: tenant.to_owned(), scope: Scope { kind, key } };
    Ok(Some((owner, period)))
}

fn cursor((owner, period): (Owner, String)) -> String {
    [owner.scope.kind, owner.scope.key, period].join(&BETWEEN.to_string())
}

fn difference((owner, period_id, proof): (Owner, String, Proof)) -> v1::BalanceDifference {
    v1::BalanceDifference {
        scope: Some(convert::wire_scope(&owner.scope)),
        period_id,
        spent_micros: proof.account.spent_micros,
        ledger_micros: proof.ledger.micros,
        reserved_micros: proof.account.reserved_micros,
        holds_micros: proof.holds.micros,
    }
}

fn hold((charge, held): (Charge, Reservation)) -> v1::Hold {
    v1::Hold {
        charge_id: charge.id,
        amount_micros: held.amount_micros,
        expires_ms: held.expires_ms,
        model: held.model,
        user_id: held.user_id,
        agent_id: held.agent_id,
    }
}
