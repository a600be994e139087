//! `mesh budget list`: the definitions, and what is left of each.

use std::io::{self, Write};
use std::process::ExitCode;

use gateway::{Budget, Usd};
use proto::v1::{BudgetView, GetBudgetRequest, ListBudgetsRequest, Scope};
use serde::Serialize;

use super::till::{Till, call, name, scope};
use crate::answer::{Answer, Side, table, write_table};

const EXAMPLE: &str = "\
Examples:
  mesh budget list                what is defined
  mesh budget list user:ada       what applies to one, and how much of it is left";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// Only what applies to this one, as type:key.
    #[arg(value_name = "SCOPE", value_parser = scope)]
    scope: Option<Scope>,
}

/// Budgets as REST shows them, and as tables need them.
#[derive(Serialize)]
pub(super) struct Budgets {
    budgets: Vec<Budget>,
    #[serde(skip)]
    views: Vec<BudgetView>,
}

/// Lists the budgets of a tenant.
pub(super) async fn run(arguments: Arguments, till: &Till) -> anyhow::Result<ExitCode> {
    let context = till.context();
    let views = match arguments.scope {
        Some(scope) => {
            let request = GetBudgetRequest { context, scope: Some(scope) };
            till.client().get_budget(call(request)).await.map(|view| vec![view.into_inner()])
        }
        None => {
            let list = till.client().list_budgets(call(ListBudgetsRequest { context })).await;
            list.map(|list| list.into_inner().budgets)
        }
    };
    till.say(views.map(Budgets::of))
}

impl Budgets {
    pub(super) fn of(views: Vec<BudgetView>) -> Self {
        Self { budgets: views.iter().cloned().filter_map(Budget::of).collect(), views }
    }
}

impl Answer for Budgets {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.views.is_empty() {
            return writeln!(out, "there is no budget: nothing has a limit");
        }
        let mut rows = table(&[
            ("scope", Side::Left),
            ("limit", Side::Right),
            ("period", Side::Left),
            ("spent", Side::Right),
            ("reserved", Side::Right),
            ("left", Side::Right),
            ("state", Side::Left),
            ("policy", Side::Left),
        ]);
        for view in &self.views {
            rows.add_row(row(view));
        }
        write_table(out, &rows)
    }
}

fn row(view: &BudgetView) -> Vec<String> {
    let definition = view.definition.clone().unwrap_or_default();
    let mut row = vec![
        name(definition.scope.as_ref()),
        Usd(definition.limit_micros).to_string(),
        definition.period.clone(),
    ];
    match &view.account {
        Some(account) => row.extend([
            Usd(account.spent_micros).to_string(),
            Usd(account.reserved_micros).to_string(),
            Usd(account.remaining_micros).to_string(),
            account.state.clone(),
        ]),
        None => row.extend(["-", "-", "-", "for each"].map(str::to_owned)),
    }
    row.push(definition.policy.as_ref().map(policy).unwrap_or_default());
    row
}

fn policy(policy: &proto::v1::BudgetPolicy) -> String {
    let mut words = vec![format!("warns at {}, stops at {}", policy.soft_cap, policy.hard_cap)];
    for rule in &policy.auto_downgrade {
        words.push(format!("{} to {}", rule.from.join(" or "), rule.to));
    }
    if !policy.disable_tools.is_empty() {
        words.push(format!("without {}", policy.disable_tools.join(", ")));
    }
    if !policy.notify_at.is_empty() {
        let parts: Vec<String> = policy.notify_at.iter().map(f64::to_string).collect();
        words.push(format!("tells at {}", parts.join(", ")));
    }
    if policy.strict_projection {
        words.push("strict".to_owned());
    }
    words.join("; ")
}
