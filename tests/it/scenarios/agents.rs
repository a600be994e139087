//! Definitions while the mesh runs: broken, changed, removed, put and deleted ones, and where none may lead.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use chassis::testing;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::client::Answer;
use crate::world::{Setting, World, eventually, on_both};

/// Four agents, whose definitions are in a folder of the scenario's own.
struct Shop {
    folder: PathBuf,
    agents: Vec<Agent>,
}

impl Shop {
    async fn open() -> Self {
        let folder = testing::folder();
        let mut agents = Vec::new();
        for id in ["sales", "support", "booking", "hello"] {
            agents.push(Agent::start(id).await);
        }
        let shop = Self { folder, agents };
        shop.agents.iter().for_each(|agent| shop.write(agent));
        shop
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.yaml"))
    }

    fn write(&self, agent: &Agent) {
        std::fs::write(self.path(&agent.id), agent.definition()).unwrap();
    }

    fn agent(&self, id: &str) -> &Agent {
        self.agents.iter().find(|agent| agent.id == id).unwrap()
    }
}

/// Plays a scenario with definitions that it may change, on both topologies.
async fn play(scenario: impl AsyncFn(&World, &Shop)) {
    let open = RefCell::new(None);
    let setting = async || {
        let shop = Shop::open().await;
        let folder = shop.folder.display().to_string();
        open.replace(Some(Rc::new(shop)));
        Setting::default().with("AGENT_REGISTRY_DIR", &folder)
    };
    on_both(setting, async |world| {
        let shop = open.borrow().clone().unwrap();
        scenario(world, &shop).await;
    })
    .await;
}

