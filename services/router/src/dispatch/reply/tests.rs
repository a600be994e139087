use proptest::prelude::*;
use serde_json::{Value, json};

use super::read;
use crate::dispatch::setback::Setback;
use crate::dispatch::{DispatchSettings, HandoffAsk, Reply, ReplyUsage};

fn settings() -> DispatchSettings {
    DispatchSettings::default()
}

fn structured(object: &Value) -> Result<Reply, Setback> {
    read(&json!({"content": [], "structuredContent": object}).to_string(), &settings())
}

fn text(text: &str) -> Result<Reply, Setback> {
    read(&json!({"content": [{"type": "text", "text": text}]}).to_string(), &settings())
}

fn why(outcome: Result<Reply, Setback>) -> String {
    match outcome {
        Err(Setback::Unusable { why, .. }) => why,
        other => panic!("{other:?} should be unusable"),
    }
}

#[test]
fn the_sample_reply_is_read_whole() {
    let sample = r#"{"content":"Your visit is moved.","workflow_complete":true,"workflow_state":{"step":"done"},
 "usage":{"model":"gpt-4o-mini","input_tokens":812,"output_tokens":64}}"#;
    let usage = ReplyUsage {
        model: Some("gpt-4o-mini".into()),
        input_tokens: 812,
        output_tokens: 64,
        cost_micros: None,
    };
    let expected = Reply {
        content: "Your visit is moved.".into(),
        workflow_complete: true,
        workflow_state: Some(r#"{"step":"done"}"#.into()),
        usage: Some(usage),
        ..Reply::default()
    };
    assert_eq!(text(sample), Ok(expected.clone()), "as text");
    let result =
        format!(r#"{{"content":[{{"type":"text","text":"x"}}],"structuredContent":{sample}}}"#);
    assert_eq!(
        read(&result, &settings()),
        Ok(expected),
        "as structured content, which comes first"
    );
}

#[test]
fn the_state_survives_byte_for_byte() {
    for state in [
        r#"{ "a" : 1.0, "b":1e2, "big":123456789012345678901234567890 }"#,
        r#"{"z":1,"a":2,"é":"\u00e9"}"#,
    ] {
        let result =
            format!(r#"{{"structuredContent":{{"content":"x","workflow_state":{state}}}}}"#);
        assert_eq!(read(&result, &settings()).unwrap().workflow_state.as_deref(), Some(state));
    }
}

#[test]
fn other_text_is_plain_content() {
    let plain = [
        "Hello",
        "42",
        "true",
        "[1,2]",
        "{}",
        r#"{"answer":"no content key"}"#,
        r#"{"content":"cut off"#,
        " ",
    ];
    for said in plain {
        let reply = text(said).unwrap();
        assert_eq!((reply.content.as_str(), reply.workflow_complete), (said, false), "{said}");
        assert_eq!(reply.violations, ["workflow_complete_missing"]);
    }
    let blocks = json!({"content": [{"type": "text", "text": "a"}, {"type": "image", "data": "", "mimeType": "x/y"},
        {"type": "text", "text": ""}, {"type": "text", "text": "b"}]});
    assert_eq!(read(&blocks.to_string(), &settings()).unwrap().content, "a\nb");
}

#[test]
fn structured_content_without_the_key_gives_way_to_text() {
    let result =
        json!({"content": [{"type": "text", "text": "hi"}], "structuredContent": {"answer": 1}});
    assert_eq!(read(&result.to_string(), &settings()).unwrap().content, "hi");
}

#[test]
fn wrong_types_and_nothing_are_unusable() {
    for content in [json!(null), json!(7), json!(""), json!(["a"]), json!({})] {
        assert_eq!(
            why(structured(&json!({"content": content}))),
            "content is not a text",
            "{content}"
        );
        assert_eq!(
            why(text(&json!({"content": content}).to_string())),
            "content is not a text",
            "{content}"
        );
    }
    let flag = json!({"content": "x", "workflow_complete": "yes"});
    assert_eq!(why(structured(&flag)), "workflow_complete is not a boolean");
    let state = json!({"content": "x", "workflow_state": [1]});
    assert_eq!(why(structured(&state)), "workflow_state is not an object");
    assert_eq!(why(text("")), "the reply is empty");
    assert_eq!(why(read(r#"{"content":[]}"#, &settings())), "the reply is empty");
    for result in ["[]", "7", "null", "", r#"{"content":7}"#] {
        assert_eq!(
            why(read(result, &settings())),
            "the result is not one of tools/call",
            "{result}"
        );
    }
    let waiting = r#"{"resultType":"input_required","content":[]}"#;
    assert_eq!(why(read(waiting, &settings())), "the result is not complete");
}

#[test]
fn a_state_over_its_limit_is_unusable_but_its_usage_is_read() {
    let limits = DispatchSettings { workflow_state_max_bytes: 20, ..settings() };
    let object = |text: &str| json!({"structuredContent": {"content": "x", "workflow_state": {"k": text}, "usage": {"input_tokens": 3}}});
    assert!(read(&object("123456789012").to_string(), &limits).is_ok(), "exactly twenty bytes");
    let usage = Some(ReplyUsage { input_tokens: 3, ..ReplyUsage::default() });
    let outcome = read(&object("1234567890123").to_string(), &limits);
    assert_eq!(
        outcome,
        Err(Setback::Unusable { why: "workflow_state is too large".into(), usage })
    );
}

#[test]
fn invalid_blocks_are_ignored_and_counted() {
    let reply = structured(&json!({
        "content": "x", "workflow_complete": false, "usage": {"input_tokens": -4}, "handoff": {"target_agent": "sales"},
    }));
    let reply = reply.unwrap();
    assert_eq!((reply.usage, reply.handoff), (None, None));
    assert_eq!(reply.violations, ["usage_invalid", "handoff_invalid"]);
    for handoff in
        [json!("sales"), json!({"reason": ""}), json!({"reason": "x", "required_skills": "a"})]
    {
        let reply =
            structured(&json!({"content": "x", "workflow_complete": true, "handoff": handoff}))
                .unwrap();
        assert_eq!(reply.violations, ["handoff_invalid"], "{handoff}");
    }
}

#[test]
fn what_no_database_can_hold_is_no_part_of_a_reply() {
    let nul = "a\0b";
    assert_eq!(why(structured(&json!({"content": nul}))), "content holds a NUL character");
    assert_eq!(why(text(&json!({"content": nul}).to_string())), "content holds a NUL character");
    assert_eq!(why(text(nul)), "content holds a NUL character");
    let said = json!({
        "content": "x", "workflow_complete": true, "workflow_state": {nul: nul},
        "usage": {"model": nul, "input_tokens": 1}, "handoff": {"reason": "x", "summary": nul},
    });
    let reply = structured(&said).unwrap();
    assert_eq!(reply.workflow_state.as_deref(), Some(r#"{"a\u0000b":"a\u0000b"}"#), "an escape");
    assert_eq!((reply.usage, reply.handoff), (None, None));
    assert_eq!(reply.violations, ["usage_invalid", "handoff_invalid"]);
    for (field, value) in [("target_agent", json!(nul)), ("required_skills", json!(["a", nul]))] {
        let handoff = json!({"reason": "x", field: value});
        let said = json!({"content": "x", "workflow_complete": true, "handoff": handoff});
        assert_eq!(structured(&said).unwrap().handoff, None, "{field}");
    }
}

#[test]
fn a_wish_to_hand_over_is_read() {
    let reply = structured(&json!({"content": "One moment.", "workflow_complete": true, "handoff":
        {"reason": "refund", "target_agent": "support", "required_skills": ["refunds"], "summary": "wants money"}}));
    let expected = HandoffAsk {
        reason: "refund".into(),
        target_agent: Some("support".into()),
        required_skills: vec!["refunds".into()],
        summary: Some("wants money".into()),
    };
    assert_eq!(reply.unwrap().handoff, Some(expected));
}

#[test]
fn a_reported_error_is_never_an_answer() {
    let tool = |is_retryable, usage| Err(Setback::Tool { is_retryable, usage });
    let usage = Some(ReplyUsage { input_tokens: 9, ..ReplyUsage::default() });
    let text = r#"{"content":"secret","usage":{"input_tokens":9}}"#;
    let cases = [
        (
            json!({"isError": true, "content": [{"type": "text", "text": "secret"}]}),
            tool(false, None),
        ),
        (
            json!({"isError": true, "content": [{"type": "text", "text": text}]}),
            tool(false, usage.clone()),
        ),
        (
            json!({"isError": true, "structuredContent": {"usage": {"input_tokens": 9}}}),
            tool(false, usage),
        ),
        (json!({"isError": true, "_meta": {"retryable": true}}), tool(true, None)),
        (json!({"isError": true, "_meta": {"retryable": "yes"}}), tool(false, None)),
    ];
    for (result, expected) in cases {
        assert_eq!(read(&result.to_string(), &settings()), expected, "{result}");
    }
}

#[test]
fn a_strict_mesh_wants_to_hear_whether_the_work_is_complete() {
    let strict = DispatchSettings { strict_contract: true, ..settings() };
    let object = json!({"structuredContent": {"content": "x"}}).to_string();
    assert_eq!(read(&object, &settings()).unwrap().violations, ["workflow_complete_missing"]);
    assert_eq!(why(read(&object, &strict)), "workflow_complete is missing");
    let plain = json!({"content": [{"type": "text", "text": "x"}]}).to_string();
    assert_eq!(why(read(&plain, &strict)), "workflow_complete is missing");
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        ".{0,6}".prop_map(|value| json!(value)),
    ];
    let names = "content|text|type|structuredContent|isError|_meta|workflow_state|workflow_complete|usage|handoff|reason";
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names, inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
    .prop_map(|value: Value| value.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever an agent says: it is read or refused, and what is read keeps the promises of a reply.
    #[test]
    fn no_reply_breaks_its_reader(result in prop_oneof![4 => json_text(), 1 => ".{0,40}"]) {
        if let Ok(reply) = read(&result, &settings()) {
            prop_assert!(!reply.content.is_empty());
            if let Some(state) = reply.workflow_state {
                prop_assert!(serde_json::from_str::<Value>(&state).unwrap().is_object());
            }
        }
    }
}
