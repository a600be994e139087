//! Begins transfers: chooses the candidates and says what they are told. Each step is stored before the one after it
//! (contract, section 21).

use std::sync::Arc;

use chassis::clock;
use proto::v1::{CompressedContext, Context, HandoffDecision, TransferRequest};
use tonic::Status;

use crate::compress::{Limits, METHODS, Method, Story, compress};
use crate::config::Config;
use crate::decision::{Basis, POLICIES, Question, Rules, select};
use crate::offer::Courier;
use crate::peer::Registry;
use crate::report;
use crate::roster::Roster;
use crate::screening;
use crate::store::{Begun, Store, StoreError};
use crate::transfer::{Illegal, Owner, State, Transfer};
use crate::wish::Kind;

mod placement;

/// The most characters of a reason that are kept.
const REASON_MAX: usize = 500;

/// Why a call about a handoff fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request breaks a rule.
    #[error("{field} {problem}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// No such handoff, or somebody else's.
    #[error("no handoff {0}")]
    Missing(String),
    /// The id belongs to another handoff.
    #[error("handoff {0} is of another session")]
    Foreign(String),
    /// The agents are not known yet.
    #[error("no agents are loaded yet")]
    NoAgents,
    /// The registry did not do its part.
    #[error("the registry failed")]
    Registry(#[from] Status),
    /// The change does not follow from the state.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The store did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything that transfers are made with.
pub(crate) struct Exchange {
    /// The settings.
    pub(crate) config: Config,
    /// Where transfers are kept.
    pub(crate) store: Arc<dyn Store>,
    /// Who knows the agents.
    pub(crate) registry: Registry,
    /// Who asks candidates.
    pub(crate) courier: Courier,
}

/// One call of Transfer with what was read of it.
struct Call<'a> {
    request: &'a TransferRequest,
    context: Context,
    kind: Kind,
    rules: Rules,
    roster: Arc<Roster>,
}

