//! Free times: opening hours, notice, and what is taken already.

use std::collections::HashSet;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, ToSpan as _};

use crate::ask::Ask;
use crate::business::services::{GRID_MINUTES, Service};
use crate::when::spoken_day;

const GRID_MS: i64 = GRID_MINUTES * 60_000;
/// Times are listed on this grid; customers may name any quarter of an hour.
const LISTED_MINUTES: i8 = 30;

/// Quarters of an hour that are taken, by place and seat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken(HashSet<(String, i64, i64)>);

impl Taken {
    /// Takes these quarters.
    pub(crate) fn take(&mut self, place: &str, seat: i64, cells: impl IntoIterator<Item = i64>) {
        self.0.extend(cells.into_iter().map(|cell| (place.to_owned(), seat, cell)));
    }

    /// Gives these quarters back.
    pub(crate) fn free(&mut self, place: &str, seat: i64, cells: impl IntoIterator<Item = i64>) {
        for cell in cells {
            self.0.remove(&(place.to_owned(), seat, cell));
        }
    }

    fn has(&self, place: &str, seat: i64, cell: i64) -> bool {
        self.0.contains(&(place.to_owned(), seat, cell))
    }
}

/// The quarters of an hour of a visit, counted from the epoch.
#[must_use]
pub(crate) fn cells(start_ms: i64, minutes: i64) -> std::ops::Range<i64> {
    let first = start_ms.div_euclid(GRID_MS);
    first..first + minutes / GRID_MINUTES
}

/// Why a day cannot be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It is over.
    Past,
    /// The shop is closed, for a reason if the owner gave one.
    Shut(Option<String>),
    /// It is too far ahead.
    TooFar,
}

/// What is free, seen at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots<'a> {
    /// The shop and the time there.
    pub(crate) ask: Ask<'a>,
    /// What is taken.
    pub(crate) taken: &'a Taken,
}

impl Slots<'_> {
    /// Why a day cannot be booked, if so.
    #[must_use]
    pub(crate) fn closed(&self, date: Date) -> Option<Closed> {
        let shop = &self.ask.business.shop;
        if date < self.ask.today() {
            return Some(Closed::Past);
        }
        if self.last_day() < date {
            return Some(Closed::TooFar);
        }
        let reason = || shop.closing(date).map(|closed| closed.reason.clone());
        shop.open(date).is_empty().then(|| Closed::Shut(reason()))
    }

    /// All times of a day at which a service can start.
    #[must_use]
    pub(crate) fn free(&self, service: &Service, date: Date) -> Vec<Time> {
        if self.closed(date).is_some() {
            return Vec::new();
        }
        let mut times = Vec::new();
        for span in self.ask.business.shop.open(date) {
            let starts = date.to_datetime(span.from).series(GRID_MINUTES.minutes());
            let last = date.to_datetime(span.until).saturating_sub(service.minutes.minutes());
            let starts = starts
                .take_while(|start| *start <= last && start.date() == date)
                .map(|start| start.time());
            times.extend(starts.filter(|time| self.seat(service, date, *time).is_some()));
        }
        times
    }

    /// The times of a day to tell a customer: within what suits them if there are such, on the half hour if there are
    /// such.
    #[must_use]
    pub(crate) fn told(
        &self,
        service: &Service,
        date: Date,
        within: Option<(Time, Time)>,
    ) -> Vec<Time> {
        let free = self.free(service, date);
        let suits =
            |time: &&Time| within.is_none_or(|(from, until)| from <= **time && **time < until);
        let suiting: Vec<Time> = free.iter().filter(suits).copied().collect();
        let suiting = if suiting.is_empty() { free } else { suiting };
        let on_grid: Vec<Time> =
            suiting.iter().filter(|time| time.minute() % LISTED_MINUTES == 0).copied().collect();
        if on_grid.is_empty() { suiting } else { on_grid }
    }

    /// The next days that have a free time, each with its first one, from a day on.
    #[must_use]
    pub(crate) fn next(&self, service: &Service, from: Date, count: usize) -> Vec<(Date, Time)> {
        let days = self.ask.business.shop.open_days(from.max(self.ask.today()));
        let days = days.take_while(|day| *day <= self.last_day());
        days.filter_map(|day| Some((day, *self.told(service, day, None).first()?)))
            .take(count)
            .collect()
    }

    /// A seat that is free for a service at a time within the opening hours, with enough notice.
    #[must_use]
    pub(crate) fn seat(&self, service: &Service, date: Date, time: Time) -> Option<i64> {
        let start_ms = self.start_ms(date, time)?;
        let notice = SignedDuration::from_mins(self.ask.business.services.notice_minutes);
        let earliest_ms =
            self.ask.now.timestamp().as_millisecond() + i64::try_from(notice.as_millis()).ok()?;
        if start_ms < earliest_ms || self.closed(date).is_some() || start_ms % GRID_MS != 0 {
            return None;
        }
        let end = date.to_datetime(time).checked_add(service.minutes.minutes()).ok()?;
        let fits = |span: &crate::business::hours::Span| {
            span.from <= time && end <= date.to_datetime(span.until)
        };
        if !self.ask.business.shop.open(date).iter().any(fits) {
            return None;
        }
        let is_free = |seat: &i64| {
            cells(start_ms, service.minutes)
                .all(|cell| !self.taken.has(&service.place, *seat, cell))
        };
        (0..self.ask.business.services.seats(&service.place)).find(is_free)
    }

    /// The moment of a day and time at the shop.
    #[must_use]
    pub(crate) fn start_ms(&self, date: Date, time: Time) -> Option<i64> {
        let zone = self.ask.business.shop.time_zone.0.clone();
        let start = date.to_datetime(time).to_zoned(zone).ok()?;
        Some(start.timestamp().as_millisecond())
    }

    /// The last day that can be booked, as a customer reads it.
    #[must_use]
    pub(crate) fn spoken_last_day(&self) -> String {
        spoken_day(self.last_day())
    }

    fn last_day(&self) -> Date {
        self.ask.today().saturating_add(self.ask.business.services.days_ahead.days())
    }
}
