//! What models cost, in exact micro-USD.

use std::collections::BTreeMap;

/// Prices of a model, in micro-USD per million tokens: the number of micros that a million tokens cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Who sells it.
    pub provider: String,
    /// Its name.
    pub model: String,
    /// Tokens in.
    pub input: i64,
    /// Tokens out.
    pub output: i64,
    /// Tokens read from a cache; as input when absent.
    pub cache_read: Option<i64>,
    /// Tokens written to a cache; as input when absent.
    pub cache_write: Option<i64>,
    /// From when on it holds.
    pub effective_from_ms: i64,
}

/// How many tokens of which kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// All tokens in, cached ones included.
    pub input: i64,
    /// Tokens out.
    pub output: i64,
    /// Of the input, read from a cache.
    pub cache_read: i64,
    /// Of the input, written to a cache.
    pub cache_write: i64,
}

/// What a model that is not in the table costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The highest prices of the table.
    MaxKnownPrice,
    /// A fixed amount a call.
    DefaultPrice,
    /// Nothing may be reserved for it.
    Deny,
}

/// The price table.
#[derive(Clone, Debug)]
pub struct Prices {
    entries: Vec<Price>,
    aliases: BTreeMap<String, String>,
}

// The last one stands for agents that answer by rules: they have no tokens to pay for, only a price a call.
const BUILT_IN: [(&str, &str, i64, i64); 10] = [
    ("openai", "gpt-4o", 2_500_000, 10_000_000),
    ("openai", "gpt-4o-mini", 150_000, 600_000),
    ("openai", "gpt-4-turbo", 10_000_000, 30_000_000),
    ("openai", "gpt-4", 30_000_000, 60_000_000),
    ("openai", "o1", 15_000_000, 60_000_000),
    ("anthropic", "claude-opus-4-1", 15_000_000, 75_000_000),
    ("anthropic", "claude-sonnet-4", 3_000_000, 15_000_000),
    ("anthropic", "claude-3-5-haiku", 800_000, 4_000_000),
    ("google", "gemini-2.0-flash", 100_000, 400_000),
    ("desk", "desk-rules", 0, 0),
];

impl Default for Prices {
    fn default() -> Self {
        let entry = |(provider, model, input, output): (&str, &str, i64, i64)| Price {
            provider: provider.to_owned(),
            model: model.to_owned(),
            input,
            output,
            cache_read: None,
            cache_write: None,
            effective_from_ms: i64::MIN,
        };
        Self { entries: BUILT_IN.map(entry).to_vec(), aliases: BTreeMap::new() }
    }
}

impl Prices {
    /// Adds entries; one of the same provider, model and date is replaced.
    pub fn add(&mut self, entries: Vec<Price>, aliases: BTreeMap<String, String>) {
        for entry in entries {
            self.entries.retain(|old| {
                (&old.provider, &old.model, old.effective_from_ms)
                    != (&entry.provider, &entry.model, entry.effective_from_ms)
            });
            self.entries.push(entry);
        }
        self.aliases.extend(aliases);
    }

    /// The newest price in force: of the given provider, else of any.
    #[must_use]
    pub fn find(&self, model: &str, provider: &str, now_ms: i64) -> Option<&Price> {
        let model = self.aliases.get(model).map_or(model, String::as_str);
        let in_force = |provider: Option<&str>| {
            self.entries
                .iter()
                .filter(|price| price.model == model && price.effective_from_ms <= now_ms)
                .filter(|price| provider.is_none_or(|provider| price.provider == provider))
                .max_by_key(|price| price.effective_from_ms)
        };
        in_force(Some(provider)).or_else(|| in_force(None))
    }

    /// The highest price of the table, input and output each.
    #[must_use]
    pub fn highest(&self, now_ms: i64) -> Price {
        let in_force = || self.entries.iter().filter(|price| price.effective_from_ms <= now_ms);
        Price {
            provider: String::new(),
            model: String::new(),
            input: in_force().map(|price| price.input).max().unwrap_or_default(),
            output: in_force().map(|price| price.output).max().unwrap_or_default(),
            cache_read: None,
            cache_write: None,
            effective_from_ms: i64::MIN,
        }
    }
}

impl Price {
    /// What so many tokens cost, rounded up to a micro.
    #[must_use]
    pub fn cost_micros(&self, tokens: Tokens) -> i64 {
        let uncached = (tokens.input - tokens.cache_read - tokens.cache_write).max(0);
        let part = |tokens: i64, price: i64| i128::from(tokens.max(0)) * i128::from(price);
        let sum = part(uncached, self.input)
            + part(tokens.output, self.output)
            + part(tokens.cache_read, self.cache_read.unwrap_or(self.input))
            + part(tokens.cache_write, self.cache_write.unwrap_or(self.input));
        i64::try_from((sum + 999_999) / 1_000_000).unwrap_or(i64::MAX)
    }

    /// By what models are compared when no tokens are known.
    #[must_use]
    pub fn rank(&self) -> i64 {
        self.input.saturating_add(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(model: &str, input: i64, output: i64) -> i64 {
        let prices = Prices::default();
        let tokens = Tokens { input, output, ..Tokens::default() };
        prices.find(model, "", 0).expect("a known model").cost_micros(tokens)
    }

    #[test]
    fn the_golden_costs_hold() {
        assert_eq!(cost("claude-sonnet-4", 500, 200), 4_500);
        assert_eq!(cost("gpt-4o-mini", 1_200, 300), 360);
        assert_eq!(cost("gpt-4o-mini", 1, 0), 1);
        assert_eq!(cost("gpt-4o", 1_000, 1_000), 12_500);
        assert_eq!(cost("gpt-4o-mini", 1_000, 500), 450);
        assert_eq!(cost("claude-sonnet-4", 1_000, 500), 10_500);
    }

    #[test]
    fn a_newer_price_and_an_alias_are_found() {
        let mut prices = Prices::default();
        let old = prices.find("gpt-4o", "openai", 0).unwrap().clone();
        let new = Price { input: 1, effective_from_ms: 100, ..old };
        prices.add(vec![new], BTreeMap::from([("house".to_owned(), "gpt-4o".to_owned())]));
        assert_eq!(prices.find("house", "elsewhere", 99).unwrap().input, 2_500_000);
        assert_eq!(prices.find("house", "elsewhere", 100).unwrap().input, 1);
        assert!(prices.find("nobody", "", 0).is_none());
    }

    #[test]
    fn cached_tokens_have_their_own_price() {
        let price = Price {
            cache_read: Some(250_000),
            ..Prices::default().find("gpt-4o", "", 0).unwrap().clone()
        };
        let tokens = Tokens { input: 1_000, output: 0, cache_read: 800, cache_write: 100 };
        assert_eq!(price.cost_micros(tokens), 250 + 200 + 250);
    }
}
