//! What the booking desk does with what it has understood: ask for what is missing, offer what is free, or act.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::diary::Visit;
use super::draft::{Draft, Goal, Missing};
use super::slots::{Closed, Slots, Taken, cells};
use super::speak;
use super::understand::Understood;
use crate::ask::Ask;
use crate::business::services::Service;

/// How many times are offered at once.
const OFFERED: usize = 4;
/// How many days are offered when a day does not work.
const OFFERED_DAYS: usize = 3;

/// What is known beyond the message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// What is taken.
    pub(crate) taken: Taken,
    /// The visits that the customer may mean: the one of the reference, else their own that are still to come.
    pub(crate) visits: Vec<Visit>,
    /// A reference that is not used yet.
    pub(crate) unused_reference: String,
}

/// What the desk says and does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    /// What the customer reads.
    pub(crate) content: String,
    /// How far the conversation has come.
    pub(crate) draft: Draft,
    /// What changes in the diary.
    pub(crate) change: Option<Change>,
    /// Whether the conversation has reached its end.
    pub(crate) is_complete: bool,
}

/// A change in the diary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A visit is made.
    Make(Visit),
    /// A visit is moved: it now lies as told here.
    Move(Visit),
    /// The visit with this reference is cancelled.
    Cancel(String),
}

/// Decides the next step.
#[must_use]
pub(crate) fn decide(ask: &Ask<'_>, understood: Understood, known: Known) -> Step {
    if understood.is_given_up {
        return finished(speak::given_up(), &understood.draft, None);
    }
    match understood.draft.goal {
        Goal::Book => book(ask, understood, &known),
        Goal::Move | Goal::Cancel | Goal::Tell => match chosen(ask, &understood.draft, &known) {
            Ok(visit) if understood.draft.goal == Goal::Cancel => {
                let content = speak::cancelled(ask, &visit);
                finished(content, &understood.draft, Some(Change::Cancel(visit.reference)))
            }
            Ok(visit) if understood.draft.goal == Goal::Tell => {
                told(ask, &understood.draft, &visit)
            }
            Ok(visit) => move_visit(ask, understood, known, visit),
            Err(step) => *step,
        },
    }
}

fn book(ask: &Ask<'_>, understood: Understood, known: &Known) -> Step {
    let draft = &understood.draft;
    let slots = Slots { ask: *ask, taken: &known.taken };
    let Some(service) = draft.service.as_ref().and_then(|id| ask.business.services.find(id)) else {
        return asking(
            speak::which_service(ask, &understood.services, draft),
            Missing::Service,
            draft,
            Vec::new(),
        );
    };
    let (date, time) = match moment(&slots, service, &understood) {
        Ok(moment) => moment,
        Err(step) => return *step,
    };
    let Some(name) = draft.name.clone() else {
        return asking(speak::which_name(service, date, time), Missing::Name, draft, Vec::new());
    };
    let Some(visit) = visit(&slots, service, (date, time), &known.unused_reference) else {
        return offer(&slots, service, draft, date);
    };
    let visit = Visit { name, customer: ask.message.employee_id.clone(), ..visit };
    let content = speak::booked(ask, service, &visit, (date, time));
    finished(content, draft, Some(Change::Make(visit)))
}

/// Says when a visit is. The visit stays in mind, so that the customer can go on with "move it".
fn told(ask: &Ask<'_>, draft: &Draft, visit: &Visit) -> Step {
    let handoff_id = draft.handoff_id.clone();
    let draft = Draft { handoff_id, reference: Some(visit.reference.clone()), ..Draft::default() };
    Step { content: speak::told(ask, visit), draft, change: None, is_complete: false }
}

fn move_visit(ask: &Ask<'_>, understood: Understood, mut known: Known, old: Visit) -> Step {
    known.taken.free(&old.place, old.seat, cells(old.start_ms, old.minutes));
    let slots = Slots { ask: *ask, taken: &known.taken };
    let Some(service) = ask.business.services.find(&old.service) else {
        return finished(speak::call_us(ask, &old), &understood.draft, None);
    };
    let mut understood = understood;
    understood.draft.reference = Some(old.reference.clone());
    if understood.draft.date.is_none() && understood.draft.time.is_some() {
        // Only the time was named: the day stays.
        understood.draft.date = Some(day_of(ask, old.start_ms));
    }
    let (date, time) = match moment(&slots, service, &understood) {
        Ok(moment) => moment,
        Err(step) => return *step,
    };
    match visit(&slots, service, (date, time), &old.reference) {
        Some(new) => {
            let content = speak::moved(ask, service, &old, (date, time));
            let new = Visit { name: old.name, customer: old.customer, ..new };
            finished(content, &understood.draft, Some(Change::Move(new)))
        }
        None => offer(&slots, service, &understood.draft, date),
    }
}

