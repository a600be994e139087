//! `mesh budget check`: what a call would be told, without effect.

use std::io::{self, Write};
use std::process::ExitCode;

use gateway::{Decision, Time, Usd};
use proto::v1::{self, ReserveRequest, Scope};
use serde::Serialize;

use super::till::{Till, call, name, scope, usd};
use crate::answer::{Answer, Side, table, write_table};

const EXAMPLE: &str = "\
Examples:
  mesh budget check user:ada --estimate-usd 0.05
  mesh budget check org:mesh user:ada --model gpt-4o --input-tokens 1200 --tool web-search-premium";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// Whose money, as type:key; all of them must have enough.
    #[arg(required = true, value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    #[command(flatten)]
    price: Price,
}

/// What a call is to cost.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Price {
    /// The model that is asked for.
    #[arg(long, default_value = "")]
    model: String,
    /// Tokens that go in.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    input_tokens: i64,
    /// Tokens that come out at most.
    #[arg(long, value_name = "COUNT")]
    max_output_tokens: Option<i64>,
    /// What a call costs besides its tokens.
    #[arg(long, value_name = "USD", value_parser = usd)]
    per_call_usd: Option<i64>,
    /// What a call costs, in place of tokens.
    #[arg(long, value_name = "USD", value_parser = usd)]
    estimate_usd: Option<i64>,
    /// A tool that the call would like to use; may be repeated.
    #[arg(long = "tool", value_name = "TOOL")]
    tools: Vec<String>,
}

impl Price {
    /// A reservation at this price.
    pub(super) fn reserve(self, till: &Till, scopes: Vec<Scope>) -> ReserveRequest {
        ReserveRequest {
            context: till.context(),
            charge_id: "check".to_owned(),
            scopes,
            model: self.model,
            input_tokens: self.input_tokens,
            max_output_tokens: self.max_output_tokens,
            per_call_micros: self.per_call_usd,
            estimate_micros: self.estimate_usd,
            tools: self.tools,
            ..ReserveRequest::default()
        }
    }
}

/// What the budget says.
#[derive(Serialize)]
struct Checked {
    #[serde(flatten)]
    view: Decision,
    #[serde(skip)]
    decision: v1::Decision,
}

/// Asks the budget; a denial makes the exit code 1.
pub(super) async fn run(arguments: Arguments, till: &Till) -> anyhow::Result<ExitCode> {
    let request = arguments.price.reserve(till, arguments.scopes);
    let decision = till.client().check(call(request)).await;
    till.say(decision.map(|decision| {
        let decision = decision.into_inner();
        Checked { view: Decision::of(decision.clone()), decision }
    }))
}

impl Answer for Checked {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let decision = &self.decision;
        write!(out, "{}: ", decision.action)?;
        if decision.allowed {
            write!(out, "{} USD would be held", Usd(decision.reserved_micros))?;
        } else {
            write!(
                out,
                "{}, the estimate is {} USD",
                decision.reason,
                Usd(decision.estimate_micros)
            )?;
        }
        if !decision.model.is_empty() {
            write!(out, " for {}", decision.model)?;
        }
        writeln!(out)?;
        if !decision.warning.is_empty() {
            writeln!(out, "{}", decision.warning)?;
        }
        if !decision.disabled_tools.is_empty() {
            writeln!(out, "tools not to use: {}", decision.disabled_tools.join(", "))?;
        }
        if let Some(reset) = decision.reset_at_ms {
            writeln!(out, "a new period begins at {}", Time(reset))?;
        }
        write_scopes(out, &decision.scopes)
    }

    fn is_good(&self) -> bool {
        self.decision.allowed
    }
}

/// What stands behind a decision; scopes without a definition have no limit.
fn write_scopes(out: &mut dyn Write, scopes: &[v1::ScopeState]) -> io::Result<()> {
    if scopes.is_empty() {
        return writeln!(out, "none of the scopes has a limit");
    }
    let mut states = table(&[
        ("scope", Side::Left),
        ("limit", Side::Right),
        ("spent", Side::Right),
        ("reserved", Side::Right),
        ("left", Side::Right),
        ("left after", Side::Right),
        ("state", Side::Left),
    ]);
    for scope in scopes {
        states.add_row([
            name(scope.scope.as_ref()),
            Usd(scope.limit_micros).to_string(),
            Usd(scope.spent_micros).to_string(),
            Usd(scope.reserved_micros).to_string(),
            Usd(scope.remaining_micros).to_string(),
            Usd(scope.remaining_after_micros).to_string(),
            if scope.denies { format!("{}, denies", scope.state) } else { scope.state.clone() },
        ]);
    }
    write_table(out, &states)
}
