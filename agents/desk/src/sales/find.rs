//! Products that fit a description: a category, a use, a price range.

use super::budget::Bounds;
use crate::ask::Ask;
use crate::business::catalogue::{Catalogue, Product};
use crate::business::pages::Section;
use crate::index::Index;
use crate::lexicon::Phrase;
use crate::words::{stems, topic_stems, words};

/// The most products of one list.
const LIST_MAX: usize = 6;
/// A product covers at least this share of a description that it fits.
const COVERAGE_MIN: f64 = 0.5;

/// Products as the texts that [`Index`] searches.
#[must_use]
pub(crate) fn sections(catalogue: &Catalogue) -> Vec<Section> {
    let features = |product: &Product| {
        let pairs: Vec<_> =
            product.features.0.iter().map(|(name, value)| format!("{name} {value}")).collect();
        pairs.join(" ")
    };
    let section = |product: &Product| Section {
        page: product.category.clone(),
        heading: product.name.clone(),
        body: format!("{} {}", product.description, features(product)),
        also: product.sku.clone(),
    };
    catalogue.products.iter().map(section).collect()
}

/// The products that fit the customer's words, best first; empty when they describe none.
#[must_use]
pub(crate) fn find<'a>(ask: &Ask<'a>, index: &Index) -> Vec<&'a Product> {
    let products = &ask.business.catalogue.products;
    let bounds = Bounds::of(&words(ask.text()));
    let category = category(ask);
    let fits = |product: &&Product| {
        category.is_none_or(|category| product.category == category) && bounds.hold(product.price)
    };
    let hits = index.search(&described(ask.text()));
    let hits = hits.iter().filter(|hit| COVERAGE_MIN <= hit.coverage);
    let mut found: Vec<&Product> =
        hits.map(|hit| &products[hit.section]).filter(|product| fits(product)).collect();
    if found.is_empty() && (category.is_some() || bounds.is_set()) {
        found = products.iter().filter(fits).collect();
    }
    if bounds.is_cheapest_first {
        found.sort_by_key(|product| product.price);
    } else if bounds.is_dearest_first {
        found.sort_by_key(|product| std::cmp::Reverse(product.price));
    }
    found.truncate(LIST_MAX);
    found
}

/// The category that the customer names, by all of its words or by the one that no other category has.
#[must_use]
pub(crate) fn category<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    let text = stems(ask.text());
    let categories = &ask.lexicon.categories;
    let whole =
        categories.iter().position(|category| category.iter().all(|stem| text.contains(stem)));
    let is_own = |category: &Phrase, stem: &String| {
        categories.iter().filter(|other| *other != category).all(|other| !other.contains(stem))
    };
    let names = |category: &Phrase| {
        category.iter().any(|stem| text.contains(stem) && is_own(category, stem))
    };
    let named = whole.or_else(|| categories.iter().position(names))?;
    ask.business.catalogue.categories().get(named).copied()
}

/// Whether the customer describes something that the shop does not have, rather than asking in general.
#[must_use]
pub(crate) fn asks_beyond(ask: &Ask<'_>, index: &Index) -> bool {
    let stems = topic_stems(&described(ask.text()));
    let is_known = |stem: &String| {
        !index.search(stem).is_empty()
            || ask.lexicon.categories.iter().any(|known| known.contains(stem))
    };
    !stems.is_empty() && !stems.iter().any(is_known)
}

/// The text without what every question to a sales desk holds.
fn described(text: &str) -> String {
    const USUAL: [&str; 46] = [
        "price",
        "prices",
        "pricing",
        "cost",
        "costs",
        "buy",
        "purchase",
        "sell",
        "product",
        "products",
        "item",
        "items",
        "looking",
        "recommend",
        "suggest",
        "stock",
        "available",
        "quote",
        "compare",
        "difference",
        "best",
        "cheap",
        "cheapest",
        "cheaper",
        "good",
        "under",
        "over",
        "between",
        "below",
        "above",
        "less",
        "more",
        "most",
        "euro",
        "euros",
        "offer",
        "offers",
        "discount",
        "catalogue",
        "catalog",
        "range",
        "find",
        "show",
        "expensive",
        "better",
        "list",
    ];
    let words = words(text);
    let kept = words.iter().filter(|word| {
        !USUAL.contains(&word.as_str()) && !word.bytes().all(|byte| byte.is_ascii_digit())
    });
    kept.map(String::as_str).collect::<Vec<_>>().join(" ")
}
