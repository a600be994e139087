//! What can be booked, and where it is done.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fault::{Faults, line_of};
use super::money::Cents;

/// The name of the file.
pub(crate) const FILE: &str = "services.toml";

/// Visits start on a grid of this many minutes, and their lengths are multiples of it.
pub(crate) const GRID_MINUTES: i64 = 15;
const MINUTES_MAX: i64 = 480;
const SEATS_MAX: i64 = 50;
const DAYS_AHEAD_MAX: i64 = 366;

/// Everything that can be booked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Services {
    /// How far ahead a visit may lie.
    pub(crate) days_ahead: i64,
    /// How much notice the shop needs.
    pub(crate) notice_minutes: i64,
    /// Places and how many visits fit there at the same time.
    pub(crate) places: BTreeMap<String, i64>,
    /// The services, in the order of the file.
    #[serde(rename = "service")]
    pub(crate) all: Vec<Service>,
}

/// One service.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    /// Its id, kept with a booking.
    pub(crate) id: String,
    /// What customers call it.
    pub(crate) name: String,
    /// How long it takes.
    pub(crate) minutes: i64,
    /// What it costs, tax included.
    pub(crate) price: Cents,
    /// Where it is done.
    pub(crate) place: String,
    /// What the customer should know before the visit.
    #[serde(default)]
    pub(crate) note: String,
    /// Other words for it.
    #[serde(default)]
    pub(crate) also: Vec<String>,
}

impl Services {
    /// Reads the file.
    pub(crate) fn parse(text: &str, faults: &mut Faults) -> Option<Self> {
        let services: Self = match toml::from_str(text) {
            Ok(services) => services,
            Err(error) => {
                let line = error.span().map_or(0, |span| line_of(text, span.start));
                faults.add(FILE, line, error.message());
                return None;
            }
        };
        services.check(text, faults);
        Some(services)
    }

    /// The service with this id.
    #[must_use]
    pub(crate) fn find(&self, id: &str) -> Option<&Service> {
        self.all.iter().find(|service| service.id == id)
    }

    /// How many visits fit in a place at the same time.
    #[must_use]
    pub(crate) fn seats(&self, place: &str) -> i64 {
        self.places.get(place).copied().unwrap_or(0)
    }

    fn check(&self, text: &str, faults: &mut Faults) {
        if !(1..=DAYS_AHEAD_MAX).contains(&self.days_ahead) || self.notice_minutes < 0 {
            faults.add(FILE, 0, "days_ahead must be 1 to 366 and notice_minutes not negative");
        }
        for (place, seats) in &self.places {
            if !(1..=SEATS_MAX).contains(seats) {
                faults.add(
                    FILE,
                    line_with(text, place),
                    format!("place `{place}` must have 1 to 50 seats"),
                );
            }
        }
        if self.all.is_empty() {
            faults.add(FILE, 0, "there is no service");
        }
        for (index, service) in self.all.iter().enumerate() {
            let line = line_with(text, &format!("\"{}\"", service.id));
            if self.all[..index].iter().any(|other| other.id == service.id) {
                faults.add(FILE, line, format!("service `{}` is there twice", service.id));
            }
            if !self.places.contains_key(&service.place) {
                faults.add(
                    FILE,
                    line,
                    format!("service `{}`: there is no place `{}`", service.id, service.place),
                );
            }
            let is_on_grid = service.minutes % GRID_MINUTES == 0;
            if !is_on_grid || !(GRID_MINUTES..=MINUTES_MAX).contains(&service.minutes) {
                let message =
                    format!("service `{}`: minutes must be 15, 30 and so on up to 480", service.id);
                faults.add(FILE, line, message);
            }
        }
    }
}

fn line_with(text: &str, needle: &str) -> u64 {
    text.find(needle).map_or(0, |offset| line_of(text, offset))
}
