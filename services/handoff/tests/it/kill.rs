//! The service dies at each step of a transfer, and another goes on with it.

use std::time::Duration;

use chassis::{Database, testing};
use proto::v1::TransferRequest;
use tokio::runtime::{Builder, Runtime};

use crate::agent::{Act, Desk};
use crate::mesh::{Mesh, request};
use crate::recovery::state_in;
use crate::registry::{Shelf, Step};

const LIMIT: Duration = Duration::from_secs(20);
const CONNECTIONS: u32 = 4;

/// Where the service dies, and what becomes of the transfer.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// The call that it does not survive; absent: while it asks the first candidate.
    at: Option<Step>,
    /// Whether the first candidate refuses.
    is_refused: bool,
    /// What is stored then.
    state: &'static str,
    /// Who takes over in the end.
    taken_by: &'static str,
}

const CASES: [Case; 6] = [
    Case { at: Some(Step::Acquire), is_refused: false, state: "compressed", taken_by: "first" },
    // The lease is held, and nobody knows.
    Case { at: Some(Step::Acquired), is_refused: false, state: "compressed", taken_by: "first" },
    Case { at: None, is_refused: false, state: "offered", taken_by: "first" },
    Case { at: Some(Step::Release), is_refused: true, state: "offered", taken_by: "second" },
    // The slots are to be the session's, and are.
    Case { at: Some(Step::Pass), is_refused: false, state: "accepted", taken_by: "first" },
    Case { at: Some(Step::Passed), is_refused: false, state: "accepted", taken_by: "first" },
];

#[tokio::test]
async fn the_service_may_die_at_any_step() {
    let url = testing::postgres_url().await;
    let database = Database::postgres(&url, CONNECTIONS).await.unwrap();
    for case in CASES {
        die_and_go_on(&database, &url, case).await;
    }
}

async fn die_and_go_on(database: &Database, url: &str, case: Case) {
    let offer = match (case.at, case.is_refused) {
        (None, _) => Some(Act::Hang),
        (Some(_), true) => Some(Act::refuse("overloaded")),
        (Some(_), false) => None,
    };
    let (first, second) = (Desk::start(offer, Act::Fail).await, Desk::plain().await);
    let shelf = Shelf::of(vec![
        first.definition("first", &["refunds"]),
        second.definition("second", &["refunds", "returns"]),
    ]);
    let request = request(&["refunds"]);
    let doomed = begin(url, &shelf, case, &request);
    let caught = async {
        match case.at {
            Some(_) => shelf.caught().await,
            None => first.until(|memory| !memory.mcp.is_empty()).await,
        }
    };
    tokio::time::timeout(LIMIT, caught).await.unwrap_or_else(|_| panic!("{case:?} is not reached"));
    assert_eq!(state_in(database, &request).await, case.state, "{case:?}");
    doomed.shutdown_background();

    if case.at.is_none() {
        first.now(Some(Act::accept()));
    }
    let mesh = Mesh::start(shelf, database.clone(), &[]).await;
    let answer = mesh.transfer(&request).await.unwrap();
    assert_eq!(answer.accepted_agent, case.taken_by, "{case:?}");
    assert!(answer.brief.is_some(), "{case:?}: the receiver is told");
    for _ in 0..2 {
        assert_eq!(mesh.complete(&request).await.unwrap().state, "completed", "{case:?}");
    }
    let other = if case.taken_by == "first" { "second" } else { "first" };
    let (holders, others) = (mesh.shelf.holders(case.taken_by), mesh.shelf.holders(other));
    assert_eq!(holders, [request.session_id.as_str()], "{case:?}: one slot, the session's");
    assert!(others.is_empty(), "{case:?}: {others:?}");
    mesh.stop().await;
}

/// Begins a transfer, and its completion, in a service that will not live to end it.
fn begin(url: &str, shelf: &Shelf, case: Case, request: &TransferRequest) -> Runtime {
    if let Some(step) = case.at {
        shelf.stall(step);
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (url, shelf, request) = (url.to_owned(), shelf.clone(), request.clone());
    runtime.spawn(async move {
        // Connections die with the runtime that has opened them.
        let database = Database::postgres(&url, CONNECTIONS).await.unwrap();
        let mesh = Mesh::start(shelf, database, &[]).await;
        mesh.transfer(&request).await.unwrap();
        mesh.complete(&request).await.unwrap();
    });
    runtime
}
