//! Products that fit a description: a category, a use, a price range.

use super::budget::Bounds;
use crate::business::Business;
use crate::business::catalogue::{Catalogue, Product};
use crate::business::pages::Section;
use crate::index::Index;
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

/// The products that fit a text, best first; empty when it describes none.
#[must_use]
pub(crate) fn find<'a>(business: &'a Business, index: &Index, text: &str) -> Vec<&'a Product> {
    let bounds = Bounds::of(&words(text));
    let category = category(&business.catalogue, text);
    let hits = index.search(&described(text));
    let fits = |product: &Product| {
        category.is_none_or(|category| product.category == category) && bounds.hold(product.price)
    };
    let mut found: Vec<&Product> = hits
        .iter()
        .filter(|hit| COVERAGE_MIN <= hit.coverage)
        .map(|hit| &business.catalogue.products[hit.section])
        .filter(|product| fits(product))
        .collect();
    if found.is_empty() && (category.is_some() || bounds.is_set()) {
        found = business.catalogue.products.iter().filter(|product| fits(product)).collect();
    }
    if bounds.is_cheapest_first {
        found.sort_by_key(|product| product.price);
    } else if bounds.is_dearest_first {
        found.sort_by_key(|product| std::cmp::Reverse(product.price));
    }
    found.truncate(LIST_MAX);
    found
}

/// The category that a text names, by all of its words or by the one that no other category has.
#[must_use]
pub(crate) fn category<'a>(catalogue: &'a Catalogue, text: &str) -> Option<&'a str> {
    let text = stems(text);
    let categories = catalogue.categories();
    let whole =
        categories.iter().find(|category| stems(category).iter().all(|stem| text.contains(stem)));
    let others = |category: &str, stem: &String| {
        categories.iter().any(|other| *other != category && stems(other).contains(stem))
    };
    let by_part = || {
        categories.iter().find(|category| {
            stems(category).iter().any(|stem| text.contains(stem) && !others(category, stem))
        })
    };
    whole.or_else(by_part).copied()
}

/// Whether a text describes something that the shop does not have, rather than asking in general.
#[must_use]
pub(crate) fn asks_beyond(business: &Business, index: &Index, text: &str) -> bool {
    let stems = topic_stems(&described(text));
    let is_known =
        |stem: &String| !index.search(stem).is_empty() || stems_of_shop(business).contains(stem);
    !stems.is_empty() && !stems.iter().any(is_known)
}

fn stems_of_shop(business: &Business) -> Vec<String> {
    business.catalogue.categories().into_iter().flat_map(stems).collect()
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
