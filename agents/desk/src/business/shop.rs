//! The shop itself: who and where it is, when it is open, what tax it pays.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::fault::{Faults, line_of};
use super::hours::{ClosedDay, Span, Week};

/// The name of the file.
pub(crate) const FILE: &str = "shop.toml";

/// What the owner says about the shop.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shop {
    /// The name that customers know.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) address: String,
    /// Its telephone number.
    pub(crate) phone: String,
    /// Its e-mail address.
    pub(crate) email: String,
    /// Its website.
    pub(crate) website: String,
    /// Where its clock stands.
    pub(crate) time_zone: Zone,
    /// The sign before every price.
    pub(crate) currency: String,
    /// The letters before every order number.
    pub(crate) order_prefix: String,
    /// What one answer of a desk costs, in US dollars.
    pub(crate) desk_answer_usd: Dollars,
    /// Tax classes and their rates in percent.
    pub(crate) tax: BTreeMap<String, Percent>,
    /// Opening hours of a week.
    pub(crate) hours: Week,
    /// Days when the shop is closed although it would be open.
    #[serde(default)]
    pub(crate) closed: Vec<ClosedDay>,
}

impl Shop {
    /// Reads the file.
    pub(crate) fn parse(text: &str, faults: &mut Faults) -> Option<Self> {
        let shop: Self = match toml::from_str(text) {
            Ok(shop) => shop,
            Err(error) => {
                let line = error.span().map_or(0, |span| line_of(text, span.start));
                faults.add(FILE, line, error.message());
                return None;
            }
        };
        if !shop.order_prefix.chars().all(|c| c.is_ascii_alphabetic())
            || shop.order_prefix.is_empty()
        {
            faults.add(FILE, 0, "order_prefix must be letters, such as LL");
        }
        if Weekday::Monday.cycle_forward().take(7).all(|day| shop.hours.spans(day).is_empty()) {
            faults.add(FILE, 0, "hours: the shop is never open");
        }
        Some(shop)
    }

    /// When the shop is open on a day; empty when it is closed.
    #[must_use]
    pub(crate) fn open(&self, date: Date) -> &[Span] {
        if self.closing(date).is_some() { &[] } else { self.hours.spans(date.weekday()) }
    }

    /// Why the shop is closed on a day that it would be open.
    #[must_use]
    pub(crate) fn closing(&self, date: Date) -> Option<&ClosedDay> {
        self.closed.iter().find(|closed| closed.covers(date))
    }

    /// The next days from this one on when the shop is open.
    pub(crate) fn open_days(&self, from: Date) -> impl Iterator<Item = Date> + '_ {
        const LOOK_AHEAD_DAYS: usize = 400;
        std::iter::successors(Some(from), |day| day.tomorrow().ok())
            .take(LOOK_AHEAD_DAYS)
            .filter(|day| !self.open(*day).is_empty())
    }
}

/// A time zone by its IANA name, from the database that ships with the program.
#[derive(Clone, Debug)]
pub(crate) struct Zone(pub TimeZone);

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        TimeZone::get(&name).map(Self).map_err(|_| {
            serde::de::Error::custom(format!("`{name}` is not a time zone such as Europe/Dublin"))
        })
    }
}

/// A share in percent with at most one decimal, kept in tenths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percent(pub i64);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = f64::deserialize(deserializer)?;
        let tenths = (percent * 10.0).round();
        if !(0.0..=1_000.0).contains(&tenths) || 1e-9 < (tenths - percent * 10.0).abs() {
            return Err(serde::de::Error::custom(format!(
                "`{percent}` is not a percentage from 0 to 100 with at most one decimal"
            )));
        }
        Ok(Self(tenths as i64))
    }
}

/// An amount in US dollars with at most six decimals, kept in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dollars(pub i64);

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let micros = chassis::config::micros_of(&text).filter(|micros| 0 <= *micros);
        micros.map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is not an amount such as 0.0005"))
        })
    }
}
