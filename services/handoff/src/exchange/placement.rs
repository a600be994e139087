//! Brings a conversation to a candidate: takes a lease, asks, and goes on to the next until one accepts.

use chassis::clock;
use proto::v1::{Context, HandoffDecision, Rejection};

use super::{Call, Error, Exchange};
use crate::eligibility::{Scene, Standing};
use crate::letter::Letter;
use crate::offer::{Class, Refusal, Reply};
use crate::peer::Slot;
use crate::report;
use crate::transfer::{State, Transfer};

impl Exchange {
    /// Asks one candidate after the other. Each is asked once, so the loop is as long as the list of candidates.
    pub(super) async fn place(
        &self,
        call: &Call<'_>,
        transfer: &mut Transfer,
    ) -> Result<(), Error> {
        let exclude = &call.request.exclude;
        if matches!(transfer.state, State::Offered | State::Accepted) {
            self.pass_excluded(call, transfer).await;
        }
        while let Some(agent_id) = transfer.next_candidate(exclude).map(str::to_owned) {
            let refusal = match self.lease(call, transfer, &agent_id).await? {
                Some(refusal) => refusal,
                None => match self.ask(call, transfer, &agent_id).await? {
                    Reply::Accepted => return self.accept(transfer).await,
                    Reply::Refused(refusal) => refusal,
                },
            };
            self.release(&call.context, transfer, &agent_id).await;
            let rejection = Rejection {
                agent_id,
                reason: refusal.reason,
                class: refusal.class.name().to_owned(),
            };
            report::refused(transfer, &rejection);
            transfer.refused(rejection);
        }
        let decision = nobody(call, transfer);
        transfer.rejected(decision, clock::now_ms())?;
        self.store.save(transfer).await?;
        report::ended(transfer);
        Ok(())
    }

    /// Goes on after a candidate that accepted and then could not answer; the caller knows of it already.
    async fn pass_excluded(&self, call: &Call<'_>, transfer: &mut Transfer) {
        let agent_id = transfer.to_agent.clone();
        if call.request.exclude.contains(&agent_id) {
            self.release(&call.context, transfer, &agent_id).await;
            transfer.passed(&agent_id);
            transfer.rejections.clear();
        }
    }

    /// Takes a slot for a candidate and stores that it is asked; a refusal when that cannot be.
    async fn lease(
        &self,
        call: &Call<'_>,
        transfer: &mut Transfer,
        agent_id: &str,
    ) -> Result<Option<Refusal>, Error> {
        let scene = Scene {
            source: &transfer.from_agent,
            exclude: &[],
            breaker_refused: &call.request.breaker_refused,
            neighbourhood: None,
        };
        // The load in a snapshot may be old; whether a slot is free the registry says below.
        let standing = call.roster.member(agent_id).map(|member| scene.standing(&member));
        if standing.is_none_or(|standing| standing == Standing::Barred) {
            return Ok(Some(Refusal::new(
                Class::Unavailable,
                "the agent is not available any more",
            )));
        }
        let slot = Slot { agent_id, holder: &transfer.id, ttl_ms: self.config.lease_ms };
        if !self.registry.acquire(&call.context, slot).await? {
            return Ok(Some(Refusal::new(Class::Overloaded, "the agent has no free slot")));
        }
        let now_ms = clock::now_ms();
        transfer.offered(agent_id, now_ms.saturating_add(self.config.lease_ms), now_ms)?;
        self.store.save(transfer).await?;
        Ok(None)
    }

    async fn ask(
        &self,
        call: &Call<'_>,
        transfer: &mut Transfer,
        agent_id: &str,
    ) -> Result<Reply, Error> {
        let request = call.request;
        let Some(member) = call.roster.member(agent_id) else {
            return Ok(Reply::Refused(Refusal::new(Class::Unavailable, "the agent is gone")));
        };
        let is_masked = self.masks(call, agent_id);
        let is_for_all = transfer.order.iter().all(|other| self.masks(call, other) == is_masked);
        let brief = match transfer.brief.take() {
            Some(brief) if is_for_all => brief,
            _ => self.brief(call, agent_id)?,
        };
        let must_accept = request.options.as_ref().and_then(|options| options.require_acceptance);
        let letter = Letter {
            handoff_id: &transfer.id,
            session_id: &transfer.owner.session_id,
            user_id: &transfer.owner.user_id,
            language: &request.language,
            from_agent: &transfer.from_agent,
            reason: &transfer.reason,
            brief: &brief,
            conversation_state: &request.conversation_state_json,
            custom_data: &request.custom_data_json,
            expires_ms: transfer.expires_ms,
            must_accept: must_accept.unwrap_or(self.config.offers.must_accept),
        };
        let deadline_ms = match request.turn_deadline_ms {
            0 => i64::MAX,
            deadline_ms => deadline_ms,
        };
        let generation = call.roster.snapshot().generation;
        let reply = self.courier.offer(member.agent, generation, &letter, deadline_ms).await;
        transfer.brief = Some(brief);
        Ok(reply)
    }

    async fn accept(&self, transfer: &mut Transfer) -> Result<(), Error> {
        let now_ms = clock::now_ms();
        transfer.accepted(now_ms.saturating_add(self.config.lease_ms), now_ms)?;
        self.store.save(transfer).await?;
        report::accepted(transfer);
        Ok(())
    }

    /// Gives a candidate's lease back. If that fails the lease ends by itself.
    pub(crate) async fn release(&self, context: &Context, transfer: &Transfer, agent_id: &str) {
        let slot = Slot { agent_id, holder: &transfer.id, ttl_ms: self.config.lease_ms };
        if let Err(error) = self.registry.release(context, slot, None).await {
            let handoff_id = &transfer.id;
            tracing::warn!(handoff_id, agent_id, %error, "a lease was not given back and will run out");
        }
    }
}

/// The decision once every candidate has refused; after a failover the default agent answers.
fn nobody(call: &Call<'_>, transfer: &Transfer) -> HandoffDecision {
    let default = &call.roster.snapshot().default_agent_id;
    let is_failover = call.request.trigger.as_ref().is_some_and(|trigger| trigger.is_failover);
    let is_free = is_failover
        && *default != transfer.from_agent
        && !transfer.tried.contains(default)
        && !call.request.exclude.contains(default)
        && !call.request.breaker_refused.contains(default);
    HandoffDecision {
        r#type: "fallback".to_owned(),
        reason: "all_rejected".to_owned(),
        fallback_agent: if is_free { default.clone() } else { String::new() },
        candidates: transfer.decision.candidates.clone(),
        ..HandoffDecision::default()
    }
}
