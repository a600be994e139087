use super::*;
use crate::store::Renewal;

#[tokio::test]
async fn a_first_message_makes_a_session_and_a_second_finds_it() {
    for store in stores().await {
        let first = accepted(&store, &ask("r1", 10)).await;
        assert!(first.session_new && first.scene.is_some());
        assert_eq!((first.lease.seq, first.lease.attempt, first.lease.fence), (1, 1, 1));
        finish(&store, &first.lease, 20).await;
        let second = accepted(&store, &ask("r2", 30)).await;
        assert!(!second.session_new);
        assert_eq!(second.lease.session_id, first.lease.session_id);
        let history = second.scene.unwrap().history;
        let history: Vec<_> = history.iter().map(|entry| entry.content.as_str()).collect();
        assert_eq!(history, ["words of r1", "an answer"], "without the words of the turn itself");
        assert_eq!(second.session.expires_ms, Some(1_030), "the expiry slides");
    }
}

#[tokio::test]
async fn parallel_first_messages_make_one_session() {
    for store in stores().await {
        let asks = (0..3).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { accepted(&store, &ask(&format!("r{n}"), 10)).await })
        });
        let mut turns = Vec::new();
        for asked in asks.collect::<Vec<_>>() {
            turns.push(asked.await.unwrap());
        }
        assert_eq!(turns.iter().filter(|turn| turn.session_new).count(), 1);
        assert!(turns.iter().all(|turn| turn.lease.session_id == turns[0].lease.session_id));
        assert_eq!(turns.iter().filter(|turn| turn.scene.is_some()).count(), 1, "one runs");
    }
}

#[tokio::test]
async fn turns_run_in_the_order_of_their_acceptance() {
    for store in stores().await {
        let mut turns = Vec::new();
        for n in 0..3 {
            turns.push(accepted(&store, &ask(&format!("r{n}"), n)).await);
        }
        let busy = store.accept(&ask("r3", 4)).await.unwrap_err();
        assert!(matches!(busy, StoreError::Busy), "{busy}");
        let id = &turns[0].lease.session_id;
        assert_eq!(words(&store, id).await.len(), 3, "what is refused is not stored");
        let promote = async |n: usize| store.promote(&turns[n].lease, &LIMITS, 5).await.unwrap();
        assert!(promote(1).await.is_none() && promote(2).await.is_none());
        finish(&store, &turns[0].lease, 6).await;
        assert!(promote(2).await.is_none(), "not before the one before it");
        let (_, scene) = promote(1).await.expect("it is next");
        let heard: Vec<_> = scene.history.iter().map(|entry| &entry.content).collect();
        assert_eq!(heard, ["words of r0", "an answer"], "not what was said to later turns");
        finish(&store, &turns[1].lease, 7).await;
        assert!(promote(2).await.is_some());
        let read = words(&store, id).await;
        assert_eq!(
            read,
            ["an answer", "words of r1", "an answer", "words of r2"],
            "a conversation reads in the order of its turns, and the oldest entry was dropped"
        );
    }
}

#[tokio::test]
async fn a_known_request_is_repeated_or_run_again() {
    for store in stores().await {
        let first = accepted(&store, &ask("r1", 10)).await;
        assert_eq!(known(&store, &ask("r1", 11)).await.ending, None, "it still runs");
        let other = Acceptance { fingerprint: "other".to_owned(), ..ask("r1", 11) };
        assert!(matches!(store.accept(&other).await.unwrap(), Verdict::Mismatch));

        store.write(&page(&first.lease, failure(true), 12)).await.unwrap();
        let again = accepted(&store, &ask("r1", 13)).await;
        assert_eq!((again.lease.attempt, again.lease.fence), (2, 2));
        assert_eq!(again.lease.turn_id, first.lease.turn_id, "it is the same turn");
        assert!(again.session_new, "the session still began with it");
        assert_eq!(words(&store, &first.lease.session_id).await, ["words of r1"], "said once");

        let body = "{\"a\": 1.0}  ";
        store.write(&page(&again.lease, answer(body), 14)).await.unwrap();
        let repeated = known(&store, &ask("r1", 15)).await;
        assert_eq!(repeated.ending, Some(answer(body)), "byte for byte");
        let session = store.session("default", None, &first.lease.session_id).await.unwrap();
        assert_eq!((session.open_turns, session.entry_count), (0, 1));
    }
}

