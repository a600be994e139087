//! The life of one transfer as a state machine (contract, section 21). Each method is one state change; the caller
//! stores it before it acts on it.

use proto::v1::{CompressedContext, HandoffDecision, Rejection};

#[cfg(test)]
mod tests;

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Asked for; nothing is decided.
    Started,
    /// The candidates and the brief are known.
    Compressed,
    /// A candidate holds a lease and is being asked.
    Offered,
    /// A candidate will take over once the switch is committed.
    Accepted,
    /// The switch was committed.
    Completed,
    /// Nobody takes over.
    Rejected,
    /// It broke off before anyone had accepted.
    Failed,
    /// Its time ran out before anyone had accepted.
    Expired,
    /// The accepted switch will not be committed.
    Aborted,
}

/// All states with their names.
pub const STATES: [(State, &str); 9] = [
    (State::Started, "started"),
    (State::Compressed, "compressed"),
    (State::Offered, "offered"),
    (State::Accepted, "accepted"),
    (State::Completed, "completed"),
    (State::Rejected, "rejected"),
    (State::Failed, "failed"),
    (State::Expired, "expired"),
    (State::Aborted, "aborted"),
];

impl State {
    /// The name on the wire and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).expect("every state has a name").1
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        STATES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Started | Self::Compressed | Self::Offered | Self::Accepted)
    }

    /// Whether the other state may follow.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use State::*;
        match self {
            Started => matches!(next, Compressed | Rejected | Failed | Expired),
            Compressed => matches!(next, Offered | Rejected | Failed | Expired),
            Offered => matches!(next, Offered | Accepted | Rejected | Failed | Expired),
            Accepted => matches!(next, Offered | Completed | Rejected | Aborted),
            Completed | Rejected | Failed | Expired | Aborted => false,
        }
    }
}

/// A change that the path of a transfer does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("handoff {id} is {}, so it cannot become {}", from.name(), to.name())]
pub struct Illegal {
    /// The transfer.
    pub id: String,
    /// The state it is in.
    pub from: State,
    /// The state it was to enter.
    pub to: State,
}

/// Who owns a transfer; others do not see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant: String,
    /// The user.
    pub user_id: String,
    /// The conversation.
    pub session_id: String,
}

/// What is known of one transfer.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// Where it stands.
    pub state: State,
    /// The agent that gives the work away; empty when there is none.
    pub from_agent: String,
    /// The candidate in question, or the one that took over.
    pub to_agent: String,
    /// What started it.
    pub trigger: String,
    /// Why, in words; at its end why it ended so.
    pub reason: String,
    /// Candidates in the order in which they are asked.
    pub order: Vec<String>,
    /// Candidates that are done with: no one is asked twice.
    pub tried: Vec<String>,
    /// Refusals since the last answer.
    pub rejections: Vec<Rejection>,
    /// What was decided.
    pub decision: HandoffDecision,
    /// What the receiver is told.
    pub brief: Option<CompressedContext>,
    /// When it began.
    pub created_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
    /// When it expires unless someone has accepted.
    pub expires_ms: i64,
    /// Until when the candidate's slot is held.
    pub lease_until_ms: i64,
    /// Counts the changes; a write is conditional on it.
    pub version: i64,
}

impl Transfer {
    /// The next candidate that is neither done with nor excluded.
    #[must_use]
    pub fn next_candidate(&self, exclude: &[String]) -> Option<&str> {
        let is_open = |agent: &&String| !self.tried.contains(agent) && !exclude.contains(agent);
        self.order.iter().find(is_open).map(String::as_str)
    }

    /// The candidates and the brief are known.
    pub fn compressed(
        &mut self,
        decision: HandoffDecision,
        brief: CompressedContext,
        now_ms: i64,
    ) -> Result<(), Illegal> {
        self.enter(State::Compressed, now_ms)?;
        let others = decision.alternatives.iter().map(|candidate| candidate.agent_id.clone());
        self.order = std::iter::once(decision.target_agent.clone()).chain(others).collect();
        self.decision = decision;
        self.brief = Some(brief);
        Ok(())
    }

    /// A candidate holds a lease and is being asked.
    pub fn offered(
        &mut self,
        agent_id: &str,
        lease_until_ms: i64,
        now_ms: i64,
    ) -> Result<(), Illegal> {
        self.enter(State::Offered, now_ms)?;
        self.to_agent = agent_id.to_owned();
        self.lease_until_ms = lease_until_ms;
        Ok(())
    }

    /// The candidate in question takes over.
    pub fn accepted(&mut self, lease_until_ms: i64, now_ms: i64) -> Result<(), Illegal> {
        self.enter(State::Accepted, now_ms)?;
        self.lease_until_ms = lease_until_ms;
        Ok(())
    }

    /// A candidate does not take over; stored with the state change that follows.
    pub fn refused(&mut self, rejection: Rejection) {
        self.passed(&rejection.agent_id);
        self.rejections.push(rejection);
    }

    /// A candidate is out of the question now and the caller knows why.
    pub fn passed(&mut self, agent_id: &str) {
        if !self.tried.iter().any(|tried| tried == agent_id) {
            self.tried.push(agent_id.to_owned());
        }
    }

    /// Nobody takes over.
    pub fn rejected(&mut self, decision: HandoffDecision, now_ms: i64) -> Result<(), Illegal> {
        self.enter(State::Rejected, now_ms)?;
        self.reason = if decision.reason.is_empty() {
            decision.r#type.clone()
        } else {
            decision.reason.clone()
        };
        self.decision = decision;
        self.to_agent.clear();
        self.lease_until_ms = 0;
        Ok(())
    }

    /// It ends without a switch; `state` is the way it ends.
    pub fn ended(&mut self, state: State, reason: &str, now_ms: i64) -> Result<(), Illegal> {
        self.enter(state, now_ms)?;
        self.reason = reason.to_owned();
        self.lease_until_ms = 0;
        Ok(())
    }

    /// The switch was committed.
    pub fn completed(&mut self, now_ms: i64) -> Result<(), Illegal> {
        self.enter(State::Completed, now_ms)?;
        self.lease_until_ms = 0;
        Ok(())
    }

    fn enter(&mut self, next: State, now_ms: i64) -> Result<(), Illegal> {
        if !self.state.may_become(next) {
            return Err(Illegal { id: self.id.clone(), from: self.state, to: next });
        }
        self.state = next;
        self.updated_ms = now_ms.max(self.updated_ms);
        Ok(())
    }
}
