//! The contract of the store, put to both engines.

use chassis::testing;
use proto::v1::{CompressedContext, Entry, HandoffDecision, KeyFact, Rejection};

use super::SqlStore;
use crate::store::{Begun, Filter, Store, StoreError};
use crate::transfer::{Owner, State, Transfer};

async fn on_both(contract: impl AsyncFn(&dyn Store)) {
    for database in testing::databases().await {
        let store = SqlStore::open(database.clone()).await.unwrap();
        contract(&store).await;
        database.pool.close().await;
    }
}

fn started(id: &str, tenant: &str, at_ms: i64) -> Transfer {
    let owner = Owner {
        tenant: tenant.to_owned(),
        user_id: "user-1".to_owned(),
        session_id: format!("session of {id}"),
    };
    Transfer {
        id: id.to_owned(),
        owner,
        state: State::Started,
        from_agent: "source".to_owned(),
        to_agent: String::new(),
        trigger: "specialist_required".to_owned(),
        reason: "müde 😴".to_owned(),
        order: Vec::new(),
        tried: Vec::new(),
        rejections: Vec::new(),
        decision: HandoffDecision::default(),
        brief: None,
        created_ms: at_ms,
        updated_ms: at_ms,
        expires_ms: at_ms + 100,
        lease_until_ms: 0,
        version: 0,
    }
}

fn compress(transfer: &mut Transfer, at_ms: i64) {
    let decision = HandoffDecision {
        r#type: "primary".to_owned(),
        target_agent: "first".to_owned(),
        score_millionths: 760_000,
        ..HandoffDecision::default()
    };
    let content = "a \"quoted\" line\nwith \u{0} and 😴".to_owned();
    let brief = CompressedContext {
        summary: "short".to_owned(),
        key_facts: vec![KeyFact { fact: "paid".to_owned(), importance: 0.7, ..KeyFact::default() }],
        recent_messages: vec![Entry { content, ..Entry::default() }],
        compression_ratio: 0.411,
        ..CompressedContext::default()
    };
    transfer.compressed(decision, brief, at_ms).unwrap();
}

