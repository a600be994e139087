use proto::v1::{Candidate, HandoffDecision, TriggerHandoffResponse};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::some;
use crate::openapi::answer;

/// The outcome of a handoff that was asked for.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct Handover {
    success: bool,
    handoff_id: String,
    session_id: String,
    from_agent: String,
    receiving_agent: Option<String>,
    #[schema(value_type = answer::HandoffDecision)]
    decision: Decision,
    rejection_reason: Option<String>,
    duration_ms: i64,
}

impl Handover {
    pub(crate) fn of(response: TriggerHandoffResponse) -> Self {
        Self {
            success: response.success,
            handoff_id: response.handoff_id,
            session_id: response.session_id,
            from_agent: response.from_agent,
            receiving_agent: some(response.receiving_agent),
            decision: Decision(response.decision.unwrap_or_default()),
            rejection_reason: some(response.rejection_reason),
            duration_ms: response.duration_ms,
        }
    }
}

/// A decision shows the fields of its type.
#[derive(Debug)]
struct Decision(HandoffDecision);

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(decision) = self;
        let mut map = serializer.serialize_struct("Decision", 5)?;
        map.serialize_field("type", &decision.r#type)?;
        match decision.r#type.as_str() {
            "clarification" => {
                map.serialize_field("candidate_agents", &decision.candidate_agents)?;
                map.serialize_field("questions", &decision.questions)?;
                map.serialize_field("recommended_action", &decision.recommended_action)?;
            }
            "fallback" => {
                map.serialize_field("reason", &decision.reason)?;
                map.serialize_field("fallback_agent", &decision.fallback_agent)?;
                map.serialize_field("queue_for_later", &decision.queue_for_later)?;
            }
            _ => {
                let alternatives: Vec<_> =
                    decision.alternatives.iter().map(Alternative::of).collect();
                map.serialize_field("target_agent", &decision.target_agent)?;
                map.serialize_field("score", &millionths(decision.score_millionths, 6))?;
                map.serialize_field("score_percent", &millionths(decision.score_millionths, 4))?;
                map.serialize_field("alternatives", &alternatives)?;
            }
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Alternative<'a> {
    agent_id: &'a str,
    score: Box<RawValue>,
}

impl<'a> Alternative<'a> {
    fn of(candidate: &'a Candidate) -> Self {
        let score = millionths(candidate.score_millionths, 6);
        Self { agent_id: &candidate.agent_id, score }
    }
}

/// An exact decimal of a score, or of its percentage with four places; at least one place is shown.
fn millionths(score: i64, places: u32) -> Box<RawValue> {
    let unit = 10_i64.pow(places);
    let part = format!("{:0width$}", score.rem_euclid(unit), width = places as usize);
    let part = part.trim_end_matches('0');
    let part = if part.is_empty() { "0" } else { part };
    let number = format!("{}.{part}", score.div_euclid(unit));
    RawValue::from_string(number).expect("a decimal is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_decision_shows_exact_scores() {
        let decision = HandoffDecision {
            r#type: "primary".to_owned(),
            target_agent: "support".to_owned(),
            score_millionths: 760_000,
            alternatives: vec![Candidate {
                agent_id: "sales".to_owned(),
                score_millionths: 250_000,
                ..Candidate::default()
            }],
            ..HandoffDecision::default()
        };
        assert_eq!(
            serde_json::to_string(&Decision(decision)).unwrap(),
            r#"{"type":"primary","target_agent":"support","score":0.76,"score_percent":76.0,"alternatives":[{"agent_id":"sales","score":0.25}]}"#
        );
        assert_eq!(millionths(333_333, 4).get(), "33.3333");
        assert_eq!(millionths(1_000_000, 6).get(), "1.0");
    }
}
