use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

#[tokio::test]
async fn a_finished_request_is_told_again_byte_for_byte_wherever_it_is_asked() {
    let setting = async || Setting::shop().await.with_replicas(2);
    on_both(setting, async |world| {
        let body = || json!({"input": "I need help with my order", "metadata": {"task_id": "t-1"}});
        let first = world.client_at(0, "user-1").request_once("key-1", body()).await;
        assert_eq!(first.status, 200, "{}", first.text);
        let elsewhere = world.client_at(1, "user-1").request_once("key-1", body()).await;
        world.restart().await;
        let later = world.client("user-1").request_once("key-1", body()).await;
        for again in [&elsewhere, &later] {
            assert_eq!(again.text, first.text, "the same body");
            assert_eq!(again.header("idempotent-replay"), "true");
            assert_eq!(again.header("x-budget-remaining"), first.header("x-budget-remaining"));
            assert_eq!(again.header("x-request-id"), first.text_at("/request_id"));
        }
        assert_eq!(first.header("idempotent-replay"), "");
        assert_eq!(world.agent("support").calls().len(), 1, "one call");
        let client = world.client("user-1");
        let account = client.get("/api/v1/budgets/user/user-1").await;
        assert!(account.text.contains(r#""spent_usd":0.05,"#), "one charge: {}", account.text);
        assert_eq!(client.session(&first).await["turn_count"], 2);
        for other in [
            json!({"input": "I need help with my orders", "metadata": {"task_id": "t-1"}}),
            json!({"input": "I need help with my order", "metadata": {"task_id": "t-2"}}),
            json!({"input": "I need help with my order", "metadata": {"task_id": "t-1"}, "session_id": "mine"}),
        ] {
            let refused = client.request_once("key-1", other).await;
            assert_eq!((refused.status, refused.text_at("/code")), (409, "idempotency_conflict"));
            assert_eq!(refused.text_at("/error"), "Conflict");
        }
        let foreign = world.client("user-2").request_once("key-1", body()).await;
        assert_eq!(foreign.header("idempotent-replay"), "", "a key is its owner's");
        assert_ne!(foreign.body["request_id"], first.body["request_id"]);
    })
    .await;
}

#[tokio::test]
async fn an_end_that_may_not_be_tried_again_is_told_again() {
    let setting = async || {
        let budgets = "budgets:\n  - {scope: \"user:poor\", limit_usd: 0.01, period: none}\n";
        Setting::shop().await.with_budgets(budgets).with("CLASSIFIER_AMBIGUITY_MARGIN", "0")
    };
    on_both(setting, async |world| {
        world.agent("support").script([Act::Fail("the stock system is down".to_owned())]);
        let body = || json!({"input": "I need help with my order"});
        for (user, status, code) in
            [("user-1", 502, "agent_error"), ("poor", 402, "budget_exceeded")]
        {
            let client = world.client(user);
            let failed = client.request_once("key-1", body()).await;
            assert_eq!((failed.status, failed.text_at("/code")), (status, code), "{}", failed.text);
            let again = client.request_once("key-1", body()).await;
            assert_eq!((again.status, &again.text), (status, &failed.text));
            assert_eq!(again.header("idempotent-replay"), "true", "{code}");
        }
        assert_eq!(world.agent("support").calls().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_end_that_may_be_tried_again_is_a_second_attempt_of_the_same_turn() {
    let setting = async || Setting::shop().await.with("MCP_REQUEST_TIMEOUT_MS", "1000");
    on_both(setting, async |world| {
        let (client, support) = (world.client("user-1"), world.agent("support"));
        support.script([Act::Hang]);
        let body = || json!({"input": "I need help with my order"});
        let late = client.request_once("key-1", body()).await;
        assert_eq!((late.status, late.text_at("/code")), (504, "agent_timeout"), "{}", late.text);
        assert_eq!(late.text_at("/error"), "Timeout");
        let again = client.request_once("key-1", body()).await;
        assert_eq!((again.status, again.header("idempotent-replay")), (200, ""), "{}", again.text);
        assert_eq!(again.text_at("/request_id"), late.text_at("/request_id"));
        let calls = support.calls();
        let attempts: Vec<_> =
            calls.iter().map(|call| call.charge_id.split_once('/').unwrap()).collect();
        assert_eq!((attempts[0].1, attempts[1].1), ("1/0", "2/0"));
        assert_eq!(attempts[0].0, attempts[1].0, "one turn");
        assert!(calls.iter().all(|call| call.request_id == again.text_at("/request_id")));
        assert_eq!(client.session(&again).await["turn_count"], 2, "what the user said stands once");
        assert_eq!(client.explain(&again).await["attempt"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_still_running_waits_for_its_own_end() {
    let setting = async || Setting::shop().await.with_replicas(2);
    on_both(setting, async |world| {
        let support = world.agent("support");
        support.script([Act::Hold(json!({"content": "Here."}))]);
        let body = || json!({"input": "I need help with my order"});
        let clients = [world.client_at(0, "user-1"), world.client_at(1, "user-1")];
        let second = async {
            support.called(1).await;
            let waits = clients[1].request_once("key-1", body());
            tokio::pin!(waits);
            let early =
                tokio::time::timeout(std::time::Duration::from_millis(100), &mut waits).await;
            assert!(early.is_err(), "it waits");
            support.release();
            waits.await
        };
        let (first, second) = tokio::join!(clients[0].request_once("key-1", body()), second);
        assert_eq!((first.status, second.status), (200, 200), "{} {}", first.text, second.text);
        assert_eq!(first.text, second.text);
        assert_eq!(support.calls().len(), 1);
    })
    .await;
}
