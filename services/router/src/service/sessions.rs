use chassis::clock;
use proto::v1::{
    AppendTurnRequest, AppendTurnResponse, CloseSessionRequest, CloseSessionResponse,
    CreateSessionRequest, GetSessionRequest, ListSessionsRequest, ListSessionsResponse,
    ResumeSessionRequest, ResumeSessionResponse, Session as SessionView,
    UpdateWorkflowStateRequest, UpdateWorkflowStateResponse,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Service, possible, view};
use crate::error::Error;
use crate::session::{Profile, Reference, Session, Status};
use crate::store::{Closed, Filter, NewEntry, Resumed, Role};
use crate::turn::{kept, owner_of};

const LIST_DEFAULT: i64 = 20;
const LIST_MAX: i64 = 100;
const CONTENT_CHARS_MAX: usize = 1_048_576;

impl Service {
    /// A new session; the request id names it, so that a repeated request finds it again.
    pub(super) async fn create(&self, request: CreateSessionRequest) -> Result<SessionView, Error> {
        let context = request.context.unwrap_or_default();
        let owner = owner_of(&context)?;
        let now_ms = clock::now_ms();
        let or = |given: &str, other: &str| match kept(given) {
            given if given.is_empty() => other.to_owned(),
            given => given,
        };
        let employee_id = or(&request.employee_id, &owner.user_id);
        let session_id = Uuid::new_v4().to_string();
        let mut session = Session {
            session_id: session_id.clone(),
            external_key: match context.request_id.as_str() {
                "" => session_id.clone(),
                request_id => request_id.to_owned(),
            },
            profile: Profile { display_name: or(&request.display_name, &employee_id), employee_id },
            language: kept(&request.detected_language),
            intent_summary: kept(&request.intent_summary),
            version: 1,
            created_ms: now_ms,
            metadata_json: "{}".to_owned(),
            owner,
            ..Session::default()
        };
        session.touch(now_ms, self.engine.config.session.ttl_ms);
        let stored = self.engine.store.create(&session).await?;
        if stored.session_id == session.session_id {
            let session_id = &stored.session_id;
            tracing::info!(
                audit = true,
                event_type = "session.created",
                session_id,
                outcome = "success",
                "a session was made"
            );
        }
        self.shown(&stored).await
    }

    pub(super) async fn get(&self, request: GetSessionRequest) -> Result<SessionView, Error> {
        possible(&request.session_id, Error::SessionNotFound)?;
        let context = request.context.unwrap_or_default();
        let session = if request.by_reference {
            let reference = Reference::of(Some(request.session_id));
            self.engine.store.find(&owner_of(&context)?, &reference, clock::now_ms()).await?
        } else {
            let user_id = (!request.any_owner).then_some(context.user_id.as_str());
            self.engine.store.session(&context.tenant, user_id, &request.session_id).await?
        };
        self.shown(&session).await
    }

    pub(super) async fn list(
        &self,
        request: ListSessionsRequest,
    ) -> Result<ListSessionsResponse, Error> {
        let owner = owner_of(&request.context.unwrap_or_default())?;
        let limit = match request.limit {
            0 => LIST_DEFAULT,
            limit if (1..=LIST_MAX).contains(&limit) => limit,
            _ => return Err(Error::field("limit", "is not 1 to 100")),
        };
        let status = match request.status.as_str() {
            "" => None,
            name => Some(
                Status::from_name(name).ok_or_else(|| Error::field("status", "is not a status"))?,
            ),
        };
        let before = match request.cursor.as_str() {
            "" => None,
            cursor => Some(
                after(cursor).ok_or_else(|| Error::field("cursor", "is not one that was given"))?,
            ),
        };
        // One more than asked for tells whether there are further ones.
        let filter = Filter { status, before, limit: limit + 1 };
        let mut sessions = self.engine.store.list(&owner, &filter).await?;
        let has_more = usize::try_from(limit).is_ok_and(|limit| limit < sessions.len());
        if has_more {
            sessions.pop();
        }
        let last = sessions.last().filter(|_| has_more);
        let next_cursor = last.map(|last| format!("{}:{}", last.created_ms, last.session_id));
        let (now_ms, max) = (clock::now_ms(), self.engine.config.session.max_turns);
        Ok(ListSessionsResponse {
            next_cursor: next_cursor.unwrap_or_default(),
            sessions: sessions.iter().map(|shown| view::session(shown, now_ms, max)).collect(),
        })
    }

