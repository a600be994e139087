//! The sales desk: finds, compares, prices, quotes a total, and says what is in stock.

mod budget;
mod find;
mod mention;
mod quote;
mod speak;

use serde::{Deserialize, Serialize};

use self::mention::Mention;
use crate::ask::Ask;
use crate::business::catalogue::Product;
use crate::courtesy::{is_farewell, is_greeting};
use crate::index::Index;
use crate::reply::Answer;
use crate::topic::{Desk, elsewhere};
use crate::words::{number, says, words};

pub(crate) use self::find::sections;
pub(crate) use self::speak::{price, services};

/// What this desk wants back.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct State {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handoff_id: Option<String>,
    /// What the conversation is about, for `it` and `both`.
    #[serde(default)]
    focus: Vec<String>,
    /// What it was about lately, for `which one is better`.
    #[serde(default)]
    recent: Vec<String>,
    /// What the last total was made of.
    #[serde(default)]
    basket: Vec<(String, i64)>,
}

/// The most products that a conversation keeps in mind.
const FOCUS_MAX: usize = 5;
/// The most products that are compared with each other.
const RECENT_MAX: usize = 3;
/// The most products of one total.
const BASKET_MAX: usize = 20;

const COMPARE: [&str; 9] = [
    "compare",
    "comparison",
    "difference",
    "differences",
    "versus",
    "vs",
    "better",
    "or the",
    "compared",
];
const QUOTE: [&str; 12] = [
    "quote",
    "total",
    "altogether",
    "in all",
    "order",
    "basket",
    "sum",
    "together",
    "buy",
    "purchase",
    "take",
    "add",
];
const STOCK: [&str; 6] = ["stock", "available", "availability", "do you have", "left", "sold out"];
const OFFERS: [&str; 9] = [
    "discount",
    "discounts",
    "offer",
    "offers",
    "sale",
    "promotion",
    "deal",
    "deals",
    "voucher code",
];

const SERVICES: [&str; 9] =
    ["service", "services", "repair", "repairs", "class", "course", "descaling", "demo", "tasting"];

/// Answers a message. The index is that of [`sections`].
#[must_use]
pub(crate) fn answer(ask: &Ask<'_>, index: &Index) -> Answer {
    let state: State = ask.state();
    let text = ask.text();
    let is_new = ask.message.new_handoff(state.handoff_id.as_deref()).is_some();
    if !is_new && let Some(desk) = elsewhere(text, Desk::Sales, ask.lexicon) {
        return ask.refer(desk, &known(ask, &state)).keeping(&state);
    }
    let state = State { handoff_id: ask.handoff_id(), ..state };
    if is_farewell(text) {
        return Answer::new("You are welcome. We look forward to seeing you!")
            .keeping(&state)
            .complete();
    }
    if is_greeting(text) {
        let hello = "Hello, this is the sales desk. Tell me what you are looking for: I can find, compare and price it.";
        return Answer::new(hello).keeping(&state);
    }
    let mentions = mentions(ask, &state, is_new);
    if mentions.is_empty() {
        without_product(ask, index, state)
    } else {
        with_products(ask, state, &mentions)
    }
}

/// The products that a message is about: those it names, else those of before when it points back to them.
fn mentions<'a>(ask: &Ask<'a>, state: &State, is_new: bool) -> Vec<Mention<'a>> {
    const POINTING: [&str; 18] = [
        "which one",
        "which is",
        "take",
        "buy",
        "it",
        "them",
        "that one",
        "this one",
        "those",
        "these",
        "both",
        "the first",
        "the second",
        "the machine",
        "the grinder",
        "how much",
        "in stock",
        "the price",
    ];
    let catalogue = &ask.business.catalogue;
    let named = mention::find(catalogue, ask.lexicon, ask.text());
    if !named.is_empty() {
        return named;
    }
    let words = words(ask.text());
    let is_pointing = says(&words, &POINTING) && find::category(ask).is_none();
    if !is_new && (!is_pointing || state.focus.is_empty()) {
        return Vec::new();
    }
    let before = ask
        .message
        .said_before()
        .into_iter()
        .map(|said| mention::find(catalogue, ask.lexicon, said));
    if is_new {
        return before.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    }
    let is_comparing = says(&words, &COMPARE);
    let skus = if is_comparing { &state.recent } else { &state.focus };
    let quantity = words
        .iter()
        .filter(|word| *word != "one")
        .find_map(|word| number(word))
        .filter(|_| !is_comparing);
    let quantity = quantity.filter(|quantity| (1..=mention::QUANTITY_MAX).contains(quantity));
    let products: Vec<_> = skus.iter().filter_map(|sku| catalogue.find(sku)).collect();
    if quantity.is_some() || (says(&words, &QUOTE) && !is_comparing) {
        // Several are not all meant: the total asks which.
        return vec![Mention { products, quantity }];
    }
    products.into_iter().map(|product| Mention { products: vec![product], quantity }).collect()
}

