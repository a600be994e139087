use reqwest::Method;
use serde_json::Value;

use crate::client::answer;
use crate::house::{House, KEY};

#[tokio::test]
async fn a_bad_body_is_told_by_what_is_wrong_with_it() {
    let house = House::open().await;
    let cases: [(&str, Vec<u8>, u16, &str); 9] = [
        ("application/json", b"{".to_vec(), 400, "invalid_json"),
        ("application/json", Vec::new(), 400, "invalid_json"),
        ("application/json", b"\xff\xfe".to_vec(), 400, "invalid_json"),
        ("application/json", b"[]".to_vec(), 400, "invalid_request"),
        ("application/json", br#"{"input":7,"user_id":"a"}"#.to_vec(), 400, "invalid_request"),
        ("application/json", b"[".repeat(100_000), 400, "invalid_json"),
        ("text/plain", b"{}".to_vec(), 415, "unsupported_media_type"),
        ("application/jsonp", b"{}".to_vec(), 415, "unsupported_media_type"),
        ("application/json", vec![b' '; 2 << 20], 413, "payload_too_large"),
    ];
    for (kind, body, status, code) in cases {
        let request = house.client().request(Method::POST, "/v1/request");
        let said = answer(request.header("content-type", kind).body(body)).await;
        assert_eq!(said.code(), (status, code), "{}", said.text);
        assert_eq!(said.header("content-type"), "application/json");
        assert_eq!(said.body["request_id"], said.header("x-request-id"));
    }
}

/// What a body of each operation that has one may be.
fn bodies(document: &Value) -> Vec<(Method, String, Vec<String>)> {
    let mut bodies = Vec::new();
    for (path, item) in document["paths"].as_object().expect("a document has paths") {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::GET] {
            let operation = &item[method.as_str().to_lowercase()];
            let Some(kinds) = operation["requestBody"]["content"].as_object() else { continue };
            let told = operation["responses"]["415"].is_object();
            assert!(told, "{method} {path} does not say what it says to another type");
            bodies.push((method, path.replace(['{', '}'], ""), kinds.keys().cloned().collect()));
        }
    }
    bodies
}

#[tokio::test]
async fn every_route_names_the_types_that_it_reads() {
    let house = House::open().await;
    let bodies = bodies(&house.client().get("/openapi.json").await.body);
    assert!(20 < bodies.len(), "there are routes with bodies: {bodies:?}");
    for (method, path, kinds) in bodies {
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            let request = house.client().request(method.clone(), &path).body("{}");
            let request =
                kind.into_iter().fold(request, |it, kind| it.header("content-type", kind));
            let said = answer(request).await;
            let code = said.body["code"].as_str().or(said.body["error"]["code"].as_str());
            let seen = (said.status, code);
            assert_eq!(seen, (415, Some("unsupported_media_type")), "{method} {path} {kind:?}");
            for kind in &kinds {
                assert!(said.text.contains(kind.as_str()), "{method} {path}: {}", said.text);
            }
        }
        for kind in kinds.iter().chain([&"Application/JSON; charset=utf-8".to_owned()]) {
            let request = house.client().request(method.clone(), &path).body("{");
            let said = answer(request.header("content-type", kind)).await;
            assert_ne!(said.status, 415, "{method} {path} {kind}: {}", said.text);
        }
    }
}

#[tokio::test]
async fn a_body_without_a_length_has_the_same_limit() {
    let house = House::with(&[("MAX_BODY_BYTES", "2048")]).await;
    let chunks = (0..10).map(|_| Ok::<_, std::io::Error>(vec![b' '; 512]));
    let body = reqwest::Body::wrap(http_body_util::StreamBody::new(futures::stream::iter(
        chunks.map(|chunk| chunk.map(|bytes| http_body::Frame::data(bytes::Bytes::from(bytes)))),
    )));
    let request = house.client().request(Method::POST, "/v1/request");
    let said = answer(request.header("content-type", "application/json").body(body)).await;
    assert_eq!(said.code(), (413, "payload_too_large"));
}

#[tokio::test]
async fn an_unknown_path_or_method_is_not_found() {
    let house = House::open().await;
    let cases = [
        (Method::GET, "/v1/nowhere"),
        (Method::GET, "/v2/request"),
        (Method::GET, "/v1/request"),
        (Method::DELETE, "/api/v1/sessions/x"),
        (Method::POST, "/health"),
        (Method::GET, "/v1/ws"),
        (Method::GET, "/"),
    ];
    for (method, path) in cases {
        let said = answer(house.client().request(method.clone(), path)).await;
        assert_eq!(said.code(), (404, "not_found"), "{method} {path}: {}", said.text);
        assert_eq!(said.body["path"], path);
        assert_eq!(said.body["error"], "Not found");
    }
}

#[tokio::test]
async fn keys_are_asked_for_and_compared() {
    let house = House::open().await;
    let nobody = crate::client::Client::new(house.address);
    let said = nobody.say("anna", "Hi").await;
    assert_eq!(said.code(), (401, "authentication_required"));
    assert_eq!(said.body["error"], "Authentication required");
    assert_eq!(said.header("www-authenticate"), "Bearer");
    let wrong = nobody.clone().header("x-api-key", "wrong").say("anna", "Hi").await;
    assert_eq!(wrong.code(), (401, "authentication_failed"));
    assert_eq!(wrong.body["error"], "Authentication failed");
    let bearer = nobody.clone().header("authorization", &format!("Bearer {KEY}"));
    assert_eq!(bearer.say("anna", "Hi").await.status, 200);
    assert_eq!(nobody.get("/health").await.status, 200, "health needs no key");
    assert_eq!(nobody.get("/metrics").await.status, 401);
    assert_eq!(house.client().get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_without_a_word_of_it() {
    let house = House::open().await;
    house.behind.router.on("Router/GetSession", |_: proto::v1::GetSessionRequest| {
        if true {
            panic!("secret of the inside");
        }
        Ok(proto::v1::Session::default())
    });
    let said = house.user("anna").get("/v1/sessions/x").await;
    assert_eq!(said.code(), (500, "internal"));
    assert!(!said.text.contains("secret"), "{}", said.text);
}