#[tokio::test]
async fn what_is_stored_is_what_is_found() {
    on_both(async |store| {
        let mut transfer = started("h-1", "acme", 10);
        assert!(matches!(store.begin(&transfer).await.unwrap(), Begun::Created));
        assert_eq!(store.find("h-1").await.unwrap(), Some(transfer.clone()));
        compress(&mut transfer, 11);
        store.save(&mut transfer).await.unwrap();
        transfer.offered("first", 500, 12).unwrap();
        let rejection = Rejection {
            agent_id: "zero".to_owned(),
            reason: "no".to_owned(),
            class: "timeout".to_owned(),
        };
        transfer.refused(rejection);
        store.save(&mut transfer).await.unwrap();
        assert_eq!(transfer.version, 2);
        assert_eq!(store.find("h-1").await.unwrap(), Some(transfer));
        assert_eq!(store.find("h-2").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_id_begins_once() {
    on_both(async |store| {
        let first = started("h-1", "acme", 10);
        store.begin(&first).await.unwrap();
        match store.begin(&started("h-1", "other", 99)).await.unwrap() {
            Begun::Known(known) => assert_eq!(*known, first, "the first one stays"),
            Begun::Created => panic!("the id was begun twice"),
        }
        assert_eq!(store.events(10).await.unwrap().len(), 1, "a repeat is no event");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_an_old_version_is_refused_and_leaves_no_event() {
    on_both(async |store| {
        let mut mine = started("h-1", "acme", 10);
        store.begin(&mine).await.unwrap();
        let mut theirs = mine.clone();
        theirs.ended(State::Expired, "late", 20).unwrap();
        store.save(&mut theirs).await.unwrap();
        compress(&mut mine, 21);
        let stale = store.save(&mut mine).await.unwrap_err();
        assert!(matches!(stale, StoreError::Stale(id) if id == "h-1"));
        assert_eq!(mine.version, 0, "what was not stored did not happen");
        assert_eq!(store.find("h-1").await.unwrap(), Some(theirs));
        let types = store.events(10).await.unwrap().into_iter().map(|event| event.event_type);
        assert_eq!(types.collect::<Vec<_>>(), ["handoff.started", "handoff.expired"]);
    })
    .await;
}

#[tokio::test]
async fn of_parallel_changes_one_wins() {
    on_both(async |store| {
        let transfer = started("h-1", "acme", 10);
        store.begin(&transfer).await.unwrap();
        let change = async |agent: usize| {
            let mut mine = transfer.clone();
            mine.ended(State::Failed, &format!("by {agent}"), 20).unwrap();
            store.save(&mut mine).await.is_ok()
        };
        let outcomes = futures::future::join_all((0..8).map(change)).await;
        assert_eq!(outcomes.iter().filter(|won| **won).count(), 1);
        assert_eq!(store.events(100).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_list_holds_what_the_filter_asks() {
    on_both(async |store| {
        for (id, tenant, at_ms) in [("h-3", "acme", 30), ("h-1", "acme", 10), ("h-2", "other", 20)]
        {
            store.begin(&started(id, tenant, at_ms)).await.unwrap();
        }
        let mut accepted = started("h-4", "acme", 40);
        store.begin(&accepted).await.unwrap();
        compress(&mut accepted, 41);
        store.save(&mut accepted).await.unwrap();
        accepted.offered("first", 500, 42).unwrap();
        store.save(&mut accepted).await.unwrap();
        accepted.accepted(500, 43).unwrap();
        store.save(&mut accepted).await.unwrap();
        let all = Filter { limit: 10, ..Filter::default() };
        let text = |text: &str| Some(text.to_owned());
        let cases: [(Filter, &[&str]); 9] = [
            (all.clone(), &["h-1", "h-2", "h-3", "h-4"]),
            (Filter { limit: 2, ..all.clone() }, &["h-1", "h-2"]),
            (Filter { tenant: text("acme"), ..all.clone() }, &["h-1", "h-3", "h-4"]),
            (Filter { user_id: text("user-2"), ..all.clone() }, &[]),
            (Filter { session_id: text("session of h-3"), ..all.clone() }, &["h-3"]),
            (Filter { states: vec![State::Accepted], ..all.clone() }, &["h-4"]),
            (
                Filter { states: vec![State::Started, State::Offered], ..all.clone() },
                &["h-1", "h-2", "h-3"],
            ),
            (Filter { expires_before_ms: Some(130), ..all.clone() }, &["h-1", "h-2"]),
            (
                Filter { states: vec![State::Accepted], lease_before_ms: Some(500), ..all.clone() },
                &[],
            ),
        ];
        for (filter, ids) in cases {
            let found = store.list(&filter).await.unwrap();
            let found: Vec<&str> = found.iter().map(|transfer| transfer.id.as_str()).collect();
            assert_eq!(found, ids, "{filter:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn events_come_in_order_until_they_are_delivered() {
    on_both(async |store| {
        let mut first = started("h-1", "acme", 10);
        store.begin(&first).await.unwrap();
        store.begin(&started("h-2", "acme", 15)).await.unwrap();
        first.ended(State::Failed, "broken", 20).unwrap();
        store.save(&mut first).await.unwrap();
        let events = store.events(10).await.unwrap();
        let order: Vec<_> =
            events.iter().map(|event| (event.handoff_id.as_str(), event.version)).collect();
        assert_eq!(order, [("h-1", 0), ("h-2", 0), ("h-1", 1)]);
        let payload: serde_json::Value = serde_json::from_str(&events[2].payload_json).unwrap();
        assert_eq!(
            (payload["state"].as_str(), payload["session_id"].as_str()),
            (Some("failed"), Some("session of h-1"))
        );
        store.delivered(&events[0]).await.unwrap();
        assert_eq!(store.events(10).await.unwrap(), events[1..]);
        assert_eq!(store.forget_before(20).await.unwrap(), 1);
        assert_eq!(store.events(10).await.unwrap(), events[2..]);
    })
    .await;
}

#[tokio::test]
async fn what_was_told_is_forgotten_once_a_transfer_has_ended() {
    on_both(async |store| {
        let mut transfers = Vec::new();
        for id in ["h-1", "h-2", "h-3"] {
            let mut transfer = started(id, "acme", 10);
            store.begin(&transfer).await.unwrap();
            compress(&mut transfer, 11);
            store.save(&mut transfer).await.unwrap();
            transfers.push(transfer);
        }
        for (transfer, at_ms) in transfers.iter_mut().zip([20, 30]) {
            transfer.ended(State::Failed, "broken", at_ms).unwrap();
            store.save(transfer).await.unwrap();
        }
        let events = store.events(100).await.unwrap();
        let old = events.iter().filter(|event| event.created_ms < 30).count() as u64;
        assert_eq!(store.forget_before(30).await.unwrap(), old + 1);
        let brief = async |id| store.find(id).await.unwrap().unwrap().brief;
        assert_eq!(brief("h-1").await, None, "it ended before");
        assert!(brief("h-2").await.is_some(), "it ended later");
        assert!(brief("h-3").await.is_some(), "it goes on");
        assert_eq!(store.find("h-1").await.unwrap().unwrap().state, State::Failed);
        assert_eq!(store.forget_before(30).await.unwrap(), 0);
    })
    .await;
}
