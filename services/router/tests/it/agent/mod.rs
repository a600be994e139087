//! A real MCP agent on a real socket that does what a test tells it to, and remembers what it was asked.
//!
//! The protocol is spoken by rmcp's server. Where a test wants an agent that breaks it, the script answers in its place.
//! The folder stands alone, so that other test crates can include it by the path of this file.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

mod handler;
mod server;

const BACKLOG: u32 = 1_024;

/// Which of the forms of the protocol an agent speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// The newest revision: no handshake, no session.
    Newest,
    /// An older revision with a session; answers are event streams.
    Sessions,
    /// An older revision without a session; answers are JSON.
    Json,
}

/// What an agent does with one call.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers with this object as structured content.
    Answer(Value),
    /// Answers with what this makes of the arguments, as structured content.
    Compute(fn(&Value) -> Value),
    /// Answers with these blocks of text.
    Text(Vec<String>),
    /// Says these words one after the other, then answers.
    Speak(Vec<String>, Value),
    /// Answers with this result of `tools/call`, whatever it is.
    Result(Value),
    /// Answers with a JSON-RPC error that carries these data.
    Error(Value),
    /// Answers in an event stream that it then leaves open until it is released.
    Linger(Value),
    /// Answers when it is released.
    Hold(Value),
    /// Never answers.
    Hang,
    /// Breaks the protocol: answers the HTTP request itself.
    Http(u16, Vec<(&'static str, String)>, String),
    /// Takes the call and closes the connection.
    Break,
    /// Answers with these events and no more; who asks for what follows them gets those.
    Resume(String, String),
}

/// One call that an agent was asked to do.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The HTTP headers.
    pub headers: HeaderMap,
    /// The tool's arguments.
    pub arguments: Value,
    /// The body as it came.
    pub body: String,
}

impl Seen {
    /// The value of a header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Everything that an agent has seen.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The calls, in order.
    pub calls: Vec<Seen>,
    /// The methods of all messages, in order; `DELETE` for the end of a session.
    pub methods: Vec<String>,
    /// How many connections were made to it.
    pub connections: usize,
    /// How many calls were taken back while it worked on them.
    pub abandoned: usize,
    /// How many calls it worked on at a time, at most.
    pub busiest: usize,
    busy: usize,
}

/// A running agent; dropping it stops it.
pub struct Agent {
    address: SocketAddr,
    script: Arc<Script>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

struct Script {
    speaks: Speaks,
    plan: Mutex<Plan>,
    memory: watch::Sender<Memory>,
    released: watch::Sender<bool>,
}

struct Plan {
    greetings: VecDeque<Act>,
    calls: VecDeque<Act>,
    otherwise: Act,
    rest: Option<String>,
}

impl Agent {
    /// An agent that answers every call with `content: "ok"`.
    pub async fn start(speaks: Speaks) -> Self {
        Self::on(reserve(), speaks)
    }

    /// The same at an address that was reserved.
    pub fn on(socket: TcpSocket, speaks: Speaks) -> Self {
        let listener = socket.listen(BACKLOG).expect("the socket is bound");
        let address = listener.local_addr().expect("the socket is bound");
        let script = Arc::new(Script {
            speaks,
            plan: Mutex::new(Plan {
                greetings: VecDeque::new(),
                calls: VecDeque::new(),
                otherwise: Act::Answer(json!({"content": "ok", "workflow_complete": false})),
                rest: None,
            }),
            memory: watch::Sender::default(),
            released: watch::Sender::default(),
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(server::serve(listener, script.clone(), stop.clone()));
        Self { address, script, stop, task }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// What it does with the next call that nothing was planned for.
    pub fn next(&self, act: Act) {
        self.script.plan().calls.push_back(act);
    }

    /// How it breaks the protocol at the next message of a handshake that nothing was planned for.
    pub fn greet(&self, act: Act) {
        self.script.plan().greetings.push_back(act);
    }

    /// What it does with every call that nothing was planned for.
    pub fn always(&self, act: Act) {
        self.script.plan().otherwise = act;
    }

    /// Lets the calls go that it holds, and those to come.
    pub fn release(&self) {
        self.script.released.send_replace(true);
    }

    /// What it has seen so far.
    pub fn memory(&self) -> Memory {
        self.script.memory.borrow().clone()
    }

    /// Waits until it has seen enough.
    pub async fn until(&self, enough: impl Fn(&Memory) -> bool) -> Memory {
        let mut memory = self.script.memory.subscribe();
        memory.wait_for(enough).await.expect("the agent keeps its memory").clone()
    }

    /// Stops it and closes its connections; its address refuses from then on.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let _ = (&mut self.task).await;
    }
}

impl Script {
    /// What to do with a message, if the script says anything about it.
    fn take(&self, method: &str) -> Option<Act> {
        let mut plan = self.plan();
        match method {
            "tools/call" => Some(plan.calls.pop_front().unwrap_or_else(|| plan.otherwise.clone())),
            "server/discover" | "initialize" => plan.greetings.pop_front(),
            _ => None,
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().expect("no test panics while it plans")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// An address that refuses connections until an agent starts on it.
pub fn reserve() -> TcpSocket {
    reserve_at("127.0.0.1:0".parse().expect("it is an address"))
}

/// The same for an address where an agent was before.
pub fn reserve_at(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("sockets can be made");
    socket.set_reuseaddr(true).expect("it is a socket");
    socket.bind(address).expect("the port is free");
    socket
}
