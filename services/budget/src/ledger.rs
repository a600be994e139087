//! The rule book of admission: given what the scopes hold, may this call be made, with which model and tools, and what is
//! held for it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::policy::{Definition, Scope};

#[cfg(test)]
mod tests;

/// The money of a scope in its present period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// Whose.
    pub scope: Scope,
    /// What it may spend; without one it is unlimited.
    pub definition: Option<Arc<Definition>>,
    /// The present period.
    pub period_id: String,
    /// When it ends, if it does by itself.
    pub end_ms: Option<i64>,
    /// The sum of its ledger.
    pub spent_micros: i64,
    /// The sum of its open reservations.
    pub reserved_micros: i64,
}

/// How a scope stands: the numbers of its book, without the rules that led to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whose.
    pub scope: Scope,
    /// In which period.
    pub period_id: String,
    /// When that ends, if it does by itself.
    pub end_ms: Option<i64>,
    /// The sum of its ledger.
    pub spent_micros: i64,
    /// The sum of its open reservations.
    pub reserved_micros: i64,
    /// What it may spend; without one it is unlimited.
    #[serde(default)]
    pub limit: Option<Limit>,
}

/// What a scope may spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// In a period.
    pub limit_micros: i64,
    /// Where calls stop.
    pub cap_micros: i64,
    /// active, warned, degraded or stopped.
    pub state: Cow<'static, str>,
}

/// A call that wants money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// The model it wants; may be empty.
    pub model: String,
    /// The tools it wants; `*` is unknown.
    pub tools: Vec<String>,
    /// What the wanted model would cost; none when it may not be used at all.
    pub estimate_micros: Option<i64>,
}

/// A model to which a policy may lead: what it would cost here, and its place in the order of prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What this call would cost with it.
    pub estimate_micros: i64,
    /// By what "cheaper" is judged.
    pub rank: i64,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// allow, warn, disable-tools, degrade or hard-stop.
    pub action: Cow<'static, str>,
    /// The model that is held for.
    pub model: String,
    /// Tools to go without.
    pub disabled_tools: Vec<String>,
    /// What is held; 0 after a hard stop.
    pub reserved_micros: i64,
    /// What was asked for with the model that was judged last.
    pub estimate_micros: i64,
    /// Something to tell.
    pub warning: String,
    /// Why not.
    pub reason: Cow<'static, str>,
    /// For each book, whether it denies.
    pub denies: Vec<bool>,
}

impl Ruling {
    /// Whether the call may be made.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.action != "hard-stop"
    }
}

impl Book {
    /// How the scope stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let limit = self.definition.as_ref().map(|definition| Limit {
            limit_micros: definition.limit_micros,
            cap_micros: definition.cap_micros(),
            state: definition.state(self.spent_micros).into(),
        });
        Standing {
            scope: self.scope.clone(),
            period_id: self.period_id.clone(),
            end_ms: self.end_ms,
            spent_micros: self.spent_micros,
            reserved_micros: self.reserved_micros,
            limit,
        }
    }

    fn used(&self) -> i64 {
        self.spent_micros.saturating_add(self.reserved_micros)
    }

    fn fits(&self, amount: i64) -> bool {
        let Some(definition) = &self.definition else { return true };
        let (cap, sum) = (definition.cap_micros(), self.used().saturating_add(amount));
        let stays = if definition.policy.strict_projection { sum < cap } else { sum <= cap };
        self.used() < cap && stays
    }

    fn is_pressed(&self, amount: i64) -> bool {
        let sum = self.used().saturating_add(amount);
        self.definition
            .as_ref()
            .is_some_and(|definition| definition.reaches(sum, definition.policy.soft_cap))
    }
}

