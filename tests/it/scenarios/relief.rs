use serde_json::json;

use crate::world::{Setting, eventually, on_both};

const ORDER: &str = "I need help with my order";

#[tokio::test]
async fn a_crowded_agent_is_relieved_by_a_neighbour_and_by_nobody_else() {
    let setting = async || {
        let shop = Setting::shop().await.define("support", "max_concurrent_sessions: 1\n");
        let desk = "skills: [orders]\ndomains: [support]\nmax_concurrent_sessions: 1\n";
        shop.and("desk", desk).await
    };
    on_both(setting, async |world| {
        let [first, second, third] = ["user-1", "user-2", "user-3"].map(|user| world.client(user));
        let held = first.say(ORDER).await;
        assert_eq!(held.body["agent_id"], "support", "{}", held.text);
        let relieved = second.say(ORDER).await;
        assert_eq!(relieved.body["agent_id"], "desk", "{}", relieved.text);
        assert_eq!(relieved.body["handoffs"], json!([]), "nobody had the session before");
        let full = third.say(ORDER).await;
        assert_eq!((full.status, full.text_at("/code")), (503, "agent_busy"), "{}", full.text);
        assert_eq!(first.say("And when?").await.body["agent_id"], "support", "it has a place");

        let close = format!("/api/v1/sessions/{}/close", held.text_at("/session_id"));
        assert_eq!(first.post(&close, &json!({})).await.status, 200);
        let taken = eventually("there is a place again", async || {
            let answer = third.say(ORDER).await;
            (answer.status == 200).then_some(answer)
        })
        .await;
        assert_eq!(taken.body["agent_id"], "support", "{}", taken.text);
    })
    .await;
}

#[tokio::test]
async fn a_session_whose_agent_cannot_be_called_goes_to_one_like_it() {
    let setting = async || {
        let shop = Setting::shop().await.with("HANDOFF_TOPIC_DETECTION", "false");
        shop.and("twin", "skills: [support]\ndomains: [support]\n").await
    };
    on_both(setting, async |world| {
        let client = world.client("user-1");
        assert_eq!(client.say(ORDER).await.body["agent_id"], "support");
        let breaker = "/api/v1/breakers/support";
        client.post(breaker, &json!({"action": "force_open"})).await;
        let answer = client.say("When does it come?").await;
        assert_eq!(answer.body["agent_id"], "twin", "{}", answer.text);
        let handoff = &answer.body["handoffs"][0];
        assert_eq!(
            (&handoff["from_agent"], &handoff["to_agent"]),
            (&json!("support"), &json!("twin"))
        );
        assert_eq!(handoff["trigger"], "specialist_required");
        let arguments = &world.agent("twin").calls()[0].arguments;
        assert_eq!(arguments["handoff"]["from_agent"], "support", "it is told what was said");
        client.post(breaker, &json!({"action": "reset"})).await;
        assert_eq!(client.say("Thank you").await.body["agent_id"], "twin", "it keeps the session");
    })
    .await;
}

#[tokio::test]
async fn without_one_like_it_the_default_agent_stands_in_for_as_long_as_it_must() {
    let setting = async || Setting::shop().await.with("HANDOFF_TOPIC_DETECTION", "false");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        assert_eq!(client.say(ORDER).await.body["agent_id"], "support");
        let breaker = "/api/v1/breakers/support";
        client.post(breaker, &json!({"action": "force_open"})).await;
        let answer = client.say("When does it come?").await;
        assert_eq!(answer.body["agent_id"], "hello", "{}", answer.text);
        assert_eq!(answer.body["handoffs"], json!([]), "nobody has taken over");
        assert_eq!(answer.body["routing"]["action"], "fallback");
        client.post(breaker, &json!({"action": "reset"})).await;
        assert_eq!(client.say("Thank you").await.body["agent_id"], "support", "it has come back");
    })
    .await;
}
