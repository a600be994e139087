//! `mesh budget set`: defines a budget, or changes what is named of one.

use std::process::ExitCode;

use chassis::fault::{Fault, Kind};
use proto::v1::{
    BudgetDefinition, BudgetPolicy, BudgetView, DowngradeRule, GetBudgetRequest, PutBudgetRequest,
    Scope,
};
use tonic::Status;

use super::definition::fresh;
use super::list::Budgets;
use super::till::{Till, call, scope, usd};

const EXAMPLE: &str = "\
What is not named stays as it is; for the first budget of a key that is what its whole type has.

Examples:
  mesh budget set user:* --limit 10 --period monthly
  mesh budget set org:mesh --limit 500 --notify-at 0.5,0.9 --downgrade gpt-4o,o1=gpt-4o-mini";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// Whose money, as type:key; the key * is each of the type that has no budget of its own.
    #[arg(value_name = "SCOPE", value_parser = scope)]
    scope: Scope,
    /// How much in a period; needed for a new budget.
    #[arg(long, value_name = "USD", value_parser = usd)]
    limit: Option<i64>,
    /// none, hourly, daily, weekly, monthly or a cron expression.
    #[arg(long)]
    period: Option<String>,
    #[command(flatten)]
    policy: PolicyArguments,
    /// For what is not named take no period, a warning at 0.8 and the stop at 1, and not what is stored.
    #[arg(long)]
    fresh: bool,
    /// Refuse when there is a budget already.
    #[arg(long, conflicts_with = "fresh")]
    create_only: bool,
}

#[derive(Debug, clap::Args)]
struct PolicyArguments {
    /// From which part of the limit on calls are warned, downgraded or lose tools.
    #[arg(long, value_name = "PART")]
    soft_cap: Option<f64>,
    /// At which part of the limit calls stop.
    #[arg(long, value_name = "PART")]
    hard_cap: Option<f64>,
    /// Parts of the limit whose crossing is told.
    #[arg(long, value_name = "PART,…", value_delimiter = ',')]
    notify_at: Option<Vec<f64>>,
    /// Which models go to which cheaper one after the soft cap; may be repeated.
    #[arg(long, value_name = "MODEL,…=MODEL", value_parser = rule)]
    downgrade: Option<Vec<DowngradeRule>>,
    /// Tools that calls lose after the soft cap.
    #[arg(long, value_name = "TOOL,…", value_delimiter = ',')]
    disable_tools: Option<Vec<String>>,
    /// Whether a call that would reach the stop exactly is too much.
    #[arg(long, value_name = "true|false")]
    strict_projection: Option<bool>,
}

fn rule(text: &str) -> Result<DowngradeRule, String> {
    let wrong = || format!("'{text}' is not MODEL,…=MODEL");
    let (from, to) = text.split_once('=').ok_or_else(wrong)?;
    let from: Vec<String> = from.split(',').map(str::to_owned).collect();
    if to.is_empty() || from.iter().any(String::is_empty) {
        return Err(wrong());
    }
    Ok(DowngradeRule { from, to: to.to_owned() })
}

/// Stores the definition and shows it.
pub(super) async fn run(arguments: Arguments, till: &Till) -> anyhow::Result<ExitCode> {
    till.say(put(arguments, till).await.map(|view| Budgets::of(vec![view])))
}

async fn put(arguments: Arguments, till: &Till) -> Result<BudgetView, Status> {
    let stored = if arguments.fresh { None } else { stored(till, &arguments.scope).await? };
    let create_only = arguments.create_only;
    let definition = Some(arguments.onto(stored.unwrap_or_else(fresh)));
    let request = PutBudgetRequest { context: till.context(), definition, create_only };
    let put = till.client().put_budget(call(request)).await?.into_inner();
    put.budget.ok_or_else(|| Status::internal("the budget did not say what it stored"))
}

/// The definition that the scope is under: its own, or that of its whole type.
async fn stored(till: &Till, scope: &Scope) -> Result<Option<BudgetDefinition>, Status> {
    let request = GetBudgetRequest { context: till.context(), scope: Some(scope.clone()) };
    match till.client().get_budget(call(request)).await {
        Ok(view) => Ok(view.into_inner().definition),
        Err(status) if Fault::of(&status).kind == Kind::Missing => Ok(None),
        Err(status) => Err(status),
    }
}

impl Arguments {
    /// What is named, and the rest as it was.
    fn onto(self, old: BudgetDefinition) -> BudgetDefinition {
        let policy = old.policy.unwrap_or_default();
        let new = self.policy;
        BudgetDefinition {
            scope: Some(self.scope),
            limit_micros: self.limit.unwrap_or(old.limit_micros),
            period: self.period.unwrap_or(old.period),
            policy: Some(BudgetPolicy {
                soft_cap: new.soft_cap.unwrap_or(policy.soft_cap),
                hard_cap: new.hard_cap.unwrap_or(policy.hard_cap),
                notify_at: new.notify_at.unwrap_or(policy.notify_at),
                auto_downgrade: new.downgrade.unwrap_or(policy.auto_downgrade),
                disable_tools: new.disable_tools.unwrap_or(policy.disable_tools),
                strict_projection: new.strict_projection.unwrap_or(policy.strict_projection),
            }),
            version: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_leads_from_models_to_one() {
        let read = rule("gpt-4o,o1=gpt-4o-mini").unwrap();
        assert_eq!((read.from.len(), read.to.as_str()), (2, "gpt-4o-mini"));
        for odd in ["gpt-4o", "=mini", "gpt-4o=", "a,,b=c"] {
            assert!(rule(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_is_not_named_stays() {
        let named = Arguments {
            scope: scope("user:ada").unwrap(),
            limit: Some(20_000_000),
            period: None,
            policy: PolicyArguments {
                soft_cap: None,
                hard_cap: None,
                notify_at: Some(Vec::new()),
                downgrade: None,
                disable_tools: None,
                strict_projection: Some(true),
            },
            fresh: false,
            create_only: false,
        };
        let mut old = fresh();
        old.period = "monthly".to_owned();
        old.policy.as_mut().unwrap().notify_at = vec![0.5];
        old.policy.as_mut().unwrap().disable_tools = vec!["search".to_owned()];
        let new = named.onto(old);
        let policy = new.policy.unwrap();
        assert_eq!((new.limit_micros, new.period.as_str()), (20_000_000, "monthly"));
        assert_eq!((policy.soft_cap, policy.hard_cap, policy.strict_projection), (0.8, 1.0, true));
        assert_eq!((policy.notify_at, policy.disable_tools), (vec![], vec!["search".to_owned()]));
    }
}