    pub(super) async fn append(
        &self,
        request: AppendTurnRequest,
    ) -> Result<AppendTurnResponse, Error> {
        possible(&request.session_id, Error::SessionNotFound)?;
        let context = request.context.unwrap_or_default();
        let role = Role::from_name(&request.role)
            .ok_or_else(|| Error::field("role", "is not user or agent"))?;
        let content = kept(&request.content);
        if !(1..=CONTENT_CHARS_MAX).contains(&content.chars().count()) {
            return Err(Error::field("content", "is empty or too long"));
        }
        let entry = NewEntry {
            owner: owner_of(&context)?,
            session_id: request.session_id,
            request_id: context.request_id,
            role,
            agent_id: kept(&request.agent_id),
            content,
            intent_summary: kept(&request.intent_summary),
            now_ms: clock::now_ms(),
            limits: self.engine.limits(),
        };
        let appended = self.engine.store.append(&entry).await?;
        let turn_count = appended.turn_count;
        Ok(AppendTurnResponse { success: true, turn_count, ttl_refreshed: true })
    }

    pub(super) async fn put_state(
        &self,
        request: UpdateWorkflowStateRequest,
    ) -> Result<UpdateWorkflowStateResponse, Error> {
        possible(&request.session_id, Error::SessionNotFound)?;
        let owner = owner_of(&request.context.unwrap_or_default())?;
        let (session_id, state) = (&request.session_id, &request.workflow_state_json);
        if self.engine.config.dispatch.workflow_state_max_bytes < state.len() {
            return Err(Error::field("workflow_state", "is too large"));
        }
        if serde_json::from_str::<Map<String, Value>>(state).is_err() {
            return Err(Error::field("workflow_state", "is not an object"));
        }
        let store = &self.engine.store;
        let previous = store.put_state(&owner, session_id, state, clock::now_ms()).await?;
        let previous = if previous.is_empty() { "{}".to_owned() } else { previous };
        Ok(UpdateWorkflowStateResponse { success: true, previous_state_json: previous })
    }

    pub(super) async fn close(
        &self,
        request: CloseSessionRequest,
    ) -> Result<CloseSessionResponse, Error> {
        possible(&request.session_id, Error::SessionNotFound)?;
        let owner = owner_of(&request.context.unwrap_or_default())?;
        let status = match request.status.as_str() {
            "" => Status::Completed,
            name => Status::from_name(name).filter(|status| *status != Status::Active).ok_or_else(
                || Error::field("status", "is not one of completed, abandoned, error"),
            )?,
        };
        let closed = Closed {
            session_id: request.session_id,
            status,
            summary: kept(&request.summary),
            now_ms: clock::now_ms(),
        };
        let (session, is_new) = self.engine.store.close(&owner, &closed).await?;
        if is_new {
            self.parted(&session).await;
        }
        Ok(CloseSessionResponse {
            session_id: session.session_id,
            status: session.status.name().to_owned(),
            closed_ms: session.closed_ms.unwrap_or_default(),
        })
    }

    pub(super) async fn resume(
        &self,
        request: ResumeSessionRequest,
    ) -> Result<ResumeSessionResponse, Error> {
        possible(&request.prior_session_id, Error::SessionNotFound)?;
        let owner = owner_of(&request.context.unwrap_or_default())?;
        let resumed = Resumed {
            prior_session_id: request.prior_session_id,
            session_id: Uuid::new_v4().to_string(),
            agents: self.engine.roster.now()?.ids(),
            now_ms: clock::now_ms(),
            limits: self.engine.limits(),
        };
        let (session, is_new) = self.engine.store.resume(&owner, &resumed).await?;
        let session_id = &session.session_id;
        if is_new {
            let prior_session_id = &resumed.prior_session_id;
            tracing::info!(
                audit = true,
                event_type = "session.resumed",
                session_id,
                prior_session_id,
                outcome = "success",
                "a session was resumed"
            );
            if !session.active_agent.is_empty() {
                self.engine.peers.release_slot(&session.active_agent, prior_session_id).await;
            }
        }
        Ok(ResumeSessionResponse {
            session_id: session_id.clone(),
            prior_session_id: resumed.prior_session_id,
            carried_forward_turns: session.carried,
        })
    }

    /// A session has ended: it is noted, and its place at the agent given back.
    async fn parted(&self, session: &Session) {
        let (session_id, status) = (&session.session_id, session.status.name());
        tracing::info!(
            audit = true,
            event_type = "session.closed",
            session_id,
            status,
            outcome = "success",
            "a session was closed"
        );
        if !session.active_agent.is_empty() {
            self.engine.peers.release_slot(&session.active_agent, session_id).await;
        }
    }

    /// A session with its entries and the state of its agent.
    async fn shown(&self, session: &Session) -> Result<SessionView, Error> {
        let max = self.engine.config.session.max_turns;
        let (id, active) = (&session.session_id, &session.active_agent);
        let entries = self.engine.store.entries(id, max).await?;
        let state = self.engine.store.state(id, active).await?;
        let mut shown = view::session(session, clock::now_ms(), max);
        shown.workflow_state_json = if state.is_empty() { "{}".to_owned() } else { state };
        shown.turns = entries.into_iter().map(view::entry).collect();
        Ok(shown)
    }
}

fn after(cursor: &str) -> Option<(i64, String)> {
    let (created_ms, session_id) = cursor.split_once(':')?;
    Some((created_ms.parse().ok()?, session_id.to_owned()))
}