async fn reload(world: &World) -> Value {
    let answer = world.client("admin").post("/v1/registry/reload", &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

async fn put(world: &World, id: &str, body: &Value) -> Answer {
    world.client("admin").send("PUT", &format!("/v1/agents/{id}"), Some(body)).await
}

/// A definition that is valid until something in it is changed.
fn lead() -> Value {
    json!({
        "agent_id": "lead", "display_name": "The lead", "description": "Decides on complaints about staff.",
        "type": "mcp", "endpoint": "https://8.8.8.8/mcp", "is_default": false, "confidence_threshold": 0.6,
        "clarification_required": false, "examples": ["I have a complaint about your staff"]
    })
}

#[tokio::test]
async fn a_broken_file_fails_no_request_and_is_told_with_its_place() {
    play(async |world, shop| {
        let before = world.client("admin").get("/v1/agents").await.body["generation"].clone();
        std::fs::write(shop.path("broken"), "agent_id: broken\ncolour: [\n").unwrap();
        std::fs::write(shop.path("worse"), "agent_id: Worse\n").unwrap();
        let load = async {
            for turn in 0..20 {
                let client = world.client(&format!("user-{turn}"));
                let answer = client.say("I need help with my order").await;
                assert_eq!(
                    (answer.status, &answer.body["agent_id"]),
                    (200, &json!("support")),
                    "{}",
                    answer.text
                );
            }
        };
        let reloads = async {
            for _ in 0..10 {
                let result = reload(world).await;
                assert_eq!((&result["success"], &result["generation"]), (&json!(false), &before));
                let errors = result["errors"].as_array().unwrap();
                let first = (&errors[0]["file"], &errors[0]["line"], errors[0]["column"].as_i64());
                assert_eq!(first, (&json!("broken.yaml"), &json!(2), Some(9)), "{result}");
                let files: Vec<_> =
                    errors.iter().map(|error| error["file"].as_str().unwrap()).collect();
                assert!(files.contains(&"worse.yaml"), "all broken files are told: {result}");
            }
        };
        tokio::join!(load, reloads);
        let agents =
            world.client("admin").get("/v1/agents").await.body["agents"].as_array().unwrap().len();
        assert_eq!(agents, 4, "the old set stays");
    })
    .await;
}

#[tokio::test]
async fn a_changed_endpoint_is_used_for_the_next_message() {
    play(async |world, shop| {
        let client = world.client("user-1");
        client.say("I need help with my order").await;
        assert_eq!(shop.agent("support").calls().len(), 1);
        let moved = Agent::start("support").await;
        shop.write(&moved);
        let result = reload(world).await;
        assert_eq!(result["success"], true, "{result}");
        let arrived = eventually("the new endpoint is called", async || {
            let answer = client.say("Is there anything new?").await;
            assert_eq!(
                (answer.status, &answer.body["agent_id"]),
                (200, &json!("support")),
                "{}",
                answer.text
            );
            moved.calls().pop()
        });
        let history = arrived.await.arguments["turn_history"].to_string();
        assert!(
            history.contains("I need help with my order"),
            "the conversation goes on: {history}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_removed_agent_is_followed_by_another_that_knows_what_was_said() {
    play(async |world, shop| {
        let client = world.client("user-1");
        assert_eq!(client.say("I need help with my order").await.body["agent_id"], "support");
        let removed = world.client("admin").send("DELETE", "/v1/agents/support", None).await;
        assert_eq!(removed.status, 200, "{}", removed.text);
        assert!(!shop.path("support").exists(), "its file is gone");
        let answer = eventually("somebody else answers", async || {
            let answer = client.say("It is order 4711, and it is late").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            (answer.body["agent_id"] != "support").then_some(answer)
        })
        .await;
        let next = shop.agent(answer.text_at("/agent_id"));
        let told = json!(next.calls()[0].arguments).to_string();
        assert!(told.contains("I need help with my order"), "it knows what was said: {told}");
        assert_eq!(
            client.say("Thanks").await.body["agent_id"],
            answer.body["agent_id"],
            "and stays"
        );
    })
    .await;
}

#[tokio::test]
async fn an_agent_is_put_answers_and_is_deleted() {
    play(async |world, shop| {
        let live = Agent::start("lead").await;
        let mut definition = lead();
        let yaml = live.definition();
        let endpoint = yaml.lines().find_map(|line| line.strip_prefix("endpoint: ")).unwrap();
        definition["endpoint"] = json!(endpoint);
        let created = put(world, "lead", &definition).await;
        assert_eq!(
            (created.status, &created.body["agentCount"]),
            (201, &json!(5)),
            "{}",
            created.text
        );
        let answer = eventually("it is known everywhere", async || {
            let answer = world.client("user-1").say("I have a complaint about your staff").await;
            (answer.body["agent_id"] == "lead").then_some(answer)
        });
        assert_eq!(answer.await.status, 200);
        definition["description"] = json!("Decides on complaints.");
        let replaced = put(world, "lead", &definition).await;
        assert_eq!(replaced.status, 200, "{}", replaced.text);
        let shown = world.client("admin").get("/v1/agents/lead").await;
        assert_eq!(shown.body["description"], "Decides on complaints.");
        assert_eq!(shown.body["generation"], replaced.body["generation"]);

        definition["cost"] = json!({"model": ""});
        let refused = put(world, "lead", &definition).await;
        assert_eq!((refused.status, refused.text_at("/details/0/path")), (400, "cost.model"));
        let default = world.client("admin").send("DELETE", "/v1/agents/hello", None).await;
        assert_eq!((default.status, default.text_at("/details/0/path")), (400, "is_default"));
        let deleted = world.client("admin").send("DELETE", "/v1/agents/lead", None).await;
        assert_eq!((deleted.status, shop.path("lead").exists()), (200, false), "{}", deleted.text);
        let gone = world.client("admin").send("DELETE", "/v1/agents/lead", None).await;
        assert_eq!((gone.status, gone.text_at("/code")), (404, "agent_not_found"));
        assert_eq!(reload(world).await["agentCount"], 4, "the folder says the same");
    })
    .await;
}

/// One of each form that may not be called; 127.0.0.1 itself is exempt in scenarios.
const REFUSED: [&str; 30] = [
    "ftp://8.8.8.8/",
    "file:///etc/passwd",
    "https://user:pass@8.8.8.8/",
    "http://localhost/",
    "http://localhost./",
    "http://agent.localhost/",
    "http://metadata.google.internal/",
    "http://127.0.0.2/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://167772161/",
    "http://012.0.0.1/",
    "http://0xa.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://[ff02::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::a00:1]/",
    "http://[2002:a00:1::]/",
];

#[tokio::test]
async fn no_definition_leads_where_the_mesh_may_not_call() {
    play(async |world, shop| {
        for url in REFUSED {
            let a2a = json!({"a2a_endpoint": url});
            let places = [("endpoint", json!(url)), ("metadata.a2a_endpoint", a2a)];
            for (path, value) in places {
                let mut definition = lead();
                definition[path.split('.').next().unwrap()] = value;
                let refused = put(world, "lead", &definition).await;
                assert_eq!(
                    (refused.status, refused.text_at("/details/0/path")),
                    (400, path),
                    "{url}"
                );
            }
            let yaml = lead().to_string().replace("https://8.8.8.8/mcp", url);
            std::fs::write(shop.path("lead"), yaml).unwrap();
            let result = reload(world).await;
            assert_eq!(
                (&result["success"], &result["errors"][0]["file"]),
                (&json!(false), &json!("lead.yaml")),
                "{url}"
            );
            std::fs::remove_file(shop.path("lead")).unwrap();
        }
        assert_eq!(put(world, "lead", &lead()).await.status, 201, "a public address is taken");
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_nobody_reaches_is_offline_until_it_is_back() {
    let setting =
        async || Setting::shop().await.late("booking").with("AGENT_HEALTH_INTERVAL_MS", "20");
    on_both(setting, async |world| {
        let availability = async |id: &str| {
            let shown = world.client("admin").get(&format!("/v1/agents/{id}")).await;
            shown.text_at("/availability").to_owned()
        };
        let is = async |id: &str, expected: &str| {
            let seen = async || (availability(id).await == expected).then_some(());
            eventually(&format!("{id} is {expected}"), seen).await;
        };
        is("booking", "offline").await;
        assert_eq!(availability("support").await, "available", "who has no /health is there too");
        world.agent("booking").open();
        is("booking", "available").await;
    })
    .await;
}