/// Decides for all scopes at once. `quote` prices a model that a policy leads to.
pub fn decide(ask: &Ask, books: &[Book], quote: impl Fn(&str) -> Option<Quote>) -> Ruling {
    let Some(wanted) = ask.estimate_micros else {
        return refused(ask, books, (0, 0), "Unknown model");
    };
    let pressed: Vec<&Book> = books.iter().filter(|book| book.is_pressed(wanted)).collect();
    let chain = chain(ask, &pressed, &quote);
    let candidates =
        if chain.is_empty() { vec![(ask.model.clone(), wanted)] } else { chain.clone() };
    let fits = |amount: i64| books.iter().all(|book| book.fits(amount));
    let Some((model, amount)) = candidates.iter().find(|(_, amount)| fits(*amount)).cloned() else {
        let cheapest = candidates.last().map_or(wanted, |(_, amount)| *amount);
        return refused(ask, books, (wanted, cheapest), "Hard cap exceeded");
    };
    let disabled_tools = forbidden(&pressed, Some(&ask.tools));
    let action = match () {
        () if !chain.is_empty() => "degrade",
        () if !disabled_tools.is_empty() => "disable-tools",
        () if !pressed.is_empty() => "warn",
        () => "allow",
    };
    let warning =
        warning(&pressed, wanted, (action == "degrade").then_some(&model), &disabled_tools);
    Ruling {
        action: action.into(),
        model,
        disabled_tools,
        reserved_micros: amount,
        estimate_micros: amount,
        warning,
        reason: "".into(),
        denies: vec![false; books.len()],
    }
}

/// Nothing is held. `amounts` are what the wanted model would cost, and the cheapest that was tried.
fn refused(ask: &Ask, books: &[Book], amounts: (i64, i64), reason: &'static str) -> Ruling {
    let (wanted, cheapest) = amounts;
    let pressed: Vec<&Book> = books.iter().filter(|book| book.is_pressed(wanted)).collect();
    Ruling {
        action: "hard-stop".into(),
        model: ask.model.clone(),
        disabled_tools: forbidden(&pressed, None),
        reserved_micros: 0,
        estimate_micros: cheapest,
        warning: String::new(),
        reason: reason.into(),
        denies: books.iter().map(|book| !book.fits(cheapest)).collect(),
    }
}

/// The models that the pressed policies lead to, each cheaper than the one before.
fn chain(
    ask: &Ask,
    pressed: &[&Book],
    quote: &impl Fn(&str) -> Option<Quote>,
) -> Vec<(String, i64)> {
    let mut steps: Vec<(String, i64)> = Vec::new();
    let Some(mut current) = quote(&ask.model) else { return steps };
    let mut model = ask.model.clone();
    // A chain visits each model once, so that policies with circles end.
    loop {
        let next = pressed
            .iter()
            .filter_map(|book| book.definition.as_ref()?.policy.downgrade(&model))
            .filter_map(|to| quote(to).map(|quote| (to, quote)))
            .min_by(|(a, first), (b, second)| (first.rank, a).cmp(&(second.rank, b)));
        let Some((to, cheaper)) = next else { return steps };
        let is_repeated = to == ask.model || steps.iter().any(|(seen, _)| seen == to);
        if is_repeated || current.rank <= cheaper.rank {
            return steps;
        }
        steps.push((to.to_owned(), cheaper.estimate_micros));
        to.clone_into(&mut model);
        current = cheaper;
    }
}

/// The tools on the lists of these books: those that are wanted, or all.
fn forbidden(books: &[&Book], wanted: Option<&[String]>) -> Vec<String> {
    let listed = books
        .iter()
        .filter_map(|book| book.definition.as_ref())
        .flat_map(|d| &d.policy.disable_tools);
    let mut tools: Vec<String> = listed
        .filter(|tool| {
            wanted.is_none_or(|wanted| wanted.iter().any(|name| name == "*" || name == *tool))
        })
        .cloned()
        .collect();
    tools.sort();
    tools.dedup();
    tools
}

fn warning(pressed: &[&Book], amount: i64, model: Option<&String>, tools: &[String]) -> String {
    let share = |book: &&Book| {
        let limit = book.definition.as_ref().map_or(1, |definition| definition.limit_micros.max(1));
        i128::from(book.used().saturating_add(amount)) * 1_000 / i128::from(limit)
    };
    let Some(permille) = pressed.iter().map(share).max() else { return String::new() };
    let mut text = format!("Soft cap reached ({}.{}% spent)", permille / 10, permille % 10);
    if let Some(model) = model {
        text.push_str(&format!(", downgraded to {model}"));
    }
    if !tools.is_empty() {
        text.push_str(&format!(", disabled tools: {}", tools.join(", ")));
    }
    text
}
