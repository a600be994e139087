//! Agents that can be held before they answer, and that remember what they billed and were told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use chaos::agents::{Bill, DESKS};
use fleet::{Agent, Call, Reply};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::trap::Trap;

/// What every answer costs.
const MICROS: i64 = 1_000;

/// All agents, on one socket.
pub(crate) struct Desks {
    /// Where they are.
    pub(crate) address: SocketAddr,
    book: Arc<Mutex<Book>>,
    server: AbortHandle,
}

#[derive(Default)]
struct Book {
    bills: BTreeMap<String, Bill>,
    calls: Vec<Value>,
}

#[derive(Clone)]
struct Desk {
    id: &'static str,
    /// Whether `support` passes everybody on to `sales`.
    passes_on: bool,
    trap: Arc<Trap>,
    book: Arc<Mutex<Book>>,
}

impl Drop for Desks {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Desks {
    pub(crate) async fn open(trap: &Arc<Trap>, passes_on: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let book = Arc::<Mutex<Book>>::default();
        let mut routes = Router::new();
        for id in DESKS.map(|desk| desk.id) {
            let desk = Desk { id, passes_on, trap: trap.clone(), book: book.clone() };
            routes = routes.nest(&format!("/{id}"), fleet::routes(desk));
        }
        let server = tokio::spawn(fleet::serve(listener, routes)).abort_handle();
        Self { address, book, server }
    }

    /// What they billed, by charge.
    pub(crate) fn bills(&self) -> BTreeMap<String, Bill> {
        self.book.lock().unwrap().bills.clone()
    }

    /// The arguments of all calls, in order.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.book.lock().unwrap().calls.clone()
    }
}

impl Agent for Desk {
    fn tools(&self) -> &'static [&'static str] {
        &["handle_message", "accept_handoff"]
    }

    async fn greet(&self) {
        self.trap.pass(&format!("{} initialize", self.id)).await;
    }

    async fn call(&self, call: Call) -> Reply {
        let at = format!("{} {}", self.id, call.tool);
        if call.tool == "accept_handoff" {
            self.trap.pass(&at).await;
            return Reply::Said(json!({"accepted": true}));
        }
        self.write_down(&call);
        self.trap.pass(&at).await;
        let mut answer = json!({
            "content": format!("{} {}", self.id, call.charge_id),
            "workflow_complete": false,
            "usage": {"input_tokens": 10, "output_tokens": 10, "cost_usd": 0.001}
        });
        if self.passes_on && self.id == "support" {
            answer["handoff"] = json!({"reason": "they know better", "target_agent": "sales"});
        }
        Reply::Said(answer)
    }
}

impl Desk {
    fn write_down(&self, call: &Call) {
        let request_id = call.arguments["request_id"].as_str().unwrap().to_owned();
        let mut book = self.book.lock().unwrap();
        let bill = book.bills.entry(call.charge_id.clone());
        bill.or_insert(Bill { micros: Some(MICROS), request_id, calls: 0 }).calls += 1;
        book.calls.push(call.arguments.clone());
    }
}