impl Exchange {
    /// Brings a conversation to the first candidate that accepts; the stored answer when that is known already.
    #[tracing::instrument(
        name = "handoff.transfer",
        skip_all,
        fields(handoff_id = request.handoff_id, session_id = request.session_id)
    )]
    pub(crate) async fn transfer(&self, request: &TransferRequest) -> Result<Transfer, Error> {
        let call = self.read(request).await?;
        let mut transfer = self.begin(&call).await?;
        let is_answered = match transfer.state {
            State::Accepted => !request.exclude.contains(&transfer.to_agent),
            state => state.is_final(),
        };
        if is_answered {
            return Ok(transfer);
        }
        if transfer.state == State::Started && !self.plan(&call, &mut transfer).await? {
            return Ok(transfer);
        }
        self.place(&call, &mut transfer).await?;
        Ok(transfer)
    }

    async fn read<'a>(&self, request: &'a TransferRequest) -> Result<Call<'a>, Error> {
        let trigger = request.trigger.clone().unwrap_or_default();
        let kind = kind(&trigger.r#type)?;
        let options = request.options.clone().unwrap_or_default();
        let rules = Rules {
            may_ask: self.config.rules.may_ask && (request.options.is_none() || options.may_ask),
            ..self.rules(&options.policy)?
        };
        for (field, text) in
            [("handoff_id", &request.handoff_id), ("session_id", &request.session_id)]
        {
            if text.is_empty() {
                return Err(Error::Invalid { field, problem: "is empty".to_owned() });
            }
        }
        let roster = self.registry.roster().await.ok_or(Error::NoAgents)?;
        let context = request.context.clone().unwrap_or_default();
        Ok(Call { request, context, kind, rules, roster })
    }

    /// The rules with another policy; empty means the configured one.
    pub(crate) fn rules(&self, policy: &str) -> Result<Rules, Error> {
        let policy = named("policy", policy, &POLICIES, self.config.rules.policy)?;
        Ok(Rules { policy, ..self.config.rules.clone() })
    }

    async fn begin(&self, call: &Call<'_>) -> Result<Transfer, Error> {
        let request = call.request;
        let now_ms = clock::now_ms();
        let trigger = request.trigger.clone().unwrap_or_default();
        let fresh = Transfer {
            id: request.handoff_id.clone(),
            owner: Owner {
                tenant: call.context.tenant.clone(),
                user_id: call.context.user_id.clone(),
                session_id: request.session_id.clone(),
            },
            state: State::Started,
            from_agent: request.source_agent.clone(),
            to_agent: String::new(),
            trigger: trigger.r#type,
            reason: trigger.reason.chars().filter(|sign| *sign != '\0').take(REASON_MAX).collect(),
            order: Vec::new(),
            tried: Vec::new(),
            rejections: Vec::new(),
            decision: HandoffDecision::default(),
            brief: None,
            created_ms: now_ms,
            updated_ms: now_ms,
            expires_ms: now_ms.saturating_add(self.config.ttl_ms),
            lease_until_ms: 0,
            version: 0,
        };
        match self.store.begin(&fresh).await? {
            Begun::Created => {
                report::started(&fresh);
                Ok(fresh)
            }
            Begun::Known(known) if known.owner == fresh.owner => Ok(*known),
            Begun::Known(known) => Err(Error::Foreign(known.id)),
        }
    }

    /// Chooses the candidates; false when nobody takes over.
    async fn plan(&self, call: &Call<'_>, transfer: &mut Transfer) -> Result<bool, Error> {
        let request = call.request;
        let trigger = request.trigger.clone().unwrap_or_default();
        let question = Question {
            source: &request.source_agent,
            trigger: &trigger,
            kind: call.kind,
            language: &request.language,
            exclude: &request.exclude,
            breaker_refused: &request.breaker_refused,
        };
        let selection = select(&call.roster, &question, &call.rules);
        let mut decision = selection.into_message(&call.roster);
        decision.basis_json =
            Basis::of(&call.roster, &question, &call.rules).json().unwrap_or_default();
        if decision.r#type != "primary" {
            transfer.rejected(decision, clock::now_ms())?;
            self.store.save(transfer).await?;
            report::ended(transfer);
            return Ok(false);
        }
        let brief = self.brief(call, &decision.target_agent)?;
        report::compressed(&brief);
        if self.config.is_screening {
            screening::audit(transfer, &request.source_summary, &brief);
        }
        transfer.compressed(decision, brief, clock::now_ms())?;
        self.store.save(transfer).await?;
        Ok(true)
    }

    /// What this agent is told.
    fn brief(&self, call: &Call<'_>, agent_id: &str) -> Result<CompressedContext, Error> {
        let request = call.request;
        let settings = self.config.compression;
        let strategy = request.options.as_ref().map_or("", |options| options.strategy.as_str());
        let limits = Limits {
            method: method(strategy, settings.method)?,
            tokens_max: settings.tokens_max,
            recent_kept: settings.recent_kept,
            is_masked: self.masks(call, agent_id),
        };
        let story = Story { messages: &request.history, source_summary: &request.source_summary };
        Ok(compress(&story, &limits))
    }

    /// Whether this agent gets no personal data.
    fn masks(&self, call: &Call<'_>, agent_id: &str) -> bool {
        let own = call.roster.member(agent_id).map(|member| member.agent.pii.as_str());
        is_masked(own.unwrap_or_default(), self.config.compression.is_masked)
    }
}

/// The kind of a trigger.
pub(crate) fn kind(name: &str) -> Result<Kind, Error> {
    Kind::parse(name).ok_or_else(|| invalid("trigger", name))
}

/// The strategy of this name; empty means the configured one.
pub(crate) fn method(name: &str, configured: Method) -> Result<Method, Error> {
    named("strategy", name, &METHODS, configured)
}

fn named<T: Copy>(
    field: &'static str,
    name: &str,
    known: &[(&str, T)],
    configured: T,
) -> Result<T, Error> {
    if name.is_empty() {
        return Ok(configured);
    }
    let found = known.iter().find(|(one, _)| *one == name).map(|(_, value)| *value);
    found.ok_or_else(|| invalid(field, name))
}

/// Whether personal data is masked: what is nearer wins.
pub(crate) fn is_masked(own: &str, configured: bool) -> bool {
    match own {
        "mask" => true,
        "allow" => false,
        _ => configured,
    }
}

fn invalid(field: &'static str, value: &str) -> Error {
    Error::Invalid { field, problem: format!("cannot be `{value}`") }
}
