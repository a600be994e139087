use chassis::testing;
use sha2::{Digest as _, Sha256};

use crate::client::Client;
use crate::house::{House, KEY};

fn hex(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn house(lines: &[(&str, &str)], more: &[(&str, &str)]) -> House {
    let keys = lines.iter().map(|(id, rest)| {
        format!("  - {{id: {id}, sha256: \"{}\", tenant: shop, {rest}}}\n", hex(id))
    });
    let path = testing::folder().join("keys.yaml");
    std::fs::write(&path, format!("keys:\n{}", keys.collect::<String>())).unwrap();
    let pairs = [&[("API_KEYS_FILE", path.to_str().unwrap())], more].concat();
    House::with(&pairs).await
}

fn with_key(house: &House, key: &str) -> Client {
    Client::new(house.address).header("x-api-key", key)
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_say() {
    let keys =
        [("talks", "scopes: [chat]"), ("looks", "scopes: [read]"), ("rules", "scopes: [admin]")];
    let house = house(&keys, &[]).await;
    let cases = [("talks", 200, 403, 403), ("looks", 403, 200, 403), ("rules", 200, 200, 503)];
    for (key, chat, read, admin) in cases {
        let client = with_key(&house, key);
        assert_eq!(client.say("anna", "Hi").await.status, chat, "{key}");
        assert_eq!(client.get("/v1/agents").await.status, read, "{key}");
        // The scripted registry changes nothing: who is allowed learns that.
        let reload = client.post("/v1/registry/reload", &serde_json::json!({})).await;
        assert_eq!(reload.status, admin, "{key}");
        let put = client.put("/v1/agents/sales", &serde_json::json!({})).await;
        let deleted = client.delete("/v1/agents/sales").await;
        assert_eq!((put.status, deleted.status), (admin, admin), "{key}");
    }
    let refused = with_key(&house, "looks").say("anna", "Hi").await;
    assert_eq!(refused.code(), (403, "forbidden"));
    let asked: Vec<proto::v1::ConverseRequest> = house.behind.router.calls("Router/Converse");
    let tenants: Vec<_> =
        asked.iter().map(|a| a.context.as_ref().unwrap().tenant.as_str()).collect();
    assert_eq!(tenants, ["shop", "shop"]);
}

#[tokio::test]
async fn a_bound_key_acts_for_its_user_alone() {
    let house = house(&[("bound", "scopes: [chat], user_id: anna")], &[]).await;
    let client = with_key(&house, "bound");
    assert_eq!(client.post("/v1/request", &serde_json::json!({"input": "Hi"})).await.status, 200);
    assert_eq!(client.say("anna", "Hi").await.status, 200);
    assert_eq!(client.say("bob", "Hi").await.code(), (403, "forbidden"));
    let listed = client.clone().header("x-user-id", "bob").get("/v1/sessions").await;
    assert_eq!(listed.code(), (403, "forbidden"));
    assert_eq!(client.get("/v1/sessions").await.status, 200);
}

#[tokio::test]
async fn money_is_shown_to_its_owner() {
    let house = house(&[("looks", "scopes: [read]")], &[]).await;
    house.behind.budget.on("Budget/Report", |request: proto::v1::ReportRequest| {
        let scope = request.scope.expect("an own report has a scope");
        assert_eq!((scope.r#type.as_str(), scope.key.as_str()), ("user", "anna"));
        Ok(proto::v1::ReportResponse::default())
    });
    let anna = with_key(&house, "looks").header("x-user-id", "anna");
    assert_eq!(anna.get("/v1/spend").await.status, 200);
    assert_eq!(anna.get("/v1/spend?scope_type=user&scope_key=anna").await.status, 200);
    assert_eq!(anna.get("/v1/spend?scope_type=user&scope_key=bob").await.status, 403);
    assert_eq!(anna.get("/v1/spend?scope_type=org").await.code(), (400, "invalid_request"));
    assert_eq!(anna.get("/v1/budgets/user/bob").await.code(), (403, "forbidden"));
    assert_eq!(anna.get("/v1/budgets/org/mesh").await.code(), (403, "forbidden"));
    assert_eq!(anna.get("/v1/budgets/planet/mars").await.code(), (400, "invalid_request"));
    assert_eq!(with_key(&house, "looks").get("/v1/spend").await.code(), (400, "user_required"));
}

#[tokio::test]
async fn a_hundred_requests_pass_and_the_next_is_told_to_wait() {
    let house = House::with(&[("ENABLE_RATE_LIMITING", "true")]).await;
    let client = house.client();
    for call in 0..100 {
        let said = client.get("/v1/agents").await;
        assert_eq!(said.status, 200, "call {call}");
        assert_eq!(said.header("x-ratelimit-limit"), "100");
        assert_eq!(said.header("x-ratelimit-remaining"), (99 - call).to_string());
        assert!(said.header("x-ratelimit-reset").parse::<i64>().unwrap() > 900);
    }
    let refused = client.get("/v1/agents").await;
    assert_eq!(refused.code(), (429, "rate_limited"));
    assert_eq!(refused.body["error"], "Rate limit exceeded");
    assert_eq!(refused.body["retry_after"].to_string(), refused.header("retry-after"));
    assert!((8..=9).contains(&refused.header("retry-after").parse::<i64>().unwrap()));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert_eq!(client.get("/health").await.status, 200, "health is not limited");
}

#[tokio::test]
async fn the_bucket_of_the_address_comes_before_the_key() {
    let limits = [("ENABLE_RATE_LIMITING", "true"), ("RATE_LIMIT_IP_MAX_REQUESTS", "5")];
    let house = House::with(&limits).await;
    for guess in 0..5 {
        let client = with_key(&house, &format!("guess-{guess}"));
        let client = client.header("x-forwarded-for", &format!("192.0.2.{guess}"));
        assert_eq!(client.get("/v1/agents").await.status, 401);
    }
    let flood = with_key(&house, "guess-5").header("x-forwarded-for", "198.51.100.7");
    assert_eq!(
        flood.get("/v1/agents").await.code(),
        (429, "rate_limited"),
        "forged addresses do not help"
    );
    assert_eq!(with_key(&house, KEY).get("/v1/agents").await.code(), (429, "rate_limited"));
    assert_eq!(Client::new(house.address).get("/health/deep").await.status, 200);
}

#[tokio::test]
async fn a_key_can_have_a_limit_of_its_own() {
    let key = [("small", "scopes: [read], rate_limit: {max: 2, window_ms: 60000}")];
    let house = house(&key, &[("ENABLE_RATE_LIMITING", "true")]).await;
    let client = with_key(&house, "small");
    assert_eq!(client.get("/v1/agents").await.header("x-ratelimit-limit"), "2");
    assert_eq!(client.get("/v1/agents").await.status, 200);
    assert_eq!(client.get("/v1/agents").await.header("retry-after"), "30");
    assert_eq!(house.client().get("/v1/agents").await.status, 200, "others have their own");
}

#[tokio::test]
async fn each_trusted_hop_names_the_caller() {
    let limits = [
        ("ENABLE_RATE_LIMITING", "true"),
        ("RATE_LIMIT_IP_MAX_REQUESTS", "1"),
        ("TRUSTED_PROXY_HOPS", "1"),
    ];
    let house = House::with(&limits).await;
    let from = |address: &str| house.client().header("x-forwarded-for", address);
    assert_eq!(from("192.0.2.1").get("/v1/agents").await.status, 200);
    assert_eq!(from("9.9.9.9, 192.0.2.2").get("/v1/agents").await.status, 200);
    assert_eq!(
        from("8.8.8.8, 192.0.2.2").get("/v1/agents").await.status,
        429,
        "the left is forged"
    );
}

#[tokio::test]
async fn a_source_of_keys_that_cannot_be_read_lets_nobody_in() {
    let path = testing::folder().join("absent");
    let pairs = [("API_KEY", ""), ("API_KEY_FILE", path.to_str().unwrap())];
    let house = House::with(&pairs).await;
    let said = house.client().get("/v1/agents").await;
    assert_eq!(said.code(), (503, "authentication_unavailable"));
    assert_eq!(said.body["error"], "Authentication unavailable");
}
