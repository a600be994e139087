use super::*;
use crate::session::Status;
use crate::store::{Closed, Filter, NewEntry, Resumed};

fn closed(session_id: &str, now_ms: i64) -> Closed {
    Closed {
        session_id: session_id.to_owned(),
        status: Status::Completed,
        summary: "done".to_owned(),
        now_ms,
    }
}

fn resumed(prior: &str, now_ms: i64) -> Resumed {
    Resumed {
        prior_session_id: prior.to_owned(),
        session_id: uuid::Uuid::new_v4().to_string(),
        agents: vec!["sales".to_owned()],
        now_ms,
        limits: LIMITS,
    }
}

#[tokio::test]
async fn a_reference_denotes_what_the_contract_says() {
    for store in stores().await {
        let first = accepted(&store, &named("r1", "my-key", 10)).await;
        finish(&store, &first.lease, 11).await;
        let id = first.lease.session_id.clone();
        let by_id = accepted(&store, &named("r2", &id, 12)).await;
        assert_eq!(by_id.lease.session_id, id, "its own id");
        finish(&store, &by_id.lease, 13).await;
        let by_key = accepted(&store, &named("r3", "my-key", 14)).await;
        assert_eq!(by_key.lease.session_id, id, "its key");
        finish(&store, &by_key.lease, 15).await;
        let other = accepted(&store, &named("r4", "other-key", 16)).await;
        assert!(other.session_new);
        finish(&store, &other.lease, 17).await;
        let latest = accepted(&store, &ask("r5", 18)).await;
        assert_eq!(latest.lease.session_id, other.lease.session_id, "the one used last");

        let stranger = Acceptance { owner: owner("bob"), ..named("r6", &id, 19) };
        let refused = store.accept(&stranger).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound), "{refused}");
        store.close(&owner("ann"), &closed(&id, 20)).await.unwrap();
        let refused = store.accept(&stranger).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound), "closed or not: {refused}");

        let gone = accepted(&store, &named("r7", &id, 21)).await;
        assert!(gone.session_new, "an own closed id is a key");
        assert_eq!(gone.session.external_key, id);
        finish(&store, &gone.lease, 22).await;
        let again = accepted(&store, &named("r8", &id, 23)).await;
        assert_eq!(again.lease.session_id, gone.lease.session_id);
    }
}

#[tokio::test]
async fn a_session_past_its_time_is_not_found_as_active() {
    for store in stores().await {
        let first = accepted(&store, &named("r1", "key", 10)).await;
        finish(&store, &first.lease, 11).await;
        let late = accepted(&store, &named("r2", "key", 2_000)).await;
        assert!(late.session_new);
        let old = store.session("default", None, &first.lease.session_id).await.unwrap();
        assert_eq!((old.status, old.closed_ms), (Status::Abandoned, Some(2_000)));
        let later = store.accept(&named("r3", "key", 9_000)).await.unwrap();
        let Verdict::Accepted(later) = later else { panic!("{later:?}") };
        assert!(!later.session_new, "a turn under way keeps it alive");
    }
}

#[tokio::test]
async fn closing_is_done_once() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        finish(&store, &turn.lease, 11).await;
        let id = &turn.lease.session_id;
        let (session, is_new) = store.close(&owner("ann"), &closed(id, 20)).await.unwrap();
        assert!(is_new && session.summary == "done" && session.expires_ms.is_none());
        let (again, is_new) = store.close(&owner("ann"), &closed(id, 30)).await.unwrap();
        assert!(!is_new && again.closed_ms == Some(20));
        let refused = store.close(&owner("bob"), &closed(id, 30)).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound));
        assert_eq!(store.outgoing(40, 50, 10).await.unwrap().len(), 1, "one event");
    }
}

