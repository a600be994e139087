//! A scripted agent: a real MCP server on a real socket that does what the scenario says and remembers its calls.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

mod door;
mod handler;

/// How long a scenario waits for a call.
const LIMIT: Duration = Duration::from_secs(20);

/// What an agent does with one call.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers with this reply.
    Reply(Value),
    /// Says these parts as progress, then answers.
    Stream(Vec<String>, Value),
    /// Answers with plain text.
    Text(String),
    /// Reports a tool error with this text.
    Fail(String),
    /// Answers once the scenario lets it.
    Hold(Value),
    /// Never answers.
    Hang,
    /// Turns the call away at the door: 503, and that it may come back at once.
    TurnAway,
    /// Takes the call and loses the connection.
    Break,
}

/// What an agent says when a conversation is offered to it.
#[derive(Clone, Debug)]
pub(crate) enum Offer {
    /// It takes over.
    Accept,
    /// It does not, for this reason.
    Refuse(&'static str),
    /// Something that is no answer.
    Babble,
    /// Nothing, ever.
    Hang,
}

/// One call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The arguments of `handle_message`.
    pub(crate) arguments: Value,
    /// The header `Idempotency-Key`.
    pub(crate) charge_id: String,
    /// The header `X-Request-Id`.
    pub(crate) request_id: String,
}

struct Script {
    next: Mutex<VecDeque<Act>>,
    calls: Mutex<Vec<Call>>,
    called: Notify,
    released: Semaphore,
    knocks: Mutex<Vec<String>>,
    offers: Mutex<Option<VecDeque<Offer>>>,
    offered: Mutex<Vec<Value>>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            next: Mutex::default(),
            calls: Mutex::default(),
            called: Notify::new(),
            released: Semaphore::new(0),
            knocks: Mutex::default(),
            offers: Mutex::default(),
            offered: Mutex::default(),
        }
    }
}

/// A running agent.
pub(crate) struct Agent {
    /// Its id.
    pub(crate) id: String,
    socket: Mutex<Option<TcpSocket>>,
    authority: String,
    extra: String,
    script: Arc<Script>,
    stop: CancellationToken,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Agent {
    /// Starts an agent that answers every call in its own name.
    pub(crate) async fn start(id: &str) -> Self {
        let agent = Self::late(id);
        agent.open();
        agent
    }

    /// An agent whose port refuses connections until it is opened.
    pub(crate) fn late(id: &str) -> Self {
        let (socket, address) = door::reserve();
        let (script, stop) = (Arc::default(), CancellationToken::new());
        let (id, socket) = (id.to_owned(), Mutex::new(Some(socket)));
        let (authority, extra) = (address.to_string(), String::new());
        Self { id, authority, socket, extra, script, stop }
    }

    /// Lets it accept connections.
    pub(crate) fn open(&self) {
        let socket = self.socket.lock().unwrap().take().expect("it is opened once");
        door::open(socket, &self.id, self.script.clone(), self.stop.clone());
    }

    /// Adds lines to the definition.
    pub(crate) fn defined_with(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self
    }

    /// Lets the definition name another host and port than its own.
    pub(crate) fn defined_at(mut self, authority: &str) -> Self {
        authority.clone_into(&mut self.authority);
        self
    }

    /// What the next calls do, in order; after them the agent answers in its own name again.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.next.lock().unwrap().extend(acts);
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.script.calls.lock().unwrap().clone()
    }

    /// The charge ids of the calls that came no further than the door.
    pub(crate) fn knocks(&self) -> Vec<String> {
        self.script.knocks.lock().unwrap().clone()
    }

    /// Lets it list the tool `accept_handoff`. What it says to the next offers, in order; then it accepts them.
    pub(crate) fn offers(&self, offers: impl IntoIterator<Item = Offer>) {
        self.script.offers.lock().unwrap().get_or_insert_default().extend(offers);
    }

    /// The arguments of all offers so far.
    pub(crate) fn offered(&self) -> Vec<Value> {
        self.script.offered.lock().unwrap().clone()
    }

    /// Resolves when so many calls have arrived.
    pub(crate) async fn called(&self, times: usize) -> Vec<Call> {
        let arrived = async {
            loop {
                let notified = self.script.called.notified();
                let calls = self.calls();
                if times <= calls.len() {
                    return calls;
                }
                notified.await;
            }
        };
        tokio::time::timeout(LIMIT, arrived).await.expect("the calls arrive")
    }

    /// Lets one held call answer, the next one if none is held yet.
    pub(crate) fn release(&self) {
        self.script.released.add_permits(1);
    }

    /// Ends the agent: its port refuses connections from now on.
    pub(crate) fn end(&self) {
        self.stop.cancel();
    }

    /// Its definition file.
    pub(crate) fn definition(&self) -> String {
        let (description, examples, is_default) = match self.id.as_str() {
            "sales" => ("Prices, offers and buying.", SALES, false),
            "support" => ("Orders, deliveries, returns and refunds.", SUPPORT, false),
            "booking" => ("Books, moves and cancels appointments.", BOOKING, false),
            "hello" => ("Greets and says what the others do.", HELLO, true),
            _ => ("Decides what nobody else may decide.", LEAD, false),
        };
        let Self { id, authority, extra, .. } = self;
        let threshold = match (is_default, extra.contains("confidence_threshold:")) {
            (_, true) => String::new(),
            (true, false) => "confidence_threshold: 0\n".to_owned(),
            (false, false) => "confidence_threshold: 0.6\n".to_owned(),
        };
        let clarification = !is_default;
        let examples = serde_json::to_string(examples).unwrap();
        let skills = if extra.contains("skills:") {
            String::new()
        } else {
            format!("skills: [{id}]\ndomains: [{id}]\n")
        };
        format!(
            "agent_id: {id}\ndisplay_name: The {id} desk\ndescription: {description}\ntype: mcp\n\
             endpoint: http://{authority}/mcp\nis_default: {is_default}\n\
             {threshold}clarification_required: {clarification}\n\
             examples: {examples}\nlanguages: [en]\n{skills}{extra}"
        )
    }
}

const SALES: &[&str] = &[
    "How much does the blue bicycle cost?",
    "I want to buy a helmet",
    "What is the price of a new tyre?",
    "Do you have a discount on lights?",
    "Which bike is cheaper?",
    "Send me a quote for two bikes",
];
const SUPPORT: &[&str] = &[
    "I need help with my order",
    "Where is my parcel?",
    "I want a refund",
    "My delivery is late",
    "The item arrived broken",
    "How do I return what I ordered?",
];
const BOOKING: &[&str] = &[
    "I want to book an appointment tomorrow",
    "Can I come in on Friday at 3 pm?",
    "Move my visit to Monday",
    "Cancel my appointment",
    "Book a repair slot",
    "Is there a free time this week?",
];
const LEAD: &[&str] = &["I have a complaint about your staff"];
const HELLO: &[&str] = &["Hello", "Good morning", "Thank you", "What can you do?"];
