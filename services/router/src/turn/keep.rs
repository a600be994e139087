//! Step 9: the answer, what the agent remembers, the switch of the active agent and the result, in one transaction.

use std::time::Duration;

use chassis::clock;
use proto::v1::Trigger;

use super::seat::{Otherwise, Pass, Seat, Wish};
use super::{Step, Turn};
use crate::body::{Answer, Passed, Understood};
use crate::dispatch::{HandoffAsk, Reply};
use crate::ending::Ending;
use crate::error::Error;
use crate::session::{Change, Status, Switch};
use crate::store::{Entry, Mark, Page, StoreError};

const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(1);

impl Turn {
    pub(super) async fn store(&mut self, seat: Seat, reply: Reply) -> Result<Step, Error> {
        let began = std::time::Instant::now();
        let now_ms = clock::now_ms();
        let agent_id = seat.agent_id.clone();
        let entry = self.entry(&agent_id, &reply.content, now_ms);
        let wish = reply.handoff.as_ref().and_then(|asked| self.wished(&agent_id, asked, now_ms));
        if let Some(pass) = &seat.pass {
            self.progress.handoffs.push(self.passed(pass, &agent_id));
        }
        let answer = self.answer_of(&agent_id, &reply);
        let ending = self.ending_of(&answer);
        let is_done = wish.is_none();
        let change = self.change(&seat, &entry, is_done && reply.workflow_complete);
        let mark = match is_done {
            true => {
                "answer".clone_into(&mut self.record.outcome);
                self.record.time("prepare", began);
                Mark::Final(ending.clone(), self.record.json())
            }
            false => Mark::Provisional(ending.clone()),
        };
        let mut page = self.page(mark, now_ms);
        page.entry = Some(entry.clone());
        page.state = reply.workflow_state.map(|state| (agent_id.clone(), state));
        page.change = change;
        if let Err(error) = self.persist(page).await {
            return Err(self.drop_pass(seat, error).await);
        }
        self.record.time("store", began);
        self.progress.said.push(entry);
        self.progress.visited.push(agent_id);
        self.progress.answer = Some(answer);
        if let Some(pass) = seat.pass {
            self.progress.hops += 1;
            self.complete(pass).await;
        }
        Ok(wish.map_or(Step::Rest(ending), Step::HandOver))
    }

    /// The handoff that an agent asks for with its answer.
    fn wished(&self, agent_id: &str, asked: &HandoffAsk, now_ms: i64) -> Option<Wish> {
        let target = asked.target_agent.clone().unwrap_or_default();
        let is_specific = !target.is_empty() || !asked.required_skills.is_empty();
        let kind = if is_specific { "specialist_required" } else { "escalation_requested" };
        let skills = match is_specific {
            true => asked.required_skills.clone(),
            false => vec!["escalation".to_owned(), "supervisor".to_owned()],
        };
        let domains = match is_specific {
            true => asked.required_skills.clone(),
            false => vec!["escalation".to_owned(), "support".to_owned()],
        };
        let trigger = Trigger {
            r#type: kind.to_owned(),
            reason: asked.reason.clone(),
            requested_by: "agent".to_owned(),
            required_skills: skills,
            target_domains: domains,
            target_agent: target,
            ..Trigger::default()
        };
        let mut wish = Wish::new(agent_id, trigger, Otherwise::Stand, now_ms);
        wish.summary = asked.summary.clone().unwrap_or_default();
        Some(wish)
    }

    fn passed(&self, pass: &Pass, to_agent: &str) -> Passed {
        let answered = self.progress.answer.as_ref();
        let by_source = answered.filter(|answer| answer.agent_id == pass.wish.source);
        Passed {
            handoff_id: pass.wish.handoff_id.clone(),
            from_agent: pass.wish.source.clone(),
            to_agent: to_agent.to_owned(),
            trigger: pass.wish.trigger.r#type.clone(),
            message: by_source.map(|answer| answer.response.clone()),
        }
    }

    fn answer_of(&self, agent_id: &str, reply: &Reply) -> Answer {
        Answer {
            request_id: self.ask.context.request_id.clone(),
            session_id: self.session.session_id.clone(),
            session_new: self.session_new,
            agent_id: agent_id.to_owned(),
            response: reply.content.clone(),
            workflow_complete: reply.workflow_complete,
            classification: Understood {
                intent: self.sense.intent_summary.clone(),
                confidence: self.sense.confidence,
                language: self.sense.language.clone(),
            },
            routing: self.routing.clone(),
            handoffs: self.progress.handoffs.clone(),
            usage: self.progress.usage.clone(),
            budget: self.progress.budget.clone(),
        }
    }

    /// How the turn ends with an answer.
    pub(super) fn ending_of(&self, answer: &Answer) -> Ending {
        let body = answer.body(self.duration_ms());
        Ending::Result { body, budget: self.progress.headers.clone() }
    }

    /// What an answer makes of the session.
    fn change(&self, seat: &Seat, entry: &Entry, is_complete: bool) -> Change {
        let include_history = self.engine.config.handoff.include_history;
        let switch = seat.pass.as_ref().map(|pass| Switch {
            handoff_id: pass.wish.handoff_id.clone(),
            to_agent: seat.agent_id.clone(),
            brief_json: self.brief(seat).unwrap_or_default(),
            history_from: if include_history { 0 } else { entry.position },
        });
        let is_gone = self.agents.get(&self.session.active_agent).is_none();
        let takes_seat = seat.pass.is_none() && (!seat.is_stand_in || is_gone);
        Change {
            active_agent: takes_seat.then(|| seat.agent_id.clone()),
            classified: self.sense.classified.clone(),
            switch,
            close: is_complete.then_some(Status::Completed),
            ..Change::default()
        }
    }

    /// A page of this turn on which nothing stands yet but what becomes of the turn.
    pub(super) fn page(&self, mark: Mark, now_ms: i64) -> Page {
        Page {
            lease: self.tenure.lease.clone(),
            now_ms,
            limits: self.engine.limits(),
            entry: None,
            state: None,
            change: Change::default(),
            mark,
            settlements: self.progress.owed.clone(),
        }
    }

    /// Writes a page, again and again while the database may come back and the turn is still ours.
    pub(super) async fn persist(&mut self, page: Page) -> Result<(), Error> {
        let lease = Duration::from_millis(page.limits.lease_ms.max(0).unsigned_abs());
        let give_up = tokio::time::Instant::now() + lease;
        let mut wait = RETRY_MIN;
        loop {
            match self.engine.store.write(&page).await {
                Ok(session) => {
                    self.progress.owed.clear();
                    let was_active = self.session.is_active();
                    let profile = std::mem::take(&mut self.session.profile);
                    self.session = session;
                    if self.tenure.lease.is_anonymous {
                        self.session.profile = profile;
                    }
                    if was_active && !self.session.is_active() {
                        self.ended().await;
                    }
                    return Ok(());
                }
                Err(error @ (StoreError::Database(_) | StoreError::Contended))
                    if tokio::time::Instant::now() + wait < give_up =>
                {
                    tracing::warn!(%error, "a turn is written again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY_MAX);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The session has ended with this turn.
    async fn ended(&self) {
        let (session_id, status) = (&self.session.session_id, self.session.status.name());
        tracing::info!(
            audit = true,
            event_type = "session.closed",
            session_id,
            status,
            outcome = "success",
            "a session ended"
        );
        let active = &self.session.active_agent;
        if !active.is_empty() {
            self.engine.peers.release_slot(active, self.holder()).await;
        }
    }
}