#[tokio::test]
async fn resuming_twice_gives_the_same_session() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        let mut page = page(&turn.lease, answer("{}"), 11);
        page.entry = Some(said(&turn.lease, "an answer", 11));
        page.state = Some(("sales".to_owned(), "{\"a\":1}".to_owned()));
        page.change.active_agent = Some("sales".to_owned());
        let prior = store.write(&page).await.unwrap();
        let to = resumed(&prior.session_id, 20);
        let (session, is_new) = store.resume(&owner("ann"), &to).await.unwrap();
        assert!(is_new);
        assert_eq!((session.carried, session.active_agent.as_str()), (2, "sales"));
        assert_eq!(words(&store, &session.session_id).await, ["words of r1", "an answer"]);
        assert_eq!(store.state(&session.session_id, "sales").await.unwrap(), "{\"a\":1}");
        let prior = store.session("default", None, &prior.session_id).await.unwrap();
        assert_eq!(prior.status, Status::Completed);

        let again = resumed(&prior.session_id, 30);
        let (same, is_new) = store.resume(&owner("ann"), &again).await.unwrap();
        assert!(!is_new);
        assert_eq!((same.session_id, same.carried), (session.session_id.clone(), 2));
        let next = accepted(&store, &named("r2", &prior.session_id, 40)).await;
        assert_eq!(next.lease.session_id, session.session_id, "the prior id is its key");
        assert_eq!(next.scene.unwrap().history.len(), 2);
    }
}

#[tokio::test]
async fn a_resumed_session_has_no_agent_that_is_gone() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        let mut page = page(&turn.lease, answer("{}"), 11);
        page.change.active_agent = Some("retired".to_owned());
        let prior = store.write(&page).await.unwrap();
        let to = resumed(&prior.session_id, 20);
        let (session, _) = store.resume(&owner("ann"), &to).await.unwrap();
        assert_eq!(session.active_agent, "");
    }
}

#[tokio::test]
async fn lists_go_on_where_they_stopped() {
    for store in stores().await {
        for n in 0..5 {
            let turn = accepted(&store, &named(&format!("r{n}"), &format!("k{n}"), n)).await;
            finish(&store, &turn.lease, n).await;
        }
        let mut seen = Vec::new();
        let mut filter = Filter { limit: 2, ..Filter::default() };
        loop {
            let listed = store.list(&owner("ann"), &filter).await.unwrap();
            let Some(last) = listed.last() else { break };
            filter.before = Some((last.created_ms, last.session_id.clone()));
            seen.extend(listed.into_iter().map(|session| session.external_key));
        }
        assert_eq!(seen, ["k4", "k3", "k2", "k1", "k0"]);
        let none = Filter { status: Some(Status::Error), limit: 9, ..Filter::default() };
        assert!(store.list(&owner("ann"), &none).await.unwrap().is_empty());
        let all = Filter { limit: 9, ..Filter::default() };
        assert!(store.list(&owner("bob"), &all).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn entries_and_state_can_be_added_from_outside() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        finish(&store, &turn.lease, 11).await;
        let new = NewEntry {
            owner: owner("ann"),
            session_id: turn.lease.session_id.clone(),
            request_id: "x".to_owned(),
            role: Role::Agent,
            agent_id: String::new(),
            content: "by hand".to_owned(),
            intent_summary: String::new(),
            now_ms: 20,
            limits: LIMITS,
        };
        assert_eq!(store.append(&new).await.unwrap().turn_count, 3);
        assert_eq!(store.append(&new).await.unwrap().turn_count, 3, "once per request");
        let id = &turn.lease.session_id;
        let put = async |text: &str| store.put_state(&owner("ann"), id, text, 30).await.unwrap();
        assert_eq!(put("{\"a\":1}").await, "");
        assert_eq!(put("{\"b\":2}").await, "{\"a\":1}", "replaced, not merged");
        store.close(&owner("ann"), &closed(id, 40)).await.unwrap();
        let refused = store.append(&NewEntry { request_id: "y".to_owned(), ..new }).await;
        assert!(matches!(refused, Err(StoreError::Closed)));
    }
}
