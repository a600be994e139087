//! How the booking desk puts questions, offers and confirmations into words.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::diary::Visit;
use super::draft::{Draft, Goal};
use super::slots::{Closed, Slots};
use crate::ask::Ask;
use crate::business::services::Service;
use crate::sales;
use crate::when::{listed, spoken_day, spoken_time};

/// How many times of a day are named.
const TIMES_NAMED: usize = 8;

/// Asks what is to be done.
pub(crate) fn which_service(ask: &Ask<'_>, fitting: &[String], draft: &Draft) -> String {
    let when = match (draft.date, draft.time) {
        (Some(date), Some(time)) => format!(" for {} at {}", spoken_day(date), spoken_time(time)),
        (Some(date), None) => format!(" for {}", spoken_day(date)),
        _ => String::new(),
    };
    if fitting.is_empty() {
        return format!(
            "I can book a visit{when}. Which service would you like?\n{}",
            sales::services(ask.business)
        );
    }
    let names: Vec<_> = fitting
        .iter()
        .filter_map(|id| ask.business.services.find(id))
        .map(|service| service.name.clone())
        .collect();
    format!("I can book a visit{when}. Which one do you mean: {}?", listed(&names, "or"))
}

/// Asks for the day and names the next free times.
pub(crate) fn which_day(
    slots: &Slots<'_>,
    service: &Service,
    impossible: Option<&str>,
    next: &[(Date, Time)],
) -> String {
    let wrong =
        impossible.map(|day| format!("There is no such day as {day}. ")).unwrap_or_default();
    if next.is_empty() {
        return format!(
            "{wrong}{}: no time is free until {}.",
            service.name,
            slots.spoken_last_day()
        );
    }
    format!(
        "{wrong}{}, {} minutes, {}. Which day suits you? The next free times are {}.",
        service.name,
        service.minutes,
        price(&slots.ask, service),
        moments(next)
    )
}

/// Says why a day does not work, and which do.
pub(crate) fn day_does_not_work(
    slots: &Slots<'_>,
    date: Date,
    closed: &Closed,
    next: &[(Date, Time)],
) -> String {
    let day = spoken_day(date);
    let why = match closed {
        Closed::Past => format!("{day} is over."),
        Closed::Shut(Some(reason)) => format!("On {day} we are closed ({reason})."),
        Closed::Shut(None) => format!("On {day} we are closed."),
        Closed::TooFar => {
            format!("{day} is too far ahead: I can book until {}.", slots.spoken_last_day())
        }
    };
    format!("{why} The next free times are {}. Which day suits you?", moments(next))
}

/// Says that a day has no free time, and which do.
pub(crate) fn day_is_full(date: Date, next: &[(Date, Time)]) -> String {
    if next.is_empty() {
        return format!(
            "On {} nothing is free any more, and nothing after it. Please call us.",
            spoken_day(date)
        );
    }
    format!(
        "On {} nothing is free any more. The next free times are {}. Which day suits you?",
        spoken_day(date),
        moments(next)
    )
}

/// Names the free times of a day.
pub(crate) fn free_times(service: &Service, date: Date, times: &[Time], draft: &Draft) -> String {
    let named: Vec<_> = times.iter().take(TIMES_NAMED).map(|time| spoken_time(*time)).collect();
    let more = if TIMES_NAMED < times.len() { ", and later" } else { "" };
    let day = spoken_day(date);
    match draft.time {
        Some(wanted) => format!(
            "{} on {day} is not free. I could offer {}{more}. Which time suits you?",
            spoken_time(wanted),
            listed(&named, "or")
        ),
        None if draft.goal == Goal::Move => {
            format!("On {day} I could offer {}{more}. Which time suits you?", listed(&named, "or"))
        }
        None => format!(
            "{} on {day}: I could offer {}{more}. Which time suits you?",
            service.name,
            listed(&named, "or")
        ),
    }
}

/// Asks for the name.
pub(crate) fn which_name(service: &Service, date: Date, time: Time) -> String {
    format!(
        "{} on {} at {} is free. What name may I book it under?",
        service.name,
        spoken_day(date),
        spoken_time(time)
    )
}

/// Confirms a visit.
pub(crate) fn booked(
    ask: &Ask<'_>,
    service: &Service,
    visit: &Visit,
    (date, time): (Date, Time),
) -> String {
    let price = price(ask, service);
    let note = if service.note.is_empty() { String::new() } else { format!(" {}", service.note) };
    format!(
        "Booked, {}: **{}** on **{}** at **{}** ({} minutes, {price}). Your reference is **{}**: with it you can move or cancel the \
         visit.{note} You find us at {}.",
        visit.name,
        service.name,
        spoken_day(date),
        spoken_time(time),
        service.minutes,
        visit.reference,
        ask.business.shop.address
    )
}

