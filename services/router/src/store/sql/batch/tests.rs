//! What goes together, and what must go alone.

use chassis::Life;
use chassis::batch::Commit as _;
use chassis::testing::databases;

use super::*;
use crate::session::Status;
use crate::store::tests::{answer, ask, named, page, said, words};
use crate::store::{Lease, SqlStore, Turns as _};

async fn scribes() -> Vec<(SqlStore, Scribe)> {
    let mut scribes = Vec::new();
    for database in databases().await {
        let store = SqlStore::open(database.clone(), &Life::new()).await.unwrap();
        scribes.push((store, Scribe::of(database)));
    }
    scribes
}

fn accept(acceptance: Acceptance) -> Step {
    Step::Accept(Box::new(acceptance))
}

fn write(page: Page) -> Step {
    Step::Write(Box::new(page))
}

fn accepted(outcome: &Outcome) -> &Accepted {
    match outcome {
        Outcome::Accepted(accepted) => accepted,
        other => panic!("{other:?}"),
    }
}

fn ended(lease: &Lease, now_ms: i64) -> Page {
    let mut page = page(lease, answer("{}"), now_ms);
    page.entry = Some(said(lease, "an answer", now_ms));
    page.state = Some(("sales".to_owned(), format!("{{\"at\":{now_ms}}}")));
    page.change.active_agent = Some("sales".to_owned());
    page
}

#[tokio::test]
async fn turns_of_many_sessions_and_of_one_go_together() {
    for (store, scribe) in scribes().await {
        let steps =
            vec![accept(ask("r1", 10)), accept(named("r2", "other", 10)), accept(ask("r3", 11))];
        let first = scribe.commit(steps).await;
        let [one, two, three] = [0, 1, 2].map(|at| accepted(&first[at]));
        assert_eq!(one.lease.session_id, three.lease.session_id, "one owner, one session");
        assert_ne!(one.lease.session_id, two.lease.session_id);
        assert_eq!((one.session_new, three.session_new), (true, false));
        assert!(one.scene.is_some() && two.scene.is_some() && three.scene.is_none());

        let steps = vec![
            write(ended(&one.lease, 20)),
            accept(named("r4", "other", 21)),
            write(ended(&two.lease, 22)),
            accept(named("r5", "other", 23)),
        ];
        let second = scribe.commit(steps).await;
        assert!(matches!(&second[0], Outcome::Written(session) if session.open_turns == 1));
        assert!(accepted(&second[1]).scene.is_none(), "another one runs");
        assert!(accepted(&second[3]).scene.is_none(), "another one is before it");
        assert_eq!(
            words(&store, &one.lease.session_id).await,
            ["words of r1", "an answer", "words of r3"]
        );
        assert_eq!(store.state(&two.lease.session_id, "sales").await.unwrap(), "{\"at\":22}");
    }
}

#[tokio::test]
async fn what_was_said_is_known_without_reading_it_again() {
    for (store, scribe) in scribes().await {
        let mut now_ms = 10;
        for n in 0..6 {
            let outcome = scribe.commit(vec![accept(ask(&format!("r{n}"), now_ms))]).await;
            let turn = accepted(&outcome[0]);
            let scene = turn.scene.clone().unwrap();
            let id = &turn.lease.session_id;
            let mut read = words(&store, id).await;
            assert_eq!(read.pop(), Some(format!("words of r{n}")));
            let known: Vec<_> = scene.history.iter().map(|line| line.content.clone()).collect();
            let visible = read.len().min(4);
            assert_eq!(known[known.len() - visible..], read[read.len() - visible..], "turn {n}");
            assert_eq!(scene.state_json.is_empty(), n == 0);
            let written = scribe.commit(vec![write(ended(&turn.lease, now_ms + 1))]).await;
            assert!(matches!(written[0], Outcome::Written(_)), "{written:?}");
            assert!(scribe.pasts.at(id, turn.session.version + 1).is_some());
            now_ms += 10;
        }
    }
}

#[tokio::test]
async fn a_known_request_and_a_lost_turn_spoil_the_batch_and_nothing_of_it_stays() {
    for (store, scribe) in scribes().await {
        let first = scribe.commit(vec![accept(ask("r1", 10))]).await;
        let lease = accepted(&first[0]).lease.clone();
        let again = vec![accept(named("r2", "other", 11)), accept(ask("r1", 11))];
        let outcomes = scribe.commit(again).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Undecided)));
        let stale = Lease { fence: 7, ..lease.clone() };
        let outcomes = scribe.commit(vec![write(ended(&stale, 12))]).await;
        assert!(matches!(outcomes[0], Outcome::Undecided));
        assert_eq!(words(&store, &lease.session_id).await, ["words of r1"]);
        let outcomes = scribe.commit(vec![accept(named("r2", "other", 13))]).await;
        assert!(accepted(&outcomes[0]).session_new, "the writer goes on");
    }
}

#[tokio::test]
async fn a_session_that_ends_says_so_once_and_takes_no_further_turn() {
    for (store, scribe) in scribes().await {
        let first = scribe.commit(vec![accept(ask("r1", 10))]).await;
        let mut last = ended(&accepted(&first[0]).lease, 20);
        last.change.close = Some(Status::Completed);
        let outcomes = scribe.commit(vec![write(last), accept(ask("r2", 21))]).await;
        assert!(matches!(&outcomes[0], Outcome::Written(session) if !session.is_active()));
        assert!(matches!(outcomes[1], Outcome::Undecided), "it needs another session");
        use crate::store::Chores as _;
        assert_eq!(store.outgoing(30, 40, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_meanwhile_is_read_again() {
    for (store, scribe) in scribes().await {
        let first = scribe.commit(vec![accept(ask("r1", 10))]).await;
        let turn = accepted(&first[0]);
        // The store has a memory of its own, like another router.
        store.write(&ended(&turn.lease, 20)).await.unwrap();
        let next = scribe.commit(vec![accept(ask("r2", 30))]).await;
        let scene = accepted(&next[0]).scene.clone().unwrap();
        let heard: Vec<_> = scene.history.iter().map(|line| line.content.as_str()).collect();
        assert_eq!(heard, ["words of r1", "an answer"]);
        assert_eq!(scene.state_json, "{\"at\":20}");
    }
}

#[tokio::test]
async fn a_session_is_known_by_its_name_until_somebody_else_ends_it() {
    for (store, scribe) in scribes().await {
        let first = scribe.commit(vec![accept(named("r1", "mine", 10))]).await;
        let lease = &accepted(&first[0]).lease;
        scribe.commit(vec![write(ended(lease, 20))]).await;
        let next = vec![accept(named("r2", "mine", 30))];
        assert_eq!(scribe.known(&next).by_step.len(), 1);
        let next = scribe.commit(next).await;
        assert_eq!(accepted(&next[0]).lease.session_id, lease.session_id);
        let mut last = ended(&accepted(&next[0]).lease, 40);
        last.change.close = Some(Status::Completed);
        store.write(&last).await.unwrap();
        let after = scribe.commit(vec![accept(named("r3", "mine", 50))]).await;
        let (after, is_new) = (accepted(&after[0]), accepted(&after[0]).session_new);
        assert!(is_new && after.lease.session_id != lease.session_id, "{after:?}");
        let last = [accept(named("r4", "mine", 60))];
        let is_trusting = scribe.known(&last).by_step.len() == 1;
        assert_eq!(
            is_trusting,
            scribe.database.is_embedded(),
            "on a server there is another router"
        );
    }
}
