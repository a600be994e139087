//! One call of a tool: who calls, with what, and for whom.

use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use proto::v1::{Context, GetSessionRequest};
use rmcp::RoleServer;
use rmcp::model::ProgressToken;
use rmcp::service::Peer;
use serde::Serialize;
use tonic::Status;

use super::Spoken;
use super::argument::Given;
use super::tool::Tool;
use crate::config::Rate;
use crate::extract::{self, Caller};
use crate::front::Front;
use crate::identity::{Claims, Identity, Nameless};
use crate::limit::Ask;
use crate::middleware::admit;
use crate::problem::Problem;

const MINUTE_MS: i64 = 60_000;

/// A call whose scope was checked.
pub(super) struct Call {
    pub(super) front: Arc<Front>,
    pub(super) caller: Caller<Granted>,
    pub(super) headers: HeaderMap,
    /// Where to tell what happens meanwhile, if the client wants to hear it.
    pub(super) progress: Option<Progress>,
    tool: &'static Tool,
    arguments: String,
}

/// The scope that the tool demands was found.
pub(super) struct Granted;

/// Where the client hears how a call goes on.
pub(super) struct Progress {
    pub(super) token: ProgressToken,
    pub(super) peer: Peer<RoleServer>,
}

/// Why a tool gives no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// Its arguments break a rule.
    Arguments(Problem),
    /// It was called rightly, and it failed.
    Tool(Problem),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Tool(problem)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Tool(Problem::of_status(&status))
    }
}

/// The result of a tool as JSON text.
pub(super) type Outcome = Result<String, Failure>;

/// A successful result.
pub(super) fn told(result: &impl Serialize) -> Outcome {
    Ok(serde_json::to_string(result).expect("a view is JSON"))
}

impl Call {
    /// A call within an HTTP request, if its key may make it.
    pub(super) fn new(
        front: &Arc<Front>,
        tool: &'static Tool,
        parts: &Parts,
        progress: Option<Progress>,
    ) -> Result<Self, Problem> {
        let caller: Caller<Granted> = Caller::of(parts)?;
        caller.principal.require(tool.scope)?;
        let spoken = parts.extensions.get::<Spoken>();
        let spoken = spoken.ok_or_else(|| Problem::new("internal"))?;
        Ok(Self {
            front: front.clone(),
            caller,
            headers: parts.headers.clone(),
            progress: progress.filter(|_| spoken.can_stream),
            tool,
            arguments: spoken.arguments.clone(),
        })
    }

    /// Takes a token from the tool's own bucket.
    pub(super) async fn count(&self) -> Result<(), Problem> {
        let Some(max) = self.tool.per_minute.filter(|_| self.front.config.limits_rates) else {
            return Ok(());
        };
        let principal = &self.caller.principal;
        let rate = Rate { max, window_ms: MINUTE_MS };
        let ask = Ask::of_tool(self.tool.name, &principal.tenant, &principal.key_id, rate);
        let verdicts = self.front.buckets.take(std::slice::from_ref(&ask)).await;
        let verdicts = verdicts.map_err(|_| Problem::new("dependency_unavailable"))?;
        match verdicts.first().filter(|verdict| !verdict.is_allowed) {
            Some(verdict) => Err(admit::exhausted(ask.kind, &self.caller.request_id, verdict)),
            None => Ok(()),
        }
    }

    /// The arguments, if they are as the tool describes them.
    pub(super) fn given(&self) -> Result<Given<'_>, Failure> {
        Given::read(self.tool.input, &self.arguments).map_err(Failure::Arguments)
    }

    /// The same, as they were written.
    pub(super) fn arguments(&self) -> &str {
        &self.arguments
    }

    /// The acting user: the one that is named, else one named after the key.
    pub(super) fn acting(&self, claims: Claims) -> Result<Identity, Problem> {
        self.caller.acting(claims, Nameless::Key)
    }

    /// The context of a call for this user, or for whoever acts.
    pub(super) fn context(&self, user_id: Option<String>) -> Result<Context, Problem> {
        Ok(self.caller.context_of(&self.acting(Claims::of_user(user_id))?))
    }

    /// The same, and whether it concerns all of the tenant: with scope admin and no user named.
    pub(super) fn context_at_large(
        &self,
        user_id: Option<String>,
    ) -> Result<(Context, bool), Problem> {
        match user_id {
            None => self.caller.context_at_large(),
            named => Ok((self.context(named)?, false)),
        }
    }

    /// The context of a change to a session. With scope admin and no user named it is made for the session's owner.
    pub(super) async fn context_of_session(
        &self,
        session_id: &str,
        user_id: Option<String>,
    ) -> Result<Context, Problem> {
        let (context, any_owner) = self.context_at_large(user_id)?;
        if !any_owner {
            return Ok(context);
        }
        let request = GetSessionRequest {
            context: Some(context.clone()),
            session_id: session_id.to_owned(),
            any_owner,
            by_reference: false,
        };
        let session = self.front.peers.router().get_session(extract::call(request)).await?;
        Ok(Context { user_id: session.into_inner().user_id, ..context })
    }
}
