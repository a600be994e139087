use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::finding::{Level, Outcome};
use super::*;
use crate::answer::Answer as _;

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn report(address: SocketAddr, path: &str) -> Report {
    chassis::telemetry::choose_tls();
    let url = format!("http://{address}{path}").parse().expect("it is a URL");
    let arguments = Arguments {
        url,
        input: "What time do you open?".to_owned(),
        language: "en".to_owned(),
        timeout_ms: 5_000,
        json: false,
    };
    check(&arguments, &["127.0.0.1".to_owned()]).await.expect("the allow-list is valid")
}

fn failed(report: &Report) -> BTreeSet<&str> {
    let failed = report.checks.iter().filter(|finding| finding.outcome == Outcome::Failed);
    failed.map(|finding| finding.check).collect()
}

#[tokio::test]
async fn the_shipped_agents_keep_the_contract() {
    let folder = chassis::testing::folder();
    let data = folder.join("desk.db").display().to_string();
    let business = format!("{}/agents/business", env!("CARGO_MANIFEST_DIR"));
    let pairs = [("DESK_DATA_PATH", data.as_str()), ("DESK_BUSINESS_DIR", business.as_str())];
    let mut env = Environment::of(pairs);
    let config = desk::Config::read(&mut env);
    env.finish().expect("the settings are valid");
    let address = serve(desk::build(&config).await.expect("the desks open")).await;
    for path in ["/sales", "/support", "/booking", "/default-agent"] {
        let report = report(address, path).await;
        assert_eq!(failed(&report), BTreeSet::new(), "{path}: {report:?}");
        assert!(report.is_good() && 12 < report.checks.len(), "{path}: {report:?}");
    }
}

/// What is wrong with an agent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    NoTool,
    StrictSchema,
    Garbage,
    PlainText,
    NoUsage,
    BadHandoff,
    RefusesTheUnknown,
    AnswersAnything,
    ForgetsCalls,
    FailsOnState,
    FailsOnLength,
    BabblesAtOffers,
    IllHealth,
    FailsOnHandoff,
}

#[derive(Clone)]
struct Agent {
    flaw: Flaw,
    count: Arc<AtomicU64>,
}

impl Agent {
    fn answer(&self, call: &Value) -> Result<Value, i32> {
        let (flaw, arguments) = (self.flaw, &call["arguments"]);
        if call["name"] == "accept_handoff" {
            let accepted = if flaw == Flaw::BabblesAtOffers { json!("yes") } else { json!(false) };
            return Ok(json!({"content": [], "structuredContent": {"accepted": accepted}}));
        }
        let is_strange = arguments.get("from_a_later_version").is_some();
        let is_odd_state = arguments["workflow_state"] != json!({});
        let words = arguments["raw_input"].as_str();
        let refuses = (words.is_none() && flaw != Flaw::AnswersAnything)
            || (is_strange && flaw == Flaw::RefusesTheUnknown)
            || (is_odd_state && flaw == Flaw::FailsOnState)
            || (words.is_some_and(|it| 5_000 < it.len()) && flaw == Flaw::FailsOnLength)
            || (arguments.get("handoff").is_some() && flaw == Flaw::FailsOnHandoff);
        if refuses {
            return Err(-32602);
        }
        if flaw == Flaw::PlainText {
            return Ok(json!({"content": [{"type": "text", "text": "We open at nine."}]}));
        }
        let mut reply = json!({"content": "We open at nine.", "workflow_complete": false, "usage": {"cost_usd": 0.01}});
        match flaw {
            Flaw::Garbage => reply["content"] = json!(7),
            Flaw::NoUsage => drop(reply.as_object_mut().map(|reply| reply.remove("usage"))),
            Flaw::BadHandoff => reply["handoff"] = json!({"to": "support"}),
            Flaw::ForgetsCalls => {
                let call = self.count.fetch_add(1, Ordering::Relaxed);
                reply["workflow_state"] = json!({"call": call});
            }
            _ => {}
        }
        Ok(json!({"content": [], "structuredContent": reply}))
    }

