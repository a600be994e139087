//! What the peers say unless a test tells them otherwise: a router with sessions of its own, and two agents.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chassis::fault::{Fault, Kind};
use proto::v1::turn_event::Event;
use proto::v1::{
    Accepted, Agent, AgentState, BudgetHeaders, Context, ConverseRequest, Delta, GetAgentRequest,
    GetAgentResponse, GetSessionRequest, GetStatusRequest, GetStatusResponse, ListAgentsRequest,
    ListBreakersRequest, ListBreakersResponse, ListBudgetsRequest, ListBudgetsResponse,
    ListHandoffsRequest, ListHandoffsResponse, ListSessionsRequest, ListSessionsResponse,
    Result as TurnResult, Routed, Scope, Session, Snapshot, TurnError, TurnEvent,
};
use tokio::sync::mpsc;
use tonic::Status;
use uuid::Uuid;

use crate::peer::{Peer, Told};

type Owner = (String, String);
/// Whose a session is, and the key under which a client made it.
type Known = (Owner, Option<String>);

/// The sessions of the scripted router.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<String, Known>>>);

impl Sessions {
    /// The session that the owner calls by this name; `Err` when it is somebody else's.
    fn find(&self, owner: &Owner, name: &str) -> Result<Option<String>, Status> {
        let sessions = self.0.lock().unwrap();
        if let Some((other, _)) = sessions.get(name) {
            return if other == owner { Ok(Some(name.to_owned())) } else { Err(missing()) };
        }
        let is_it = |(own, key): &Known| own == owner && key.as_deref() == Some(name);
        Ok(sessions.iter().find(|(_, session)| is_it(session)).map(|(id, _)| id.clone()))
    }

    fn newest(&self, owner: &Owner) -> Option<String> {
        let sessions = self.0.lock().unwrap();
        sessions.iter().find(|(_, (own, _))| own == owner).map(|(id, _)| id.clone())
    }

    fn create(&self, owner: &Owner, key: Option<&str>) -> String {
        let id = Uuid::new_v4().to_string();
        self.0.lock().unwrap().insert(id.clone(), (owner.clone(), key.map(str::to_owned)));
        id
    }
}

fn missing() -> Status {
    Fault::new(Kind::Missing, "session_not_found", "no such session").into()
}

pub(crate) fn owner(context: Option<&Context>) -> Owner {
    let context = context.expect("every call has a context");
    (context.tenant.clone(), context.user_id.clone())
}

/// A turn that waits for what a test lets it say.
pub(crate) struct Turn {
    pub(crate) request: ConverseRequest,
    pub(crate) session_id: String,
    pub(crate) session_new: bool,
    told: Told,
    seq: u64,
}

impl Turn {
    pub(crate) fn request_id(&self) -> &str {
        &self.request.context.as_ref().unwrap().request_id
    }

    /// Tells an event.
    pub(crate) fn tell(&mut self, event: Event) {
        let event = TurnEvent {
            request_id: self.request_id().to_owned(),
            seq: self.seq,
            session_id: self.session_id.clone(),
            replay: false,
            event: Some(event),
        };
        self.seq += 1;
        self.told.say(&event);
    }

    pub(crate) fn accept(&mut self) {
        let accepted = Accepted {
            request_id: self.request_id().to_owned(),
            session_id: self.session_id.clone(),
            session_new: self.session_new,
            turn_seq: 1,
            session_ref: self.request.session_ref.clone().unwrap_or_default(),
        };
        self.tell(Event::Accepted(accepted));
    }

    pub(crate) fn delta(&mut self, text: &str) {
        let delta =
            Delta { agent_id: "support".to_owned(), text: text.to_owned(), ..Delta::default() };
        self.tell(Event::Delta(delta));
    }

    pub(crate) fn result(&mut self) {
        let body_json = body_of(&self.request, &self.session_id);
        self.tell(Event::Result(TurnResult { body_json, budget: Some(budget()) }));
    }

    pub(crate) fn error(&mut self, code: &str) {
        self.tell(Event::Error(TurnError { code: code.to_owned(), ..TurnError::default() }));
    }

    /// Breaks off as when the router dies.
    pub(crate) fn die(self) {
        self.told.fail(Status::unknown("h2 protocol error: broken pipe"));
    }
}

/// An answer that shows what the router was asked; its numbers and spaces must come through as they are.
pub(crate) fn body_of(request: &ConverseRequest, session_id: &str) -> String {
    let context = request.context.as_ref().unwrap();
    format!(
        r#"{{"type":"answer", "request_id":"{}","session_id":"{session_id}","response":{},"cost_usd":0.000360}}"#,
        context.request_id,
        serde_json::to_string(&request.input).unwrap(),
    )
}

