//! `mesh budget validate-config`: whether files of budgets and prices can be used, without a running mesh.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use budget::file::{self, Faults};
use budget::policy::Definition;
use budget::pricing::Prices;
use chassis::config::Environment;
use serde::Serialize;

use crate::answer::{self, Answer};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  mesh budget validate-config budgets.yaml --pricing prices.yaml"
)]
pub(super) struct Arguments {
    /// Definitions of budgets [default: BUDGETS_FILE]
    #[arg(value_name = "BUDGETS_FILE")]
    budgets: Option<PathBuf>,
    /// Prices of models [default: PRICING_FILE]
    #[arg(long, value_name = "PRICING_FILE")]
    pricing: Option<PathBuf>,
}

/// What the files hold, and what is wrong with them.
#[derive(Default, Serialize)]
struct Checked {
    budgets: Vec<String>,
    prices: usize,
    aliases: usize,
    faults: Vec<String>,
    warnings: Vec<String>,
}

/// Reads the files as the budget service would at its start; a fault makes the exit code 1.
pub(super) fn run(arguments: Arguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut env = Environment::of_process();
    let config = budget::Config::read(&mut env);
    env.finish()?;
    let is_named = arguments.budgets.is_some() || arguments.pricing.is_some();
    let or_configured =
        |named: Option<PathBuf>, configured| if is_named { named } else { configured };
    let budgets = or_configured(arguments.budgets, config.budgets_file);
    let pricing = or_configured(arguments.pricing, config.pricing_file);
    anyhow::ensure!(
        budgets.is_some() || pricing.is_some(),
        "nothing to check: name a file, or set BUDGETS_FILE or PRICING_FILE"
    );
    let mut checked = Checked::default();
    let mut prices = Prices::default();
    if let Some(path) = pricing {
        checked.read_prices(file::prices(&path), &mut prices);
    }
    if let Some(path) = budgets {
        checked.read_budgets(file::budgets(&path), &prices);
    }
    answer::say(&checked, as_json)
}

type PriceFile = (Vec<budget::pricing::Price>, std::collections::BTreeMap<String, String>);

impl Checked {
    fn read_prices(&mut self, file: Result<PriceFile, Faults>, prices: &mut Prices) {
        let (entries, aliases) = match file {
            Ok(file) => file,
            Err(Faults(faults)) => return self.faults.extend(faults),
        };
        (self.prices, self.aliases) = (entries.len(), aliases.len());
        prices.add(entries, aliases.clone());
        for (alias, model) in aliases.iter().filter(|(_, model)| !is_priced(prices, model)) {
            self.warnings.push(format!("{alias} stands for {model}, which has no price"));
        }
    }

    fn read_budgets(&mut self, file: Result<Vec<Definition>, Faults>, prices: &Prices) {
        let definitions = match file {
            Ok(definitions) => definitions,
            Err(Faults(faults)) => return self.faults.extend(faults),
        };
        for definition in definitions {
            let scope = format!("{}:{}", definition.scope.kind, definition.scope.key);
            let targets = definition.policy.auto_downgrade.iter().map(|rule| &rule.to);
            for model in targets.filter(|model| !is_priced(prices, model)) {
                self.warnings.push(format!("{scope} downgrades to {model}, which has no price"));
            }
            self.budgets.push(scope);
        }
    }
}

fn is_priced(prices: &Prices, model: &str) -> bool {
    prices.find(model, "", chassis::clock::now_ms()).is_some()
}

impl Answer for Checked {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut list = |word: &str, items: &[String]| {
            items.iter().try_for_each(|item| writeln!(out, "{word}{item}"))
        };
        list("warning: ", &self.warnings)?;
        list("", &self.faults)?;
        if !self.is_good() {
            return writeln!(out, "{} faults", self.faults.len());
        }
        let budgets = if self.budgets.is_empty() {
            String::new()
        } else {
            format!(": {}", self.budgets.join(", "))
        };
        writeln!(out, "{} budgets{budgets}", self.budgets.len())?;
        writeln!(out, "{} prices, {} aliases", self.prices, self.aliases)
    }

    fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}