    fn tools(&self) -> Value {
        let strict = json!({"type": "object", "required": ["customer_tier"]});
        let schema =
            if self.flaw == Flaw::StrictSchema { strict } else { json!({"type": "object"}) };
        let name = if self.flaw == Flaw::NoTool { "chat" } else { "handle_message" };
        json!({"tools": [{"name": name, "inputSchema": schema}, {"name": "accept_handoff", "inputSchema": {"type": "object"}}]})
    }

    fn handle(&self, request: &Value) -> Option<Value> {
        let id = request.get("id")?;
        let info = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
            "serverInfo": {"name": "hours", "version": "1"}});
        let result = match request["method"].as_str() {
            Some("initialize") => Ok(info),
            Some("tools/list") => Ok(self.tools()),
            Some("tools/call") => self.answer(&request["params"]),
            _ => Err(-32601),
        };
        Some(match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(code) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "no"}})
            }
        })
    }
}

async fn rpc(State(agent): State<Agent>, body: Bytes) -> axum::response::Response {
    let request: Value = serde_json::from_slice(&body).expect("a client sends JSON");
    match agent.handle(&request) {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    }
}

async fn health(State(agent): State<Agent>) -> StatusCode {
    if agent.flaw == Flaw::IllHealth { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

async fn flawed(flaw: Flaw) -> Report {
    let agent = Agent { flaw, count: Arc::default() };
    let routes = Router::new().route("/mcp", post(rpc)).route("/health", get(health));
    report(serve(routes.with_state(agent)).await, "/mcp").await
}

#[tokio::test]
async fn each_flaw_is_found_under_its_own_name() {
    let cases: [(Flaw, &[&str], bool); 15] = [
        (Flaw::None, &[], true),
        (Flaw::NoTool, &["handle_message"], false),
        (Flaw::StrictSchema, &["schema"], false),
        (Flaw::Garbage, &["answer", "handed over"], false),
        (Flaw::PlainText, &["form", "fields", "usage"], true),
        (Flaw::NoUsage, &["usage"], true),
        (Flaw::BadHandoff, &["fields"], true),
        (Flaw::RefusesTheUnknown, &["unknown argument"], false),
        (Flaw::AnswersAnything, &["missing argument"], false),
        (Flaw::ForgetsCalls, &["same call twice", "same call at once"], false),
        (Flaw::FailsOnState, &["foreign state"], false),
        (Flaw::FailsOnLength, &["long message"], false),
        (Flaw::BabblesAtOffers, &["accept_handoff"], false),
        (Flaw::IllHealth, &["health"], false),
        (Flaw::FailsOnHandoff, &["handed over"], false),
    ];
    for (flaw, expected, is_good) in cases {
        let report = flawed(flaw).await;
        assert_eq!(failed(&report), expected.iter().copied().collect(), "{flaw:?}: {report:?}");
        assert_eq!(report.is_good(), is_good, "{flaw:?}");
        let mut text = Vec::new();
        report.write(&mut text).expect("memory takes it");
        let text = String::from_utf8(text).expect("a report is text");
        for name in expected {
            assert!(text.contains(&format!("\n{name}: ")), "what to do is told: {text}");
        }
    }
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_told_in_two_lines() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    drop(listener);
    let report = report(address, "/mcp").await;
    assert_eq!(failed(&report), ["connection", "health"].into());
    assert!(
        report
            .checks
            .iter()
            .all(|finding| finding.level == Level::Must || finding.outcome != Outcome::Failed)
    );
    let connection = report.checks.iter().find(|finding| finding.check == "connection");
    let seen = &connection.expect("it is tried").seen;
    assert!(seen.starts_with("no connection: ") && seen.len() < 100, "{seen}");
    let json = serde_json::to_value(&report).expect("a report is JSON");
    assert_eq!(json["success"], false);
    assert_eq!(json["checks"][0]["check"], "address");
}