pub(crate) fn budget() -> BudgetHeaders {
    BudgetHeaders {
        scope: Some(Scope { r#type: "user".to_owned(), key: "anna".to_owned() }),
        limit_micros: 10_000_000,
        spent_micros: 360,
        remaining_micros: 9_999_640,
        status: "active".to_owned(),
        ..BudgetHeaders::default()
    }
}

/// A router that answers every message at once.
pub(crate) fn answering(router: &Peer, sessions: &Sessions) {
    let sessions = sessions.clone();
    router.stream("Router/Converse", move |request, told| {
        let mut turn = begin(&sessions, request, told)?;
        turn.accept();
        let routed = Routed {
            agent_id: "support".to_owned(),
            action: "route".to_owned(),
            reason: String::new(),
        };
        turn.tell(Event::Routed(routed));
        turn.result();
        Ok(())
    });
}

/// A router that hands each turn to the test.
pub(crate) fn waiting(router: &Peer, sessions: &Sessions) -> mpsc::UnboundedReceiver<Turn> {
    let (sender, turns) = mpsc::unbounded_channel();
    let sessions = sessions.clone();
    router.stream("Router/Converse", move |request, told| {
        let _ = sender.send(begin(&sessions, request, told)?);
        Ok(())
    });
    turns
}

fn begin(sessions: &Sessions, request: ConverseRequest, told: Told) -> Result<Turn, Status> {
    let owner = owner(request.context.as_ref());
    let name = request.session_ref.as_deref();
    let known = match name {
        _ if request.anonymous => None,
        Some(name) => sessions.find(&owner, name)?,
        None => sessions.newest(&owner),
    };
    let session_new = known.is_none();
    let session_id = known.unwrap_or_else(|| sessions.create(&owner, name));
    Ok(Turn { request, session_id, session_new, told, seq: 0 })
}

/// A router that knows its sessions and answers every message.
pub(crate) fn router() -> (Peer, Sessions) {
    let (router, sessions) = (Peer::default(), Sessions::default());
    answering(&router, &sessions);
    let known = sessions.clone();
    router.on("Router/GetSession", move |request: GetSessionRequest| {
        let found = known.find(&owner(request.context.as_ref()), &request.session_id);
        match found? {
            None if request.by_reference => Ok(Session::default()),
            None => Err(missing()),
            Some(session_id) => {
                Ok(Session { session_id, status: "active".to_owned(), ..Session::default() })
            }
        }
    });
    let known = sessions.clone();
    router.on("Router/ListSessions", move |request: ListSessionsRequest| {
        let newest = known.newest(&owner(request.context.as_ref()));
        let session = |session_id| Session { session_id, ..Session::default() };
        let sessions = newest.into_iter().map(session).collect();
        Ok(ListSessionsResponse { sessions, next_cursor: String::new() })
    });
    router.on("Router/ListBreakers", |_: ListBreakersRequest| Ok(ListBreakersResponse::default()));
    (router, sessions)
}

fn agent(id: &str, is_default: bool) -> AgentState {
    let agent = Agent { agent_id: id.to_owned(), is_default, ..Agent::default() };
    AgentState { agent: Some(agent), availability: "available".to_owned(), load: 2 }
}

pub(crate) fn registry() -> Peer {
    let registry = Peer::default();
    registry.on("Registry/ListAgents", |_: ListAgentsRequest| {
        let agents = vec![agent("hello", true), agent("support", false)];
        Ok(Snapshot { generation: 7, default_agent_id: "hello".to_owned(), agents })
    });
    registry.on("Registry/GetAgent", |request: GetAgentRequest| {
        if request.agent_id != "support" {
            let fault = Fault::new(Kind::Missing, "agent_not_found", "no such agent");
            return Err(fault.field("agent_id", request.agent_id).into());
        }
        Ok(GetAgentResponse { state: Some(agent("support", false)), generation: 7 })
    });
    registry
}

pub(crate) fn budgets() -> Peer {
    let budget = Peer::default();
    budget.on("Budget/ListBudgets", |_: ListBudgetsRequest| Ok(ListBudgetsResponse::default()));
    budget
}

pub(crate) fn classifier() -> Peer {
    let classifier = Peer::default();
    classifier.on("Classifier/GetStatus", |_: GetStatusRequest| {
        Ok(GetStatusResponse { mode: "local".to_owned(), ..GetStatusResponse::default() })
    });
    classifier
}

pub(crate) fn handoffs() -> Peer {
    let handoff = Peer::default();
    handoff
        .on("Handoff/ListHandoffs", |_: ListHandoffsRequest| Ok(ListHandoffsResponse::default()));
    handoff
}
