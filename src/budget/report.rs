//! `mesh budget report`: what was spent, and how fast.

use std::io::{self, Write};
use std::process::ExitCode;

use gateway::{Report, Usd};
use proto::v1::{ReportRequest, ReportResponse, Scope};
use serde::Serialize;

use super::till::{Till, call, name, scope, time};
use crate::answer::{Answer, Side, table, write_table};

const EXAMPLE: &str = "\
Examples:
  mesh budget report --group-by agent --from 2026-11-01
  mesh budget report --scope user:ada --group-by model --hours 24";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// How the lines are made.
    #[arg(long, default_value = "day", value_parser = ["day", "scope", "user", "agent", "model"])]
    group_by: String,
    /// Only what was charged to this scope, as type:key.
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Option<Scope>,
    /// From this day or time on.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<i64>,
    /// Before this day or time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<i64>,
    /// Over how many of the last minutes the rate goes.
    #[arg(long, default_value_t = 5, value_name = "MINUTES")]
    window_minutes: i64,
    /// How many hours the projection looks ahead.
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
}

/// A report as REST shows it, and as tables need it.
#[derive(Serialize)]
struct Reported {
    #[serde(flatten)]
    view: Report,
    #[serde(skip)]
    report: ReportResponse,
}

/// Asks for a report.
pub(super) async fn run(arguments: Arguments, till: &Till) -> anyhow::Result<ExitCode> {
    let request = ReportRequest {
        context: till.context(),
        from_ms: arguments.from,
        to_ms: arguments.to,
        scope: arguments.scope,
        group_by: arguments.group_by,
        window_minutes: arguments.window_minutes,
        hours: arguments.hours,
    };
    let report = till.client().report(call(request)).await;
    till.say(report.map(|report| {
        let report = report.into_inner();
        Reported { view: Report::of(report.clone()), report }
    }))
}

impl Answer for Reported {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.report.rows.is_empty() {
            return writeln!(out, "nothing was spent");
        }
        let mut rows = table(&[
            ("group", Side::Left),
            ("spent", Side::Right),
            ("calls", Side::Right),
            ("tokens in", Side::Right),
            ("tokens out", Side::Right),
            ("estimated", Side::Right),
        ]);
        for row in &self.report.rows {
            rows.add_row([
                row.group.clone(),
                Usd(row.spent_micros).to_string(),
                row.calls.to_string(),
                row.input_tokens.to_string(),
                row.output_tokens.to_string(),
                format!("{:.0} %", row.estimated_share * 100.0),
            ]);
        }
        write_table(out, &rows)?;
        writeln!(out)?;
        let mut scopes = table(&[
            ("scope", Side::Left),
            ("spent", Side::Right),
            ("a minute", Side::Right),
            ("projection", Side::Right),
            ("", Side::Left),
        ]);
        for rate in &self.report.scopes {
            #[expect(clippy::cast_possible_truncation, reason = "a rate is shown in whole micros")]
            let a_minute = Usd(rate.rate_micros.round() as i64);
            scopes.add_row([
                name(rate.scope.as_ref()),
                Usd(rate.spent_micros).to_string(),
                a_minute.to_string(),
                Usd(rate.projection_micros).to_string(),
                if rate.spike { "the last charge stands out".to_owned() } else { String::new() },
            ]);
        }
        write_table(out, &scopes)
    }
}
