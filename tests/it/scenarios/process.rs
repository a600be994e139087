//! The program as a person starts it: `mesh`, with nothing set but where it may listen and store.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use chassis::testing;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::Client;

/// A port that nobody listens on right now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn mesh(folder: &Path, variables: &[(&str, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesh"));
    command
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (*name, value.clone())))
        .env("AGENT_REGISTRY_DIR", Path::new(env!("CARGO_MANIFEST_DIR")).join("agents"))
        .env("DESK_BUSINESS_DIR", Path::new(env!("CARGO_MANIFEST_DIR")).join("agents/business"))
        .env("ADMIN_LISTEN", "127.0.0.1:0")
        .env("GRPC_LISTEN", "127.0.0.1:0")
        .env("DESK_LISTEN", "127.0.0.1:0")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Starts the program and waits until it says that it is ready; gives its greeting too.
async fn started(folder: &Path, http: SocketAddr) -> (Child, String) {
    let mut child = mesh(folder, &[("PORT", http.port().to_string())]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        said.push_str(&line);
        said.push('\n');
        if line.contains("npx wscat -c") {
            break;
        }
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, said)
}

fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
}

async fn ask(client: &Client, user: &str, input: &str) -> serde_json::Value {
    let body = json!({"input": input, "user_id": user}).to_string();
    let headers = [("x-api-key", "dev-key"), ("content-type", "application/json")];
    let answer = client.raw("/v1/request", &headers, body.into_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

#[tokio::test]
async fn one_command_serves_the_four_desks_and_a_booking_is_made_over_several_turns() {
    let (folder, http): (PathBuf, _) = (testing::folder(), free());
    let (mut child, said) = started(&folder, http).await;
    assert!(
        said.contains(&format!("Server started on port {}, agents loaded: 4", http.port())),
        "{said}"
    );
    assert!(said.contains(&format!("curl -s http://{http}/v1/request")), "{said}");
    let client = Client::new(http, "user-1");
    assert_eq!(ask(&client, "user-1", "I need help with my order").await["agent_id"], "support");
    assert_eq!(ask(&client, "user-2", "How much is the Rosso One?").await["agent_id"], "sales");
    let booking = ask(&client, "user-3", "I want to book an appointment").await;
    assert_eq!(booking["agent_id"], "booking", "{booking}");
    let mut last = booking;
    for words in ["grinder service", "next Tuesday", "at 10:00", "Ada Lovelace"] {
        if last["workflow_complete"] == true {
            break;
        }
        last = ask(&client, "user-3", words).await;
        assert_eq!(last["agent_id"], "booking", "{last}");
    }
    assert_eq!(last["workflow_complete"], true, "{last}");

    let second = mesh(&folder, &[("PORT", free().port().to_string())]).output().await.unwrap();
    let complaint = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        !second.status.success() && complaint.contains("in use by another process"),
        "{complaint}"
    );

    signal(&child, "-TERM");
    assert_eq!(child.wait().await.unwrap().code(), Some(0), "its work was done");
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let (folder, http): (PathBuf, _) = (testing::folder(), free());
    let (mut child, _) = started(&folder, http).await;
    let first = ask(&Client::new(http, "u"), "user-1", "I need help with my order").await;
    signal(&child, "-KILL");
    child.wait().await.unwrap();
    let http = free();
    let (_child, _) = started(&folder, http).await;
    let next = ask(&Client::new(http, "u"), "user-1", "It is about a late delivery").await;
    assert_eq!(next["session_id"], first["session_id"]);
    assert_eq!(next["agent_id"], "support");
    assert_eq!(next["budget"]["remaining_usd"], json!(9.999), "two answers of 0.0005");
}

#[tokio::test]
async fn every_wrong_setting_is_named_before_anything_starts() {
    let folder = testing::folder();
    let wrong = [
        ("MESH_ENV", "production".to_owned()),
        ("PORT", "many".to_owned()),
        ("ENABLE_CLARIFICATION", "perhaps".to_owned()),
        ("BUDGET_BATCH_MAX", "0".to_owned()),
        ("HANDOFF_POLICY", "kind".to_owned()),
    ];
    let output = mesh(&folder, &wrong).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    for name in ["PORT", "ENABLE_CLARIFICATION", "BUDGET_BATCH_MAX", "HANDOFF_POLICY", "API_KEY"] {
        assert!(said.contains(name), "{name} is not named: {said}");
    }
    assert!(!folder.join("mesh.db").exists(), "nothing was started");
}

#[tokio::test]
async fn a_folder_of_definitions_can_be_checked() {
    let folder = testing::folder();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
    let good = mesh(&folder, &[]).arg("validate").arg(&shipped).output().await.unwrap();
    let said = String::from_utf8_lossy(&good.stdout).into_owned();
    assert!(good.status.success() && said.contains("4 agents"), "{said}");
    std::fs::write(folder.join("one.yaml"), "agent_id: One\nexamples: 7\n").unwrap();
    let bad = mesh(&folder, &[]).arg("validate").arg(&folder).output().await.unwrap();
    let said = String::from_utf8_lossy(&bad.stdout).into_owned();
    assert_eq!(bad.status.code(), Some(1));
    assert!(said.contains("one.yaml:1:11:") && said.contains("one.yaml:2:"), "{said}");
}

#[tokio::test]
async fn a_text_can_be_classified_from_the_command_line() {
    let folder = testing::folder();
    let agents = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
    let mut command = mesh(&folder, &[]);
    command.arg("classify").arg("--agents").arg(&agents).arg("I need help with my order LL-10001");
    let output = command.output().await.unwrap();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert_eq!(said["agent_id"], "support", "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said["agent_scores"].as_array().map(Vec::len), Some(4), "{said}");
}
