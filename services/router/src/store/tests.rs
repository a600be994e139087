//! One contract for every engine.

use chassis::Life;
use chassis::testing::databases;

use super::{
    Acceptance, Accepted, Chores as _, Entry, Known, Lease, Limits, Mark, Page, Place, Role,
    Sessions as _, SqlStore, Store, StoreError, Turns as _, Verdict,
};
use crate::ending::{Ending, Failed};
use crate::session::{Change, Owner, Profile, Reference, Session};

mod chores;
mod sessions;
mod turns;

const LIMITS: Limits = Limits { ttl_ms: 1_000, queue_max: 2, lease_ms: 300, max_turns: 4 };

async fn stores() -> Vec<SqlStore> {
    let mut stores = Vec::new();
    for database in databases().await {
        stores.push(SqlStore::open(database, &Life::new()).await.unwrap());
    }
    stores
}

fn owner(user_id: &str) -> Owner {
    Owner { tenant: "default".to_owned(), user_id: user_id.to_owned() }
}

/// A request of user `ann`.
pub(super) fn ask(request_id: &str, now_ms: i64) -> Acceptance {
    Acceptance {
        owner: owner("ann"),
        request_id: request_id.to_owned(),
        turn_id: format!("turn-{request_id}"),
        fingerprint: "same".to_owned(),
        place: Place::Session(Reference::Latest),
        profile: Profile::default(),
        input: format!("words of {request_id}"),
        metadata_json: "{}".to_owned(),
        now_ms,
        limits: LIMITS,
    }
}

pub(super) fn named(request_id: &str, name: &str, now_ms: i64) -> Acceptance {
    let place = Place::Session(Reference::Named(name.to_owned()));
    Acceptance { place, ..ask(request_id, now_ms) }
}

async fn accepted(store: &impl Store, acceptance: &Acceptance) -> Accepted {
    match store.accept(acceptance).await.unwrap() {
        Verdict::Accepted(accepted) => *accepted,
        other => panic!("{other:?}"),
    }
}

async fn known(store: &impl Store, acceptance: &Acceptance) -> Known {
    match store.accept(acceptance).await.unwrap() {
        Verdict::Known(known) => *known,
        other => panic!("{other:?}"),
    }
}

pub(super) fn answer(body: &str) -> Ending {
    Ending::Result { body: body.to_owned(), budget: None }
}

fn failure(retryable: bool) -> Ending {
    Ending::Error(Failed { code: "agent_unreachable".to_owned(), retryable, ..Failed::default() })
}

pub(super) fn page(lease: &Lease, ending: Ending, now_ms: i64) -> Page {
    Page {
        lease: lease.clone(),
        now_ms,
        limits: LIMITS,
        entry: None,
        state: None,
        change: Change::default(),
        mark: Mark::Final(ending, "{}".to_owned()),
        settlements: Vec::new(),
    }
}

/// What an agent says in the course of a turn.
pub(super) fn said(lease: &Lease, content: &str, now_ms: i64) -> Entry {
    Entry {
        position: crate::session::position(lease.seq, 1),
        request_id: "r".to_owned(),
        role: Role::Agent,
        agent_id: "sales".to_owned(),
        content: content.to_owned(),
        intent_summary: String::new(),
        timestamp_ms: now_ms,
    }
}

async fn finish(store: &impl Store, lease: &Lease, now_ms: i64) -> Session {
    let mut page = page(lease, answer("{}"), now_ms);
    page.entry = Some(said(lease, "an answer", now_ms));
    store.write(&page).await.unwrap()
}

pub(super) async fn words(store: &impl Store, session_id: &str) -> Vec<String> {
    let entries = store.entries(session_id, 100).await.unwrap();
    entries.into_iter().map(|entry| entry.content).collect()
}
