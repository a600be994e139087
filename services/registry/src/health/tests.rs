use std::sync::Mutex;

use axum::http::StatusCode;
use chassis::connect::system;
use chassis::testing::Names;
use proto::v1::Agent;
use tokio::net::TcpListener;

use super::*;
use crate::Config;
use crate::availability::Availability;
use crate::load::Loader;
use crate::store::Memory;

fn agent(agent_id: &str, endpoint: &str) -> Agent {
    Agent { agent_id: agent_id.to_owned(), endpoint: endpoint.to_owned(), ..Agent::default() }
}

#[test]
fn agents_are_grouped_by_the_origin_of_their_endpoint() {
    let set = Set {
        default_agent_id: String::new(),
        agents: vec![
            agent("a", "http://127.0.0.1:4100/sales?x=1"),
            agent("b", "http://127.0.0.1:4100/support"),
            agent("c", "https://example.com/mcp"),
            agent("d", ""),
        ],
    };
    let expected = [
        ("http://127.0.0.1:4100".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
        ("https://example.com".to_owned(), vec!["c".to_owned()]),
    ];
    assert_eq!(origins(&set), expected.into());
}

/// An agent whose `/health` gives a status of the test's choice.
async fn patient() -> (u16, Arc<Mutex<StatusCode>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let status = Arc::new(Mutex::new(StatusCode::OK));
    let answer = status.clone();
    let health = axum::routing::get(move || async move { *answer.lock().unwrap() });
    let app = axum::Router::new().route("/health", health);
    tokio::spawn(async move { axum::serve(listener, app).await });
    (port, status)
}

async fn prober(port: u16) -> Prober {
    prober_with(port, system()).await
}

async fn prober_with(port: u16, resolver: Arc<dyn Resolver>) -> Prober {
    let folder = chassis::testing::folder();
    let text = format!(
        "agent_id: sales\ndisplay_name: S\ndescription: d\ntype: mcp\n\
         endpoint: http://127.0.0.1:{port}/mcp\nis_default: true\nconfidence_threshold: 0\n\
         clarification_required: false\nexamples: [hello]\n"
    );
    std::fs::write(folder.join("sales.yaml"), text).unwrap();
    let allowlist = vec!["127.0.0.1".to_owned()];
    let config = Config { folder, allowlist, ..Config::default() };
    let loader = Loader::of(&config, resolver.clone()).unwrap();
    let allowlist = Arc::new(loader.allowlist().clone());
    let roster = Roster::open(loader, Arc::new(Memory::default()), 1).await.unwrap();
    Prober::new(Arc::new(roster), allowlist, resolver)
}

fn shown(prober: &Prober) -> String {
    prober.roster.board.snapshot().agents[0].availability.clone()
}

#[tokio::test]
async fn an_agent_is_alive_unless_it_fails_or_is_gone() {
    let (port, status) = patient().await;
    let prober = prober(port).await;
    let origin = format!("http://127.0.0.1:{port}");
    let cases = [
        (200, true),
        (204, true),
        (301, true),
        (401, true),
        (404, true),
        (500, false),
        (503, false),
    ];
    for (code, is_alive) in cases {
        *status.lock().unwrap() = StatusCode::from_u16(code).unwrap();
        assert_eq!(prober.is_alive(&origin).await, is_alive, "{code}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    assert!(!prober.is_alive(&origin).await, "nobody listens");
    assert!(!prober.is_alive("http://10.0.0.1").await, "it may not be called");
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_probed() {
    let (port, _) = patient().await;
    let names = Names::default();
    names.point("desk.example", &["127.0.0.1"]);
    let prober = prober_with(port, Arc::new(names)).await;
    assert!(prober.is_alive(&format!("http://127.0.0.1:{port}")).await, "the address is listed");
    assert!(!prober.is_alive(&format!("http://desk.example:{port}")).await, "the name is not");
}

#[tokio::test]
async fn three_failed_rounds_set_offline_and_one_good_one_restores_what_was() {
    let (port, status) = patient().await;
    let prober = prober(port).await;
    prober.roster.declare("sales", Availability::Busy).await.unwrap();
    *status.lock().unwrap() = StatusCode::SERVICE_UNAVAILABLE;
    for expected in ["busy", "busy", "offline", "offline"] {
        prober.round().await;
        assert_eq!(shown(&prober), expected);
    }
    prober.roster.refresh().await;
    assert_eq!(shown(&prober), "offline", "a look at the store changes nothing about it");
    *status.lock().unwrap() = StatusCode::OK;
    prober.round().await;
    assert_eq!(shown(&prober), "busy");
}

#[tokio::test]
async fn probes_go_on_until_the_process_ends() {
    let (port, status) = patient().await;
    *status.lock().unwrap() = StatusCode::SERVICE_UNAVAILABLE;
    let prober = prober(port).await;
    let mut changes = prober.roster.board.watch();
    let life = Life::new();
    life.spawn("probes", prober.run(Duration::from_millis(10), life.clone()));
    let offline = changes.wait_for(|snapshot| snapshot.agents[0].availability == "offline");
    tokio::time::timeout(PROBE_LIMIT, offline).await.expect("it is noticed").unwrap();
    life.stop();
    tokio::time::timeout(PROBE_LIMIT, life.finished()).await.expect("the task ends");
}
