//! The shipped shop at a fixed moment, and a customer who talks to its desks.

use std::path::Path;
use std::sync::Arc;

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::booking::diary::Diary;
use crate::business::Business;
use crate::desks::Desks;
use crate::message::Message;
use crate::reply::Reply;
use crate::topic::Desk;

/// A Saturday morning, when the shop is open.
pub(crate) const NOW: DateTime = date(2026, 11, 21).at(11, 0, 0, 0);

/// The shop whose files ship with the program.
pub(crate) fn business() -> Business {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../business");
    Business::load(&folder).expect("the shipped files are valid")
}

/// The desks with a diary of their own, and the folder that it lies in.
pub(crate) struct House {
    pub(crate) desks: Arc<Desks>,
    pub(crate) folder: TempDir,
}

impl House {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { desks: desks(&folder).await, folder }
    }

    /// The same house after its process was started again.
    pub(crate) async fn reopen(self) -> Self {
        let Self { desks: before, folder } = self;
        drop(before);
        Self { desks: desks(&folder).await, folder }
    }

    pub(crate) fn customer(&self, name: &str) -> Customer {
        let customer = name.to_owned();
        Customer {
            desks: self.desks.clone(),
            name: customer,
            turns: 0,
            states: Map::new(),
            extra: json!({}),
        }
    }
}

async fn desks(folder: &TempDir) -> Arc<Desks> {
    let diary = Diary::open(&folder.path().join("desk.db")).await.expect("a diary");
    Arc::new(Desks::new(business(), diary))
}

/// A customer with one session, whose states the mesh would keep.
pub(crate) struct Customer {
    pub(crate) desks: Arc<Desks>,
    name: String,
    turns: usize,
    states: Map<String, Value>,
    /// Further arguments of every call.
    pub(crate) extra: Value,
}

impl Customer {
    /// Says something to a desk, as a turn of its own.
    pub(crate) async fn say(&mut self, desk: Desk, text: &str) -> Reply {
        self.turns += 1;
        let message = self.message(desk, text);
        let reply = self.send(desk, &message).await;
        self.states.insert(desk.id().to_owned(), Value::Object(reply.workflow_state.clone()));
        reply
    }

    /// The message of this turn.
    pub(crate) fn message(&self, desk: Desk, text: &str) -> Message {
        let state = self.states.get(desk.id()).cloned().unwrap_or_else(|| json!({}));
        let mut arguments = json!({
            "session_id": format!("session of {}", self.name), "request_id": format!("turn {}", self.turns),
            "employee_id": self.name, "display_name": self.name, "raw_input": text, "workflow_state": state,
        });
        let extra = self.extra.as_object().cloned().unwrap_or_default();
        arguments.as_object_mut().expect("an object").extend(extra);
        serde_json::from_value(arguments).expect("the message is valid")
    }

    pub(crate) async fn send(&self, desk: Desk, message: &Message) -> Reply {
        let zone = TimeZone::get("Europe/Dublin").expect("a zone");
        let now_ms = NOW.to_zoned(zone).expect("a moment").timestamp().as_millisecond();
        self.desks.answer(desk, message, now_ms).await.expect("an answer")
    }
}
