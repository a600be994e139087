use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chassis::testing;
use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use super::{BreakerStore, MemoryStore, RedisStore};
use crate::breaker::tests::deeds::{Deed, deeds, policies};
use crate::breaker::{Action, Answer, Breaker, Event, Grant, Outcome, Phase, Policy, State};

const HOLD_MS: i64 = 60_000;
/// The clock that a comparison of two stores runs on: the last argument.
const GIVEN_TIME: &str = "local now = tonumber(ARGV[#ARGV])\n";

async fn stores(policy: &Policy) -> [Arc<dyn BreakerStore>; 2] {
    [
        Arc::new(MemoryStore::new(policy.clone())),
        Arc::new(RedisStore::new(testing::redis().await, policy)),
    ]
}

async fn acquire(store: &dyn BreakerStore, agent_id: &str) -> Result<Grant, i64> {
    match store.step(agent_id, Event::Acquire { hold_ms: HOLD_MS }).await.unwrap().answer {
        Answer::Granted(grant) => Ok(grant),
        Answer::Refused { retry_after_ms } => Err(retry_after_ms),
        Answer::Noted => panic!("an acquire is granted or refused"),
    }
}

async fn fail(store: &dyn BreakerStore, agent_id: &str) {
    store.step(agent_id, Event::Record { success: false }).await.unwrap();
}

#[tokio::test]
async fn a_store_keeps_each_agent_apart() {
    for store in stores(&Policy::default()).await {
        for _ in 0..5 {
            fail(&*store, "sales").await;
        }
        let wait_ms = acquire(&*store, "sales").await.unwrap_err();
        assert!((29_000..=30_000).contains(&wait_ms), "{wait_ms} ms is about the reset timeout");
        assert_eq!(acquire(&*store, "support").await.unwrap().number, 0);
        let known: BTreeMap<String, Breaker> = store.all().await.unwrap().into_iter().collect();
        assert_eq!(known.keys().collect::<Vec<_>>(), ["sales"], "nothing has happened to support");
        assert_eq!((known["sales"].state(), known["sales"].failures), (State::Open, 5));
    }
}

#[tokio::test]
async fn a_step_says_which_states_were_entered() {
    let policy = Policy::default();
    for store in stores(&policy).await {
        for _ in 0..4 {
            fail(&*store, "sales").await;
        }
        let step = store.step("sales", Event::Record { success: false }).await.unwrap();
        assert_eq!(step.entered(&policy), [State::Open]);
        let step = store.step("sales", Event::Acquire { hold_ms: HOLD_MS }).await.unwrap();
        assert_eq!(step.entered(&policy), []);
        let step = store.step("sales", Event::Set(Action::Reset)).await.unwrap();
        assert_eq!((step.before.state(), step.after.state()), (State::Open, State::Closed));
        assert_eq!(step.entered(&policy), [State::Closed]);
    }
}

#[tokio::test]
async fn of_a_thousand_calls_at_once_exactly_three_probe() {
    let policy = Policy { reset_timeout_ms: 0, ..Policy::default() };
    for store in stores(&policy).await {
        for _ in 0..5 {
            fail(&*store, "sales").await;
        }
        let answers = join_all((0..1_000).map(|_| acquire(&*store, "sales"))).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
        for grant in answers.into_iter().flatten() {
            store.step("sales", Event::Report { grant, outcome: Outcome::Success }).await.unwrap();
        }
        assert!(acquire(&*store, "sales").await.is_ok());
        let known = store.all().await.unwrap();
        assert_eq!(known[0].1.state(), State::Closed);
    }
}

#[tokio::test]
async fn parallel_failures_do_not_lengthen_the_wait() {
    for store in stores(&Policy::default()).await {
        let grants = join_all((0..50).map(|_| acquire(&*store, "sales"))).await;
        let outcome = Outcome::Failure;
        join_all(
            grants
                .into_iter()
                .flatten()
                .map(|grant| store.step("sales", Event::Report { grant, outcome })),
        )
        .await;
        let known = store.all().await.unwrap();
        assert_eq!(known[0].1.generation, 1);
        assert!(matches!(known[0].1.phase, Phase::Open { multiplier: 1, .. }));
    }
}

/// The script and the machine take the same events at the same times to the same states and answers.
#[test]
fn the_script_is_the_machine() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let redis = runtime.block_on(testing::redis());
    let config =
        ProptestConfig { cases: 200, rng_seed: RngSeed::Fixed(16), ..ProptestConfig::default() };
    let (case, transitions) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(config).run(&(policies(), deeds()), |(policy, deeds)| {
        case.set(case.get() + 1);
        let agent_id = format!("agent-{}", case.get());
        let memory = MemoryStore::new(policy.clone());
        let shared = RedisStore::on(redis.clone(), &policy, GIVEN_TIME);
        let (mut now_ms, mut grants) = (1_767_225_600_000, Vec::new());
        for (deed, wait_ms) in deeds {
            now_ms += wait_ms;
            let event = match deed {
                Deed::Acquire(hold_ms) => Event::Acquire { hold_ms },
                Deed::Report(which, outcome) if !grants.is_empty() => {
                    Event::Report { grant: grants[which % grants.len()], outcome }
                }
                Deed::Report(..) => continue,
                Deed::Record(success) => Event::Record { success },
                Deed::Set(action) => Event::Set(action),
            };
            let expected = memory.step_at(&agent_id, event, now_ms);
            let arguments = [now_ms.to_string()];
            let step = runtime.block_on(shared.step_with(&agent_id, event, &arguments)).unwrap();
            prop_assert_eq!(&step, &expected, "{:?} at {}", event, now_ms);
            if let Answer::Granted(grant) = step.answer {
                grants.push(grant);
            }
            transitions.set(transitions.get() + step.entered(&policy).len());
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(1_000 < transitions.get(), "{transitions:?} transitions are too few to compare by");
}
