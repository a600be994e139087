use proto::v1::ConverseRequest;
use serde_json::json;
use uuid::Uuid;

use crate::client::answer;
use crate::house::House;
use crate::scripts::body_of;

const ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

fn asked(house: &House) -> Vec<ConverseRequest> {
    house.behind.router.calls("Router/Converse")
}

#[tokio::test]
async fn an_answer_comes_byte_for_byte_with_its_headers_under_both_prefixes() {
    let house = House::open().await;
    for path in ["/v1/request", "/api/v1/request"] {
        let client = house.client().header("x-request-id", &ID.to_uppercase());
        let body = json!({"input": "Hi", "user_id": "anna", "session_id": path.replace('/', "-")});
        let said = client.post(path, &body).await;
        assert_eq!(said.status, 200, "{}", said.text);
        let asked = asked(&house).pop().unwrap();
        let session = said.body["session_id"].as_str().unwrap();
        assert_eq!(said.text, body_of(&asked, session));
        assert_eq!(said.header("x-request-id"), ID);
        assert_eq!(said.body["request_id"], ID);
        assert_eq!(said.header("content-type"), "application/json");
        assert_eq!(said.header("x-budget-scope"), "user:anna");
        assert_eq!(said.header("x-budget-limit"), "10");
        assert_eq!(said.header("x-budget-spent"), "0.00036");
        assert_eq!(said.header("x-budget-remaining"), "9.99964");
        assert_eq!(said.header("x-budget-status"), "active");
        assert_eq!(said.header("x-budget-warning"), "", "only what is relevant");
        assert_eq!(said.header("idempotent-replay"), "");
    }
}

#[tokio::test]
async fn the_router_hears_all_that_the_client_said() {
    let house = House::open().await;
    let body = r#"{"input":"a\u0007b","user_id":"anna","employee_id":"E1","display_name":"Anna",
        "locale":"de-CH","entry_point":"web","metadata":{"task_id" : "t-1", "n": 1.50}}"#;
    let request = house.client().request(reqwest::Method::POST, "/v1/request");
    let said =
        answer(request.header("content-type", "application/json; charset=utf-8").body(body)).await;
    assert_eq!(said.status, 200, "{}", said.text);
    let asked = asked(&house).pop().unwrap();
    let context = asked.context.unwrap();
    assert_eq!((context.tenant.as_str(), context.key_id.as_str()), ("default", "main"));
    assert_eq!((context.user_id.as_str(), asked.employee_id.as_str()), ("anna", "E1"));
    assert_eq!(asked.display_name, "Anna");
    assert_eq!((asked.input.as_str(), asked.locale.as_str()), ("ab", "de-CH"));
    assert_eq!(asked.metadata_json, r#"{"task_id" : "t-1", "n": 1.50}"#, "unchanged");
    assert_eq!((asked.session_ref, asked.anonymous), (None, false));
}

#[tokio::test]
async fn employee_and_display_name_follow_the_user() {
    let house = House::open().await;
    house.client().say("anna", "Hi").await;
    let asked = asked(&house).pop().unwrap();
    assert_eq!((asked.employee_id.as_str(), asked.display_name.as_str()), ("anna", "anna"));
}

#[tokio::test]
async fn an_idempotency_key_makes_the_request_id() {
    let house = House::open().await;
    let keyed = |key: &str| house.client().header("idempotency-key", key);
    let first = keyed("key-1").say("anna", "Hi").await;
    let again = keyed("key-1").say("anna", "Hi").await;
    assert_eq!(first.body["request_id"], again.body["request_id"]);
    assert_eq!(first.header("x-request-id"), first.body["request_id"]);
    let id: Uuid = first.header("x-request-id").parse().unwrap();
    assert_eq!(id.get_version_num(), 5);
    assert_ne!(keyed("key-1").say("bob", "Hi").await.body["request_id"], first.body["request_id"]);
    let odd = keyed("no spaces").say("anna", "Hi").await;
    assert_eq!(odd.code(), (400, "invalid_request"));
    assert_eq!(odd.body["details"][0]["path"], "Idempotency-Key");
}

#[tokio::test]
async fn a_stored_result_is_marked_as_a_replay() {
    let house = House::open().await;
    house.behind.router.stream("Router/Converse", |request: ConverseRequest, told| {
        let body_json = body_of(&request, "s-1");
        told.say(&proto::v1::TurnEvent {
            request_id: request.context.unwrap().request_id,
            session_id: "s-1".to_owned(),
            seq: 4,
            replay: true,
            event: Some(proto::v1::turn_event::Event::Result(proto::v1::Result {
                body_json,
                budget: None,
            })),
        });
        Ok(())
    });
    let said = house.client().say("anna", "Hi").await;
    assert_eq!((said.status, said.header("idempotent-replay")), (200, "true"));
    assert_eq!(said.header("x-budget-scope"), "", "no budget applies");
}