fn with_products(ask: &Ask<'_>, state: State, mentions: &[Mention<'_>]) -> Answer {
    let words = words(ask.text());
    let all: Vec<&Product> =
        mentions.iter().flat_map(|mention| mention.products.iter().copied()).collect();
    let focus = all.iter().take(FOCUS_MAX).map(|product| product.sku.clone()).collect();
    let state = State { recent: recent(&state.recent, &all), focus, ..state };
    let has_quantity =
        mentions.iter().any(|mention| mention.quantity.is_some_and(|quantity| 1 < quantity));
    if 1 < all.len() && says(&words, &COMPARE) {
        let compared = &all[..all.len().min(FOCUS_MAX)];
        return Answer::new(speak::comparison(ask.business, compared)).keeping(&state);
    }
    if has_quantity || says(&words, &QUOTE) || (1 < mentions.len() && !says(&words, &STOCK)) {
        return total(ask, state, mentions);
    }
    if says(&words, &STOCK) {
        let there = |product: &&Product| format!("{} is {}.", product.name, speak::stock(product));
        let lines: Vec<_> = all.iter().map(there).collect();
        return Answer::new(lines.join("\n")).keeping(&state);
    }
    let details: Vec<_> = all
        .iter()
        .take(FOCUS_MAX)
        .map(|product| speak::details(ask.business, product, ask.today()))
        .collect();
    Answer::new(details.join("\n\n")).keeping(&state)
}

/// The products of this message before those of earlier ones.
fn recent(before: &[String], now: &[&Product]) -> Vec<String> {
    let mut recent: Vec<String> = now.iter().map(|product| product.sku.clone()).collect();
    recent.extend(
        before.iter().filter(|sku| !now.iter().any(|product| product.sku == **sku)).cloned(),
    );
    recent.truncate(RECENT_MAX);
    recent
}

fn total(ask: &Ask<'_>, state: State, mentions: &[Mention<'_>]) -> Answer {
    if let Some(open) = mentions.iter().find(|mention| 1 < mention.products.len()) {
        let choices: Vec<_> =
            open.products.iter().map(|product| speak::line(ask.business, product)).collect();
        return Answer::new(format!("Which one do you mean?\n{}", choices.join("\n")))
            .keeping(&state);
    }
    let adds = ["and", "also", "plus", "add"]
        .iter()
        .any(|word| words(ask.text()).first().is_some_and(|first| first == word));
    let mut basket: Vec<(String, i64)> = if adds { state.basket.clone() } else { Vec::new() };
    for mention in mentions {
        let (sku, quantity) = (&mention.products[0].sku, mention.quantity.unwrap_or(1));
        match basket.iter_mut().find(|(known, _)| known == sku) {
            Some((_, known)) => *known = (*known + quantity).min(mention::QUANTITY_MAX),
            None => basket.push((sku.clone(), quantity)),
        }
    }
    basket.truncate(BASKET_MAX);
    let items: Vec<_> = basket
        .iter()
        .filter_map(|(sku, n)| Some((ask.business.catalogue.find(sku)?, *n)))
        .collect();
    let quote = quote::quote(ask.business, &items, ask.today());
    let content = format!(
        "{}\n\nYou can order on {} or in the shop; delivery is added there.",
        speak::total(ask.business, &quote),
        ask.business.shop.website
    );
    Answer::new(content).keeping(&State { basket, ..state })
}

fn without_product(ask: &Ask<'_>, index: &Index, state: State) -> Answer {
    let words = words(ask.text());
    if says(&words, &SERVICES) {
        let services = speak::services(ask.business);
        let content =
            format!("These are our services:\n{services}\n\nOur booking desk finds you a time.");
        return Answer::new(content).keeping(&state);
    }
    let found = find::find(ask, index);
    if !found.is_empty() {
        let focus = found.iter().take(FOCUS_MAX).map(|product| product.sku.clone()).collect();
        let content = if says(&words, &COMPARE) && 1 < found.len() {
            speak::comparison(ask.business, &found[..found.len().min(4)])
        } else {
            let lines: Vec<_> =
                found.iter().map(|product| speak::line(ask.business, product)).collect();
            format!("Here is what fits:\n{}", lines.join("\n"))
        };
        let recent = recent(&state.recent, &found);
        return Answer::new(content).keeping(&State { focus, recent, ..state });
    }
    let business = ask.business;
    let content = if says(&words, &OFFERS) {
        speak::offers(business.offers.today(ask.today()))
    } else if find::asks_beyond(ask, index) {
        format!(
            "I found nothing like that: we sell {}. What are you looking for?",
            business.catalogue.categories().join(", ")
        )
    } else {
        format!(
            "We sell {}. Which product may I tell you about? I can compare some, check the stock and work out a total.",
            business.catalogue.categories().join(", ")
        )
    };
    Answer::new(content).keeping(&state)
}

fn known(ask: &Ask<'_>, state: &State) -> Vec<String> {
    let names: Vec<_> = state
        .focus
        .iter()
        .filter_map(|sku| ask.business.catalogue.find(sku))
        .map(|p| p.name.clone())
        .collect();
    if names.is_empty() {
        Vec::new()
    } else {
        vec![format!("We spoke about: {}.", names.join(", "))]
    }
}
