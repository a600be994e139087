use proptest::prelude::*;

use super::{Reference, Session, Status, position};

const TTL_MS: i64 = 1_000;

fn fresh() -> Session {
    let mut session = Session { session_id: "s".to_owned(), ..Session::default() };
    session.touch(0, TTL_MS);
    session
}

#[test]
fn a_status_is_read_in_any_case() {
    assert_eq!(Status::from_name("Completed"), Some(Status::Completed));
    assert_eq!(Status::from_name("gone"), None);
}

#[test]
fn an_empty_reference_is_none() {
    assert_eq!(Reference::of(Some(String::new())), Reference::Latest);
    assert_eq!(Reference::of(Some("x".to_owned())).key(), "x");
}

#[test]
fn one_turn_runs_and_only_so_many_wait() {
    let mut session = fresh();
    let taken: Vec<_> = (0..4).map(|_| session.admit(2)).collect();
    assert_eq!(taken, [Ok(1), Ok(2), Ok(3), Err(super::Busy)]);
    assert_eq!(session.open_turns, 3);
}

#[test]
fn a_turn_under_way_keeps_a_session_alive() {
    let mut session = fresh();
    session.admit(0).unwrap();
    assert!(!session.is_expired(TTL_MS), "a turn is under way");
    session.open_turns = 0;
    assert!(session.is_expired(TTL_MS));
    assert!(!session.is_expired(TTL_MS - 1));
}

#[test]
fn a_session_is_closed_once() {
    let mut session = fresh();
    session.close(Status::Completed, 5);
    session.close(Status::Error, 9);
    assert_eq!((session.status, session.closed_ms), (Status::Completed, Some(5)));
    session.touch(10, TTL_MS);
    assert_eq!(session.expires_ms, None, "what has ended does not expire");
}

#[test]
fn a_resumed_session_carries_what_was_visible() {
    let mut prior = fresh();
    prior.entry_count = 7;
    prior.active_agent = "sales".to_owned();
    prior.close(Status::Completed, 5);
    let next = prior.resumed("t".to_owned(), 9, 3);
    assert_eq!((next.carried, next.entry_count), (3, 3));
    assert_eq!((next.external_key.as_str(), next.status), ("s", Status::Active));
    assert_eq!(next.active_agent, "sales");
}

#[derive(Clone, Debug)]
enum Event {
    Admit,
    End,
    Touch(i64),
    Close,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => Just(Event::Admit),
        3 => Just(Event::End),
        2 => (0..2_000_i64).prop_map(Event::Touch),
        1 => Just(Event::Close),
    ];
    proptest::collection::vec(event, 0..60)
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_hold(events in events(), queue_max in 0..4_i64) {
        let mut session = fresh();
        let mut now_ms = 0;
        let mut last_seq = 0;
        for event in events {
            match event {
                Event::Admit => if let Ok(seq) = session.admit(queue_max) {
                    prop_assert_eq!(seq, last_seq + 1, "numbers have no gaps");
                    last_seq = seq;
                },
                Event::End => session.open_turns = (session.open_turns - 1).max(0),
                Event::Touch(by) => { now_ms += by; session.touch(now_ms, TTL_MS); }
                Event::Close => session.close(Status::Abandoned, now_ms),
            }
            prop_assert!(session.open_turns <= queue_max + 1);
            prop_assert_eq!(session.is_active(), session.closed_ms.is_none());
            prop_assert_eq!(session.is_active(), session.expires_ms.is_some());
            prop_assert!(!session.is_expired(now_ms), "an event puts the expiry off");
        }
    }

    #[test]
    fn entries_of_a_later_turn_stand_behind(seq in 0..1_000_000_i64, place in 0..200_i64) {
        prop_assert!(position(seq, place) < position(seq + 1, 0));
        prop_assert!(position(seq, 0) <= position(seq, place));
    }
}
