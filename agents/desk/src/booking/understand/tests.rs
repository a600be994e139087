use jiff::civil::{Date, Time, date, time};
use jiff::tz::TimeZone;

use super::{Draft, Goal, Missing, Understood, reference, understand};
use crate::ask::Ask;
use crate::lexicon::Lexicon;
use crate::message::Message;
use crate::testing::business;

const TODAY: Date = date(2026, 11, 21);

fn understood(text: &str, draft: Draft) -> Understood {
    let business = business();
    let message = Message { raw_input: text.to_owned(), ..Message::default() };
    let now = TODAY.at(9, 0, 0, 0).to_zoned(TimeZone::UTC).expect("a moment");
    let lexicon = Lexicon::new(&business);
    understand(
        &Ask { message: &message, business: &business, lexicon: &lexicon, now: &now },
        draft,
        false,
    )
}

#[test]
fn first_messages_are_read_whole() {
    type Case = (&'static str, Goal, Option<&'static str>, Option<Date>, Option<Time>);
    let cases: [Case; 13] = [
        (
            "I need to book an appointment tomorrow",
            Goal::Book,
            None,
            Some(date(2026, 11, 22)),
            None,
        ),
        ("Book a demo at 5pm", Goal::Book, Some("tasting"), None, Some(time(17, 0, 0, 0))),
        (
            "Can you descale my machine on Tuesday at 10?",
            Goal::Book,
            Some("machine-service"),
            Some(date(2026, 11, 24)),
            Some(time(10, 0, 0, 0)),
        ),
        ("my grinder needs new burrs", Goal::Book, Some("grinder-service"), None, None),
        (
            "a barista class next Thursday",
            Goal::Book,
            Some("barista-class"),
            Some(date(2026, 11, 26)),
            None,
        ),
        (
            "book a repair for 1 December 15:30",
            Goal::Book,
            Some("machine-repair"),
            Some(date(2026, 12, 1)),
            Some(time(15, 30, 0, 0)),
        ),
        (
            "espresso machine service on 2026-12-01",
            Goal::Book,
            Some("machine-service"),
            Some(date(2026, 12, 1)),
            None,
        ),
        ("Move my visit to Friday", Goal::Move, None, Some(date(2026, 11, 27)), None),
        (
            "please reschedule B-K7M2QD to 24 December at 3pm",
            Goal::Move,
            None,
            Some(date(2026, 12, 24)),
            Some(time(15, 0, 0, 0)),
        ),
        ("cancel my appointment", Goal::Cancel, None, None, None),
        ("I can't make it on Friday", Goal::Cancel, None, Some(date(2026, 11, 27)), None),
        ("when is my appointment?", Goal::Tell, None, None, None),
        ("latte art course", Goal::Book, Some("barista-class"), None, None),
    ];
    for (text, goal, service, date, time) in cases {
        let draft = understood(text, Draft::default()).draft;
        assert_eq!(
            (draft.goal, draft.service.as_deref(), draft.date, draft.time),
            (goal, service, date, time),
            "{text}"
        );
    }
}

#[test]
fn answers_fill_what_was_asked_for() {
    let friday = date(2026, 11, 27);
    let offered = vec![(friday, time(10, 0, 0, 0)), (friday, time(10, 30, 0, 0))];
    let asked = |missing| Draft {
        asked: Some(missing),
        date: Some(friday),
        offered: offered.clone(),
        ..Draft::default()
    };
    let cases = [
        ("10:30", Missing::Time, Some(time(10, 30, 0, 0)), None),
        ("11", Missing::Time, Some(time(11, 0, 0, 0)), None),
        ("the first one please", Missing::Time, Some(time(10, 0, 0, 0)), None),
        ("the second", Missing::Time, Some(time(10, 30, 0, 0)), None),
        ("yes", Missing::Day, Some(time(10, 0, 0, 0)), None),
        ("anna byrne", Missing::Name, None, Some("Anna Byrne")),
        ("what is the weather like?", Missing::Name, None, None),
    ];
    for (text, missing, time, name) in cases {
        let draft = understood(text, asked(missing)).draft;
        assert_eq!((draft.time, draft.name.as_deref()), (time, name), "{text}");
    }
}

#[test]
fn a_visit_that_is_not_made_yet_can_be_let_go() {
    let making = Draft {
        asked: Some(Missing::Time),
        service: Some("tasting".to_owned()),
        ..Draft::default()
    };
    for text in ["never mind", "cancel", "forget it please"] {
        assert!(understood(text, making.clone()).is_given_up, "{text}");
    }
    for text in ["cancel my other appointment B-K7M2QD", "10:30", "another day please"] {
        assert!(!understood(text, making.clone()).is_given_up, "{text}");
    }
    let another = Draft { date: Some(TODAY), ..making };
    assert_eq!(understood("another day please", another).draft.date, None);
}

#[test]
fn references_are_found_in_any_writing() {
    let cases = [
        ("cancel B-K7M2QD", Some("B-K7M2QD")),
        ("it is b-k7m2qd.", Some("B-K7M2QD")),
        ("BK7M2QD", Some("B-K7M2QD")),
        ("b k7m2qd", Some("B-K7M2QD")),
        ("B-ABCDEF", Some("B-ABCDEF")),
        ("a b letter", None),
        ("book beakers", None),
        ("B-K7M2QDX", None),
        ("B-K7M2Q", None),
    ];
    for (text, expected) in cases {
        assert_eq!(reference(text).as_deref(), expected, "{text}");
    }
}
