use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};

use crate::agent::Act;
use crate::world::{Setting, eventually, on_both};

/// How many turns of a session are answered when so many come at once: one runs and eight wait.
const ANSWERED: usize = 9;
const PARALLEL: usize = 20;

fn texts<'a>(session: &'a Value, field: &str) -> Vec<&'a str> {
    let turns = session["turns"].as_array().unwrap();
    turns.iter().map(|turn| turn[field].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn two_parallel_first_messages_make_one_session() {
    let setting = async || Setting::shop().await.with_replicas(2);
    on_both(setting, async |world| {
        for round in 0..5 {
            let user = format!("user-{round}");
            let clients = [world.client_at(0, &user), world.client_at(1, &user)];
            let (first, second) = tokio::join!(
                clients[0].say("I need help with my order"),
                clients[1].say("Where is my parcel?")
            );
            assert_eq!((first.status, second.status), (200, 200), "{} {}", first.text, second.text);
            assert_eq!(first.body["session_id"], second.body["session_id"]);
            let news = [&first, &second].map(|answer| answer.body["session_new"] == true);
            assert!(news[0] != news[1], "one of them began it: {news:?}");
            let listed = clients[1].get("/api/v1/sessions").await;
            assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 1, "{}", listed.text);
            let session = clients[1].session(&first).await;
            assert_eq!(texts(&session, "role"), ["user", "agent", "user", "agent"]);
        }
    })
    .await;
}

#[tokio::test]
async fn of_twenty_parallel_turns_nine_are_answered_in_order_and_eleven_come_too_many() {
    let setting = async || Setting::shop().await.with_replicas(2);
    on_both(setting, async |world| {
        let support = world.agent("support");
        support
            .script((0..ANSWERED).map(|n| Act::Hold(json!({"content": format!("Answer {n}.")}))));
        let mut turns: FuturesUnordered<_> = (0..PARALLEL)
            .map(|n| {
                let client = world.client_at(n, "user-1");
                let body = json!({"input": format!("I need help with my order {n}")});
                async move { client.request_once(&format!("key-{n}"), body).await }
            })
            .collect();
        for _ in ANSWERED..PARALLEL {
            let refused = turns.next().await.unwrap();
            assert_eq!(
                (refused.status, refused.text_at("/code")),
                (429, "session_busy"),
                "{}",
                refused.text
            );
            assert_eq!(refused.text_at("/error"), "Rate limit exceeded");
            assert!(1 <= refused.header("retry-after").parse::<u32>().unwrap());
        }
        let mut answers = Vec::new();
        for n in 1..=ANSWERED {
            support.called(n).await;
            support.release();
            answers.push(turns.next().await.unwrap());
        }
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.text_at("/response"), format!("Answer {n}."), "one after the other");
        }
        let session = world.client("user-1").session(&answers[0]).await;
        assert_eq!(texts(&session, "role"), ["user", "agent"].repeat(ANSWERED), "no entry is lost");
        let said: Vec<_> =
            texts(&session, "content").into_iter().step_by(2).map(str::to_owned).collect();
        let heard: Vec<_> = support
            .calls()
            .iter()
            .map(|call| call.arguments["raw_input"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(said, heard, "in the order of acceptance");
        let ids = texts(&session, "request_id");
        assert!(ids.chunks(2).all(|pair| pair[0] == pair[1]), "an answer follows its question");
        let told: Vec<_> = answers.iter().map(|answer| answer.text_at("/request_id")).collect();
        assert_eq!(ids.into_iter().step_by(2).collect::<Vec<_>>(), told);
    })
    .await;
}

#[tokio::test]
async fn what_came_too_many_can_be_said_again_under_its_key() {
    let setting = async || Setting::shop().await.with("SESSION_QUEUE_MAX", "0");
    on_both(setting, async |world| {
        let (client, support) = (world.client("user-1"), world.agent("support"));
        support.script([Act::Hold(json!({"content": "First."}))]);
        let body = || json!({"input": "I need help with my order"});
        let held = async { client.request_once("key-1", body()).await };
        let busy = async {
            support.called(1).await;
            let busy = client.request_once("key-2", body()).await;
            support.release();
            busy
        };
        let (held, busy) = tokio::join!(held, busy);
        assert_eq!((held.status, busy.status), (200, 429), "{}", busy.text);
        assert_eq!(client.session(&held).await["turn_count"], 2, "nothing of it was stored");
        let again = client.request_once("key-2", body()).await;
        assert_eq!((again.status, again.text_at("/response")), (200, "support here."));
        assert_eq!(client.session(&held).await["turn_count"], 4);
    })
    .await;
}

#[tokio::test]
async fn an_expired_id_leads_to_a_new_session_and_then_again_to_that_one() {
    let setting = async || Setting::shop().await.with("SESSION_TTL_MINUTES", "0.03");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let first = client.say("I need help with my order").await;
        let old = first.text_at("/session_id");
        let swept = eventually("it is swept", async || {
            let session = client.session(&first).await;
            (session["status"] == "abandoned").then_some(session)
        })
        .await;
        assert!(swept["closed_at"].is_string(), "{swept}");
        assert_eq!(swept["expires_at"], Value::Null, "{swept}");
        let ask = || json!({"input": "Where is my parcel?", "session_id": old});
        let second = client.request(ask()).await;
        assert_eq!(second.body["session_new"], true, "{}", second.text);
        assert_ne!(second.text_at("/session_id"), old, "the mesh has an id of its own");
        let third = client.request(ask()).await;
        assert_eq!(third.body["session_new"], false, "{}", third.text);
        assert_eq!(third.text_at("/session_id"), second.text_at("/session_id"));
        let foreign = world.client("user-2").request(ask()).await;
        assert_eq!((foreign.status, foreign.text_at("/code")), (404, "session_not_found"));
    })
    .await;
}

#[tokio::test]
async fn a_closed_session_is_resumed_once_with_all_that_was_said() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        world
            .agent("support")
            .script([Act::Reply(json!({"content": "Which one?", "workflow_state": {"step": 2}}))]);
        let first = client.say("I need help with my order").await;
        let path = format!("/api/v1/sessions/{}", first.text_at("/session_id"));
        let closed = client.post(&format!("{path}/close"), &json!({"status": "abandoned"})).await;
        assert_eq!(
            (closed.status, closed.text_at("/status")),
            (200, "abandoned"),
            "{}",
            closed.text
        );
        let repeated = client.post(&format!("{path}/close"), &json!({})).await;
        assert_eq!(repeated.text, closed.text, "closing again changes nothing");
        let resumed = client.post(&format!("{path}/resume"), &json!({})).await;
        assert_eq!(resumed.status, 201, "{}", resumed.text);
        assert_eq!(resumed.text_at("/prior_session_id"), first.text_at("/session_id"));
        assert_eq!(resumed.body["carried_forward_turns"], 2, "{}", resumed.text);
        let again = client.post(&format!("{path}/resume"), &json!({})).await;
        assert_eq!(again.text_at("/session_id"), resumed.text_at("/session_id"));
        let next = client.say("Number 1042").await;
        assert_eq!(next.text_at("/session_id"), resumed.text_at("/session_id"));
        assert_eq!(next.body["agent_id"], "support", "{}", next.text);
        let arguments = &world.agent("support").calls()[1].arguments;
        assert_eq!(arguments["workflow_state"], json!({"step": 2}), "its state came along");
        assert_eq!(arguments["turn_history"].as_array().unwrap().len(), 2);
    })
    .await;
}
