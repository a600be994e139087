//! Agents that are no servers: the reception that ships, handlers of one's own, and definitions without one.

use mesh::handler::{
    CallToolResult, ContentBlock, ErrorData, Handler, Handlers, Inquiry, async_trait,
};
use serde_json::{Value, json};

use crate::world::{Setting, eventually, on_both};

const RECEPTION: &str = "\
agent_id: reception
display_name: Reception
description: Greets customers and says whom they can be brought to.
type: inprocess
is_default: true
confidence_threshold: 0
clarification_required: false
examples: [Hello, Good morning, Thank you, What can you do?]
";
const CLERK: &str = "\
agent_id: clerk
display_name: The clerk
description: Counts the parcels of the warehouse.
type: builtin
is_default: false
confidence_threshold: 0.5
clarification_required: false
examples: [Count the parcels in the warehouse, How many parcels are in the warehouse?]
timeout_ms: 300
";
const COUNT: &str = "Count the parcels in the warehouse";

/// Counts how often it was asked in a session, and does worse when it is told to.
struct Clerk;

#[derive(serde::Deserialize)]
struct Arguments {
    raw_input: String,
    workflow_state: Value,
}

#[async_trait]
impl Handler for Clerk {
    async fn handle_message(&self, inquiry: Inquiry<'_>) -> Result<CallToolResult, ErrorData> {
        let asked: Arguments = inquiry.read()?;
        if asked.raw_input.contains("slowly") {
            std::future::pending::<()>().await;
        }
        if asked.raw_input.contains("badly") {
            return Ok(CallToolResult::error(vec![ContentBlock::text("the shelf fell down")]));
        }
        let count = asked.workflow_state["count"].as_u64().unwrap_or_default() + 1;
        inquiry.say("Counting").await;
        inquiry.say("…").await;
        Ok(CallToolResult::structured(json!({
            "content": format!("{count} so far."), "workflow_complete": false,
            "workflow_state": {"count": count}, "usage": {"cost_usd": 0.25},
        })))
    }
}

async fn warehouse() -> Setting {
    let handlers = Handlers::shipped().with("clerk", Clerk);
    Setting::shop().await.with_definition("clerk", CLERK).with_handlers(handlers)
}

#[tokio::test]
async fn the_reception_greets_says_who_is_there_and_passes_on() {
    let setting = async || {
        let desks = Setting::default().and("booking", "").await.and("sales", "").await;
        desks.with_definition("reception", RECEPTION)
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let first = client.say("Hello").await;
        assert_eq!(
            first.body["response"],
            "Hello! I can bring you to:\n\
             1. The booking desk: “I want to book an appointment tomorrow”\n\
             2. The sales desk: “How much does the blue bicycle cost?”\n\
             Reply with a number or a name, or say what you need.",
            "{}",
            first.text
        );
        assert_eq!(first.body["agent_id"], "reception");
        assert_eq!(first.body["usage"]["cost_usd"], 0);
        assert_eq!(first.header("x-budget-remaining"), "10", "it costs nothing");
        let away = json!({"availability": "offline"});
        let admin = world.client("admin");
        let put = admin.send("PUT", "/v1/agents/booking/availability", Some(&away)).await;
        assert_eq!(put.status, 200);
        let second = client.say("2").await;
        assert_eq!(second.body["agent_id"], "sales", "{}", second.text);
        assert_eq!(second.body["handoffs"][0]["message"], "I am passing you on to The sales desk.");
        let told = world.agent("sales").calls();
        assert_eq!(told[0].arguments["handoff"]["from_agent"], "reception");
        assert_eq!(told[0].arguments["raw_input"], "2");
        assert_eq!(client.say("In blue, please").await.body["agent_id"], "sales", "who stays");
        let mut others = 0;
        eventually("who is away is not named", async || {
            others += 1;
            let german = json!({"input": "Guten Morgen", "locale": "de-AT"});
            let greeted = world.client(&format!("other-{others}")).request(german).await;
            let response = greeted.text_at("/response");
            assert!(response.starts_with("Guten Tag! Ich kann Sie verbinden mit:"), "{response}");
            (!response.contains("booking")).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_handler_of_ones_own_is_an_agent_like_any_other() {
    on_both(warehouse, async |world| {
        let client = world.client("user-1");
        let frames = client.events(json!({"input": COUNT})).await;
        let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["accepted", "classified", "routed", "budget", "delta", "delta", "result"]
        );
        assert_eq!(frames[4]["payload"]["text"], "Counting");
        assert_eq!(frames[6]["payload"]["response"], "1 so far.");
        let second = client.say("Once more").await;
        assert_eq!(second.body["response"], "2 so far.", "its state is kept: {}", second.text);
        assert_eq!(second.header("x-budget-remaining"), "9.5", "it is charged what it says");
        let shown = world.client("admin").get("/v1/agents/clerk").await;
        assert_eq!(shown.body["type"], "inprocess", "{}", shown.text);
        let late = client.say("Now count slowly").await;
        assert_eq!((late.status, late.text_at("/code")), (504, "agent_timeout"), "{}", late.text);
        assert_eq!(client.say("And again").await.body["response"], "3 so far.");
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_keeps_failing_is_left_alone() {
    on_both(warehouse, async |world| {
        for user in 0..5 {
            let client = world.client(&format!("user-{user}"));
            let failed = client.say(&format!("{COUNT}, but badly")).await;
            let outcome = (failed.status, failed.text_at("/code"));
            assert_eq!(outcome, (502, "agent_error"), "{}", failed.text);
            assert!(!failed.text.contains("shelf"), "{}", failed.text);
        }
        let answer = world.client("user-9").say(COUNT).await;
        assert_eq!(answer.body["agent_id"], "hello", "{}", answer.text);
        assert_eq!(
            answer.body["routing"]["reason"],
            "Circuit open for agent 'clerk', falling back to default"
        );
    })
    .await;
}

#[tokio::test]
async fn an_agent_without_a_handler_is_not_loaded() {
    on_both(Setting::shop, async |world| {
        let definition = |id: &str| {
            json!({
                "agent_id": id, "display_name": "The front", "description": "Greets.", "type": "inprocess",
                "is_default": false, "confidence_threshold": 0.6, "clarification_required": false,
                "examples": ["Who is at the front?"],
            })
        };
        let put = async |id: &str| {
            let path = format!("/v1/agents/{id}");
            world.client("admin").send("PUT", &path, Some(&definition(id))).await
        };
        let refused = put("ghost").await;
        let told = (refused.status, refused.text_at("/details/0/path"));
        assert_eq!(told, (400, "type"), "{}", refused.text);
        let message = refused.text_at("/details/0/message");
        assert!(message.contains("the router has no handler for `ghost`"), "{message}");
        let put = put("reception").await;
        assert_eq!(put.status, 201, "every router has this one: {}", put.text);
    })
    .await;
}
