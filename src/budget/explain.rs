//! `mesh budget explain`: every ledger entry and every open reservation behind a balance, and the proof that they add up.

mod proof;

use std::io::{self, Write};
use std::process::ExitCode;

use gateway::{Time, Usd};
use proto::v1::{
    BudgetDefinition, ExplainBalanceRequest, ExplainBalanceResponse, Hold, LedgerEntry, Scope,
};
use serde::Serialize;
use tonic::Status;

use self::proof::{Proof, proofs};
use super::definition::cap_micros;
use super::till::{Till, call, name, scope};
use crate::answer::{Answer, Side, table, write_table};

/// Ledger entries of a page.
const PAGE: i64 = 1_000;
/// Pages of an account: a million entries.
const PAGES_MAX: usize = 1_000;

const EXAMPLE: &str = "\
Examples:
  mesh budget explain user:ada
  mesh budget explain org:mesh --period 2026-11 --json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// Whose balance, as type:key.
    #[arg(value_name = "SCOPE", value_parser = scope)]
    scope: Scope,
    /// Which period [default: the present one]
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    period: String,
}

/// A balance with all that it is made of.
#[derive(Serialize)]
struct Explained {
    scope: String,
    period_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_usd: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap_usd: Option<Usd>,
    spent_usd: Usd,
    reserved_usd: Usd,
    entries: Vec<Entry>,
    open_reservations: Vec<Reservation>,
    proofs: Vec<Proof>,
}

#[derive(Serialize)]
struct Entry {
    time: Time,
    charge_id: String,
    agent_id: String,
    user_id: String,
    model: String,
    input_tokens: i64,
    output_tokens: i64,
    amount_usd: Usd,
    estimated: bool,
}

#[derive(Serialize)]
struct Reservation {
    charge_id: String,
    agent_id: String,
    user_id: String,
    model: String,
    amount_usd: Usd,
    expires: Time,
}

/// Reads the whole account; an invariant that does not hold makes the exit code 1.
pub(super) async fn run(arguments: Arguments, till: &Till) -> anyhow::Result<ExitCode> {
    let scope = name(Some(&arguments.scope));
    till.say(read(arguments, till).await.map(|(entries, last)| Explained::of(scope, entries, last)))
}

/// All entries, and the last page, which has seen all of them.
async fn read(
    arguments: Arguments,
    till: &Till,
) -> Result<(Vec<LedgerEntry>, ExplainBalanceResponse), Status> {
    let mut entries = Vec::new();
    let mut request = ExplainBalanceRequest {
        context: till.context(),
        scope: Some(arguments.scope),
        period_id: arguments.period,
        cursor: String::new(),
        limit: PAGE,
    };
    for _ in 0..PAGES_MAX {
        let mut page = till.client().explain_balance(call(request.clone())).await?.into_inner();
        entries.append(&mut page.entries);
        if page.next_cursor.is_empty() {
            return Ok((entries, page));
        }
        // The period may end while its entries are read.
        request.period_id.clone_from(&page.period_id);
        request.cursor = page.next_cursor;
    }
    Err(Status::out_of_range(format!("the account has more than {PAGES_MAX} pages of entries")))
}

impl Explained {
    fn of(scope: String, entries: Vec<LedgerEntry>, last: ExplainBalanceResponse) -> Self {
        let cap = last.definition.as_ref().map(cap_micros);
        Self {
            scope,
            proofs: proofs(&entries, &last, cap),
            period_id: last.period_id,
            limit_usd: last.definition.as_ref().map(limit),
            cap_usd: cap.map(Usd),
            spent_usd: Usd(last.spent_micros),
            reserved_usd: Usd(last.reserved_micros),
            entries: entries.into_iter().map(Entry::of).collect(),
            open_reservations: last.holds.into_iter().map(Reservation::of).collect(),
        }
    }

    fn write_entries(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(&[
            ("time", Side::Left),
            ("charge", Side::Left),
            ("user", Side::Left),
            ("agent", Side::Left),
            ("model", Side::Left),
            ("tokens", Side::Right),
            ("amount", Side::Right),
            ("", Side::Left),
        ]);
        for entry in &self.entries {
            rows.add_row([
                entry.time.to_string(),
                entry.charge_id.clone(),
                entry.user_id.clone(),
                entry.agent_id.clone(),
                entry.model.clone(),
                format!("{} + {}", entry.input_tokens, entry.output_tokens),
                entry.amount_usd.to_string(),
                if entry.estimated { "estimated".to_owned() } else { String::new() },
            ]);
        }
        write_table(out, &rows)
    }

    fn write_reservations(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(&[
            ("open reservation", Side::Left),
            ("user", Side::Left),
            ("agent", Side::Left),
            ("model", Side::Left),
            ("amount", Side::Right),
            ("expires", Side::Left),
        ]);
        for held in &self.open_reservations {
            rows.add_row([
                held.charge_id.clone(),
                held.user_id.clone(),
                held.agent_id.clone(),
                held.model.clone(),
                held.amount_usd.to_string(),
                held.expires.to_string(),
            ]);
        }
        write_table(out, &rows)
    }
}

fn limit(definition: &BudgetDefinition) -> Usd {
    Usd(definition.limit_micros)
}

impl Entry {
    fn of(entry: LedgerEntry) -> Self {
        Self {
            time: Time(entry.timestamp_ms),
            charge_id: entry.charge_id,
            agent_id: entry.agent_id,
            user_id: entry.user_id,
            model: entry.model,
            input_tokens: entry.input_tokens,
            output_tokens: entry.output_tokens,
            amount_usd: Usd(entry.amount_micros),
            estimated: entry.estimated,
        }
    }
}

impl Reservation {
    fn of(hold: Hold) -> Self {
        Self {
            charge_id: hold.charge_id,
            agent_id: hold.agent_id,
            user_id: hold.user_id,
            model: hold.model,
            amount_usd: Usd(hold.amount_micros),
            expires: Time(hold.expires_ms),
        }
    }
}

impl Answer for Explained {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{} in period {}: ", self.scope, self.period_id)?;
        match self.limit_usd {
            Some(limit) => writeln!(out, "limit {limit} USD")?,
            None => writeln!(out, "no limit")?,
        }
        if !self.entries.is_empty() {
            self.write_entries(out)?;
        }
        if !self.open_reservations.is_empty() {
            self.write_reservations(out)?;
        }
        for proof in &self.proofs {
            writeln!(out, "{}  {}", if proof.holds { "holds" } else { "FAILS" }, proof.says)?;
        }
        Ok(())
    }

    fn is_good(&self) -> bool {
        self.proofs.iter().all(|proof| proof.holds)
    }
}
