//! What a customer is ready to pay: `under 300`, `between 200 and 500`, `the cheapest`.

use crate::business::money::Cents;
use crate::words::{find, says, words};

/// The bounds and the order that a customer asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// At least this.
    pub(crate) from: Option<Cents>,
    /// At most this.
    pub(crate) until: Option<Cents>,
    /// The cheapest first.
    pub(crate) is_cheapest_first: bool,
    /// The dearest first.
    pub(crate) is_dearest_first: bool,
}

impl Bounds {
    /// Reads them from a text.
    #[must_use]
    pub(crate) fn of(text: &[String]) -> Self {
        let between = amount_after(text, &["between"]).zip(amount_after(text, &["and"]));
        let (from, until) = match between {
            Some((from, until)) if from < until => (Some(from), Some(until)),
            _ => (
                amount_after(text, &["over", "above", "more than", "at least", "from"]),
                amount_after(
                    text,
                    &[
                        "under",
                        "below",
                        "less than",
                        "up to",
                        "max",
                        "maximum",
                        "cheaper than",
                        "within",
                        "not more than",
                    ],
                ),
            ),
        };
        Self {
            from,
            until,
            is_cheapest_first: says(
                text,
                &["cheapest", "least expensive", "lowest price", "cheap", "cheaper", "affordable"],
            ),
            is_dearest_first: says(text, &["most expensive", "dearest", "top model", "best"]),
        }
    }

    /// Whether there are any.
    #[must_use]
    pub(crate) fn is_set(self) -> bool {
        self != Self::default()
    }

    /// Whether a price is within them.
    #[must_use]
    pub(crate) fn hold(self, price: Cents) -> bool {
        self.from.is_none_or(|from| from <= price) && self.until.is_none_or(|until| price <= until)
    }
}

fn amount_after(text: &[String], phrases: &[&str]) -> Option<Cents> {
    phrases.iter().find_map(|phrase| {
        let phrase = words(phrase);
        let start = find(text, &phrase)? + phrase.len();
        // A word such as `euro` or `about` may stand between.
        let mut near = text.iter().skip(start).take(2);
        near.find_map(|word| Cents::parse(word))
    })
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Cents};
    use crate::words::words;

    #[test]
    fn bounds_are_understood() {
        let cases = [
            ("a grinder under €300", None, Some(30_000)),
            ("machines between 400 and 900 euro", Some(40_000), Some(90_000)),
            ("something over 1000", Some(100_000), None),
            ("up to about 50", None, Some(5_000)),
            ("the Kestrel 40", None, None),
        ];
        for (text, from, until) in cases {
            let bounds = Bounds::of(&words(text));
            assert_eq!((bounds.from, bounds.until), (from.map(Cents), until.map(Cents)), "{text}");
        }
        assert!(Bounds::of(&words("the cheapest machine")).is_cheapest_first);
    }
}
