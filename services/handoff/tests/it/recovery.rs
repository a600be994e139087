//! What is left when a process dies, and what becomes of it.

use std::time::Duration;

use chassis::fault::Fault;
use chassis::{Database, testing};
use proto::v1::{AbortRequest, ListHandoffsRequest, TransferRequest};
use sqlx::AssertSqlSafe;

use crate::agent::{Act, Desk};
use crate::mesh::{Mesh, request};
use crate::registry::Shelf;

const LIMIT: Duration = Duration::from_secs(20);

/// A mesh whose `first` never answers and whose `second` accepts at once.
struct Town {
    first: Desk,
    second: Desk,
}

impl Town {
    async fn build(first: Option<Act>) -> Self {
        Self { first: Desk::start(first, Act::Fail).await, second: Desk::plain().await }
    }

    fn shelf(&self) -> Shelf {
        let first = self.first.definition("first", &["refunds"]);
        let second = self.second.definition("second", &["refunds", "returns"]);
        Shelf::of(vec![first, second])
    }
}

/// Ends the service where it stands, as a kill does, and starts it anew on the same store and registry.
async fn restart(mesh: Mesh, settings: &[(&str, &str)]) -> Mesh {
    let (shelf, database) = mesh.stop().await;
    Mesh::start(shelf, database, settings).await
}

/// What is stored of the state of a transfer.
pub(crate) async fn state_in(database: &Database, request: &TransferRequest) -> String {
    let statement =
        format!("SELECT state FROM handoffs WHERE handoff_id = '{}'", request.handoff_id);
    sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&database.pool).await.unwrap()
}

/// Puts a stored transfer back to an earlier state, as if the process had died right after it.
async fn rewind(database: &Database, request: &TransferRequest, state: &str) {
    change(database, request, &format!("state = '{state}'")).await;
}

/// Lets the time of a stored transfer be over.
async fn overdue(database: &Database, request: &TransferRequest) {
    change(database, request, "expires_ms = 1").await;
}

async fn change(database: &Database, request: &TransferRequest, what: &str) {
    let statement =
        format!("UPDATE handoffs SET {what} WHERE handoff_id = '{}'", request.handoff_id);
    sqlx::query(AssertSqlSafe(statement)).execute(&database.pool).await.unwrap();
}