/// The day and time that the customer wants, if they are free; else the question or the offer that comes next.
fn moment(
    slots: &Slots<'_>,
    service: &Service,
    understood: &Understood,
) -> Result<(Date, Time), Box<Step>> {
    let draft = &understood.draft;
    let Some(date) = draft.date else {
        let next = slots.next(service, slots.ask.today(), OFFERED_DAYS);
        let content = speak::which_day(slots, service, understood.impossible_day.as_deref(), &next);
        return Err(Box::new(asking(content, Missing::Day, draft, next)));
    };
    if let Some(closed) = slots.closed(date) {
        return Err(Box::new(other_day(slots, service, draft, &closed)));
    }
    match draft.time {
        Some(time) if slots.seat(service, date, time).is_some() => Ok((date, time)),
        _ => Err(Box::new(offer(slots, service, draft, date))),
    }
}

/// The day does not work: others do.
fn other_day(slots: &Slots<'_>, service: &Service, draft: &Draft, closed: &Closed) -> Step {
    let date = draft.date.unwrap_or_else(|| slots.ask.today());
    let from = if *closed == Closed::TooFar { slots.ask.today() } else { date };
    let next = slots.next(service, from, OFFERED_DAYS);
    let content = speak::day_does_not_work(slots, date, closed, &next);
    let draft = Draft { date: None, ..draft.clone() };
    asking(content, Missing::Day, &draft, next)
}

/// The free times of a day, or of the next days when it has none.
fn offer(slots: &Slots<'_>, service: &Service, draft: &Draft, date: Date) -> Step {
    let mut times = slots.told(service, date, draft.within);
    let open = Draft { time: None, ..draft.clone() };
    if times.is_empty() {
        let next = slots.next(service, date, OFFERED_DAYS);
        let content = speak::day_is_full(date, &next);
        return asking(content, Missing::Day, &Draft { date: None, ..open }, next);
    }
    if let Some(wanted) = draft.time {
        // The nearest to what was wanted, then in the order of the clock.
        times.sort_by_key(|time| time.duration_since(wanted).abs());
        times.truncate(OFFERED);
        times.sort();
    }
    let offered = times.iter().take(OFFERED).map(|time| (date, *time)).collect();
    asking(speak::free_times(service, date, &times, draft), Missing::Time, &open, offered)
}

/// The visit to move or cancel; else what to say.
fn chosen(ask: &Ask<'_>, draft: &Draft, known: &Known) -> Result<Visit, Box<Step>> {
    let ask_for = |content: String| {
        let draft = Draft { reference: None, ..draft.clone() };
        Box::new(asking(content, Missing::Reference, &draft, Vec::new()))
    };
    match known.visits.as_slice() {
        [] => Err(ask_for(speak::which_visit(ask, draft))),
        [visit] if visit.is_cancelled => {
            Err(Box::new(finished(speak::was_cancelled(visit), draft, None)))
        }
        [visit] if visit.start_ms <= ask.now.timestamp().as_millisecond() => {
            Err(Box::new(finished(speak::is_over(ask, visit), draft, None)))
        }
        [visit] => Ok(visit.clone()),
        several => Err(ask_for(speak::which_of(ask, several))),
    }
}

fn visit(
    slots: &Slots<'_>,
    service: &Service,
    (date, time): (Date, Time),
    reference: &str,
) -> Option<Visit> {
    Some(Visit {
        reference: reference.to_owned(),
        service: service.id.clone(),
        place: service.place.clone(),
        seat: slots.seat(service, date, time)?,
        start_ms: slots.start_ms(date, time)?,
        minutes: service.minutes,
        ..Visit::default()
    })
}

fn day_of(ask: &Ask<'_>, start_ms: i64) -> Date {
    let zone = ask.business.shop.time_zone.0.clone();
    Timestamp::from_millisecond(start_ms)
        .map_or_else(|_| ask.today(), |start| start.to_zoned(zone).date())
}

fn asking(content: String, missing: Missing, draft: &Draft, offered: Vec<(Date, Time)>) -> Step {
    let draft = Draft { asked: Some(missing), offered, ..draft.clone() };
    Step { content, draft, change: None, is_complete: false }
}

fn finished(content: String, draft: &Draft, change: Option<Change>) -> Step {
    let draft = Draft { handoff_id: draft.handoff_id.clone(), ..Draft::default() };
    Step { content, draft, change, is_complete: true }
}
