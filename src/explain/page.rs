//! A decision record as a page to read, from what was said down to what it took.

use std::io::{self, Write};

use gateway::Usd;
use router::record::{Classified, Dispatched, Gated, Record, Scored, Transferred};
use router::trigger::Topic;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Answer, Side, table, write_table};

const MILLION: f64 = 1e6;
const MICROS_PER_MS: f64 = 1e3;

/// A record for people, and as it came for programs.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Page {
    body: Box<RawValue>,
    #[serde(skip)]
    record: Record,
}

impl Page {
    /// Reads a record.
    pub(super) fn of(json: String) -> serde_json::Result<Self> {
        Ok(Self { record: serde_json::from_str(&json)?, body: RawValue::from_string(json)? })
    }
}

impl Answer for Page {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let record = &self.record;
        write_head(out, record)?;
        if let Some(said) = &record.classification {
            write_classification(out, said)?;
        }
        if let Some(gated) = &record.gate {
            write_gate(out, gated)?;
        }
        if let Some(topic) = &record.topic {
            write_topic(out, topic)?;
        }
        if !record.dispatches.is_empty() {
            write_calls(out, &record.dispatches)?;
        }
        record.handoffs.iter().try_for_each(|handoff| write_handoff(out, handoff))?;
        write_timings(out, record)
    }
}

fn write_head(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    let mut head = table(&[("request", Side::Left), (record.request_id.as_str(), Side::Left)]);
    head.add_row(["outcome", record.outcome.as_str()]);
    head.add_row(["session", record.session_id.as_str()]);
    head.add_row(["turn", &format!("{}, attempt {}", record.turn_id, record.attempt)]);
    let input = &record.input;
    head.add_row(["input", &format!("{} characters, SHA-256 {}", input.length, input.sha256)]);
    head.add_row(["definitions", &format!("generation {}", record.registry_generation)]);
    if record.bypass {
        head.add_row(["bypass", "the session's agent goes on without classification"]);
    }
    write_table(out, &head)
}

fn write_classification(out: &mut dyn Write, said: &Classified) -> io::Result<()> {
    let Classified { mode, tier, revision, language, .. } = said;
    write!(out, "\nclassified by {mode} {tier} {revision}, language {language}")?;
    if !said.fallback_reason.is_empty() {
        write!(out, ", in place of the language model: {}", said.fallback_reason)?;
    }
    let doubt = if said.ambiguous { ", and another is nearly as likely" } else { "" };
    writeln!(out, "\n{} with {}{doubt}", said.agent_id, share(said.confidence))?;
    write_scores(out, &said.scores)
}

fn write_scores(out: &mut dyn Write, scores: &[(String, f64)]) -> io::Result<()> {
    let mut rows: Vec<_> = scores.iter().collect();
    rows.sort_by(|left, right| right.1.total_cmp(&left.1));
    let mut scores = table(&[("agent", Side::Left), ("score", Side::Right)]);
    scores.add_rows(rows.into_iter().map(|(agent, score)| [agent.clone(), share(*score)]));
    write_table(out, &scores)
}

fn write_gate(out: &mut dyn Write, gated: &Gated) -> io::Result<()> {
    let decision = &gated.decision;
    let (action, agent) = (decision.action.name(), &decision.agent_id);
    writeln!(out, "\ngate: {action} {agent}, by rule {}: {}", decision.rule, decision.reason)
}

fn write_topic(out: &mut dyn Write, topic: &Topic) -> io::Result<()> {
    let Topic { active_agent, confidence_min, score_min, .. } = topic;
    writeln!(
        out,
        "\ntopic: another agent takes over when {active_agent} has less than {confidence_min} and it {score_min} or more"
    )?;
    match topic.crossed_to() {
        Some((agent, score)) => writeln!(out, "so {agent} takes over, with {}", share(score))?,
        None => writeln!(out, "so {active_agent} goes on")?,
    }
    write_scores(out, &topic.scores)
}

fn write_calls(out: &mut dyn Write, dispatches: &[Dispatched]) -> io::Result<()> {
    writeln!(out)?;
    let mut calls = table(&[
        ("hop", Side::Right),
        ("agent", Side::Left),
        ("budget", Side::Left),
        ("reserved", Side::Right),
        ("tightest scope", Side::Left),
        ("breaker", Side::Left),
        ("slot", Side::Left),
        ("attempts", Side::Right),
        ("outcome", Side::Left),
    ]);
    for call in dispatches {
        let tightest = call.tightest.as_ref().map(|scope| {
            let (left, limit) = (Usd(scope.remaining_micros), Usd(scope.limit_micros));
            format!("{}, {left} of {limit} left", scope.scope)
        });
        calls.add_row([
            call.hop.to_string(),
            call.agent_id.clone(),
            or_none(&call.budget_action),
            Usd(call.reserved_micros).to_string(),
            tightest.unwrap_or_else(|| "-".to_owned()),
            or_none(&call.breaker),
            if call.slot { "free" } else { "none" }.to_owned(),
            call.attempts.to_string(),
            or_none(&call.outcome),
        ]);
    }
    write_table(out, &calls)
}

fn write_handoff(out: &mut dyn Write, handoff: &Transferred) -> io::Result<()> {
    let Transferred { handoff_id, from_agent, trigger, decision, .. } = handoff;
    writeln!(out, "\n{handoff_id} from {from_agent}, trigger {trigger}: {}", or_none(decision))?;
    match handoff.accepted_agent.as_str() {
        "" => writeln!(out, "nobody took over: {}", or_none(&handoff.reason))?,
        agent => writeln!(out, "{agent} took over")?,
    }
    for (agent, class) in &handoff.rejections {
        writeln!(out, "{agent} refused: {class}")?;
    }
    if !handoff.excluded.is_empty() {
        writeln!(out, "ruled out: {}", handoff.excluded.join(", "))?;
    }
    if handoff.candidates.is_empty() {
        return Ok(());
    }
    write_candidates(out, &handoff.candidates)
}

fn write_candidates(out: &mut dyn Write, scored: &[Scored]) -> io::Result<()> {
    let mut candidates = table(&[
        ("candidate", Side::Left),
        ("score", Side::Right),
        ("skill", Side::Right),
        ("domain", Side::Right),
        ("load", Side::Right),
        ("language", Side::Right),
    ]);
    for candidate in scored {
        let score = candidate.score_millionths as f64 / MILLION;
        let parts = [candidate.skill, candidate.domain, candidate.load, candidate.language];
        let [skill, domain, load, language] =
            parts.map(|part| part.map_or_else(|| "-".to_owned(), share));
        candidates.add_row([
            candidate.agent_id.clone(),
            share(score),
            skill,
            domain,
            load,
            language,
        ]);
    }
    write_table(out, &candidates)
}

fn write_timings(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    writeln!(out)?;
    let mut timings = table(&[("step", Side::Left), ("ms", Side::Right)]);
    for timing in &record.timings {
        let ms = timing.micros as f64 / MICROS_PER_MS;
        timings.add_row([timing.step.clone(), format!("{ms:.3}")]);
    }
    write_table(out, &timings)
}

/// A number from 0 to 1.
fn share(value: f64) -> String {
    format!("{value:.3}")
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

#[cfg(test)]
mod tests;
