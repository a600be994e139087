//! A name that is public while its definition is loaded and leads into the mesh's own network when it is called.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::agent::Act;
use crate::world::{Setting, World, on_both};

/// The host in the definition of `support`.
const NAME: &str = "desk.shop.example";
/// Where it is while definitions are loaded; nobody calls it there.
const PUBLIC: &str = "93.184.215.14";

/// A service of the house, which nobody from outside may lead the mesh to.
struct Inside {
    listener: TcpListener,
}

impl Inside {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Whether a connection has come that nobody has looked at yet.
    fn was_reached(&self) -> bool {
        match self.listener.accept() {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                false
            }
        }
    }
}

/// Plays a scenario in which `support` stands behind a name, on both topologies.
async fn play(scenario: impl AsyncFn(&World)) {
    let inside = Inside::open();
    let setting = async || Setting::shop().await.at("support", (NAME, inside.port()), PUBLIC);
    on_both(setting, async |world| {
        scenario(world).await;
        assert!(!inside.was_reached(), "{:?}: the mesh came in", world.topology);
    })
    .await;
}

async fn reload(world: &World) -> Value {
    world.client("admin").post("/v1/registry/reload", &json!({})).await.body
}

#[tokio::test]
async fn a_name_that_has_moved_inside_is_refused_when_it_is_called() {
    play(async |world| {
        assert_eq!(reload(world).await["success"], true, "the name is public");
        let moves: [&[&str]; 4] =
            [&["127.0.0.1"], &[PUBLIC, "127.0.0.1"], &["::ffff:127.0.0.1"], &["64:ff9b::7f00:1"]];
        for (turn, addresses) in moves.into_iter().enumerate() {
            world.names().point(NAME, addresses);
            let client = world.client(&format!("user-{turn}"));
            let refused = client.say("I need help with my order").await;
            let seen = (refused.status, refused.text_at("/code"));
            assert_eq!(seen, (502, "agent_unreachable"), "{addresses:?}: {}", refused.text);
            assert!(!refused.text.contains("127.0.0.1"), "nothing of inside: {}", refused.text);
            let call = client.explain(&refused).await["dispatches"][0].clone();
            let seen = (&call["agent_id"], &call["outcome"]);
            assert_eq!(seen, (&json!("support"), &json!("agent_unreachable")));
            let budget = client.get(&format!("/v1/budgets/user/user-{turn}")).await;
            let usd = |name: &str| budget.body["account"][name].as_f64();
            assert_eq!((usd("spent_usd"), usd("reserved_usd")), (Some(0.0), Some(0.0)));
        }
        let result = reload(world).await;
        assert_eq!(result["success"], false, "a load refuses it too: {result}");
        let error = &result["errors"][0];
        assert_eq!((&error["file"], &error["line"]), (&json!("support.yaml"), &json!(5)));
        assert!(error["message"].as_str().unwrap().contains(NAME), "{result}");
        let other = world.client("user-9").say("How much does the blue bicycle cost?").await;
        assert_eq!(other.body["agent_id"], "sales", "the others go on: {}", other.text);
    })
    .await;
}

#[tokio::test]
async fn a_name_that_has_moved_inside_is_offered_no_conversation() {
    play(async |world| {
        world.names().point(NAME, &["127.0.0.1"]);
        world.agent("sales").script([Act::Reply(json!({
            "content": "Others know more.",
            "handoff": {"reason": "wants a refund", "target_agent": "support"}
        }))]);
        let client = world.client("user-1");
        let answer = client.say("How much does the blue bicycle cost?").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_ne!(answer.body["agent_id"], "support", "{}", answer.text);
        let record = client.explain(&answer).await;
        assert_eq!(record["handoffs"][0]["rejections"][0][0], "support", "{record}");
    })
    .await;
}
