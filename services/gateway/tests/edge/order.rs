//! The order of what stands around a handler: each layer answers before the next is asked.

use reqwest::Method;

use crate::client::{Answer, Client, answer};
use crate::house::House;

const KEY: &str = "a-long-key-for-production";
const SHOP: &str = "https://shop.example";
const FLOODER: &str = "192.0.2.1";
const CALM: &str = "192.0.2.2";

/// A gateway behind one proxy, with small buckets.
async fn house() -> House {
    House::with(&[
        ("MESH_ENV", "production"),
        ("API_KEY", KEY),
        ("CORS_ALLOW_ORIGIN", SHOP),
        ("TRUSTED_PROXY_HOPS", "1"),
        ("ENABLE_RATE_LIMITING", "true"),
        ("RATE_LIMIT_IP_MAX_REQUESTS", "10"),
        ("RATE_LIMIT_MAX_REQUESTS", "2"),
    ])
    .await
}

/// A request as the proxy passes it on.
struct Passed<'a> {
    scheme: &'a str,
    address: &'a str,
    key: &'a str,
    kind: &'a str,
    bytes: usize,
}

impl Passed<'_> {
    async fn send(&self, house: &House) -> Answer {
        let request = Client::new(house.address).request(Method::POST, "/v1/request");
        let request = request
            .header("x-forwarded-proto", self.scheme)
            .header("x-forwarded-for", self.address)
            .header("x-api-key", self.key)
            .header("content-type", self.kind);
        let said = answer(request.body(vec![b' '; self.bytes])).await;
        assert_eq!(said.header("x-frame-options"), "DENY", "whoever answers: {}", said.text);
        assert!(!said.header("strict-transport-security").is_empty(), "{}", said.text);
        assert!(!said.header("x-request-id").is_empty(), "{}", said.text);
        said
    }
}

async fn preflight(house: &House, scheme: &str, origin: &str) -> Answer {
    let request = Client::new(house.address).request(Method::OPTIONS, "/v1/request");
    let request = request
        .header("x-forwarded-proto", scheme)
        .header("x-forwarded-for", FLOODER)
        .header("origin", origin)
        .header("access-control-request-method", "POST");
    answer(request).await
}

#[tokio::test]
async fn each_layer_answers_before_the_next_is_asked() {
    let house = house().await;
    // Wrong in every way; each step mends what the one before was told.
    let wrong = Passed {
        scheme: "http",
        address: FLOODER,
        key: "wrong",
        kind: "text/plain",
        bytes: 2 << 20,
    };
    let small = Passed { scheme: "https", bytes: 2, ..wrong };
    for _ in 0..10 {
        assert_eq!(small.send(&house).await.code(), (401, "authentication_failed"));
    }
    assert_eq!(wrong.send(&house).await.status, 301);
    let safe = Passed { scheme: "https", ..wrong };
    let flooded = safe.send(&house).await;
    assert_eq!(flooded.code(), (429, "rate_limited"));
    assert_eq!(flooded.header("x-ratelimit-limit"), "10", "the bucket of the address");
    let calm = Passed { address: CALM, ..safe };
    assert_eq!(calm.send(&house).await.code(), (401, "authentication_failed"));
    let known = Passed { key: KEY, ..calm };
    assert_eq!(known.send(&house).await.code(), (413, "payload_too_large"));
    let short = Passed { bytes: 2, ..known };
    assert_eq!(short.send(&house).await.code(), (415, "unsupported_media_type"));
    let spent = known.send(&house).await;
    assert_eq!(spent.code(), (429, "rate_limited"), "before the body is read");
    assert_eq!(spent.header("x-ratelimit-limit"), "2", "the bucket of the key");
    let asked = house.behind.router.calls::<proto::v1::ConverseRequest>("Router/Converse");
    assert!(asked.is_empty(), "nothing of it reached the handler");
}

#[tokio::test]
async fn pages_are_answered_after_the_redirect_and_before_the_buckets() {
    let house = house().await;
    for _ in 0..12 {
        assert_eq!(preflight(&house, "https", SHOP).await.status, 204, "it costs nothing");
    }
    assert_eq!(preflight(&house, "http", SHOP).await.status, 301);
    let foreign = preflight(&house, "https", "https://evil.example").await;
    assert_eq!(foreign.code(), (403, "cors_rejected"));
}
