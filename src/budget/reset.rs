//! `mesh budget reset`: a new period for an account; what was spent stays in the ledger.

use std::io::{self, Write};
use std::process::ExitCode;

use gateway::Usd;
use proto::v1::{ResetBudgetRequest, Scope};
use serde::Serialize;

use super::till::{Till, call, name, scope};
use crate::answer::Answer;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mesh budget reset user:ada")]
pub(super) struct Arguments {
    /// Whose account, as type:key.
    #[arg(value_name = "SCOPE", value_parser = scope)]
    scope: Scope,
}

/// The period that has begun.
#[derive(Serialize)]
struct Reset {
    scope: String,
    period_id: String,
    previous_spent_usd: Usd,
}

/// Opens a new period.
pub(super) async fn run(arguments: Arguments, till: &Till) -> anyhow::Result<ExitCode> {
    let scope = name(Some(&arguments.scope));
    let request = ResetBudgetRequest { context: till.context(), scope: Some(arguments.scope) };
    let reset = till.client().reset_budget(call(request)).await;
    till.say(reset.map(|reset| {
        let reset = reset.into_inner();
        let previous_spent_usd = Usd(reset.previous_spent_micros);
        Reset { scope, period_id: reset.period_id, previous_spent_usd }
    }))
}

impl Answer for Reset {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { scope, period_id, previous_spent_usd } = self;
        writeln!(
            out,
            "{scope} starts anew in period {period_id}; {previous_spent_usd} USD were spent before"
        )
    }
}
