//! Reductions that the owner grants for a quantity or for a time.

use jiff::civil::Date;
use serde::Deserialize;

use super::catalogue::{Catalogue, Product};
use super::fault::Faults;
use super::table;

/// The name of the file.
pub(crate) const FILE: &str = "offers.csv";

/// One reduction.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Offer {
    /// A sku, a category, or `*` for everything.
    pub(crate) applies_to: String,
    /// How many of them must be bought together.
    pub(crate) min_quantity: i64,
    /// How much less they cost, in percent.
    pub(crate) percent: i64,
    #[serde(deserialize_with = "table::day")]
    from: Option<Date>,
    #[serde(deserialize_with = "table::day")]
    until: Option<Date>,
    /// How a customer is told.
    pub(crate) label: String,
}

impl Offer {
    /// Whether the offer concerns a product at all.
    #[must_use]
    pub(crate) fn concerns(&self, product: &Product) -> bool {
        self.applies_to == "*"
            || self.applies_to.eq_ignore_ascii_case(&product.sku)
            || self.applies_to.eq_ignore_ascii_case(&product.category)
    }

    /// Whether it holds on a day.
    #[must_use]
    pub(crate) fn holds(&self, today: Date) -> bool {
        self.from.is_none_or(|from| from <= today) && self.until.is_none_or(|until| today <= until)
    }
}

/// All reductions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offers {
    /// In the order of the file.
    pub(crate) all: Vec<Offer>,
}

impl Offers {
    /// Reads the file. Products are looked up when the catalogue could be read.
    pub(crate) fn parse(text: &str, catalogue: Option<&Catalogue>, faults: &mut Faults) -> Self {
        let mut all = Vec::new();
        for row in table::rows::<Offer>(FILE, text, faults) {
            let offer = row.value;
            let has =
                |known: &Catalogue| known.products.iter().any(|product| offer.concerns(product));
            if !catalogue.is_none_or(has) {
                faults.add(
                    FILE,
                    row.line,
                    format!(
                        "`{}` is no sku or category of {}",
                        offer.applies_to,
                        super::catalogue::FILE
                    ),
                );
            }
            if offer.min_quantity < 1 || !(1..=100).contains(&offer.percent) {
                faults.add(FILE, row.line, "min_quantity must be at least 1 and percent 1 to 100");
            }
            all.push(offer);
        }
        Self { all }
    }

    /// The offers that hold today.
    pub(crate) fn today(&self, today: Date) -> impl Iterator<Item = &Offer> {
        self.all.iter().filter(move |offer| offer.holds(today))
    }
}
