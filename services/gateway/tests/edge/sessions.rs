//! REST over what other services own: what they are asked, and what a caller sees of their answers.

use proto::v1::*;
use serde_json::json;

use crate::house::House;

fn session() -> Session {
    Session {
        session_id: "s-1".to_owned(),
        user_id: "anna".to_owned(),
        employee_id: "E1".to_owned(),
        status: "active".to_owned(),
        active_agent: "support".to_owned(),
        workflow_state_json: r#"{"n" : 1.50}"#.to_owned(),
        detected_language: "en".to_owned(),
        turn_count: 2,
        version: 3,
        created_ms: 1_767_225_600_000,
        updated_ms: 1_767_225_600_001,
        expires_ms: Some(1_767_225_600_002),
        turns: vec![Entry {
            role: "user".to_owned(),
            content: "Hi".to_owned(),
            timestamp_ms: 1_767_225_600_000,
            request_id: "r-1".to_owned(),
            ..Entry::default()
        }],
        pending_clarification: Some(PendingClarification {
            question: "Which?".to_owned(),
            candidates: vec!["sales".to_owned(), "support".to_owned()],
            expires_ms: 1_767_225_600_003,
            ..PendingClarification::default()
        }),
        ..Session::default()
    }
}

#[tokio::test]
async fn a_session_is_shown_with_its_turns() {
    let house = House::open().await;
    house.behind.router.on("Router/GetSession", |request: GetSessionRequest| {
        assert!(!request.any_owner && !request.by_reference, "a named user sees their own");
        Ok(session())
    });
    let said = house.user("anna").get("/api/v1/sessions/s-1").await;
    assert_eq!(said.status, 200);
    assert!(said.text.contains(r#""workflow_state":{"n" : 1.50}"#), "{}", said.text);
    assert_eq!(said.body["created_at"], "2026-01-01T00:00:00.000Z");
    assert_eq!(said.body["expires_at"], "2026-01-01T00:00:00.002Z");
    for absent in ["closed_at", "prior_session_id", "summary"] {
        assert!(said.body[absent].is_null() && said.text.contains(absent), "{absent} is null");
    }
    let turn = json!({"role": "user", "content": "Hi", "timestamp": "2026-01-01T00:00:00.000Z", "request_id": "r-1"});
    assert_eq!(said.body["turns"], json!([turn]));
    assert_eq!(said.body["pending_clarification"]["candidates"], json!(["sales", "support"]));
    assert_eq!(said.body["metadata"], json!({}));
}

#[tokio::test]
async fn an_admin_who_names_no_user_sees_all_of_the_tenant() {
    let house = House::open().await;
    house.behind.router.on("Router/GetSession", |request: GetSessionRequest| {
        assert!(request.any_owner);
        Ok(session())
    });
    assert_eq!(house.client().get("/v1/sessions/s-1").await.status, 200);
}

#[tokio::test]
async fn sessions_are_listed_by_page() {
    let house = House::open().await;
    house.behind.router.on("Router/ListSessions", |request: ListSessionsRequest| {
        assert_eq!((request.status.as_str(), request.limit), ("active", 5));
        assert_eq!(request.cursor, "c-1");
        let sessions = vec![Session { turns: Vec::new(), ..session() }];
        Ok(ListSessionsResponse { sessions, next_cursor: "c-2".to_owned() })
    });
    let said =
        house.client().get("/v1/sessions?user_id=anna&status=ACTIVE&limit=5&cursor=c-1").await;
    assert_eq!((said.status, &said.body["next_cursor"]), (200, &json!("c-2")));
    assert_eq!(said.body["sessions"][0]["session_id"], "s-1");
    assert!(said.body["sessions"][0].get("turns").is_none());
    for query in ["limit=0", "limit=101", "limit=x", "status=asleep"] {
        let odd = house.client().get(&format!("/v1/sessions?user_id=anna&{query}")).await;
        assert_eq!(odd.code(), (400, "invalid_request"), "{query}");
    }
    assert_eq!(house.client().get("/v1/sessions").await.code(), (400, "user_required"));
}

#[tokio::test]
async fn a_session_is_closed_resumed_and_handed_over() {
    let house = House::open().await;
    let router = &house.behind.router;
    router.on("Router/CloseSession", |request: CloseSessionRequest| {
        let CloseSessionRequest { session_id, status, .. } = request;
        Ok(CloseSessionResponse { session_id, status, closed_ms: 1_767_225_600_000 })
    });
    router.on("Router/ResumeSession", |request: ResumeSessionRequest| {
        let prior_session_id = request.prior_session_id;
        Ok(ResumeSessionResponse {
            session_id: "s-2".to_owned(),
            prior_session_id,
            carried_forward_turns: 4,
        })
    });
    router.on("Router/TriggerHandoff", |request: TriggerHandoffRequest| {
        assert_eq!((request.reason.as_str(), request.include_history), ("please", Some(false)));
        let decision = HandoffDecision {
            r#type: "fallback".to_owned(),
            reason: "no_match".to_owned(),
            fallback_agent: "hello".to_owned(),
            ..HandoffDecision::default()
        };
        Ok(TriggerHandoffResponse {
            session_id: request.session_id,
            decision: Some(decision),
            rejection_reason: "no_match".to_owned(),
            ..TriggerHandoffResponse::default()
        })
    });
    let anna = house.user("anna");
    let closed = anna.post("/v1/sessions/s-1/close", &json!({"status": "Abandoned"})).await;
    let expected = json!({"session_id": "s-1", "status": "abandoned", "closed_at": "2026-01-01T00:00:00.000Z"});
    assert_eq!((closed.status, &closed.body), (200, &expected));
    let bare =
        crate::client::answer(anna.request(reqwest::Method::POST, "/v1/sessions/s-1/close")).await;
    assert_eq!(bare.status, 200, "the body may be missing");
    let odd = anna.post("/v1/sessions/s-1/close", &json!({"status": "active"})).await;
    assert_eq!(odd.code(), (400, "invalid_request"));
    let resumed = anna.post("/v1/sessions/s-1/resume", &json!({})).await;
    let expected =
        json!({"session_id": "s-2", "prior_session_id": "s-1", "carried_forward_turns": 4});
    assert_eq!((resumed.status, &resumed.body), (201, &expected));
    let body = json!({"reason": "please", "include_history": false});
    let handed = anna.post("/v1/sessions/s-1/handoff", &body).await;
    assert_eq!(handed.status, 200, "{}", handed.text);
    assert_eq!(
        (&handed.body["success"], &handed.body["receiving_agent"]),
        (&json!(false), &json!(null))
    );
    assert_eq!(handed.body["decision"]["fallback_agent"], "hello");
    assert_eq!(
        anna.post("/v1/sessions/s-1/handoff", &json!({})).await.code(),
        (400, "invalid_request")
    );
}

#[tokio::test]
async fn agents_are_shown_with_their_state() {
    let house = House::open().await;
    house.behind.router.on("Router/ListBreakers", |_: ListBreakersRequest| {
        let breaker = |agent_id: &str, state: &str| Breaker {
            agent_id: agent_id.to_owned(),
            state: state.to_owned(),
            ..Breaker::default()
        };
        Ok(ListBreakersResponse { breakers: vec![breaker("support", "half_open")] })
    });
    let all = house.client().get("/v1/agents").await;
    assert_eq!((all.status, &all.body["generation"]), (200, &json!(7)));
    assert_eq!(all.body["agents"][0]["breaker_state"], "closed");
    let one = house.client().get("/v1/agents/support").await;
    let shown = (&one.body["breaker_state"], &one.body["load"], &one.body["availability"]);
    assert_eq!(shown, (&json!("half_open"), &json!(2), &json!("available")));
    let none = house.client().get("/v1/agents/ghost").await;
    assert_eq!((none.code(), &none.body["agent_id"]), ((404, "agent_not_found"), &json!("ghost")));
    let breakers = house.client().get("/v1/breakers").await;
    assert_eq!(breakers.body["breakers"][0]["state"], "half_open");
}

#[tokio::test]
async fn a_budget_is_written_digit_by_digit() {
    let house = House::open().await;
    house.behind.budget.on("Budget/PutBudget", |request: PutBudgetRequest| {
        let definition = request.definition.unwrap();
        assert_eq!((definition.limit_micros, definition.period.as_str()), (100_000, "daily"));
        let policy = definition.policy.as_ref().unwrap();
        assert_eq!((policy.soft_cap, policy.hard_cap), (0.5, 1.0), "what is not said is built in");
        assert_eq!(policy.auto_downgrade[0].to, "small");
        let account = BudgetAccount { spent_micros: 300_000, ..BudgetAccount::default() };
        let budget = BudgetView { definition: Some(definition), account: Some(account) };
        Ok(PutBudgetResponse { budget: Some(budget), created: request.create_only })
    });
    let body = json!({
        "limit_usd": 0.1, "period": "daily",
        "policy": {"soft_cap": 0.5, "auto_downgrade": [{"from": ["big"], "to": "small"}]},
    });
    let put = house.client().put("/v1/budgets/user/anna", &body).await;
    assert_eq!(put.status, 200, "{}", put.text);
    assert!(
        put.text.contains(r#""limit_usd":0.1,"#) && put.text.contains(r#""spent_usd":0.3,"#),
        "{}",
        put.text
    );
    assert_eq!(put.body["scope"], "user:anna");
    let created =
        house.client().header("if-none-match", "*").put("/v1/budgets/user/anna", &body).await;
    assert_eq!(created.status, 201);
    house.behind.budget.on("Budget/DeleteBudget", |_: DeleteBudgetRequest| Ok(Empty::default()));
    assert_eq!(house.client().delete("/v1/budgets/user/anna").await.status, 204);
    for (body, path) in [
        (json!({}), "limit_usd"),
        (json!({"limit_usd": 0}), "limit_usd"),
        (json!({"limit_usd": 0.0000001}), "limit_usd"),
        (json!({"limit_usd": 1, "policy": {"soft_cap": 2}}), "policy.soft_cap"),
        (
            json!({"limit_usd": 1, "policy": {"auto_downgrade": [{"to": "x"}]}}),
            "policy.auto_downgrade",
        ),
        (json!({"limit_usd": 1, "scope": "user:bob"}), "scope"),
    ] {
        let odd = house.client().put("/v1/budgets/user/anna", &body).await;
        assert_eq!(
            (odd.code(), &odd.body["details"][0]["path"]),
            ((400, "invalid_request"), &json!(path))
        );
    }
}

#[tokio::test]
async fn a_budget_is_checked_without_effect() {
    let house = House::open().await;
    house.behind.budget.on("Budget/Check", |request: ReserveRequest| {
        assert_eq!((request.estimate_micros, request.tools.len()), (Some(2_100_001), 1));
        assert_eq!(request.scopes.len(), 2);
        let scope = ScopeState {
            scope: request.scopes.first().cloned(),
            limit_micros: 10_000_000,
            remaining_micros: 2_100_000,
            ..ScopeState::default()
        };
        Ok(Decision { action: "hard-stop".to_owned(), scopes: vec![scope], ..Decision::default() })
    });
    let body = json!({
        "scopes": ["user:anna", {"type": "org", "key": "mesh"}],
        "estimate_usd": 2.100001, "tools": ["faq"],
    });
    let said = house.client().post("/v1/budgets/check", &body).await;
    assert_eq!(said.status, 200, "{}", said.text);
    assert_eq!((&said.body["allowed"], &said.body["action"]), (&json!(false), &json!("hard-stop")));
    assert!(said.text.contains(r#""remaining_usd":2.1,"#), "{}", said.text);
    assert_eq!(
        house.client().post("/v1/budgets/check", &json!({})).await.code(),
        (400, "invalid_request")
    );
}

#[tokio::test]
async fn a_decision_record_comes_as_it_was_written() {
    let house = House::open().await;
    house.behind.router.on("Router/Explain", |request: ExplainRequest| {
        assert!(!request.any_owner);
        Ok(ExplainResponse {
            record_json: format!(r#"{{"request_id" : "{}"}}"#, request.request_id),
        })
    });
    let said = house.user("anna").get("/v1/requests/r-1/explain").await;
    assert_eq!((said.status, said.text.as_str()), (200, r#"{"request_id" : "r-1"}"#));
    house.behind.router.on("Router/Explain", |_: ExplainRequest| {
        let fault =
            chassis::fault::Fault::new(chassis::fault::Kind::Missing, "not_found", "unknown");
        Err::<ExplainResponse, _>(fault.into())
    });
    let unknown = house.user("anna").get("/v1/requests/r-2/explain").await;
    let path = &unknown.body["path"];
    assert_eq!((unknown.code(), path), ((404, "not_found"), &json!("/v1/requests/r-2/explain")));
}

#[tokio::test]
async fn a_breaker_is_set_by_name() {
    let house = House::open().await;
    house.behind.router.on("Router/SetBreaker", |request: SetBreakerRequest| {
        let SetBreakerRequest { agent_id, action, .. } = request;
        Ok(SetBreakerResponse { agent_id, previous_state: "open".to_owned(), state: action })
    });
    let said = house.client().post("/v1/breakers/support", &json!({"action": "force_open"})).await;
    let expected = json!({"agent_id": "support", "previous_state": "open", "state": "force_open"});
    assert_eq!((said.status, &said.body), (200, &expected));
    let odd = house.client().post("/v1/breakers/support", &json!({"action": "explode"})).await;
    assert_eq!(odd.code(), (400, "invalid_request"));
}
