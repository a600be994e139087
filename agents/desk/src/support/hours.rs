//! When the shop is open: in a week, on a day, now.

use jiff::civil::{Date, Weekday};

use crate::ask::Ask;
use crate::business::shop::Shop;
use crate::when::day::{Named, find};
use crate::when::{listed, spoken_day, spoken_time};
use crate::words::{says, stem, topic_stems};

/// The answer to a question about opening hours, if it is one.
#[must_use]
pub(crate) fn answer(ask: &Ask<'_>, words: &[String]) -> Option<String> {
    const QUESTIONS: [&str; 20] = [
        "opening hours",
        "opening times",
        "business hours",
        "store hours",
        "shop hours",
        "your hours",
        "what hours",
        "open on",
        "are you open",
        "you open",
        "you close",
        "shop open",
        "shop close",
        "store open",
        "store close",
        "closing time",
        "opening time",
        "closed on",
        "open today",
        "open tomorrow",
    ];
    if !says(words, &QUESTIONS) {
        return None;
    }
    let shop = &ask.business.shop;
    if let Some(date) = holiday(ask, words) {
        return Some(on(shop, date, ask));
    }
    if let Some(Named::Day(date)) = find(words, ask.today()).map(|found| found.named) {
        return Some(on(shop, date, ask));
    }
    if says(words, &["now", "right now", "still open"]) {
        return Some(now(shop, ask));
    }
    Some(format!("{}\n\n{}", now(shop, ask), week(shop)))
}

/// The closed day that the words name as the owner does: `Christmas`, `St Stephen's Day`.
fn holiday(ask: &Ask<'_>, words: &[String]) -> Option<Date> {
    let said: Vec<String> = words.iter().map(|word| stem(word)).collect();
    let names = |reason: &str| {
        let name: Vec<_> = topic_stems(reason).into_iter().filter(|stem| stem != "day").collect();
        !name.is_empty() && name.iter().all(|stem| said.contains(stem))
    };
    let closed = ask.business.shop.closed.iter().find(|closed| names(&closed.reason))?;
    closed.next(ask.today())
}

fn on(shop: &Shop, date: Date, ask: &Ask<'_>) -> String {
    let day = spoken_day(date);
    let spans = shop.open(date);
    if !spans.is_empty() {
        return format!("On {day} we are open from {}.", joined(spans));
    }
    let reason =
        shop.closing(date).map(|closed| format!(" ({})", closed.reason)).unwrap_or_default();
    let from = date.max(ask.today());
    let next = shop.open_days(from).next();
    let next = next.map(|next| {
        format!(
            " The next day that we are open is {}, from {}.",
            spoken_day(next),
            joined(shop.open(next))
        )
    });
    format!("On {day} we are closed{reason}.{}", next.unwrap_or_default())
}

fn now(shop: &Shop, ask: &Ask<'_>) -> String {
    let (today, time) = (ask.today(), ask.now.time());
    let spans = shop.open(today);
    if let Some(span) = spans.iter().find(|span| span.from <= time && time < span.until) {
        return format!("We are open now, until {}.", spoken_time(span.until));
    }
    if let Some(span) = spans.iter().find(|span| time < span.from) {
        return format!("We are closed now and open today at {}.", spoken_time(span.from));
    }
    let later = today.tomorrow().ok().and_then(|tomorrow| shop.open_days(tomorrow).next());
    match later.and_then(|day| shop.open(day).first().map(|span| (day, span.from))) {
        Some((day, from)) => format!(
            "We are closed now and open again on {} at {}.",
            spoken_day(day),
            spoken_time(from)
        ),
        None => "We are closed.".to_owned(),
    }
}

/// The hours of a week, days with equal hours together.
fn week(shop: &Shop) -> String {
    let mut lines: Vec<(Vec<String>, String)> = Vec::new();
    for day in Weekday::Monday.cycle_forward().take(7) {
        let spans = shop.hours.spans(day);
        let hours = if spans.is_empty() { "closed".to_owned() } else { joined(spans) };
        let name = format!("{day:?}");
        match lines.iter_mut().find(|(_, known)| *known == hours) {
            Some((days, _)) => days.push(name),
            None => lines.push((vec![name], hours)),
        }
    }
    let lines: Vec<_> =
        lines.iter().map(|(days, hours)| format!("- {}: {hours}", listed(days, "and"))).collect();
    format!("Our opening hours:\n{}", lines.join("\n"))
}

fn joined(spans: &[crate::business::hours::Span]) -> String {
    listed(&spans.iter().map(ToString::to_string).collect::<Vec<_>>(), "and")
}
