//! Orders under way, as the shop's system exports them.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};

use super::catalogue::Catalogue;
use super::fault::Faults;
use super::table;

/// The name of the file.
pub(crate) const FILE: &str = "orders.csv";

/// One order.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Order {
    /// Its number, such as LL-10482.
    pub(crate) order_id: String,
    /// The day on which it was placed.
    #[serde(deserialize_with = "table::day")]
    pub(crate) placed: Option<Date>,
    /// How far it is, in the owner's words.
    pub(crate) status: String,
    /// When it arrives or has arrived.
    #[serde(deserialize_with = "table::day")]
    pub(crate) delivery: Option<Date>,
    /// Who brings it; empty when it is collected.
    pub(crate) carrier: String,
    /// The carrier's number; empty as long as there is none.
    pub(crate) tracking: String,
    /// What is in it.
    pub(crate) items: Items,
}

/// Quantities and product numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Items(pub Vec<(u32, String)>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let item = |part: &str| {
            let (quantity, sku) = part.split_once('x')?;
            Some((quantity.trim().parse().ok()?, sku.trim().to_owned()))
        };
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        let items = parts.map(|part| {
            item(part).ok_or_else(|| {
                de::Error::custom(format!("item `{part}` is not such as `2 x ACC-JUG`"))
            })
        });
        items.collect::<Result<_, _>>().map(Self)
    }
}

/// All orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    all: Vec<Order>,
}

impl Orders {
    /// Reads the file. Products are looked up when the catalogue could be read.
    pub(crate) fn parse(text: &str, catalogue: Option<&Catalogue>, faults: &mut Faults) -> Self {
        let mut all: Vec<Order> = Vec::new();
        for row in table::rows::<Order>(FILE, text, faults) {
            let order = row.value;
            if all.iter().any(|other| other.order_id == order.order_id) {
                faults.add(FILE, row.line, format!("order `{}` is there twice", order.order_id));
            }
            for (_, sku) in &order.items.0 {
                if catalogue.is_some_and(|known| known.find(sku).is_none()) {
                    faults.add(
                        FILE,
                        row.line,
                        format!("there is no product `{sku}` in {}", super::catalogue::FILE),
                    );
                }
            }
            all.push(order);
        }
        Self { all }
    }

    /// The order with this number.
    #[must_use]
    pub(crate) fn find(&self, id: &str) -> Option<&Order> {
        self.all.iter().find(|order| order.order_id.eq_ignore_ascii_case(id))
    }

    /// How many digits follow the letters of an order number, at least and at most.
    #[must_use]
    pub(crate) fn digits(&self) -> (usize, usize) {
        let lengths =
            self.all.iter().map(|order| order.order_id.bytes().filter(u8::is_ascii_digit).count());
        lengths.fold((5, 5), |(low, high), length| (low.min(length), high.max(length)))
    }
}
