//! `mesh budget verify`: whether every balance is what its ledger and its open reservations add up to.

use std::io::{self, Write};
use std::process::ExitCode;

use gateway::Usd;
use proto::v1::{BalanceDifference, VerifyRequest};
use serde::Serialize;
use tonic::Status;

use super::till::{Till, call, name};
use crate::answer::{Answer, Side, table, write_table};

/// Scopes of a page.
const PAGE: i64 = 1_000;
/// Pages of a tenant: ten million scopes.
const PAGES_MAX: usize = 10_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mesh budget verify || echo \"call an accountant\"")]
pub(super) struct Arguments {}

/// What was added up.
#[derive(Default, Serialize)]
struct Verified {
    accounts: i64,
    ledger_entries: i64,
    differences: Vec<Difference>,
}

/// An account whose balance is not what it is made of.
#[derive(Serialize)]
struct Difference {
    scope: String,
    period_id: String,
    spent_usd: Usd,
    ledger_usd: Usd,
    reserved_usd: Usd,
    open_reservations_usd: Usd,
}

/// Adds everything up again; a difference makes the exit code 1.
pub(super) async fn run(_arguments: Arguments, till: &Till) -> anyhow::Result<ExitCode> {
    till.say(verified(till).await)
}

async fn verified(till: &Till) -> Result<Verified, Status> {
    let mut verified = Verified::default();
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let request = VerifyRequest { context: till.context(), cursor, limit: PAGE };
        let page = till.client().verify(call(request)).await?.into_inner();
        verified.accounts += page.accounts;
        verified.ledger_entries += page.entries;
        verified.differences.extend(page.differences.into_iter().map(Difference::of));
        cursor = page.next_cursor;
        if cursor.is_empty() {
            return Ok(verified);
        }
    }
    Err(Status::out_of_range(format!("there are more than {PAGES_MAX} pages of scopes")))
}

impl Difference {
    fn of(found: BalanceDifference) -> Self {
        Self {
            scope: name(found.scope.as_ref()),
            period_id: found.period_id,
            spent_usd: Usd(found.spent_micros),
            ledger_usd: Usd(found.ledger_micros),
            reserved_usd: Usd(found.reserved_micros),
            open_reservations_usd: Usd(found.holds_micros),
        }
    }
}

impl Answer for Verified {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { accounts, ledger_entries, differences } = self;
        if self.is_good() {
            return writeln!(
                out,
                "{accounts} balances are what {ledger_entries} ledger entries and the open reservations add up to"
            );
        }
        writeln!(
            out,
            "{} of {accounts} balances are not what they are made of",
            differences.len()
        )?;
        let mut rows = table(&[
            ("scope", Side::Left),
            ("period", Side::Left),
            ("spent", Side::Right),
            ("ledger", Side::Right),
            ("reserved", Side::Right),
            ("open reservations", Side::Right),
        ]);
        for found in differences {
            rows.add_row([
                found.scope.clone(),
                found.period_id.clone(),
                found.spent_usd.to_string(),
                found.ledger_usd.to_string(),
                found.reserved_usd.to_string(),
                found.open_reservations_usd.to_string(),
            ]);
        }
        write_table(out, &rows)
    }

    fn is_good(&self) -> bool {
        self.differences.is_empty()
    }
}
