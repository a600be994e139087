//! What browsers are told.

use reqwest::Method;

use crate::client::{Client, answer};
use crate::house::{House, KEY};

const SHOP: &str = "https://shop.example";

async fn preflight(client: &Client, origin: &str) -> crate::client::Answer {
    let request = client.request(Method::OPTIONS, "/v1/request").header("origin", origin);
    answer(request.header("access-control-request-method", "POST")).await
}

#[tokio::test]
async fn a_listed_origin_is_named_and_gets_credentials() {
    let house =
        House::with(&[("CORS_ALLOW_ORIGIN", "https://shop.example, https://b.example")]).await;
    let nobody = Client::new(house.address);
    let allowed = preflight(&nobody, SHOP).await;
    assert_eq!(allowed.status, 204, "a preflight needs no key");
    assert_eq!(allowed.header("access-control-allow-origin"), SHOP);
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    assert!(allowed.header("access-control-allow-headers").contains("X-Api-Key"));
    assert_eq!(allowed.header("vary"), "Origin");
    let refused = preflight(&nobody, "https://evil.example").await;
    assert_eq!(refused.code(), (403, "cors_rejected"));
    assert_eq!(refused.header("access-control-allow-origin"), "");
    let page = house.client().header("origin", SHOP).say("anna", "Hi").await;
    assert_eq!((page.status, page.header("access-control-allow-origin")), (200, SHOP));
    let foreign = house.client().header("origin", "https://evil.example").say("anna", "Hi").await;
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (200, ""));
    let wrong = nobody.header("origin", SHOP).say("anna", "Hi").await;
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.header("access-control-allow-origin"), SHOP, "a page may read why");
}

#[tokio::test]
async fn everyone_is_allowed_without_credentials() {
    let house = House::with(&[("CORS_ALLOW_ORIGIN", "*")]).await;
    let allowed = preflight(&Client::new(house.address), SHOP).await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, "*"));
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn every_response_has_the_safety_headers() {
    let house = House::open().await;
    for path in ["/health", "/v1/agents", "/nowhere"] {
        let said = house.client().get(path).await;
        assert_eq!(said.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(said.header("x-content-type-options"), "nosniff");
        let policy = "default-src 'none'; frame-ancestors 'none'";
        assert_eq!(said.header("content-security-policy"), policy);
        assert_eq!(said.header("strict-transport-security"), "", "only in production");
        assert!(said.header("x-request-id").parse::<uuid::Uuid>().is_ok());
    }
}

#[tokio::test]
async fn production_moves_plain_http_to_https() {
    let production = [("MESH_ENV", "production"), ("API_KEY", "a-long-key-for-production")];
    let house = House::with(&production).await;
    let moved = house.client().get("/v1/agents?x=1").await;
    assert_eq!(moved.status, 301);
    assert_eq!(moved.header("location"), "https://127.0.0.1/v1/agents?x=1");
    assert!(moved.header("strict-transport-security").starts_with("max-age=31536000"));
    let forged = house.client().header("x-forwarded-proto", "https").get("/v1/agents").await;
    assert_eq!(forged.status, 301, "nobody is trusted");
    assert_eq!(house.client().get("/health").await.status, 200);

    let behind = House::with(&[&production[..], &[("TRUSTED_PROXY_HOPS", "1")]].concat()).await;
    let client = Client::new(behind.address).header("x-api-key", "a-long-key-for-production");
    assert_eq!(
        client.clone().header("x-forwarded-proto", "https").get("/v1/agents").await.status,
        200
    );
    assert_eq!(client.get("/v1/agents").await.status, 301);
    let open = House::with(&[&production[..], &[("ENABLE_TLS_REDIRECT", "false")]].concat()).await;
    assert_eq!(open.client().header("x-api-key", KEY).get("/v1/agents").await.status, 401);
}
