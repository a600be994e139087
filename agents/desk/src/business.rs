//! A small shop, as its owner's files describe it.

pub(crate) mod catalogue;
pub(crate) mod fault;
pub(crate) mod hours;
mod load;
pub(crate) mod money;
pub(crate) mod offers;
pub(crate) mod orders;
pub(crate) mod pages;
pub(crate) mod services;
pub(crate) mod shop;
mod table;

use std::path::Path;

use self::catalogue::Catalogue;
use self::fault::Faults;
use self::offers::Offers;
use self::orders::Orders;
use self::pages::Section;
use self::services::Services;
use self::shop::Shop;

/// Everything that the desks know.
#[derive(Clone, Debug)]
pub(crate) struct Business {
    /// The shop itself.
    pub(crate) shop: Shop,
    /// What can be booked.
    pub(crate) services: Services,
    /// What is for sale.
    pub(crate) catalogue: Catalogue,
    /// Reductions.
    pub(crate) offers: Offers,
    /// Orders under way.
    pub(crate) orders: Orders,
    /// What customers are told.
    pub(crate) sections: Vec<Section>,
}

/// The texts of the owner's files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// `shop.toml`
    pub(crate) shop: String,
    /// `services.toml`
    pub(crate) services: String,
    /// `catalogue.csv`
    pub(crate) catalogue: String,
    /// `offers.csv`
    pub(crate) offers: String,
    /// `orders.csv`
    pub(crate) orders: String,
    /// Name and text of every page.
    pub(crate) pages: Vec<(String, String)>,
}

impl Business {
    /// Reads the owner's folder; says everything that is wrong with it at once.
    pub(crate) fn load(folder: &Path) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let sources = load::read(folder, &mut faults);
        if !faults.0.is_empty() {
            return Err(faults);
        }
        Self::parse(&sources)
    }

    /// Understands the owner's files; says everything that is wrong with them at once.
    pub(crate) fn parse(sources: &Sources) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let shop = Shop::parse(&sources.shop, &mut faults);
        let services = Services::parse(&sources.services, &mut faults);
        let tax = shop.as_ref().map(|shop| &shop.tax);
        let catalogue = Catalogue::parse(&sources.catalogue, tax, &mut faults);
        // What names a product that could not be read is not a mistake of its own.
        let is_whole = faults.0.iter().all(|fault| fault.file != catalogue::FILE);
        let known = is_whole.then_some(&catalogue);
        let offers = Offers::parse(&sources.offers, known, &mut faults);
        let orders = Orders::parse(&sources.orders, known, &mut faults);
        let mut sections = Vec::new();
        for (name, text) in &sources.pages {
            sections.extend(pages::sections(name, text, &mut faults));
        }
        let business = shop.zip(services).map(|(shop, services)| Self {
            shop,
            services,
            catalogue,
            offers,
            orders,
            sections,
        });
        faults.or(business)
    }
}
