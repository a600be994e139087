//! Orders: finding the number in what a customer writes, and telling how far an order is.

use crate::ask::Ask;
use crate::business::Business;
use crate::business::orders::Order;
use crate::when::{listed, spoken_day};
use crate::words::{says, words};

/// The order number in a text, in the form that the shop writes. A number without the shop's letters counts when it
/// was asked for, stands after `order` or `#`, or was recognised by the mesh.
#[must_use]
pub(crate) fn number(ask: &Ask<'_>, text: &str, is_asked_for: bool) -> Option<String> {
    let prefix = ask.business.shop.order_prefix.to_lowercase();
    let (least, most) = ask.business.orders.digits();
    let is_number = |word: &str| {
        (least..=most).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit())
    };
    let written = |digits: &str| format!("{}-{digits}", ask.business.shop.order_prefix);
    let words = words(text);
    let before = |index: usize, back: usize| {
        index.checked_sub(back).map_or("", |index| words[index].as_str())
    };
    for (index, word) in words.iter().enumerate().filter(|(_, word)| is_number(word)) {
        let is_named = before(index, 1) == prefix
            || ["order", "number", "no", "nr", "nummer"].contains(&before(index, 1))
            || before(index, 2) == "order"
            || text.contains(&format!("#{word}"));
        let is_alone = is_asked_for || words.len() == 1;
        let is_entity =
            || ask.message.entity("order_id").iter().any(|id| id.contains(word.as_str()));
        if is_named || is_alone || is_entity() {
            return Some(written(word));
        }
    }
    // A number of the wrong length is still an order number when the customer says so.
    let start = words.iter().position(|word| *word == prefix)?;
    let digits =
        words.get(start + 1).filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?;
    (digits.len() <= 12).then(|| written(digits))
}

/// Where a customer finds the number.
#[must_use]
pub(crate) fn where_to_find(business: &Business) -> String {
    format!(
        "It starts with {}- and stands in the subject of the e-mail that confirmed your order.",
        business.shop.order_prefix
    )
}

/// Whether a customer writes about an order of their own, which takes its number to answer.
#[must_use]
pub(crate) fn is_about_own(text: &[String]) -> bool {
    const OWN: [&str; 29] = [
        "my order",
        "an order i",
        "the order i",
        "my orders",
        "order status",
        "status of my",
        "my parcel",
        "my package",
        "my delivery",
        "my shipment",
        "where is my",
        "wheres my",
        "where are my",
        "has my",
        "when will my",
        "track my",
        "tracking number",
        "hasnt arrived",
        "has not arrived",
        "not arrived",
        "never arrived",
        "didnt arrive",
        "havent received",
        "have not received",
        "did not receive",
        "order number",
        "order late",
        "track an order",
        "about an order",
    ];
    const PAGES: [&str; 5] =
        ["my order in the shop", "collect my order", "find my order number", "cost", "how long"];
    says(text, &OWN) && !says(text, &PAGES)
}

/// Whether a customer asks on about the order that was just spoken of.
#[must_use]
pub(crate) fn asks_how_far(text: &[String]) -> bool {
    const HOW_FAR: [&str; 12] = [
        "arrive",
        "arriving",
        "where is it",
        "when will it",
        "when does it",
        "status",
        "tracking",
        "track it",
        "what is in it",
        "delivered",
        "shipped",
        "is it late",
    ];
    says(text, &HOW_FAR)
}

/// What to look up on the pages beside an order, when the customer wants something done with it.
#[must_use]
pub(crate) fn concern(question: &str) -> Option<&'static str> {
    let words = words(question);
    let concerns: [(&[&str], &str); 5] = [
        (&["damaged", "broken", "smashed", "dented"], "parcel arrives damaged"),
        (&["wrong", "exchange", "swap"], "exchange wrong item"),
        (&["refund", "money back", "reimburse"], "refund arrives"),
        (&["return", "send it back", "send back", "bring back"], "returning something"),
        (&["cancel", "change"], "changing cancelling an order"),
    ];
    concerns.into_iter().find(|(phrases, _)| says(&words, phrases)).map(|(_, query)| query)
}

/// How far an order is, when it arrives and what is in it.
#[must_use]
pub(crate) fn status(order: &Order, ask: &Ask<'_>) -> String {
    let mut content = format!("Order **{}**", order.order_id);
    if let Some(placed) = order.placed {
        content.push_str(&format!(", placed on {},", spoken_day(placed)));
    }
    content.push_str(&format!(" is **{}**.", order.status));
    content.push_str(&delivery(order, ask));
    if !order.tracking.is_empty() {
        content.push_str(&format!(" The {} tracking number is {}.", order.carrier, order.tracking));
    }
    let items: Vec<String> =
        order.items.0.iter().map(|(quantity, sku)| item(ask.business, *quantity, sku)).collect();
    if !items.is_empty() {
        content.push_str(&format!("\n\nIn it: {}.", listed(&items, "and")));
    }
    content
}

fn delivery(order: &Order, ask: &Ask<'_>) -> String {
    let Some(day) = order.delivery else { return String::new() };
    let (day_name, is_over) = (spoken_day(day), day < ask.today());
    match order.status.as_str() {
        "delivered" => format!(" It was delivered on {day_name}."),
        "ready for collection" => {
            format!(" It has been waiting for you in the shop since {day_name}.")
        }
        "cancelled" | "returned" => String::new(),
        _ if is_over => {
            let phone = &ask.business.shop.phone;
            format!(
                " It was due on {day_name}: it is late, and I am sorry. Please call us on {phone}, and we ask the carrier."
            )
        }
        _ => format!(" It should arrive on {day_name}."),
    }
}

fn item(business: &Business, quantity: u32, sku: &str) -> String {
    let name = business.catalogue.find(sku).map_or(sku, |product| product.name.as_str());
    format!("{quantity} × {name}")
}
