use proto::v1::turn_event::Event;
use proto::v1::{Accepted, BudgetChecked, Delta, HandoffRejected, Result as TurnResult, TurnError};

use super::*;

fn text(event: Event) -> String {
    let event = TurnEvent {
        request_id: "r-1".to_owned(),
        session_id: "s-1".to_owned(),
        seq: 3,
        replay: false,
        event: Some(event),
    };
    Frame::of_event(&event).unwrap().text.to_string()
}

#[test]
fn each_event_has_its_frame() {
    let marks = r#","sessionId":"s-1","requestId":"r-1","seq":3}"#;
    let accepted = Accepted {
        request_id: "r-1".to_owned(),
        session_id: "s-1".to_owned(),
        session_new: true,
        turn_seq: 1,
        session_ref: "mine".to_owned(),
    };
    let budget = BudgetChecked {
        action: "allow".to_owned(),
        reserved_micros: 450,
        remaining_micros: Some(9_999_550),
        ..BudgetChecked::default()
    };
    let delta = Delta { agent_id: "sales".to_owned(), hop: 0, index: 2, text: "Hi".to_owned() };
    let rejected = HandoffRejected {
        handoff_id: "h".to_owned(),
        reason: "no_match".to_owned(),
        r#final: true,
        ..HandoffRejected::default()
    };
    let result = TurnResult { body_json: r#"{"a" : 1.0}"#.to_owned(), budget: None };
    let cases = [
        (
            Event::Accepted(accepted),
            r#"{"type":"processing","payload":{"request_id":"r-1","session_id":"s-1","session_new":true,"turn_seq":1}"#,
        ),
        (
            Event::Budget(budget),
            r#"{"type":"budget","payload":{"action":"allow","reserved_usd":0.00045,"remaining_usd":9.99955,"disabled_tools":[],"hop":0}"#,
        ),
        (
            Event::Delta(delta),
            r#"{"type":"delta","payload":{"agent_id":"sales","hop":0,"index":2,"text":"Hi"}"#,
        ),
        (
            Event::HandoffRejected(rejected),
            r#"{"type":"handoff_rejected","payload":{"handoff_id":"h","reason":"no_match","final":true}"#,
        ),
        (Event::Result(result), r#"{"type":"result","payload":{"a" : 1.0}"#),
    ];
    for (event, expected) in cases {
        assert_eq!(text(event), format!("{expected}{marks}"));
    }
}

#[test]
fn an_error_carries_the_body_of_the_catalogue() {
    let error = TurnError { code: "cancelled".to_owned(), ..TurnError::default() };
    let frame: serde_json::Value = serde_json::from_str(&text(Event::Error(error))).unwrap();
    assert_eq!(frame["payload"]["code"], "cancelled");
    assert_eq!(frame["payload"]["request_id"], "r-1");
    assert_eq!(frame["payload"]["error"], "Conflict");
}

#[test]
fn only_a_frame_of_a_turn_has_an_id_and_an_end() {
    let bare = Frame::bare("pong");
    assert_eq!((bare.text.as_str(), bare.id()), (r#"{"type":"pong"}"#, None));
    let marks = Marks { request_id: Some("r"), seq: Some(7), ..Marks::default() };
    let last = Frame::new("result", None, marks);
    assert_eq!(last.id().as_deref(), Some("r:7"));
    assert!(
        last.is_last() && !Frame::of_problem(&Problem::new("internal"), Marks::default()).is_last()
    );
}
