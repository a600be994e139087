//! The way to the budget of a running mesh.

use std::process::ExitCode;
use std::time::Duration;

use chassis::Link;
use chassis::config::{Common, Environment, Ports, micros_of};
use chassis::link::within;
use gateway::Time;
use proto::v1::budget_client::BudgetClient;
use proto::v1::{Context, Scope};
use tonic::Status;
use url::Url;

use crate::answer::{self, Answer};

/// What an answer may take; a whole ledger is read in parts.
const LIMIT: Duration = Duration::from_secs(30);

/// What every command needs to know.
#[derive(Debug, clap::Args)]
pub(super) struct Connection {
    /// Where the budget service listens [default: BUDGET_ADDR, else http://127.0.0.1:50053]
    #[arg(long, global = true, value_name = "URL")]
    address: Option<Url>,
    /// Whose money.
    #[arg(long, global = true, default_value = "default")]
    tenant: String,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// A connection to the budget.
pub(super) struct Till {
    link: Link,
    tenant: String,
    as_json: bool,
}

impl Connection {
    /// Connects with the first call. INTERNAL_TOKEN proves who calls.
    pub(super) fn open(self) -> anyhow::Result<Till> {
        let mut env = Environment::of_process();
        let common = Common::read(&mut env, Ports { grpc: 50050, admin: 9464 }, "./mesh.db");
        let configured = env.url_or("BUDGET_ADDR", "http://127.0.0.1:50053");
        env.finish()?;
        chassis::telemetry::choose_tls();
        let address = self.address.unwrap_or(configured);
        let link = Link::remote(&address, common.internal_token.as_deref());
        Ok(Till { link, tenant: self.tenant, as_json: self.json })
    }
}

impl Till {
    pub(super) fn client(&self) -> BudgetClient<Link> {
        BudgetClient::new(self.link.clone())
    }

    pub(super) fn context(&self) -> Option<Context> {
        Some(Context { tenant: self.tenant.clone(), ..Context::default() })
    }

    /// Prints what came of a call.
    pub(super) fn say(&self, answer: Result<impl Answer, Status>) -> anyhow::Result<ExitCode> {
        match answer {
            Ok(answer) => answer::say(&answer, self.as_json),
            Err(status) => answer::refuse(&status, self.as_json),
        }
    }
}

/// A call that must be answered in time.
pub(super) fn call<T>(message: T) -> tonic::Request<T> {
    within(message, LIMIT)
}

/// Reads `type:key`; which types there are, the budget knows.
pub(super) fn scope(text: &str) -> Result<Scope, String> {
    let (kind, key) =
        text.split_once(':').ok_or_else(|| format!("'{text}' is not type:key, as in user:ada"))?;
    Ok(Scope { r#type: kind.to_owned(), key: key.to_owned() })
}

/// Reads an amount in US dollars, exactly.
pub(super) fn usd(text: &str) -> Result<i64, String> {
    let micros = micros_of(text).filter(|micros| 0 <= *micros);
    micros.ok_or_else(|| format!("'{text}' is not an amount with at most 6 decimals"))
}

/// Reads a time, or a day, which stands for its first moment.
pub(super) fn time(text: &str) -> Result<i64, String> {
    let time = Time::parse(text).or_else(|| Time::parse(&format!("{text}T00:00:00Z")));
    time.map(|time| time.0)
        .ok_or_else(|| format!("'{text}' is not a day or a time such as 2026-11-21T08:00:00Z"))
}

/// A scope as people write it.
pub(super) fn name(scope: Option<&Scope>) -> String {
    scope.map(|scope| format!("{}:{}", scope.r#type, scope.key)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        assert_eq!(name(Some(&scope("user:a:b").unwrap())), "user:a:b");
        assert!(scope("ada").is_err());
        assert_eq!(usd("0.05"), Ok(50_000));
        assert!(usd("-1").is_err() && usd("0.0000001").is_err() && usd("ten").is_err());
        assert_eq!(time("1970-01-02"), Ok(86_400_000));
        assert_eq!(time("1970-01-01T01:00:00+01:00"), Ok(0));
        assert!(time("yesterday").is_err());
    }
}
