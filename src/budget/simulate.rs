//! `mesh budget simulate`: what a row of equal calls would be told, by present or by other budgets. Nothing is written.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use gateway::{Decision, Usd};
use proto::v1::{
    self, BudgetEvent, Scope, SettleRequest, SimulateRequest, SimulationResult, SimulationStep,
    simulation_result, simulation_step,
};
use serde::Serialize;
use serde_json::Value;
use tonic::Status;

use super::check::Price;
use super::definition;
use super::till::{Till, call, name, scope, usd};
use crate::answer::{Answer, Side, table, write_table};

/// Each call is two steps, and a simulation takes a thousand.
const CALLS_MAX: i64 = 500;

const EXAMPLE: &str = "\
Each call is reserved and settled before the next. The exit code is 1 when one of them is denied.

Examples:
  mesh budget simulate user:ada --calls 30 --estimate-usd 0.5 --model gpt-4o
  mesh budget simulate org:mesh user:ada --calls 500 --estimate-usd 0.02 --budgets new-budgets.yaml --from-zero";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// Whose money, as type:key; all of them must have enough.
    #[arg(required = true, value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// How many calls.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=CALLS_MAX))]
    calls: i64,
    #[command(flatten)]
    price: Price,
    /// What each call really costs [default: what was held for it]
    #[arg(long, value_name = "USD", value_parser = usd)]
    actual_usd: Option<i64>,
    /// How much time passes before each call, in seconds.
    #[arg(long, default_value_t = 0, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(0..))]
    every_s: i64,
    /// A file like BUDGETS_FILE, whose definitions hold in place of the stored ones.
    #[arg(long, value_name = "FILE")]
    budgets: Option<PathBuf>,
    /// Start with nothing spent, and not with what is.
    #[arg(long)]
    from_zero: bool,
}

/// What the calls were told.
#[derive(Serialize)]
struct Simulated {
    calls: Vec<Call>,
    denied: usize,
}

#[derive(Serialize)]
struct Call {
    number: usize,
    #[serde(flatten)]
    view: Decision,
    events: Vec<Event>,
    #[serde(skip)]
    decision: v1::Decision,
    #[serde(skip)]
    spent_micros: Option<i64>,
}

#[derive(Serialize)]
struct Event {
    r#type: String,
    scope: String,
    payload: Value,
}

/// Asks for the simulation.
pub(super) async fn run(arguments: Arguments, till: &Till) -> anyhow::Result<ExitCode> {
    let definitions = match &arguments.budgets {
        Some(path) => definition::of_file(path)?,
        None => Vec::new(),
    };
    let request = SimulateRequest {
        context: till.context(),
        definitions,
        from_zero: arguments.from_zero,
        steps: steps(&arguments, till),
    };
    let results = till.client().simulate(call(request)).await;
    till.say(results.and_then(|results| Simulated::of(results.into_inner().results)))
}

fn steps(arguments: &Arguments, till: &Till) -> Vec<SimulationStep> {
    let step = |after_ms, step| SimulationStep { after_ms, step: Some(step) };
    let steps = (1..=arguments.calls).flat_map(|number| {
        let mut reserve = arguments.price.clone().reserve(till, arguments.scopes.clone());
        reserve.charge_id = format!("simulation/{number}");
        let settle = SettleRequest {
            context: reserve.context.clone(),
            charge_id: reserve.charge_id.clone(),
            actual_micros: arguments.actual_usd,
            ..SettleRequest::default()
        };
        let pause_ms = arguments.every_s.saturating_mul(1_000);
        [
            step(pause_ms, simulation_step::Step::Reserve(reserve)),
            step(0, simulation_step::Step::Settle(settle)),
        ]
    });
    steps.collect()
}

impl Simulated {
    /// Pairs each decision with the settle after it, which fails for a call that was denied.
    fn of(results: Vec<SimulationResult>) -> Result<Self, Status> {
        let mut results = results.into_iter();
        let mut calls = Vec::new();
        while let (Some(reserve), Some(settle)) = (results.next(), results.next()) {
            let decision = match reserve.result {
                Some(simulation_result::Result::Reserve(decision)) => decision,
                Some(simulation_result::Result::Fault(fault)) => {
                    return Err(Status::invalid_argument(format!(
                        "{}: {}",
                        fault.code, fault.message
                    )));
                }
                _ => return Err(Status::internal("a reservation was answered by something else")),
            };
            let spent_micros = match &settle.result {
                Some(simulation_result::Result::Settle(settled)) => {
                    settled.scopes.iter().map(|scope| scope.spent_micros).max()
                }
                _ => None,
            };
            let events = reserve.events.into_iter().chain(settle.events).map(Event::of).collect();
            let view = Decision::of(decision.clone());
            calls.push(Call { number: calls.len() + 1, view, events, decision, spent_micros });
        }
        let denied = calls.iter().filter(|call| !call.decision.allowed).count();
        Ok(Self { calls, denied })
    }

    /// Calls in a row that were told the same.
    fn stretches(&self) -> impl Iterator<Item = &[Call]> {
        self.calls.chunk_by(|a, b| a.told() == b.told())
    }
}

impl Call {
    fn told(&self) -> (&str, &str, &[String], i64) {
        let decision = &self.decision;
        let Self { decision: v1::Decision { action, model, disabled_tools, .. }, .. } = self;
        (action, model, disabled_tools, decision.reserved_micros)
    }
}

impl Event {
    fn of(event: BudgetEvent) -> Self {
        Self {
            r#type: event.r#type,
            scope: name(event.scope.as_ref()),
            payload: serde_json::from_str(&event.payload_json).unwrap_or_default(),
        }
    }
}

impl Answer for Simulated {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows = table(&[
            ("calls", Side::Right),
            ("told", Side::Left),
            ("model", Side::Left),
            ("held each", Side::Right),
            ("spent after", Side::Right),
            ("tools not to use", Side::Left),
        ]);
        for stretch in self.stretches() {
            let (first, last) = (&stretch[0], &stretch[stretch.len() - 1]);
            rows.add_row([
                format!("{} to {}", first.number, last.number),
                first.decision.action.clone(),
                first.decision.model.clone(),
                Usd(first.decision.reserved_micros).to_string(),
                last.spent_micros.map_or("-".to_owned(), |spent| Usd(spent).to_string()),
                first.decision.disabled_tools.join(", "),
            ]);
        }
        write_table(out, &rows)?;
        for call in &self.calls {
            for Event { r#type, scope, payload } in &call.events {
                writeln!(out, "call {}: {scope} {type} {payload}", call.number)?;
            }
        }
        writeln!(out, "{} of {} calls denied", self.denied, self.calls.len())
    }

    fn is_good(&self) -> bool {
        self.denied == 0
    }
}
