//! A total: quantities, reductions, and the tax that is in it.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::business::Business;
use crate::business::catalogue::Product;
use crate::business::money::Cents;

/// A total with all that it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    /// One line a product.
    pub(crate) lines: Vec<Line>,
    /// Reductions, as the customer is told, and what each takes off.
    pub(crate) reductions: Vec<(String, Cents)>,
    /// What is to be paid.
    pub(crate) total: Cents,
    /// The tax in it, by rate in tenths of a percent; rates of 0 are left out.
    pub(crate) taxes: Vec<(i64, Cents)>,
}

/// One product of a total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The product.
    pub(crate) sku: String,
    /// How many.
    pub(crate) quantity: i64,
    /// Quantity times price, before reductions.
    pub(crate) amount: Cents,
}

/// Works out a total. Of the offers that a product has earned it gets the one that takes most off.
#[must_use]
pub(crate) fn quote(business: &Business, items: &[(&Product, i64)], today: Date) -> Quote {
    let mut reductions: BTreeMap<usize, Cents> = BTreeMap::new();
    let mut taxes: BTreeMap<i64, Cents> = BTreeMap::new();
    let (mut lines, mut total) = (Vec::new(), Cents(0));
    for (product, quantity) in items {
        let amount = product.price.times(*quantity);
        let best = best_offer(business, items, product, today);
        let off = best.map_or(Cents(0), |(_, percent)| amount.per_mille(percent * 10));
        if let Some((offer, _)) = best {
            reductions.entry(offer).or_default().0 += off.0;
        }
        let paid = Cents(amount.0 - off.0);
        let rate = business.shop.tax.get(&product.tax).map_or(0, |percent| percent.0);
        taxes.entry(rate).or_default().0 += paid.0;
        total.0 += paid.0;
        lines.push(Line { sku: product.sku.clone(), quantity: *quantity, amount });
    }
    let label = |offer: usize| business.offers.all[offer].label.clone();
    Quote {
        lines,
        reductions: reductions.into_iter().map(|(offer, off)| (label(offer), off)).collect(),
        total,
        taxes: taxes
            .into_iter()
            .filter(|(rate, _)| 0 < *rate)
            .map(|(rate, paid)| (rate, paid.tax_within(rate)))
            .collect(),
    }
}

/// The offer that takes most off a product, by its place in the list, and its percentage.
fn best_offer(
    business: &Business,
    items: &[(&Product, i64)],
    product: &Product,
    today: Date,
) -> Option<(usize, i64)> {
    let earned = |applies: &dyn Fn(&Product) -> bool| -> i64 {
        items.iter().filter(|(other, _)| applies(other)).map(|(_, quantity)| quantity).sum()
    };
    let offers = business.offers.all.iter().enumerate();
    offers
        .filter(|(_, offer)| offer.holds(today) && offer.concerns(product))
        .filter(|(_, offer)| offer.min_quantity <= earned(&|other| offer.concerns(other)))
        .map(|(index, offer)| (index, offer.percent))
        .max_by_key(|(index, percent)| (*percent, std::cmp::Reverse(*index)))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::{Cents, Quote, quote};
    use crate::testing::business;

    const TODAY: Date = date(2026, 11, 21);

    type Items = &'static [(&'static str, i64)];

    fn quoted(items: &[(&str, i64)], today: Date) -> Quote {
        let business = business();
        let items: Vec<_> = items
            .iter()
            .map(|(sku, n)| (business.catalogue.find(sku).expect("a product"), *n))
            .collect();
        quote(&business, &items, today)
    }

    #[test]
    fn totals_are_exact() {
        let cases: [(Items, i64, i64); 5] = [
            (&[("ESP-ONE", 1)], 34_900, 6_526),
            (&[("BEA-HOU-250", 3)], 2_550, 0),
            (&[("BEA-HOU-250", 4)], 3_060, 0),
            (&[("BEA-HOU-250", 2), ("BEA-GUJ-250", 2), ("ACC-TAMP", 1)], 3_780 + 3_200, 598),
            (&[("ACC-DESC", 3)], 2_524, 472),
        ];
        for (items, total, tax) in cases {
            let quote = quoted(items, TODAY);
            let taxes: i64 = quote.taxes.iter().map(|(_, tax)| tax.0).sum();
            assert_eq!((quote.total, taxes), (Cents(total), tax), "{items:?}");
        }
    }

    #[test]
    fn an_offer_holds_only_in_its_time() {
        assert_eq!(quoted(&[("GRI-40", 1)], TODAY).total, Cents(22_900));
        let advent = quoted(&[("GRI-40", 1)], date(2026, 11, 28));
        assert_eq!(advent.total, Cents(20_152));
        assert_eq!(
            advent.reductions,
            [("12 % off every grinder in the Advent week".to_owned(), Cents(2_748))]
        );
        assert_eq!(quoted(&[("GRI-40", 1)], date(2026, 12, 7)).total, Cents(22_900));
    }
}
