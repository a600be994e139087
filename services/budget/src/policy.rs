//! What a scope may spend, and what happens as it nears the end of it.

use serde::{Deserialize, Serialize};

/// One, in the millionths that fractions are kept in.
pub const ONE: i64 = 1_000_000;

/// Whose money a call uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// org, user, session, agent or task.
    pub kind: String,
    /// Which one; `*` in a definition stands for each that has none of its own.
    pub key: String,
}

/// The types of scopes.
pub const KINDS: [&str; 5] = ["org", "user", "session", "agent", "task"];

/// How a limit is enforced. Fractions are millionths of the limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// From here on calls are warned, downgraded or lose tools.
    pub soft_cap: i64,
    /// Here calls stop.
    pub hard_cap: i64,
    /// Crossing one of these is told.
    pub notify_at: Vec<i64>,
    /// Cheaper models to go to.
    pub auto_downgrade: Vec<Downgrade>,
    /// Tools to go without.
    pub disable_tools: Vec<String>,
    /// Whether reaching the cap exactly is too much.
    pub strict_projection: bool,
}

/// One way to a cheaper model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downgrade {
    /// The models it applies to; `*` is every one.
    pub from: Vec<String>,
    /// Where it leads.
    pub to: String,
}

/// What one scope, or each of a type, may spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Whose money.
    pub scope: Scope,
    /// How much in a period.
    pub limit_micros: i64,
    /// none, hourly, daily, weekly, monthly or a cron expression.
    pub period: String,
    /// How it is enforced.
    pub policy: Policy,
    /// Counts the changes.
    pub version: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            soft_cap: 800_000,
            hard_cap: ONE,
            notify_at: Vec::new(),
            auto_downgrade: Vec::new(),
            disable_tools: Vec::new(),
            strict_projection: false,
        }
    }
}

impl Policy {
    /// The policy of the definition that an empty store starts with.
    #[must_use]
    pub fn built_in() -> Self {
        let from = ["gpt-4o", "gpt-4-turbo", "claude-opus-4-1"].map(str::to_owned).to_vec();
        Self {
            auto_downgrade: vec![Downgrade { from, to: "gpt-4o-mini".to_owned() }],
            disable_tools: vec!["web-search-premium".to_owned()],
            ..Self::default()
        }
    }

    /// The model that the first matching rule leads to.
    #[must_use]
    pub fn downgrade(&self, model: &str) -> Option<&str> {
        let matches = |rule: &&Downgrade| rule.from.iter().any(|from| from == "*" || from == model);
        self.auto_downgrade.iter().find(matches).map(|rule| rule.to.as_str())
    }

    /// Whether it does more than warn.
    #[must_use]
    pub fn degrades(&self) -> bool {
        !self.auto_downgrade.is_empty() || !self.disable_tools.is_empty()
    }
}

impl Definition {
    /// Where calls stop.
    #[must_use]
    pub fn cap_micros(&self) -> i64 {
        part_of(self.limit_micros, self.policy.hard_cap)
    }

    /// Whether so much is at least this part of the limit.
    #[must_use]
    pub fn reaches(&self, amount: i64, part: i64) -> bool {
        i128::from(amount) * i128::from(ONE) >= i128::from(self.limit_micros) * i128::from(part)
    }

    /// What the account is called by what it has spent.
    #[must_use]
    pub fn state(&self, spent_micros: i64) -> &'static str {
        if self.cap_micros() <= spent_micros {
            "stopped"
        } else if !self.reaches(spent_micros, self.policy.soft_cap) {
            "active"
        } else if self.policy.degrades() {
            "degraded"
        } else {
            "warned"
        }
    }

    /// Every rule that the definition breaks, with the field.
    #[must_use]
    pub fn violations(&self) -> Vec<(&'static str, String)> {
        let Self { scope, policy, .. } = self;
        let mut found = Vec::new();
        let mut rule = |holds: bool, path: &'static str, message: &str| {
            if !holds {
                found.push((path, message.to_owned()));
            }
        };
        rule(
            KINDS.contains(&scope.kind.as_str()),
            "scope",
            "the type is none of org, user, session, agent, task",
        );
        rule(
            (1..=256).contains(&scope.key.chars().count()),
            "scope",
            "the key needs 1 to 256 characters",
        );
        rule(0 < self.limit_micros, "limit_usd", "must be more than 0");
        rule((0..=ONE).contains(&policy.hard_cap), "policy.hard_cap", "must be within 0 to 1");
        rule(
            (0..=policy.hard_cap).contains(&policy.soft_cap),
            "policy.soft_cap",
            "must be within 0 to hard_cap",
        );
        let are_parts = policy.notify_at.iter().all(|part| (0..=ONE).contains(part));
        rule(
            are_parts && policy.notify_at.len() <= 20,
            "policy.notify_at",
            "at most 20 numbers within 0 to 1",
        );
        rule(policy.auto_downgrade.len() <= 50, "policy.auto_downgrade", "at most 50 rules");
        rule(policy.disable_tools.len() <= 100, "policy.disable_tools", "at most 100 tools");
        found
    }
}

/// A part of an amount, rounded down.
fn part_of(amount: i64, part: i64) -> i64 {
    i64::try_from(i128::from(amount) * i128::from(part) / i128::from(ONE)).unwrap_or(i64::MAX)
}
