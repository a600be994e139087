use chassis::testing;
use serde_json::{Value, json};

use crate::agent::{Act, Offer};
use crate::client::Client;
use crate::program::{Running, mesh, said};
use crate::world::{Setting, on_both};

fn steps(record: &Value) -> Vec<&str> {
    let timings = record["timings"].as_array().unwrap();
    timings.iter().map(|timing| timing["step"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_record_says_why_a_first_message_went_where_it_went() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let answer = client.say("I need help with my order").await;
        let record = client.explain(&answer).await;
        for name in ["request_id", "session_id"] {
            assert_eq!(record[name], answer.body[name], "{name}");
        }
        assert_eq!(record["input"]["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(record["input"]["length"], "I need help with my order".len());
        assert!(!record.to_string().contains("my order"), "not what was said: {record}");
        assert!(1 <= record["registry_generation"].as_u64().unwrap());
        assert_eq!(record["bypass"], false);
        let said = &record["classification"];
        assert_eq!(
            (&said["mode"], &said["agent_id"]),
            (&json!("local"), &json!("support")),
            "{said}"
        );
        assert!(!said["revision"].as_str().unwrap().is_empty());
        assert_eq!(said["scores"].as_array().unwrap().len(), 4, "all agents");
        let gate = &record["gate"];
        assert_eq!(gate["question"]["candidate"]["threshold"], 0.6);
        assert_eq!(
            (&gate["decision"]["rule"], &gate["decision"]["action"]),
            (&json!(4), &json!("route"))
        );
        assert_eq!(gate["decision"]["reason"], answer.body["routing"]["reason"]);
        let call = &record["dispatches"][0];
        assert_eq!(
            (&call["budget_action"], &call["reserved_micros"]),
            (&json!("allow"), &json!(50_000))
        );
        assert_eq!(call["tightest"]["scope"], "user:user-1");
        assert_eq!(
            (&call["breaker"], &call["slot"], &call["outcome"]),
            (&json!("granted"), &json!(true), &json!("answered"))
        );
        assert_eq!(record["outcome"], "answer");
        let steps = steps(&record);
        for step in ["accept", "classify", "reserve", "dispatch", "settle"] {
            assert!(steps.contains(&step), "{step} is not timed: {steps:?}");
        }
        let path = format!("/api/v1/requests/{}/explain", answer.text_at("/request_id"));
        let foreign = world.client("user-2").get(&path).await;
        assert_eq!(
            (foreign.status, foreign.text_at("/code")),
            (404, "not_found"),
            "{}",
            foreign.text
        );
        let unknown =
            client.get("/api/v1/requests/4e8400a6-f9b3-4c92-913d-c205c53197bf/explain").await;
        assert_eq!(
            (unknown.status, unknown.text_at("/code")),
            (404, "not_found"),
            "{}",
            unknown.text
        );
    })
    .await;
}

#[tokio::test]
async fn a_record_says_who_could_have_taken_over_and_who_refused() {
    let setting = async || {
        let shop = Setting::shop()
            .await
            .and("first", "skills: [refunds, billing]\ndomains: [refunds, billing]\n")
            .await;
        shop.and("second", "skills: [refunds]\ndomains: [refunds]\n").await
    };
    on_both(setting, async |world| {
        world.agent("first").offers([Offer::Refuse("overloaded")]);
        world.agent("sales").script([Act::Reply(json!({
            "content": "Others know more.",
            "handoff": {"reason": "wants a refund", "required_skills": ["refunds", "billing"]}
        }))]);
        let client = world.client("user-1");
        let answer = client.say("How much does the blue bicycle cost?").await;
        assert_eq!(answer.body["agent_id"], "second", "{}", answer.text);
        let record = client.explain(&answer).await;
        let handoff = &record["handoffs"][0];
        assert_eq!(handoff["handoff_id"], answer.body["handoffs"][0]["handoff_id"]);
        assert_eq!(
            (&handoff["decision"], &handoff["accepted_agent"]),
            (&json!("primary"), &json!("second"))
        );
        assert_eq!(handoff["rejections"], json!([["first", "overloaded"]]));
        let basis: handoff::decision::Basis = serde_json::from_value(handoff["basis"].clone())
            .expect("what it was decided from is there");
        let again = basis.decide().expect("it can be decided again");
        assert_eq!((&*again.r#type, &*again.target_agent), ("primary", "first"));
        let candidates = handoff["candidates"].as_array().unwrap();
        let scores: Vec<_> = candidates
            .iter()
            .take(2)
            .map(|scored| (&scored["agent_id"], &scored["score_millionths"]))
            .collect();
        assert_eq!(
            scores,
            [(&json!("first"), &json!(1_000_000)), (&json!("second"), &json!(650_000))]
        );
        let parts = &candidates[1];
        assert_eq!(
            (&parts["skill"], &parts["domain"], &parts["load"], &parts["language"]),
            (&json!(0.5), &json!(0.5), &json!(1.0), &json!(1.0)),
            "{parts}"
        );
        let hops: Vec<_> =
            record["dispatches"].as_array().unwrap().iter().map(|call| &call["hop"]).collect();
        assert_eq!(hops, [0, 1]);
    })
    .await;
}

#[tokio::test]
async fn a_record_says_what_topic_detection_saw() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        client.say("How much does the blue bicycle cost?").await;
        let answer = client.say("Where is my parcel? I need help with my order").await;
        assert_eq!(answer.body["agent_id"], "support", "{}", answer.text);
        let record = client.explain(&answer).await;
        assert_eq!(record["bypass"], true);
        let topic = &record["topic"];
        assert_eq!(
            (&topic["active_agent"], &topic["default_agent"]),
            (&json!("sales"), &json!("hello"))
        );
        assert_eq!((&topic["confidence_min"], &topic["score_min"]), (&json!(0.6), &json!(0.8)));
        assert_eq!(topic["scores"].as_array().unwrap().len(), 4);
        assert_eq!(record["handoffs"][0]["trigger"], "topic_boundary_crossed");
    })
    .await;
}

#[tokio::test]
async fn the_command_tells_people_why_and_gives_programs_the_record() {
    let running = Running::start(testing::folder()).await;
    let client = Client::new(running.http, "ada").with_key("dev-key");
    let answer = client.say("I need help with my order").await;
    let explain = async |request_id: &str, options: &[&str]| {
        let mut command = mesh(&running.folder);
        command.env("ROUTER_ADDR", running.router()).args(["explain", request_id]).args(options);
        said(&mut command).await
    };
    let request_id = answer.text_at("/request_id");
    let page = explain(request_id, &[]).await;
    assert_eq!((page.code, page.err.as_str()), (Some(0), ""), "{page:?}");
    let reason = answer.text_at("/routing/reason");
    let gate = format!("gate: route support, by rule 4: {reason}");
    assert!(page.out.lines().any(|line| line == gate), "{}", page.out);
    assert!(page.out.contains(request_id) && page.out.contains("answered"), "{}", page.out);
    let record = client.get(&format!("/v1/requests/{request_id}/explain")).await.text;
    let json = explain(request_id, &["--json"]).await;
    assert_eq!((json.code, json.out), (Some(0), format!("{record}\n")));
    let nobody = "4e8400a6-f9b3-4c92-913d-c205c53197bf";
    let missing = explain(nobody, &[]).await;
    assert!(missing.code == Some(1) && missing.err.starts_with("not_found: "), "{missing:?}");
    let missing = explain(nobody, &["--json"]).await;
    assert_eq!((missing.code, &missing.json()["code"]), (Some(1), &json!("not_found")));
}
