//! Many callers at once on two instances, while somebody adds everything up again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use chassis::Database;

use crate::audit::audit;
use crate::till::{Till, plain, scope};

const CALLERS: u64 = 24;
const ROUNDS: u64 = 20;
const USERS: u64 = 3;
const ORG_LIMIT: i64 = 1_000_000;
const USER_LIMIT: i64 = 400_000;

/// A number that looks random and is the same in every run.
fn dice(caller: u64, round: u64, salt: u64) -> u64 {
    let mixed = (caller << 40 ^ round << 20 ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33
}

fn amount(number: u64, below: u64) -> i64 {
    i64::try_from(number % below).unwrap()
}

/// One caller: reserves, often twice at once on both instances, then settles, gives back, or forgets.
async fn call(tills: [Till; 2], caller: u64, billed: Arc<AtomicI64>) -> Vec<String> {
    let mut forgotten = Vec::new();
    for round in 0..ROUNDS {
        let charge = format!("{caller}/{round}");
        let user = format!("u{}", dice(caller, round, 1) % USERS);
        let scopes = [scope("org", "mesh"), scope("user", &user), scope("session", &charge)];
        let held = amount(dice(caller, round, 2), 30_000);
        let ask = tills[0].ask(&charge, &scopes, held);
        let (first, second) =
            tokio::join!(tills[0].reserve(ask.clone()), tills[1].reserve(ask.clone()));
        let (first, second) = (first.unwrap(), second.unwrap());
        // A denial holds nothing, so that the other of two may come later to freed money.
        if first.allowed && second.allowed {
            assert_eq!(first, second, "a charge has one answer");
        }
        if !first.allowed && !second.allowed {
            continue;
        }
        let till = &tills[usize::from(dice(caller, round, 3).is_multiple_of(2))];
        match dice(caller, round, 4) % 4 {
            0 => assert_eq!(till.release(&charge).await.unwrap().state, "released"),
            1 => forgotten.push(charge),
            _ => {
                let actual = amount(dice(caller, round, 5), u64::try_from(held).unwrap() + 1);
                let bill = till.bill(&charge, Some(actual));
                let both = tokio::join!(till.settle(bill.clone()), tills[0].settle(bill));
                assert_eq!(both.0.unwrap().actual_micros, actual);
                assert_eq!(both.1.unwrap().actual_micros, actual);
                billed.fetch_add(actual, Ordering::Relaxed);
            }
        }
    }
    forgotten
}

/// As long as no call costs more than was held, no account is ever beyond its cap.
async fn watch(database: &Database, tenant: &str, is_over: &AtomicBool) -> usize {
    let mut audits = 0;
    while !is_over.load(Ordering::Relaxed) {
        for ((scope, period), (spent, reserved)) in audit(database, tenant).await {
            let cap = match scope.split_once('/').unwrap().0 {
                "org" => ORG_LIMIT,
                "user" => USER_LIMIT,
                _ => i64::MAX,
            };
            assert!(spent + reserved <= cap, "{scope} in {period}: {spent} + {reserved}");
        }
        audits += 1;
    }
    audits
}

async fn prove(database: &Database) {
    let first = Till::open(database, &[]).await;
    let second = Till::open(database, &[("BUDGET_BATCH_MAX", "7")]).await.of(&first.tenant);
    first.put(scope("org", "mesh"), ORG_LIMIT, plain()).await.unwrap();
    first.put(scope("user", "*"), USER_LIMIT, plain()).await.unwrap();
    let (billed, is_over) = (Arc::new(AtomicI64::new(0)), AtomicBool::new(false));
    let callers = (0..CALLERS).map(|caller| {
        let tills = if caller % 2 == 0 {
            [first.clone(), second.clone()]
        } else {
            [second.clone(), first.clone()]
        };
        call(tills, caller, billed.clone())
    });
    let work = async {
        let forgotten = futures::future::join_all(callers).await;
        is_over.store(true, Ordering::Relaxed);
        forgotten
    };
    let (forgotten, audits) = tokio::join!(work, watch(database, &first.tenant, &is_over));
    assert!(0 < audits, "nobody looked while the crowd was there");
    for charge in forgotten.into_iter().flatten() {
        let settled = second.settle(second.bill(&charge, None)).await.unwrap();
        billed.fetch_add(settled.actual_micros, Ordering::Relaxed);
    }
    let spent = first.account(scope("org", "mesh")).await;
    assert_eq!(spent, (billed.load(Ordering::Relaxed), 0), "spent is what was billed");
    assert!(ORG_LIMIT / 2 < spent.0, "the crowd was too small to reach the limit: {spent:?}");
    audit(database, &first.tenant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_on_sqlite_never_passes_a_cap_and_every_sum_is_right() {
    prove(&chassis::testing::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_on_postgres_never_passes_a_cap_and_every_sum_is_right() {
    prove(&chassis::testing::postgres().await).await;
}
