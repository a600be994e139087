//! A budget process that is killed under load, again and again: nothing is lost, nothing is counted twice.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chassis::config::Environment;
use chassis::{Database, Life, Link};
use proto::v1::Decision;
use proto::v1::budget_client::BudgetClient;
use tokio::sync::Notify;

use crate::audit::audit;
use crate::till::{Till, plain, scope};

const KILLS: usize = 5;
/// For those who have minutes: cargo nextest run -p budget --run-ignored all fifty
const KILLS_LONG: usize = 50;
const CALLERS: usize = 8;
/// Answers between two kills.
const ANSWERS: usize = 60;
/// What may be spent for each kill: less than the callers ask for in that time.
const LIMIT_PER_KILL: i64 = 25_000;
/// For each kill.
const PATIENCE: Duration = Duration::from_secs(20);

/// The budget as a process, on the same store and port whenever it starts.
struct Shop {
    settings: Vec<(&'static str, String)>,
    process: Child,
}

impl Shop {
    fn open(settings: Vec<(&'static str, String)>) -> Self {
        let process = start(&settings);
        Self { settings, process }
    }

    /// kill -9, and a new process in its place.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = start(&self.settings);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(settings: &[(&'static str, String)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_budget"))
        .env_clear()
        .envs(chassis::testing::coverage())
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .current_dir(chassis::testing::folder())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn settings(address: &str, store: (&'static str, String)) -> Vec<(&'static str, String)> {
    vec![
        ("MESH_ENV", "test".to_owned()),
        ("GRPC_LISTEN", address.to_owned()),
        ("ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("BUDGET_SWEEP_INTERVAL_MS", "100".to_owned()),
        store,
    ]
}

fn customer(address: &str) -> Till {
    let mut env = Environment::of([("AT", format!("http://{address}"))]);
    let client = BudgetClient::new(Link::remote(&env.url("AT").unwrap(), None));
    Till { client, tenant: "crash".to_owned(), life: Life::new() }
}

/// How often the budget has answered.
#[derive(Default)]
struct Answers {
    so_far: AtomicUsize,
    more: Notify,
}

impl Answers {
    fn count(&self) {
        self.so_far.fetch_add(1, Ordering::Relaxed);
        self.more.notify_one();
    }
}

/// Repeats a call until it is answered, as the router does.
async fn insist<T, F: Future<Output = Result<T, String>>>(call: impl Fn() -> F) -> T {
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(code) => {
                let is_passing =
                    ["dependency_unavailable", "budget_unavailable", "turn_timeout", "internal"];
                assert!(is_passing.contains(&code.as_str()), "{code}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

fn within_the_cap(decision: &Decision) {
    for seat in &decision.scopes {
        let after = seat.spent_micros + seat.reserved_micros + decision.reserved_micros;
        assert!(after <= seat.limit_micros, "admitted beyond the cap: {decision:?}");
    }
}

/// Calls an agent over and over, which bills up to three times what was held, sometimes when the hold is over, and
/// sometimes twice; gives what it billed.
async fn call(till: &Till, caller: usize, answers: &Answers, is_over: &AtomicBool) -> i64 {
    let mut billed = 0;
    for round in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return billed;
        }
        let charge = format!("{caller}/{round}");
        let held = 500 + i64::try_from((caller * 31 + round * 17) % 1_000).unwrap();
        let scopes = [scope("org", "mesh"), scope("session", &charge)];
        let mut ask = till.ask(&charge, &scopes, held);
        ask.ttl_ms = if round % 5 == 0 { 1 } else { ask.ttl_ms };
        let decision = insist(|| till.reserve(ask.clone())).await;
        answers.count();
        if !decision.allowed {
            continue;
        }
        within_the_cap(&decision);
        let actual = held * i64::try_from(round % 4).unwrap();
        let settle = || insist(|| till.settle(till.bill(&charge, Some(actual))));
        let settled = if round % 3 == 0 {
            let (settled, again) = tokio::join!(settle(), settle());
            assert_eq!(settled.actual_micros, again.actual_micros, "it is charged once");
            settled
        } else {
            settle().await
        };
        answers.count();
        assert_eq!((settled.state.as_str(), settled.actual_micros), ("settled", actual));
        billed += actual;
    }
    billed
}

/// Kills one process after the other under load; gives what the agents have billed.
async fn survive(addresses: &[String], shops: &mut [Shop], kills: usize) -> i64 {
    let tills: Vec<_> = addresses.iter().map(|address| customer(address)).collect();
    let org = || scope("org", "mesh");
    let limit = LIMIT_PER_KILL * i64::try_from(kills).unwrap();
    insist(|| tills[0].put(org(), limit, plain())).await;
    let (answers, is_over) = (Answers::default(), AtomicBool::new(false));
    let callers =
        (0..CALLERS).map(|caller| call(&tills[caller % tills.len()], caller, &answers, &is_over));
    let killer = async {
        for kill in 1..=kills {
            while answers.so_far.load(Ordering::Relaxed) < kill * ANSWERS {
                answers.more.notified().await;
            }
            shops[kill % addresses.len()].kill();
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let work = async { tokio::join!(futures::future::join_all(callers), killer) };
    let patience = PATIENCE * u32::try_from(kills).unwrap();
    let (billed, ()) = tokio::time::timeout(patience, work).await.expect("it comes back each time");
    let billed = billed.iter().sum();
    let account = insist(|| tills[0].view(org())).await.account.unwrap();
    assert_eq!((account.spent_micros, account.reserved_micros), (billed, 0));
    assert!(limit / 2 < billed, "the callers were too few to come near the limit: {billed}");
    let ledger = tills[0].ledger(1_000).await;
    let of_org = ledger.iter().filter(|entry| entry.scope == Some(org()));
    assert_eq!(of_org.map(|entry| entry.amount_micros).sum::<i64>(), billed);
    billed
}

async fn prove(database: &Database, billed: i64) {
    let standing = audit(database, "crash").await;
    let key = ("org/mesh".to_owned(), "none".to_owned());
    assert_eq!(standing[&key], (billed, 0));
}

async fn on_sqlite(kills: usize) {
    let address = free_address();
    let file = chassis::testing::folder().join("mesh.db");
    let store = ("MESH_DB_PATH", file.to_str().unwrap().to_owned());
    let mut shops = [Shop::open(settings(&address, store))];
    let billed = survive(&[address], &mut shops, kills).await;
    drop(shops);
    prove(&Database::sqlite(&file).await.unwrap(), billed).await;
}

/// Two replicas, killed in turn.
async fn on_postgres(kills: usize) {
    let addresses = [free_address(), free_address()];
    let url = chassis::testing::postgres_url().await;
    let open = |address: &String| Shop::open(settings(address, ("DATABASE_URL", url.clone())));
    let mut shops: Vec<_> = addresses.iter().map(open).collect();
    let billed = survive(&addresses, &mut shops, kills).await;
    drop(shops);
    prove(&Database::postgres(&url, 2).await.unwrap(), billed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_on_sqlite_forgets_nothing() {
    on_sqlite(KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_replicas_on_postgres_forget_nothing() {
    on_postgres(KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_process_killed_fifty_times_on_sqlite_forgets_nothing() {
    on_sqlite(KILLS_LONG).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn replicas_killed_fifty_times_on_postgres_forget_nothing() {
    on_postgres(KILLS_LONG).await;
}
