//! What is refused, and how it is told.

use super::*;

/// A field in line 10, and the fault.
const BROKEN: &[(&str, &str)] = &[
    ("agent_id: ''", "10:11 agent_id: must have 1 to 64 characters, has 0"),
    ("agent_id: Sales", "10:11 agent_id: may have only a-z, 0-9 and -, is `Sales`"),
    ("agent_id: mesh", "10:11 agent_id: `mesh` is reserved"),
    ("agent_id: 42", "10:11 agent_id: must be a string, is a whole number"),
    ("agent_id: ${MISSING}", "10:11 variable `MISSING` is not set and has no default"),
    ("display_name: ${EMPTY}", "10:15 display_name: must have 1 to 200 characters, has 0"),
    ("display_name: true", "10:15 display_name: must be a string, is a boolean"),
    ("display_name: null", "1:1 `display_name` is missing"),
    ("display_name: [a]", "10:15 display_name: must be a string, is a list"),
    ("type: MCP", "10:7 type: must be one of mcp, inprocess, builtin, is `MCP`"),
    ("type: inprocess", "10:7 type: the router has no handler for `booking`"),
    ("endpoint: booking", "10:11 endpoint: not a valid URL: relative URL without a base"),
    ("endpoint: ftp://example.com", "10:11 endpoint: scheme `ftp` is not http or https"),
    ("endpoint: http://localhost./", "10:11 endpoint: host `localhost.` is not public"),
    (
        "endpoint: http://a:b@example.com",
        "10:11 endpoint: user name and password are not allowed in a URL",
    ),
    ("endpoint: http://0x7f.1:4101", "10:11 endpoint: address 127.0.0.1 is not public: loopback"),
    ("is_default: yes", "10:13 is_default: must be a boolean, is a string"),
    ("is_default: 'true'", "10:13 is_default: must be a boolean, is a string"),
    ("is_default: 1", "10:13 is_default: must be a boolean, is a whole number"),
    ("is_default: ${B:-true}", "10:13 is_default: must be a boolean, is a string"),
    ("confidence_threshold: 1.01", "10:23 confidence_threshold: must be 0 to 1, is 1.01"),
    ("confidence_threshold: -1", "10:23 confidence_threshold: must be 0 to 1, is -1"),
    ("confidence_threshold: '0.7'", "10:23 confidence_threshold: must be a number, is a string"),
    (
        "confidence_threshold: ${T:-0.7}",
        "10:23 confidence_threshold: must be a number, is a string",
    ),
    ("examples: []", "10:11 examples: must have 1 to 20 items, has 0"),
    ("examples: hello", "10:11 examples: must be a list, is a string"),
    ("examples: [hello, '']", "10:19 examples: must have 1 to 500 characters, has 0"),
    ("examples: [hello, 42]", "10:19 examples: must be a string, is a whole number"),
    ("languages: [en, e]", "10:17 languages: `e` is not a BCP 47 language tag"),
    ("languages: [en_US]", "10:13 languages: `en_US` is not a BCP 47 language tag"),
    ("skills: {a: b}", "10:9 skills: must be a list, is an object"),
    ("max_concurrent_sessions: 0", "10:26 max_concurrent_sessions: must be 1 to 100000, is 0"),
    (
        "max_concurrent_sessions: 1.5",
        "10:26 max_concurrent_sessions: must be a whole number, is a number",
    ),
    ("transports: []", "10:13 transports: must have 1 to 2 items, has 0"),
    ("transports: [mcp, mcp]", "10:13 transports: `mcp` stands there twice"),
    ("transports: [grpc]", "10:14 transports: must be one of mcp, a2a, is `grpc`"),
    ("cost: {}", "10:7 cost: `model` is missing"),
    ("cost: {model: m, price: 1}", "10:18 cost: unknown key `price`"),
    (
        "cost: {model: m, per_call_usd: 1000.1}",
        "10:32 cost: per_call_usd: must be 0 to 1000 with at most 6 decimals, is 1000.1",
    ),
    (
        "cost: {model: m, per_call_usd: 0.0000001}",
        "10:32 cost: per_call_usd: must be 0 to 1000 with at most 6 decimals, is 0.0000001",
    ),
    (
        "cost: {model: m, per_call_usd: -1}",
        "10:32 cost: per_call_usd: must be 0 to 1000 with at most 6 decimals, is -1",
    ),
    ("timeout_ms: 99", "10:13 timeout_ms: must be 100 to 600000, is 99"),
    ("version: 1.0", "10:10 version: must be a string, is a number"),
    ("metadata: [1]", "10:11 metadata: must be an object, is a list"),
    ("metadata: {pii: hide}", "10:17 metadata: pii: must be one of allow, mask, is `hide`"),
    (
        "metadata: {a2a_endpoint: 'http://[::1]/'}",
        "10:26 metadata: a2a_endpoint: address ::1 is not public: loopback",
    ),
    (
        "metadata: {parent_agent_id: A}",
        "10:29 metadata: parent_agent_id: may have only a-z, 0-9 and -, is `A`",
    ),
    ("metadata: {x: [{y: '${NO}'}]}", "10:20 variable `NO` is not set and has no default"),
    ("Agent_id: x", "10:1 unknown key `Agent_id`"),
];

#[test]
fn what_breaks_a_rule_is_named_with_its_place() {
    for (field, expected) in BROKEN {
        let faults = with(field).expect_err(field);
        assert_eq!(faults, [*expected], "{field}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let cases = [
        format!("agent_id: {}", "a".repeat(65)),
        long("display_name", 201),
        long("description", 5_001),
        long("clarification_context", 501),
        listed("examples", 21, "help"),
        format!("examples: [{}]", "é".repeat(501)),
        listed("skills", 51, "x"),
        format!("domains: [{}]", "é".repeat(65)),
        "max_concurrent_sessions: 100001".to_owned(),
        "max_concurrent_sessions: 99999999999999999999".to_owned(),
        "timeout_ms: 600001".to_owned(),
        "cost: {model: m, max_output_tokens: 1000001}".to_owned(),
        long("version", 65),
        format!("metadata: {{note: {}}}", "x".repeat(16 * 1024)),
        "confidence_threshold: .nan".to_owned(),
        "confidence_threshold: .inf".to_owned(),
        "confidence_threshold: 1e999".to_owned(),
    ];
    for field in cases {
        assert_eq!(with(&field).expect_err(&field).len(), 1, "{field}");
    }
}

#[test]
fn every_required_field_is_missed() {
    let names = [
        "agent_id",
        "display_name",
        "description",
        "type",
        "is_default",
        "confidence_threshold",
        "clarification_required",
        "examples",
    ];
    for name in names {
        assert_eq!(without(name), Err(vec![format!("1:1 `{name}` is missing")]));
    }
    assert_eq!(without("endpoint"), Err(vec!["4:7 type: `mcp` needs an `endpoint`".to_owned()]));
    let faults = parse("{}").expect_err("nothing is there");
    assert_eq!(faults.len(), names.len(), "all at once: {faults:?}");
}
