//! What a language model thinks of a text, and how it becomes a classification.

use proto::v1::Classification;
use serde::Deserialize;

/// What a language model thinks of a text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Opinion {
    /// Whom it is meant for.
    pub agent_id: String,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// What the customer wants, in its words.
    #[serde(default)]
    pub intent_summary: String,
}

impl Opinion {
    /// The classification of the local model with this opinion in place of its own. What the opinion leaves to the
    /// other agents they share as the local model would have it, none of them above the chosen one.
    #[must_use]
    pub fn onto(self, local: Classification, margin: f64, model: &str) -> Classification {
        let mut scores = local.agent_scores.clone();
        let others = scores.iter().filter(|score| score.agent_id != self.agent_id);
        let sum: f64 = others.map(|score| score.score).sum();
        for score in &mut scores {
            score.score = if score.agent_id == self.agent_id {
                self.confidence
            } else if 0.0 < sum {
                (score.score / sum * (1.0 - self.confidence)).min(self.confidence)
            } else {
                0.0
            };
        }
        let is_near = |score: &proto::v1::AgentScore| {
            score.agent_id != self.agent_id && self.confidence - score.score < margin
        };
        Classification {
            ambiguous: scores.iter().any(is_near),
            agent_scores: scores,
            agent_id: self.agent_id,
            confidence: self.confidence,
            intent_summary: self.intent_summary,
            mode: "llm".to_owned(),
            tier: "llm".to_owned(),
            revision: model.to_owned(),
            ..local
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::v1::AgentScore;

    use super::*;

    fn classified(confidence: f64) -> Classification {
        let score = |id: &str, score| AgentScore { agent_id: id.to_owned(), score };
        let local = Classification {
            agent_scores: vec![score("a", 0.6), score("b", 0.3), score("c", 0.1)],
            ..Classification::default()
        };
        let opinion =
            Opinion { agent_id: "b".to_owned(), confidence, intent_summary: String::new() };
        opinion.onto(local, 0.1, "model")
    }

    #[test]
    fn an_opinion_leaves_the_rest_to_the_others() {
        let sure = classified(0.9);
        assert_eq!(
            (sure.agent_id.as_str(), sure.ambiguous, sure.tier.as_str()),
            ("b", false, "llm")
        );
        assert_eq!(sure.agent_scores.len(), 3, "all agents are scored");
        assert!(
            (sure.agent_scores.iter().map(|score| score.score).sum::<f64>() - 1.0).abs() < 1e-9
        );
        assert!(classified(0.45).ambiguous, "another agent is nearly as likely");
        assert!(classified(0.1).agent_scores.iter().all(|score| score.score <= 0.1));
    }
}
