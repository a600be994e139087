//! Products that a customer names, and how many of each.

use std::collections::BTreeSet;

use crate::business::catalogue::{Catalogue, Product};
use crate::lexicon::Lexicon;
use crate::words::{number, stem, stems, words};

/// The most of one product that a customer can mean.
pub(crate) const QUANTITY_MAX: i64 = 999;
/// How many words a number may stand before the product that it counts.
const REACH: usize = 4;

/// Something that a customer names.
#[derive(Clone, Debug)]
pub(crate) struct Mention<'a> {
    /// The product; several when the words fit several, such as two sizes of one thing.
    pub(crate) products: Vec<&'a Product>,
    /// How many, if a number was given.
    pub(crate) quantity: Option<i64>,
}

struct Candidate<'a> {
    product: &'a Product,
    at: BTreeSet<usize>,
}

/// The products named in a text, in its order.
#[must_use]
pub(crate) fn find<'a>(
    catalogue: &'a Catalogue,
    lexicon: &Lexicon,
    text: &str,
) -> Vec<Mention<'a>> {
    let text_words = words(text);
    let text_stems: Vec<String> = text_words.iter().map(|word| stem(word)).collect();
    let mut candidates = candidates(catalogue, lexicon, text, &text_stems);
    let sets: Vec<BTreeSet<usize>> =
        candidates.iter().map(|candidate| candidate.at.clone()).collect();
    candidates.retain(|candidate| {
        let is_part =
            |set: &&BTreeSet<usize>| candidate.at.len() < set.len() && candidate.at.is_subset(set);
        !sets.iter().any(|set| is_part(&set))
    });
    let mut groups: Vec<(BTreeSet<usize>, Vec<&Product>)> = Vec::new();
    for candidate in candidates {
        match groups.iter_mut().find(|(at, _)| *at == candidate.at) {
            Some((_, products)) => products.push(candidate.product),
            None => groups.push((candidate.at, vec![candidate.product])),
        }
    }
    groups.sort_by_key(|(at, _)| at.first().copied());
    let mut free_from = 0;
    let mut mentions = Vec::new();
    for (at, products) in groups {
        let (start, end) = (at.first().copied().unwrap_or(0), at.last().copied().unwrap_or(0));
        let quantity = quantity(&text_words, free_from, start, end);
        free_from = end + 1;
        mentions.push(Mention { products, quantity });
    }
    mentions
}

fn candidates<'a>(
    catalogue: &'a Catalogue,
    lexicon: &Lexicon,
    text: &str,
    text_stems: &[String],
) -> Vec<Candidate<'a>> {
    let lower = text.to_lowercase();
    let mut candidates = Vec::new();
    for (product, name) in catalogue.products.iter().zip(&lexicon.names) {
        let at: BTreeSet<usize> =
            (0..text_stems.len()).filter(|&at| name.contains(&text_stems[at])).collect();
        let is_telling = |&at: &usize| lexicon.telling.contains(text_stems[at].as_str());
        if at.iter().any(is_telling) {
            candidates.push(Candidate { product, at: connected(&at, is_telling) });
        } else if lower.contains(&product.sku.to_lowercase()) {
            let first = stems(&product.sku)
                .first()
                .and_then(|sku| text_stems.iter().position(|stem| stem == sku));
            candidates.push(Candidate { product, at: first.into_iter().collect() });
        }
    }
    candidates
}

/// The words that stand together with a telling one, so that a number elsewhere does not seem part of a name.
fn connected(at: &BTreeSet<usize>, is_telling: impl Fn(&usize) -> bool) -> BTreeSet<usize> {
    let mut run: BTreeSet<usize> = at.iter().filter(|at| is_telling(at)).copied().collect();
    for &word in at {
        if word.checked_sub(1).is_some_and(|before| run.contains(&before)) {
            run.insert(word);
        }
    }
    for &word in at.iter().rev() {
        if run.contains(&(word + 1)) {
            run.insert(word);
        }
    }
    run
}

fn quantity(words: &[String], free_from: usize, start: usize, end: usize) -> Option<i64> {
    let is_measure = |index: usize| {
        words.get(index + 1).is_some_and(|word| {
            matches!(word.as_str(), "g" | "kg" | "mm" | "ml" | "euro" | "euros")
        })
    };
    let within = |quantity: i64| (1..=QUANTITY_MAX).contains(&quantity).then_some(quantity);
    let reach = free_from.max(start.saturating_sub(REACH))..start;
    let before = reach
        .rev()
        .filter(|&index| !is_measure(index))
        .find_map(|index| number(&words[index]).and_then(within));
    let after = || {
        let is_times = words.get(end + 1).is_some_and(|word| word == "x" || word == "times");
        let count = words.get(end + 2).filter(|_| is_times)?;
        number(count).and_then(within)
    };
    before.or_else(after)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::testing::business;

    /// Numbers of products, and how many of them.
    type Found = &'static [(&'static str, Option<i64>)];

    #[test]
    fn products_and_quantities_are_found() {
        let business = business();
        let lexicon = crate::lexicon::Lexicon::new(&business);
        let cases: [(&str, Found); 12] = [
            ("how much is the Rosso Duo?", &[("ESP-DUO", None)]),
            ("kestrel 40", &[("GRI-40", None)]),
            ("the hand grinder", &[("GRI-HAND", None)]),
            ("3 bags of Guji and two tampers", &[("BEA-GUJ-250", Some(3)), ("ACC-TAMP", Some(2))]),
            ("a bellini lever", &[("ESP-LEV", Some(1))]),
            ("House Blend", &[("BEA-HOU-250|BEA-HOU-1000", None)]),
            ("2 House Blend 1 kg", &[("BEA-HOU-1000", Some(2))]),
            ("compare Rosso One with the Bellini Doppio", &[("ESP-ONE", None), ("ESP-BEL", None)]),
            ("do you have acc-jug?", &[("ACC-JUG", None)]),
            ("descaler x 3", &[("ACC-DESC", Some(3))]),
            ("one machine for filter coffee", &[]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            let found = find(&business.catalogue, &lexicon, text);
            let skus = |products: &[&crate::business::catalogue::Product]| {
                products.iter().map(|product| product.sku.clone()).collect::<Vec<_>>().join("|")
            };
            let found: Vec<_> =
                found.iter().map(|mention| (skus(&mention.products), mention.quantity)).collect();
            let expected: Vec<_> =
                expected.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
