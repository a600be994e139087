use crate::world::{Setting, on_both};

#[tokio::test]
async fn an_unsure_mesh_asks_and_the_answer_routes() {
    let setting = async || Setting::shop().await.with("CLASSIFIER_AMBIGUITY_MARGIN", "1");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let asked = client.say("I need help with my order").await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        assert_eq!(asked.body["type"], "clarification", "{}", asked.text);
        assert_eq!(asked.body["action"], "clarification");
        assert_eq!(asked.body["attempt"], 1);
        assert!(asked.text_at("/clarification_question").ends_with('?'), "{}", asked.text);
        assert_eq!(asked.body["suggested_agent"], "support");
        assert!(asked.body.get("agent_id").is_none() && asked.body.get("response").is_none());
        let answer = client.say("the support desk please").await;
        assert_eq!(answer.body["agent_id"], "support", "{}", answer.text);
        assert_eq!(answer.body["routing"]["reason"], "Clarification answered");
        let calls = world.agent("support").calls();
        assert_eq!(
            calls[0].arguments["raw_input"],
            "I need help with my order. Specifically: the support desk please"
        );
    })
    .await;
}

#[tokio::test]
async fn two_vague_answers_end_at_the_default_agent() {
    let setting = async || Setting::shop().await.with("CLASSIFIER_AMBIGUITY_MARGIN", "1");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        assert_eq!(client.say("I need help with my order").await.body["attempt"], 1);
        let second = client.say("I need help with my order").await;
        assert_eq!(second.body["attempt"], 2, "{}", second.text);
        let last = client.say("I need help with my order").await;
        assert_eq!(last.body["agent_id"], "hello", "{}", last.text);
        assert_eq!(last.body["routing"]["action"], "fallback");
    })
    .await;
}
