//! What is for sale.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use super::fault::Faults;
use super::money::Cents;
use super::shop::Percent;
use super::table;

/// The name of the file.
pub(crate) const FILE: &str = "catalogue.csv";

/// One product.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Product {
    /// The number under which the shop keeps it.
    pub(crate) sku: String,
    /// What customers call it.
    pub(crate) name: String,
    /// The kind of thing that it is.
    pub(crate) category: String,
    /// What it costs, tax included.
    pub(crate) price: Cents,
    /// Its tax class.
    pub(crate) tax: String,
    /// How many are there.
    pub(crate) stock: u32,
    /// What sets it apart, as pairs of a name and a value.
    #[serde(default)]
    pub(crate) features: Features,
    /// A sentence about it.
    #[serde(default)]
    pub(crate) description: String,
}

/// Pairs of a name and a value, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Features(pub Vec<(String, String)>);

impl Features {
    /// The value of a feature.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        let pairs = parts.map(|part| match part.split_once(':') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(de::Error::custom(format!(
                "feature `{part}` is not a pair such as `boiler: double`"
            ))),
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }
}

/// Everything that is for sale.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    /// The products, in the order of the file.
    pub(crate) products: Vec<Product>,
}

impl Catalogue {
    /// Reads the file. The tax classes are those of the shop, when that could be read.
    pub(crate) fn parse(
        text: &str,
        tax: Option<&BTreeMap<String, Percent>>,
        faults: &mut Faults,
    ) -> Self {
        let mut products: Vec<Product> = Vec::new();
        for row in table::rows::<Product>(FILE, text, faults) {
            let product = row.value;
            if product.sku.is_empty() || product.name.is_empty() || product.category.is_empty() {
                faults.add(FILE, row.line, "sku, name and category may not be empty");
            }
            if products.iter().any(|other| other.sku.eq_ignore_ascii_case(&product.sku)) {
                faults.add(FILE, row.line, format!("sku `{}` is there twice", product.sku));
            }
            if tax.is_some_and(|tax| !tax.contains_key(&product.tax)) {
                faults.add(
                    FILE,
                    row.line,
                    format!("there is no tax class `{}` in shop.toml", product.tax),
                );
            }
            products.push(product);
        }
        if products.is_empty() {
            faults.add(FILE, 0, "there is no product");
        }
        Self { products }
    }

    /// The product with this number, in any case.
    #[must_use]
    pub(crate) fn find(&self, sku: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.sku.eq_ignore_ascii_case(sku))
    }

    /// The categories, in the order of the file.
    #[must_use]
    pub(crate) fn categories(&self) -> Vec<&str> {
        let mut categories = Vec::new();
        for product in &self.products {
            if !categories.contains(&product.category.as_str()) {
                categories.push(&product.category);
            }
        }
        categories
    }
}