async fn wait_for(mesh: &Mesh, request: &TransferRequest, state: &str) {
    let until = async {
        while mesh.record(request).await.state != state {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, until).await.unwrap_or_else(|_| panic!("it never becomes {state}"));
}

#[tokio::test]
async fn a_transfer_goes_on_from_every_state_in_which_a_process_can_die() {
    for database in testing::databases().await {
        let town = Town::build(None).await;
        let mut mesh = Mesh::start(town.shelf(), database.clone(), &[]).await;
        for state in ["started", "compressed", "offered", "accepted"] {
            let request = request(&["refunds"]);
            let answer = mesh.transfer(&request).await.unwrap();
            rewind(&database, &request, state).await;
            mesh = restart(mesh, &[]).await;
            let again = mesh.transfer(&request).await.unwrap();
            assert_eq!(again.accepted_agent, answer.accepted_agent, "from {state}");
            assert_eq!(again.brief, answer.brief, "from {state}");
            assert_eq!(mesh.shelf.holders("first"), [request.handoff_id.as_str()], "from {state}");
            assert_eq!(mesh.complete(&request).await.unwrap().state, "completed");
            assert_eq!(mesh.shelf.holders("first"), [request.session_id.as_str()]);
            mesh.shelf.vacate("first", &request.session_id);
        }
    }
}

#[tokio::test]
async fn a_process_that_dies_while_it_asks_leaves_an_offer_that_the_next_one_makes_again() {
    for database in testing::databases().await {
        let town = Town::build(Some(Act::Hang)).await;
        let mesh = Mesh::start(town.shelf(), database.clone(), &[]).await;
        let request = request(&["refunds"]);
        let asking = {
            let (client, request) = (mesh.client.clone(), request.clone());
            tokio::spawn(async move { client.clone().transfer(request).await })
        };
        town.first.until(|memory| !memory.mcp.is_empty()).await;
        assert_eq!(
            state_in(&database, &request).await,
            "offered",
            "it is stored before it is made"
        );
        asking.abort();
        let _ = asking.await;

        let mesh = restart(mesh, &[]).await;
        town.first.now(Some(Act::accept()));
        let answer = mesh.transfer(&request).await.unwrap();
        assert_eq!(answer.accepted_agent, "first");
        assert_eq!(mesh.shelf.holders("first"), [request.handoff_id]);
    }
}

#[tokio::test]
async fn what_nobody_accepts_in_time_expires_and_gives_its_lease_back() {
    for database in testing::databases().await {
        let town = Town::build(Some(Act::Hang)).await;
        let mesh = Mesh::start(town.shelf(), database.clone(), &[]).await;
        let request = request(&["refunds"]);
        let asking = {
            let (client, request) = (mesh.client.clone(), request.clone());
            tokio::spawn(async move { client.clone().transfer(request).await })
        };
        town.first.until(|memory| !memory.mcp.is_empty()).await;
        assert_eq!(mesh.shelf.holders("first"), [request.handoff_id.as_str()]);
        asking.abort();
        overdue(&database, &request).await;
        wait_for(&mesh, &request, "expired").await;
        assert!(mesh.shelf.holders("first").is_empty());
        let late = mesh.transfer(&request).await.unwrap();
        assert_eq!((late.accepted_agent.as_str(), late.state.as_str()), ("", "expired"));
    }
}

#[tokio::test]
async fn what_was_accepted_is_left_to_the_router() {
    for database in testing::databases().await {
        let town = Town::build(None).await;
        let mesh = Mesh::start(town.shelf(), database, &[]).await;
        let [committed, lost, never] = [(); 3].map(|()| request(&["refunds"]));
        for request in [&committed, &lost] {
            assert_eq!(mesh.transfer(request).await.unwrap().accepted_agent, "first");
        }
        // One that the sweep ends shows that it has run since the others were overdue.
        mesh.transfer(&never).await.unwrap();
        rewind(&mesh.database, &never, "offered").await;
        for request in [&committed, &lost, &never] {
            overdue(&mesh.database, request).await;
        }
        wait_for(&mesh, &never, "expired").await;
        let overdue = ListHandoffsRequest {
            state: "accepted".to_owned(),
            lease_before_ms: Some(i64::MAX),
            all_tenants: true,
            ..ListHandoffsRequest::default()
        };
        let listed =
            mesh.client.clone().list_handoffs(overdue).await.unwrap().into_inner().handoffs;
        let ids: Vec<_> = listed.iter().map(|record| record.handoff_id.clone()).collect();
        assert!(ids.contains(&committed.handoff_id) && ids.contains(&lost.handoff_id), "{ids:?}");

        assert_eq!(mesh.complete(&committed).await.unwrap().state, "completed");
        let abort = AbortRequest {
            context: lost.context.clone(),
            handoff_id: lost.handoff_id.clone(),
            reason: "the session does not hold it".to_owned(),
        };
        let record = mesh.client.clone().abort(abort).await.unwrap().into_inner();
        assert_eq!(record.state, "aborted");
        let holders = mesh.shelf.holders("first");
        assert!(holders.contains(&committed.session_id) && !holders.contains(&lost.handoff_id));
    }
}

#[tokio::test]
async fn a_registry_that_is_down_stops_no_handoff_and_is_told_of_it_later() {
    for database in testing::databases().await {
        let town = Town::build(None).await;
        let mesh = Mesh::start(town.shelf(), database, &[]).await;
        let request = request(&["refunds"]);
        mesh.transfer(&request).await.unwrap();
        mesh.shelf.go_down(true);
        let uncounted = crate::mesh::request(&["refunds"]);
        assert_eq!(mesh.transfer(&uncounted).await.unwrap().accepted_agent, "first");
        let fault = Fault::of(&mesh.complete(&request).await.unwrap_err());
        assert_eq!(
            (fault.code.as_str(), fault.kind.is_retryable()),
            ("dependency_unavailable", true)
        );
        assert_eq!(mesh.record(&request).await.state, "accepted", "the slots are not handed over");
        mesh.shelf.go_down(false);
        assert_eq!(mesh.complete(&request).await.unwrap().state, "completed");
        assert_eq!(mesh.shelf.holders("first"), [request.session_id.as_str()]);
    }
}
