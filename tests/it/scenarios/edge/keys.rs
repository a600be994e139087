use chassis::testing;
use serde_json::json;

use super::{call, refused};
use crate::client::Client;
use crate::world::{Setting, World, on_both};

/// The keys are `talks` and `looks`.
const KEYS: &str = "keys:
  - {id: talks, tenant: default, scopes: [chat], sha256: ffe3715dd3d56af9d2a0e6aaa56fc546aeeb31923024c56e6363c7d42cecae16}
  - {id: looks, tenant: default, scopes: [read], sha256: 95d09b6231e6627f68a42cf844d9e928ac3f5df11c1a78025da84e22292955b1}
";

/// A shop with two more keys: one talks, the other looks.
async fn shop() -> Setting {
    let path = testing::folder().join("keys.yaml");
    std::fs::write(&path, KEYS).unwrap();
    Setting::shop().await.with("API_KEYS_FILE", path.to_str().unwrap())
}

fn with_key(world: &World, key: &str) -> Client {
    world.client("user-1").with_key(key)
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_on_every_interface() {
    on_both(shop, async |world| {
        let (talks, looks) = (with_key(world, "talks"), with_key(world, "looks"));
        assert_eq!(talks.say("Hello").await.status, 200);
        let said = looks.say("Hello").await;
        assert_eq!((said.status, said.text_at("/code")), (403, "forbidden"));
        assert_eq!(looks.get("/v1/agents").await.status, 200);
        assert_eq!(talks.get("/v1/agents").await.status, 403);
        assert_eq!(looks.try_socket("").await.err(), Some(403));
        let message = json!({"input": "Hello", "user_id": "user-1"});
        assert_eq!(refused(&call(&looks, "handle_message", message).await), "forbidden");
        assert_eq!(refused(&call(&talks, "list_agents", json!({})).await), "forbidden");
        let reset = json!({"agent_id": "sales"});
        for client in [&talks, &looks] {
            assert_eq!(refused(&call(client, "reset_circuit", reset.clone()).await), "forbidden");
            let reload = client.post("/v1/registry/reload", &json!({})).await;
            assert_eq!(reload.status, 403, "{}", reload.text);
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_right_key_nobody_comes_in_and_what_is_wrong_has_its_status() {
    on_both(shop, async |world| {
        let wrong = with_key(world, "wrong");
        assert_eq!(wrong.say("Hello").await.text_at("/code"), "authentication_failed");
        assert_eq!(call(&wrong, "list_agents", json!({})).await.status, 401);
        assert_eq!(wrong.try_socket("").await.err(), Some(401));
        let kind = ("content-type", "application/json");
        let none = wrong.raw("/mcp", &[kind], b"{}".to_vec()).await;
        assert_eq!((none.status, none.text_at("/code")), (401, "authentication_required"));
        let key = ("x-api-key", "talks");
        for path in ["/v1/request", "/mcp"] {
            let large = wrong.raw(path, &[key, kind], vec![b' '; 2 << 20]).await;
            assert_eq!((large.status, large.text_at("/code")), (413, "payload_too_large"));
            let text =
                wrong.raw(path, &[key, ("content-type", "text/plain")], b"{}".to_vec()).await;
            assert_eq!((text.status, text.text_at("/code")), (415, "unsupported_media_type"));
            let broken = wrong.raw(path, &[key, kind], b"{".to_vec()).await;
            assert_eq!(broken.status, 400, "{}", broken.text);
        }
        let lost = with_key(world, "talks").get("/v1/nowhere").await;
        assert_eq!((lost.status, lost.text_at("/path")), (404, "/v1/nowhere"));
    })
    .await;
}

#[tokio::test]
async fn health_answers_while_the_limiter_refuses() {
    let setting = async || {
        let shop = Setting::shop().await.with("ENABLE_RATE_LIMITING", "true");
        shop.with("RATE_LIMIT_MAX_REQUESTS", "5")
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let mut socket = client.socket("").await;
        socket.next().await;
        while client.get("/v1/agents").await.status != 429 {}
        let refused = call(&client, "list_agents", json!({})).await;
        assert_eq!((refused.status, refused.text_at("/code")), (429, "rate_limited"));
        assert!(1 <= refused.header("retry-after").parse::<i64>().unwrap());
        socket.send(json!({"type": "message", "input": "Hello"})).await;
        assert_eq!(socket.next().await["payload"]["code"], "rate_limited");
        assert_eq!(client.get("/health").await.status, 200);
        assert_eq!(client.get("/health/deep").await.status, 200);
    })
    .await;
}
