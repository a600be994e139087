//! What a call is expected to cost, and what it did cost.

use crate::account::Reservation;
use crate::ledger::Quote;
use crate::operation::{Refusal, Reserve, Settle, Usage};
use crate::pricing::{Price, Prices, Tokens, Unknown};

/// Prices and the settings around them.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The price table.
    pub prices: Prices,
    /// What an unknown model costs.
    pub unknown: Unknown,
    /// What a call costs of which nothing is known.
    pub default_estimate_micros: i64,
    /// Tokens out for each token in, in millionths.
    pub output_ratio: i64,
    /// The most that one settle may say.
    pub max_actual_micros: i64,
}

impl Rules {
    /// What a call would cost with a model; none when it may not be used at all.
    #[must_use]
    pub fn estimate(&self, ask: &Reserve, model: &str, now_ms: i64) -> Option<i64> {
        if ask.estimate_micros.is_some() {
            return ask.estimate_micros;
        }
        if model.is_empty() {
            return Some(ask.per_call_micros.unwrap_or(self.default_estimate_micros));
        }
        let per_call = ask.per_call_micros.unwrap_or_default();
        let output = ask.max_output_tokens.unwrap_or_else(|| self.output_of(ask.input_tokens));
        let tokens = Tokens { input: ask.input_tokens, output, ..Tokens::default() };
        let cost = match (self.prices.find(model, "", now_ms), self.unknown) {
            (Some(price), _) => price.cost_micros(tokens),
            (None, Unknown::MaxKnownPrice) => self.prices.highest(now_ms).cost_micros(tokens),
            (None, Unknown::DefaultPrice) => self.default_estimate_micros,
            (None, Unknown::Deny) => return None,
        };
        Some(per_call.saturating_add(cost))
    }

    /// The tokens out that so many tokens in lead to, rounded up.
    #[must_use]
    pub fn output_of(&self, input: i64) -> i64 {
        let output = (i128::from(input) * i128::from(self.output_ratio) + 999_999) / 1_000_000;
        i64::try_from(output).unwrap_or(i64::MAX)
    }

    /// A model to which a policy leads.
    #[must_use]
    pub fn quote(&self, ask: &Reserve, model: &str, now_ms: i64) -> Option<Quote> {
        let price = self.price(model, "", now_ms)?;
        let estimate_micros = self.estimate(ask, model, now_ms)?;
        // What this call would cost decides; a fixed amount says nothing of models, and their list prices stand in.
        let rank = if ask.estimate_micros.is_some() { price.rank() } else { estimate_micros };
        Some(Quote { estimate_micros, rank })
    }

    fn price(&self, model: &str, provider: &str, now_ms: i64) -> Option<Price> {
        if model.is_empty() {
            return None;
        }
        let known = self.prices.find(model, provider, now_ms).cloned();
        Some(known.unwrap_or_else(|| self.prices.highest(now_ms)))
    }

    /// What a call did cost.
    pub fn actual(&self, settle: &Settle, held: &Reservation, now_ms: i64) -> Result<i64, Refusal> {
        let actual = match (settle.actual_micros, &settle.usage) {
            (Some(actual), _) => actual,
            (None, Some(usage)) => self.cost_of(usage, settle, held, now_ms),
            (None, None) => return Ok(held.amount_micros),
        };
        let is_believable = (0..=self.max_actual_micros).contains(&actual);
        if is_believable {
            Ok(actual)
        } else {
            Err(Refusal::Amount(actual, self.max_actual_micros))
        }
    }

    fn cost_of(&self, usage: &Usage, settle: &Settle, held: &Reservation, now_ms: i64) -> i64 {
        let per_call = settle.per_call_micros.unwrap_or(held.per_call_micros);
        let model = if usage.model.is_empty() { &held.model } else { &usage.model };
        let known = self.prices.find(model, &usage.provider, now_ms);
        if let Some(cost) = usage.cost_micros {
            return cost;
        }
        match (known, self.unknown) {
            _ if model.is_empty() => held.amount_micros,
            (Some(price), _) => price.cost_micros(usage.tokens).saturating_add(per_call),
            (None, Unknown::DefaultPrice) => self.default_estimate_micros,
            (None, _) => {
                self.prices.highest(now_ms).cost_micros(usage.tokens).saturating_add(per_call)
            }
        }
    }
}
