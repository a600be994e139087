use proto::v1::{Context, ConverseRequest};

use super::{Ask, fingerprint};
use crate::error::Error;
use crate::session::Reference;
use crate::store::Place;

fn request() -> ConverseRequest {
    let context = Context {
        tenant: "default".to_owned(),
        user_id: "user-1".to_owned(),
        request_id: "6f1c2b9e-0d57-4c7e-9a40-0f6c1c1a5b10".to_owned(),
        ..Context::default()
    };
    ConverseRequest { context: Some(context), input: "hello".to_owned(), ..Default::default() }
}

fn paths(request: ConverseRequest) -> Vec<String> {
    match Ask::of(request) {
        Err(Error::Invalid(violations)) => violations.into_iter().map(|v| v.path).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn control_characters_are_removed_before_the_length_is_judged() {
    let ask = Ask::of(ConverseRequest { input: "a\u{0}\tb\u{7f}\r\n".to_owned(), ..request() });
    assert_eq!(ask.unwrap().input, "a\tb\r\n");
    assert_eq!(paths(ConverseRequest { input: "\u{1}\u{2}".to_owned(), ..request() }), ["input"]);
    let long = "ä".repeat(10_000);
    assert!(paths(ConverseRequest { input: long.clone(), ..request() }).is_empty());
    assert_eq!(paths(ConverseRequest { input: long + "x", ..request() }), ["input"]);
}

#[test]
fn every_broken_rule_is_told() {
    let broken = ConverseRequest {
        session_ref: Some("no spaces".to_owned()),
        locale: "not a tag".to_owned(),
        metadata_json: "[]".to_owned(),
        input: String::new(),
        ..request()
    };
    assert_eq!(paths(broken), ["input", "session_id", "locale", "metadata"]);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(16 * 1024));
    assert_eq!(paths(ConverseRequest { metadata_json: large, ..request() }), ["metadata"]);
}

#[test]
fn what_no_database_can_hold_is_refused_in_ids_and_removed_from_names() {
    let nul = "a\0b".to_owned();
    let broken = ConverseRequest { employee_id: nul.clone(), ..request() };
    assert_eq!(paths(broken), ["employee_id"]);
    let task = ConverseRequest { metadata_json: r#"{"task_id":"a\u0000b"}"#.into(), ..request() };
    assert_eq!(paths(task), ["metadata.task_id"]);
    let other = ConverseRequest { metadata_json: r#"{"note":"a\u0000b"}"#.into(), ..request() };
    assert!(paths(other).is_empty(), "an escape in a text that passes through does no harm");
    let named = Ask::of(ConverseRequest { display_name: nul, ..request() }).unwrap();
    assert_eq!(named.profile.display_name, "ab");
}

#[test]
fn a_request_needs_a_user() {
    let context = Context { tenant: "default".to_owned(), ..Context::default() };
    let nobody = ConverseRequest { context: Some(context), ..request() };
    assert!(matches!(Ask::of(nobody), Err(Error::UserRequired)));
}

#[test]
fn names_default_to_the_ids() {
    let ask = Ask::of(request()).unwrap();
    assert_eq!(ask.profile.employee_id, "user-1");
    assert_eq!(ask.profile.display_name, "user-1");
    assert_eq!(ask.reference, Reference::Latest);
}

#[test]
fn an_anonymous_request_belongs_nowhere() {
    let named =
        ConverseRequest { anonymous: true, session_ref: Some("mine".to_owned()), ..request() };
    assert_eq!(Ask::of(named).unwrap().place, Place::Nowhere("mine".to_owned()));
}

#[test]
fn the_task_is_taken_from_the_metadata() {
    let task = ConverseRequest { metadata_json: r#"{"task_id":"t-1"}"#.to_owned(), ..request() };
    assert_eq!(Ask::of(task).unwrap().task_id, "t-1");
}

#[test]
fn parts_of_a_fingerprint_do_not_run_into_each_other() {
    assert_ne!(fingerprint("ab", "c", ""), fingerprint("a", "bc", ""));
    assert_eq!(fingerprint("a", "b", "c"), fingerprint("a", "b", "c"));
}
