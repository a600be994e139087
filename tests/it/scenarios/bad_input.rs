use serde_json::json;

use crate::world::{KEY, Setting, on_both};

/// Path, headers, body; status and code of the answer.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, u16, &'a str);

#[tokio::test]
async fn bad_input_gets_the_answer_of_the_catalogue() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let json_type = ("content-type", "application/json");
        let key = ("x-api-key", KEY);
        let ok = br#"{"input":"Hello","user_id":"user-1"}"#.to_vec();
        let cases: [Case<'_>; 9] = [
            ("/v1/request", &[key, json_type], b"{".to_vec(), 400, "invalid_json"),
            ("/v1/request", &[key, json_type], br#"{"input":""}"#.to_vec(), 400, "invalid_request"),
            (
                "/v1/request",
                &[key, json_type],
                br#"{"input":7,"user_id":"a"}"#.to_vec(),
                400,
                "invalid_request",
            ),
            (
                "/v1/request",
                &[key, json_type],
                br#"{"input":"Hello"}"#.to_vec(),
                400,
                "user_required",
            ),
            ("/v1/request", &[json_type], ok.clone(), 401, "authentication_required"),
            (
                "/v1/request",
                &[("x-api-key", "wrong"), json_type],
                ok.clone(),
                401,
                "authentication_failed",
            ),
            (
                "/v1/request",
                &[key, ("content-type", "text/plain")],
                ok.clone(),
                415,
                "unsupported_media_type",
            ),
            ("/v1/request", &[key, json_type], vec![b' '; 2 << 20], 413, "payload_too_large"),
            ("/v1/nowhere", &[key, json_type], ok.clone(), 404, "not_found"),
        ];
        for (path, headers, body, status, code) in cases {
            let answer = client.raw(path, headers, body).await;
            assert_eq!((answer.status, answer.text_at("/code")), (status, code), "{}", answer.text);
            assert_eq!(answer.header("x-request-id"), answer.text_at("/request_id"));
            assert!(!answer.text_at("/error").is_empty() && !answer.text_at("/message").is_empty());
        }
        let long = client.request(json!({"input": "x".repeat(10_001)})).await;
        assert_eq!((long.status, long.text_at("/code")), (400, "invalid_request"));
        assert_eq!(long.text_at("/details/0/path"), "input");
        assert_eq!(client.request(json!({"input": "x".repeat(10_000)})).await.status, 200);
        let foreign = client.get("/v1/sessions/9b2f1c1e-0000-4000-8000-000000000000").await;
        assert_eq!((foreign.status, foreign.text_at("/code")), (404, "session_not_found"));
    })
    .await;
}
