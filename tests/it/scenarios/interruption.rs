use serde_json::{Value, json};

use crate::agent::Act;
use crate::client::Client;
use crate::world::{Setting, World, eventually, on_both};

async fn shop() -> Setting {
    let shop = Setting::shop().await.with("TURN_LEASE_MS", "1000").with("HANDOFF_LEASE_MS", "1000");
    shop.with("HANDOFF_TOPIC_DETECTION", "false")
}

/// Begins a request whose mesh dies before it is answered.
async fn lose(
    world: &mut World,
    (agent, calls): (&str, usize),
    key: &'static str,
    input: &'static str,
) {
    let client = world.client("user-1");
    let lost =
        tokio::spawn(async move { client.send_and_forget(key, json!({"input": input})).await });
    world.agent(agent).called(calls).await;
    wait_for_load(&world.client("probe"), agent, 1).await;
    world.crash().await;
    lost.await.unwrap();
}

async fn wait_for_load(client: &Client, agent: &str, load: i64) {
    let path = format!("/api/v1/agents/{agent}");
    eventually("the load of the agent", async || {
        (client.get(&path).await.body["load"] == load).then_some(())
    })
    .await;
}

async fn account(client: &Client) -> Value {
    client.get("/api/v1/budgets/user/user-1").await.body["account"].clone()
}

#[tokio::test]
async fn a_mesh_killed_while_an_agent_works_charges_the_call_and_runs_the_request_again() {
    on_both(shop, async |world| {
        world.agent("support").script([Act::Hang]);
        lose(world, ("support", 1), "key-1", "I need help with my order").await;
        let client = world.client("user-1");
        let request_id = world.agent("support").calls()[0].request_id.clone();
        let path = format!("/api/v1/requests/{request_id}/explain");
        let record = eventually("the turn ends", async || {
            let record = client.get(&path).await;
            (record.body["outcome"] == "interrupted").then_some(record.body)
        })
        .await;
        assert_eq!(record["attempt"], 1, "{record}");
        eventually("the reservation is settled", async || {
            let account = account(&client).await;
            (account["reserved_usd"].as_f64() == Some(0.0) && account["spent_usd"] == 0.05)
                .then_some(())
        })
        .await;
        let again =
            client.request_once("key-1", json!({"input": "I need help with my order"})).await;
        assert_eq!((again.status, again.header("idempotent-replay")), (200, ""), "{}", again.text);
        assert_eq!(again.text_at("/request_id"), request_id);
        let calls = world.agent("support").calls();
        assert!(calls[0].charge_id.ends_with("/1/0") && calls[1].charge_id.ends_with("/2/0"));
        assert_eq!(account(&client).await["spent_usd"], 0.1, "both attempts are paid");
        let spend = client.get("/api/v1/spend?group_by=user").await;
        let row = &spend.body["rows"][0];
        assert_eq!((&row["spent_usd"], &row["calls"]), (&json!(0.1), &json!(2)), "{}", spend.text);
        assert_eq!(row["estimated_share"], 1.0, "nobody knows what they cost: {}", spend.text);
        assert_eq!(client.session(&again).await["turn_count"], 2, "nothing is said twice");
        assert_eq!(client.say("And the other one?").await.body["agent_id"], "support");
    })
    .await;
}

#[tokio::test]
async fn a_mesh_killed_before_a_switch_is_committed_leaves_the_session_with_its_source() {
    on_both(shop, async |world| {
        world.client("user-1").say("How much does the blue bicycle cost?").await;
        world.agent("sales").script([Act::Reply(json!({
            "content": "Let me pass you to support.",
            "handoff": {"reason": "wants a refund", "target_agent": "support"}
        }))]);
        world.agent("support").script([Act::Hang]);
        lose(world, ("support", 1), "key-1", "I want my money back").await;
        let client = world.client("user-1");
        let told = client.request_once("key-1", json!({"input": "I want my money back"})).await;
        assert_eq!(told.status, 200, "{}", told.text);
        assert_eq!(told.header("idempotent-replay"), "true", "the first answer stands");
        assert_eq!(told.text_at("/agent_id"), "sales");
        assert_eq!(told.text_at("/response"), "Let me pass you to support.");
        assert_eq!(told.body["handoffs"], json!([]));
        let session = client.session(&told).await;
        assert_eq!(
            (&session["active_agent"], &session["turn_count"]),
            (&json!("sales"), &json!(4))
        );
        // The place of the receiver is free again once its lease has run out.
        wait_for_load(&client, "support", 0).await;
        eventually("nothing is held", async || {
            (account(&client).await["reserved_usd"].as_f64() == Some(0.0)).then_some(())
        })
        .await;
        assert_eq!(account(&client).await["spent_usd"], 0.15, "three calls were made");
        assert_eq!(client.say("So, the price?").await.body["agent_id"], "sales", "it is usable");
        assert_eq!(world.agent("support").calls().len(), 1);
    })
    .await;
}