#[tokio::test]
async fn a_failed_turn_is_told_as_the_catalogue_says() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let script = async {
        for code in ["agent_error", "circuit_open", "session_busy", "cancelled"] {
            let mut turn = turns.recv().await.unwrap();
            turn.accept();
            turn.error(code);
        }
    };
    let client = house.client();
    let told = async {
        for expected in
            [(502, "agent_error"), (503, "circuit_open"), (429, "session_busy"), (409, "cancelled")]
        {
            let said = client.say("anna", "Hi").await;
            assert_eq!(said.code(), expected, "{}", said.text);
            assert_eq!(said.body["request_id"], said.header("x-request-id"));
        }
    };
    tokio::join!(script, told);
}

#[tokio::test]
async fn a_router_that_is_gone_is_a_dependency_and_one_that_dies_an_interruption() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let script = async {
        let mut turn = turns.recv().await.unwrap();
        turn.accept();
        turn.die();
        turns.recv().await.unwrap().die();
        drop(turns.recv().await.unwrap());
    };
    let client = house.client();
    let told = async {
        let died = client.say("anna", "Hi").await;
        assert_eq!(died.code(), (503, "interrupted"), "{}", died.text);
        let early = client.say("anna", "Hi").await;
        assert_eq!(early.code(), (503, "dependency_unavailable"), "{}", early.text);
        let silent = client.say("anna", "Hi").await;
        assert_eq!(silent.code(), (503, "dependency_unavailable"), "{}", silent.text);
    };
    tokio::join!(script, told);
    house.behind.router.unlearn("Router/Converse");
    assert_eq!(house.client().say("anna", "Hi").await.code(), (503, "dependency_unavailable"));
}

#[tokio::test]
async fn a_turn_that_never_ends_ends_for_its_caller() {
    let house = House::with(&[("TURN_TIMEOUT_MS", "50")]).await;
    let _turns = house.behind.wait_for_turns();
    assert_eq!(house.client().say("anna", "Hi").await.code(), (504, "turn_timeout"));
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_its_turn() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let mut listener = house.user("anna").socket("/ws?sessionId=mine").await;
    let client = house.client();
    let request = tokio::spawn(async move {
        client
            .post("/v1/request", &json!({"input": "Hi", "user_id": "anna", "session_id": "mine"}))
            .await
    });
    let mut turn = turns.recv().await.unwrap();
    turn.accept();
    assert_eq!(listener.next().await["type"], "processing");
    request.abort();
    let _ = request.await;
    turn.delta("still here");
    turn.result();
    assert_eq!(listener.until("result").await.len(), 2, "the events go on");
    house.close().await;
}

#[tokio::test]
async fn while_the_gateway_ends_running_turns_finish_and_new_ones_are_refused() {
    let house = House::open().await;
    let mut turns = house.behind.wait_for_turns();
    let client = house.client();
    let running = tokio::spawn({
        let client = client.clone();
        async move { client.say("anna", "Hi").await }
    });
    let mut turn = turns.recv().await.unwrap();
    house.life.stop();
    assert_eq!(client.say("bob", "Hi").await.code(), (503, "shutting_down"));
    assert_eq!(client.get("/health/deep").await.status, 503);
    assert_eq!(client.get("/health").await.status, 200);
    turn.accept();
    turn.result();
    assert_eq!(running.await.unwrap().status, 200);
    house.close().await;
}

#[tokio::test]
async fn an_anonymous_caller_is_served_where_that_is_allowed() {
    let house = House::open().await;
    let body = json!({"input": "Hi"});
    assert_eq!(house.client().post("/v1/request", &body).await.code(), (400, "user_required"));
    assert_eq!(asked(&house).len(), 0);
    let open = House::with(&[("ALLOW_ANONYMOUS", "true")]).await;
    assert_eq!(open.client().post("/v1/request", &body).await.status, 200);
    let asked = asked(&open).pop().unwrap();
    assert!(asked.anonymous);
    assert_eq!(asked.context.unwrap().user_id, "anonymous");
}

#[tokio::test]
async fn a_slack_user_is_looked_up() {
    let profile = json!({"ok": true, "profile": {"display_name": "Anna", "fields": {"Xf1": {"value": "E-7"}}}});
    let answer = move || async move { axum::Json(profile.clone()) };
    let slack = axum::Router::new().route("/users.profile.get", axum::routing::get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, slack).await });
    let settings = [
        ("SLACK_BOT_TOKEN", "xoxb-1"),
        ("SLACK_EMPLOYEE_FIELD", "Xf1"),
        ("SLACK_API_BASE", base.as_str()),
    ];
    let house = House::with(&settings).await;
    let nameless = json!({"input": "Hi", "entry_point": "slack"});
    let refused = house.client().post("/v1/request", &nameless).await;
    assert_eq!(
        (refused.code(), &refused.body["details"][0]["path"]),
        ((400, "invalid_request"), &json!("slack_user_id"))
    );
    let body = json!({"input": "Hi", "entry_point": "slack", "slack_user_id": "U1"});
    assert_eq!(house.client().post("/v1/request", &body).await.status, 200);
    let asked = asked(&house).pop().unwrap();
    assert_eq!((asked.employee_id.as_str(), asked.display_name.as_str()), ("E-7", "Anna"));
    assert_eq!(
        (asked.context.unwrap().user_id.as_str(), asked.entry_point.as_str()),
        ("U1", "slack")
    );
}