#[tokio::test]
async fn a_known_request_is_answered_even_when_the_session_is_busy() {
    for store in stores().await {
        let first = accepted(&store, &ask("r0", 1)).await;
        finish(&store, &first.lease, 2).await;
        for n in 1..4 {
            accepted(&store, &ask(&format!("r{n}"), 3)).await;
        }
        assert!(known(&store, &ask("r0", 4)).await.ending.is_some());
    }
}

#[tokio::test]
async fn a_further_attempt_speaks_after_what_was_said_meanwhile() {
    for store in stores().await {
        let first = accepted(&store, &ask("r1", 1)).await;
        store.write(&page(&first.lease, failure(true), 2)).await.unwrap();
        let second = accepted(&store, &ask("r2", 3)).await;
        finish(&store, &second.lease, 4).await;
        let again = accepted(&store, &ask("r1", 5)).await;
        finish(&store, &again.lease, 6).await;
        let read = words(&store, &first.lease.session_id).await;
        assert_eq!(read, ["words of r2", "an answer", "words of r1", "an answer"]);
    }
}

#[tokio::test]
async fn only_the_holder_writes() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        let stale = turn.lease.clone();
        let taken = store.seize(&stale, 1_000, 2_000).await.unwrap().expect("its lease is over");
        let mut late = page(&stale, answer("late"), 1_001);
        late.entry = Some(said(&stale, "late words", 1_001));
        late.state = Some(("sales".to_owned(), "{\"late\":1}".to_owned()));
        let refused = store.write(&late).await.unwrap_err();
        assert!(matches!(refused, StoreError::Lost), "{refused}");
        assert_eq!(words(&store, &stale.session_id).await, ["words of r1"], "nothing of it stays");
        assert_eq!(store.state(&stale.session_id, "sales").await.unwrap(), "");
        store.write(&page(&taken, Ending::interrupted(), 1_002)).await.unwrap();
        let twice = store.write(&page(&taken, answer("twice"), 1_003)).await.unwrap_err();
        assert!(matches!(twice, StoreError::Lost), "a turn ends once: {twice}");
        let session = store.session("default", None, &stale.session_id).await.unwrap();
        assert_eq!(session.open_turns, 0);
    }
}

#[tokio::test]
async fn a_lease_is_renewed_until_it_is_lost() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        let lease = [turn.lease.clone()];
        assert_eq!(store.renew(&lease, 5_000).await.unwrap(), [Renewal::Held]);
        assert!(store.seize(&turn.lease, 4_000, 9_000).await.unwrap().is_none(), "it is alive");
        assert!(store.cancel(&owner("ann"), "r1").await.unwrap());
        assert!(!store.cancel(&owner("bob"), "r1").await.unwrap(), "not for anybody else");
        assert_eq!(store.cancelled().await.unwrap(), *std::slice::from_ref(&turn.lease.turn_id));
        assert_eq!(store.renew(&lease, 5_000).await.unwrap(), [Renewal::Cancelled]);
        store.seize(&turn.lease, 6_000, 9_000).await.unwrap().expect("it is dead");
        assert_eq!(store.renew(&lease, 9_000).await.unwrap(), [Renewal::Lost]);
    }
}

#[tokio::test]
async fn everything_that_an_answer_brings_is_written_together() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        let mut page = page(&turn.lease, answer("{}"), 20);
        page.entry = Some(said(&turn.lease, "done", 20));
        page.state = Some(("sales".to_owned(), "{\"step\": 1}".to_owned()));
        page.change.active_agent = Some("sales".to_owned());
        page.change.close = Some(crate::session::Status::Completed);
        let session = store.write(&page).await.unwrap();
        assert_eq!(session.status.name(), "completed");
        let read = store.session("default", Some("ann"), &session.session_id).await.unwrap();
        assert_eq!(read, session, "what is returned is what is stored");
        assert_eq!(store.state(&session.session_id, "sales").await.unwrap(), "{\"step\": 1}");
        let events = store.outgoing(30, 40, 10).await.unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].event_type, "session_closed");
        let record = store.record("default", Some("ann"), "r1").await.unwrap();
        assert_eq!(record.as_deref(), Some("{}"));
        assert_eq!(store.record("default", Some("bob"), "r1").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_turn_without_a_session_stores_no_words() {
    for store in stores().await {
        let place = Place::Nowhere("label".to_owned());
        let turn = accepted(&store, &Acceptance { place, ..ask("r1", 10) }).await;
        assert!(turn.lease.is_anonymous && turn.scene.is_some());
        store.write(&page(&turn.lease, answer("{}"), 20)).await.unwrap();
        assert_eq!(known(&store, &ask("r1", 30)).await.ending, Some(answer("{}")));
        assert!(words(&store, "label").await.is_empty());
    }
}