/// Confirms a move.
pub(crate) fn moved(
    ask: &Ask<'_>,
    service: &Service,
    old: &Visit,
    (date, time): (Date, Time),
) -> String {
    format!(
        "Moved: your **{}** is now on **{}** at **{}** instead of {}. The reference stays **{}**.",
        service.name,
        spoken_day(date),
        spoken_time(time),
        moment_of(ask, old),
        old.reference
    )
}

/// Confirms that a visit is off.
pub(crate) fn cancelled(ask: &Ask<'_>, visit: &Visit) -> String {
    format!(
        "Cancelled: your {} on {} ({}). You can book again at any time.",
        service_name(ask, visit),
        moment_of(ask, visit),
        visit.reference
    )
}

/// Says when a visit is.
pub(crate) fn told(ask: &Ask<'_>, visit: &Visit) -> String {
    format!(
        "Your {} is on {} (reference {}). You can move or cancel it here.",
        service_name(ask, visit),
        moment_of(ask, visit),
        visit.reference
    )
}

/// Says that a visit is off already.
pub(crate) fn was_cancelled(visit: &Visit) -> String {
    format!("The visit {} is cancelled already. You can book again at any time.", visit.reference)
}

/// Says that a visit is over.
pub(crate) fn is_over(ask: &Ask<'_>, visit: &Visit) -> String {
    format!(
        "The visit {} was on {}, so it can no longer be changed. You can book a new one at any time.",
        visit.reference,
        moment_of(ask, visit)
    )
}

/// Says that only a person can help.
pub(crate) fn call_us(ask: &Ask<'_>, visit: &Visit) -> String {
    format!(
        "We no longer offer the service of visit {}. Please call us on {}.",
        visit.reference, ask.business.shop.phone
    )
}

/// Asks which visit is meant.
pub(crate) fn which_visit(ask: &Ask<'_>, draft: &Draft) -> String {
    let verb = match draft.goal {
        Goal::Cancel => "cancel",
        Goal::Move => "move",
        Goal::Book | Goal::Tell => "look up",
    };
    match &draft.reference {
        Some(reference) => format!(
            "I cannot find a visit {reference}. Could you check the reference? It looks like B-K7M2QD and stands in the confirmation."
        ),
        None => format!(
            "I am happy to {verb} your visit. What is its reference? It looks like B-K7M2QD and stands in the confirmation. Without it, \
             please call us on {}.",
            ask.business.shop.phone
        ),
    }
}

/// Asks which of several visits is meant.
pub(crate) fn which_of(ask: &Ask<'_>, visits: &[Visit]) -> String {
    let lines: Vec<_> = visits
        .iter()
        .map(|visit| {
            format!(
                "- **{}**: {} on {}",
                visit.reference,
                service_name(ask, visit),
                moment_of(ask, visit)
            )
        })
        .collect();
    format!(
        "You have {} visits. Please send me the reference of the one you mean:\n{}",
        visits.len(),
        lines.join("\n")
    )
}

/// Says that nothing is booked.
pub(crate) fn given_up() -> String {
    "No problem, nothing is changed. You can write to me again at any time.".to_owned()
}

/// What a service costs.
pub(crate) fn price(ask: &Ask<'_>, service: &Service) -> String {
    let is_free = service.price.0 == 0;
    if is_free { "free of charge".to_owned() } else { sales::price(ask.business, service.price) }
}

fn service_name(ask: &Ask<'_>, visit: &Visit) -> String {
    ask.business
        .services
        .find(&visit.service)
        .map_or_else(|| "visit".to_owned(), |service| service.name.clone())
}

fn moment_of(ask: &Ask<'_>, visit: &Visit) -> String {
    let zone = ask.business.shop.time_zone.0.clone();
    let start = Timestamp::from_millisecond(visit.start_ms).map(|start| start.to_zoned(zone));
    start.map_or_else(
        |_| "its day".to_owned(),
        |start| format!("{} at {}", spoken_day(start.date()), spoken_time(start.time())),
    )
}

fn moments(moments: &[(Date, Time)]) -> String {
    let parts: Vec<_> = moments
        .iter()
        .map(|(date, time)| format!("{} at {}", spoken_day(*date), spoken_time(*time)))
        .collect();
    listed(&parts, "or")
}
