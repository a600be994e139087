//! How the sales desk puts products, comparisons and totals into words.

use jiff::civil::Date;

use super::quote::Quote;
use crate::business::Business;
use crate::business::catalogue::Product;
use crate::business::money::Cents;
use crate::business::offers::Offer;

/// Below this a customer is told how few are left.
const FEW: u32 = 5;

/// A price with the shop's sign.
#[must_use]
pub(crate) fn price(business: &Business, amount: Cents) -> String {
    format!("{}{amount}", business.shop.currency)
}

/// Whether a product is there.
#[must_use]
pub(crate) fn stock(product: &Product) -> String {
    match product.stock {
        0 => "out of stock at the moment".to_owned(),
        few if few < FEW => format!("in stock, only {few} left"),
        _ => "in stock".to_owned(),
    }
}

/// Everything that a customer wants to know about one product.
#[must_use]
pub(crate) fn details(business: &Business, product: &Product, today: Date) -> String {
    let mut text = format!(
        "**{}** costs **{}** and is {}. {}.",
        product.name,
        price(business, product.price),
        stock(product),
        product.description.trim_end_matches('.')
    );
    let features: Vec<_> =
        product.features.0.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    if !features.is_empty() {
        text.push_str(&format!(" ({})", features.join("; ")));
    }
    if let Some(offer) = business.offers.today(today).find(|offer| offer.concerns(product)) {
        text.push_str(&format!(" Offer: {}.", offer.label));
    }
    text
}

/// One line of a list.
#[must_use]
pub(crate) fn line(business: &Business, product: &Product) -> String {
    format!(
        "- **{}**, {}: {} ({})",
        product.name,
        price(business, product.price),
        product.description,
        stock(product)
    )
}

/// Products side by side, as a table with one row a feature.
#[must_use]
pub(crate) fn comparison(business: &Business, products: &[&Product]) -> String {
    let row = |name: &str, cells: Vec<String>| format!("| {name} | {} |", cells.join(" | "));
    let mut rows = vec![row("", products.iter().map(|product| product.name.clone()).collect())];
    rows.push(row("---", products.iter().map(|_| "---".to_owned()).collect()));
    rows.push(row(
        "price",
        products.iter().map(|product| price(business, product.price)).collect(),
    ));
    rows.push(row("stock", products.iter().map(|product| stock(product)).collect()));
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in products.iter().flat_map(|product| &product.features.0) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    for name in names {
        let cell = |product: &&Product| product.features.get(name).unwrap_or("–").to_owned();
        rows.push(row(name, products.iter().map(cell).collect()));
    }
    rows.push(row(
        "good for",
        products.iter().map(|product| product.description.clone()).collect(),
    ));
    format!("{}\n\n{}", rows.join("\n"), difference(business, products))
}

fn difference(business: &Business, products: &[&Product]) -> String {
    let cheapest = products.iter().min_by_key(|product| product.price);
    let dearest = products.iter().max_by_key(|product| product.price);
    match cheapest.zip(dearest) {
        Some((low, high)) if low.price < high.price => format!(
            "The {} is the cheaper one, by {} against the {}.",
            low.name,
            price(business, Cents(high.price.0 - low.price.0)),
            high.name
        ),
        _ => "They cost the same.".to_owned(),
    }
}

/// A total, line by line.
#[must_use]
pub(crate) fn total(business: &Business, quote: &Quote) -> String {
    let product = |sku: &str| business.catalogue.find(sku);
    let name =
        |sku: &str| product(sku).map_or_else(|| sku.to_owned(), |product| product.name.clone());
    let mut lines: Vec<String> = quote
        .lines
        .iter()
        .map(|line| {
            format!("- {} × {}: {}", line.quantity, name(&line.sku), price(business, line.amount))
        })
        .collect();
    lines.extend(
        quote
            .reductions
            .iter()
            .map(|(label, off)| format!("- {label}: −{}", price(business, *off))),
    );
    let mut text = format!("{}\n\n**Total: {}**", lines.join("\n"), price(business, quote.total));
    if !quote.taxes.is_empty() {
        let taxes: Vec<_> = quote
            .taxes
            .iter()
            .map(|(rate, tax)| format!("{} VAT at {}", price(business, *tax), percent(*rate)))
            .collect();
        text.push_str(&format!(", {} included", taxes.join(" and ")));
    }
    text.push('.');
    for line in &quote.lines {
        let there = product(&line.sku).map_or(0, |product| i64::from(product.stock));
        if there < line.quantity {
            text.push_str(&format!(" Of {} we have {there} at the moment.", name(&line.sku)));
        }
    }
    text
}

/// The offers of today, or that there are none.
#[must_use]
pub(crate) fn offers<'a>(offers: impl Iterator<Item = &'a Offer>) -> String {
    let lines: Vec<_> = offers.map(|offer| format!("- {}", offer.label)).collect();
    if lines.is_empty() {
        "There is no offer at the moment.".to_owned()
    } else {
        format!("Offers today:\n{}", lines.join("\n"))
    }
}

/// What can be booked, with length and price.
#[must_use]
pub(crate) fn services(business: &Business) -> String {
    let price =
        |amount: Cents| if amount.0 == 0 { "free".to_owned() } else { price(business, amount) };
    let services = business.services.all.iter();
    let lines: Vec<_> = services
        .map(|service| {
            format!("- **{}**, {} minutes: {}", service.name, service.minutes, price(service.price))
        })
        .collect();
    lines.join("\n")
}

fn percent(tenths: i64) -> String {
    if tenths % 10 == 0 {
        format!("{} %", tenths / 10)
    } else {
        format!("{}.{} %", tenths / 10, tenths % 10)
    }
}
