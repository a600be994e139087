//! Agents with moods, which write down every call that they billed.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use fleet::{Agent, Call, Definition, Reply};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// How many milliseconds an agent thinks.
const THINKS_MS: std::ops::Range<u64> = 0..250;
/// How long one thinks that has fallen asleep: longer than the mesh waits.
const SLEEPS: Duration = Duration::from_secs(3);
/// The most that one answer costs.
const COST_MAX_MICROS: i64 = 2_000;

/// Who there is, in every run and test.
pub const DESKS: [Definition<'_>; 3] = [
    Definition {
        id: "sales",
        description: "Prices, offers and buying.",
        examples: &["How much is the blue bicycle", "I want to buy a helmet", "What is the price"],
        is_default: false,
        extra: "skills: [sales]\ndomains: [sales]\n",
    },
    Definition {
        id: "support",
        description: "Orders, deliveries, returns and refunds.",
        examples: &["I need help with my order", "Where is my parcel", "I want to return it"],
        is_default: false,
        extra: "skills: [support]\ndomains: [support]\n",
    },
    Definition {
        id: "hello",
        description: "Greets and says what the others do.",
        examples: &["Hello", "Good morning", "Thank you"],
        is_default: true,
        extra: "",
    },
];

/// What an agent wrote down of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// What it says that the call cost; absent when it does not say.
    pub micros: Option<i64>,
    /// The request that it was called for.
    pub request_id: String,
    /// How often it was called under this charge.
    pub calls: u32,
}

type Bills = Arc<Mutex<BTreeMap<String, Bill>>>;

/// All agents, on one socket.
pub(crate) struct Desks {
    address: SocketAddr,
    bills: Bills,
    server: AbortHandle,
}

#[derive(Clone)]
struct Desk {
    id: &'static str,
    seed: u64,
    bills: Bills,
}

impl Drop for Desks {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Desks {
    /// Opens them.
    pub(crate) async fn open(seed: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let bills = Bills::default();
        let mut routes = Router::new();
        for Definition { id, .. } in DESKS {
            let desk = Desk { id, seed, bills: bills.clone() };
            routes = routes.nest(&format!("/{id}"), fleet::routes(desk));
        }
        let server = tokio::spawn(fleet::serve(listener, routes)).abort_handle();
        Ok(Self { address, bills, server })
    }

    /// Where they are.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What they have written down, by charge.
    pub(crate) fn bills(&self) -> BTreeMap<String, Bill> {
        kept(&self.bills).clone()
    }
}

/// Writes the definitions of agents that are served below their ids.
pub fn define(folder: &Path, address: SocketAddr) -> std::io::Result<()> {
    let write =
        |desk: &Definition<'_>| desk.write(folder, &format!("http://{address}/{}/mcp", desk.id));
    DESKS.iter().try_for_each(write)
}

fn kept(bills: &Bills) -> MutexGuard<'_, BTreeMap<String, Bill>> {
    bills.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Agent for Desk {
    fn tools(&self) -> &'static [&'static str] {
        if self.id == "sales" { &["handle_message", "accept_handoff"] } else { &["handle_message"] }
    }

    async fn call(&self, call: Call) -> Reply {
        let mut mood = self.mood(&call);
        tokio::time::sleep(Duration::from_millis(mood.random_range(THINKS_MS))).await;
        if call.tool == "accept_handoff" {
            return Reply::Said(json!({"accepted": mood.random_ratio(9, 10)}));
        }
        let cost = mood.random_range(1..COST_MAX_MICROS);
        let says_cost = mood.random_ratio(9, 10);
        let outcome = mood.random_range(0..100);
        let speaks = 7 <= outcome;
        self.write_down(&call, (speaks && says_cost).then_some(cost));
        match outcome {
            0 | 1 => Reply::Failed,
            2..=4 => Reply::Lost,
            5 | 6 => {
                tokio::time::sleep(SLEEPS).await;
                Reply::Lost
            }
            _ => Reply::Said(self.words(&call, says_cost.then_some(cost), outcome)),
        }
    }
}

impl Desk {
    /// The same for the same words, whenever they are said.
    fn mood(&self, call: &Call) -> StdRng {
        let attempt = call.charge_id.split_once('/').map(|(_, attempt)| attempt);
        let words = call.arguments["raw_input"].as_str();
        let mut hasher = DefaultHasher::new();
        (self.seed, self.id, &call.tool, attempt, words).hash(&mut hasher);
        StdRng::seed_from_u64(hasher.finish())
    }

    fn write_down(&self, call: &Call, micros: Option<i64>) {
        let request_id = call.arguments["request_id"].as_str().unwrap_or_default().to_owned();
        let mut bills = kept(&self.bills);
        let bill = bills.entry(call.charge_id.clone());
        bill.or_insert(Bill { micros, request_id, calls: 0 }).calls += 1;
    }

    /// Every answer can be told from every other by its charge.
    fn words(&self, call: &Call, cost_micros: Option<i64>, outcome: u32) -> Value {
        let mut answer = json!({
            "content": format!("{} {}", self.id, call.charge_id),
            "workflow_complete": outcome == 99,
            "workflow_state": {"last": call.charge_id},
        });
        if let Some(micros) = cost_micros {
            let usd = format!("0.{micros:06}");
            let usd: serde_json::Number = usd.parse().expect("it is a number");
            answer["usage"] = json!({"input_tokens": 10, "output_tokens": 10, "cost_usd": usd});
        }
        if (85..95).contains(&outcome) {
            let other = if self.id == "sales" { "support" } else { "sales" };
            answer["handoff"] = json!({"reason": "they know better", "target_agent": other});
        }
        answer
    }
}
