//! `mesh chat`: a conversation in the terminal.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use chassis::testing;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::Notify;

use crate::agent::Act;
use crate::program::{Running, mesh, signal};
use crate::world::{KEY, Setting, on_both};

/// The most that one line may take to come.
const LIMIT: Duration = Duration::from_secs(20);

/// A conversation whose person is a pipe.
struct Chat {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Chat {
    fn start(http: SocketAddr, key: &str) -> Self {
        let url = format!("http://{http}");
        let mut command = mesh(&testing::folder());
        command.args(["chat", "--url", &url, "--key", key, "--user", "ada"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { input: child.stdin.take(), child, lines }
    }

    async fn type_in(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// All lines up to the first that holds these words.
    async fn until(&mut self, words: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                let is_last = line.contains(words);
                seen.push(line);
                if is_last {
                    return true;
                }
            }
            false
        };
        let found = tokio::time::timeout(LIMIT, reading).await;
        assert_eq!(found, Ok(true), "no line with '{words}' among {seen:#?}");
        seen
    }

    /// Ends the input; gives the exit code.
    async fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        let ended = tokio::time::timeout(LIMIT, self.child.wait()).await;
        ended.expect("it ends with its input").unwrap().code()
    }
}

#[tokio::test]
async fn a_conversation_shows_what_is_said_and_how_it_came_about() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([
            Act::Stream(
                vec!["Let me".to_owned(), " look.".to_owned()],
                json!({"content": "Let me look.", "workflow_complete": false}),
            ),
            Act::Reply(
                json!({"content": "It is\u{1b}[31m on its way.", "usage": {"cost_usd": 0.25}}),
            ),
        ]);
        let mut chat = Chat::start(world.client("ada").address(), KEY);
        chat.type_in("I need help with my order").await;
        let lines = chat.until(" ms").await;
        assert!(lines[0].starts_with("· support "), "{lines:#?}");
        assert!(lines[1].starts_with("· route support: Confidence "), "{lines:#?}");
        assert_eq!(lines[2], "· budget allow, 0.05 USD held, 9.95 USD left");
        assert_eq!(lines[3], "support> Let me look.");
        assert_eq!(lines.len(), 5, "{lines:#?}");
        chat.type_in("").await;
        chat.type_in("It is number 1042").await;
        let lines = chat.until(" ms").await;
        assert_eq!(lines[0], "· route support: Active session bypass");
        assert_eq!(lines[2], "support> It is[31m on its way.", "no answer commands the terminal");
        assert!(lines[3].contains(", 0.25 USD, 9.7"), "{lines:#?}");
        assert_eq!(chat.end().await, Some(0));
        let sessions = world.client("ada").get("/api/v1/sessions").await;
        assert_eq!(
            sessions.body["sessions"].as_array().map(Vec::len),
            Some(1),
            "{}",
            sessions.text
        );
    })
    .await;
}

#[tokio::test]
async fn an_interrupt_cancels_the_answer_and_the_conversation_goes_on() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([Act::Hang]);
        let mut chat = Chat::start(world.client("ada").address(), KEY);
        chat.type_in("I need help with my order").await;
        world.agent("support").called(1).await;
        signal(&chat.child, "-INT");
        chat.until("cancelled: ").await;
        chat.type_in("I need help with my order").await;
        chat.until("support> ").await;
        assert_eq!(chat.end().await, Some(1), "one of them was not answered");
    })
    .await;
}

#[tokio::test]
async fn a_vague_message_is_asked_back_about_and_the_reply_is_taken() {
    let setting = async || Setting::shop().await.with("CLASSIFIER_AMBIGUITY_MARGIN", "1");
    on_both(setting, async |world| {
        let mut chat = Chat::start(world.client("ada").address(), KEY);
        chat.type_in("I need help with my order").await;
        let lines = chat.until(" ms").await;
        assert!(lines[1].starts_with("· clarify "), "{lines:#?}");
        assert!(lines[2].starts_with("mesh> "), "{lines:#?}");
        chat.type_in("the support desk please").await;
        let lines = chat.until(" ms").await;
        assert_eq!(lines[0], "· route support: Clarification answered");
        assert_eq!(chat.end().await, Some(0));
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_not_lost_with_the_connection() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([Act::Hold(json!({"content": "Here it is."}))]);
        let road = Road::to(world.client("ada").address()).await;
        let mut chat = Chat::start(road.address, KEY);
        chat.type_in("I need help with my order").await;
        world.agent("support").called(1).await;
        chat.until("· budget").await;
        road.cut.notify_waiters();
        chat.until("· connected again").await;
        world.agent("support").release();
        chat.until("support> Here it is.").await;
        chat.type_in("It is number 1042").await;
        let lines = chat.until("support> ").await;
        assert_eq!(
            lines.iter().filter(|line| line.contains("Here it is.")).count(),
            0,
            "once only"
        );
        assert_eq!(chat.end().await, Some(0));
        assert_eq!(world.agent("support").calls().len(), 2, "each message reached the agent once");
    })
    .await;
}

#[tokio::test]
async fn a_conversation_outlives_the_mesh() {
    let mesh = Running::start(testing::folder()).await;
    let mut chat = Chat::start(mesh.http, "dev-key");
    chat.type_in("I need help with my order").await;
    chat.until(" ms, ").await;
    let mesh = mesh.again().await;
    chat.type_in("It is LL-10482").await;
    let lines = chat.until(" ms, ").await;
    assert!(
        lines.iter().any(|line| line == "· route support: Active session bypass"),
        "it is the same session: {lines:#?}"
    );
    assert_eq!(chat.end().await, Some(0));
    drop(mesh);
}

#[tokio::test]
async fn who_is_not_let_in_hears_why() {
    let mesh = Running::start(testing::folder()).await;
    let mut chat = Chat::start(mesh.http, "another-key");
    assert_eq!(chat.child.wait().await.unwrap().code(), Some(1));
    let said = chat.child.wait_with_output().await.unwrap();
    let text = String::from_utf8(said.stderr).unwrap();
    assert!(text.contains("authentication_failed"), "{text}");
}

/// A way to the mesh that can be cut.
struct Road {
    address: SocketAddr,
    cut: Arc<Notify>,
}

impl Road {
    async fn to(mesh: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(Notify::new());
        let cuts = cut.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(mesh).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    () = cuts.notified() => {}
                }
            }
        });
        Self { address, cut }
    }
}
