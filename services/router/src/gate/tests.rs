use proptest::prelude::*;

use super::{Action, Candidate, Decision, Question};

fn booking(confidence: f64) -> Question {
    Question {
        agent_id: "booking".to_owned(),
        confidence,
        ambiguous: false,
        bypass: false,
        may_ask: true,
        candidate: Some(Candidate {
            is_default: false,
            threshold: 0.7,
            clarification_required: true,
        }),
        default_agent: "default-agent".to_owned(),
    }
}

fn blunt(mut question: Question) -> Question {
    question.candidate.as_mut().unwrap().clarification_required = false;
    question
}

#[test]
fn the_golden_table_holds() {
    let default = Candidate { is_default: true, threshold: 0.0, clarification_required: false };
    let cases = [
        (booking(0.70), Action::Route, "booking", "Confidence 0.7 >= threshold 0.7", 4),
        (
            booking(0.699),
            Action::Clarify,
            "booking",
            "Below threshold 0.7, clarification required",
            5,
        ),
        (
            Question { ambiguous: true, ..booking(0.95) },
            Action::Clarify,
            "booking",
            "Ambiguous, clarification required",
            5,
        ),
        (
            blunt(booking(0.50)),
            Action::Fallback,
            "default-agent",
            "Below threshold 0.7, falling back to default",
            6,
        ),
        (
            Question { may_ask: false, ..booking(0.1) },
            Action::Fallback,
            "default-agent",
            "Below threshold 0.7, falling back to default",
            6,
        ),
        (
            Question { agent_id: "ghost".to_owned(), candidate: None, ..booking(0.9) },
            Action::Route,
            "default-agent",
            "Unknown agent_id 'ghost', routing to default",
            1,
        ),
        (
            Question {
                agent_id: "default-agent".to_owned(),
                candidate: Some(default),
                ..booking(0.05)
            },
            Action::Route,
            "default-agent",
            "Default agent, routing directly",
            2,
        ),
        (
            Question { bypass: true, ..booking(0.0) },
            Action::Route,
            "booking",
            "Session bypass, routing directly to session agent",
            3,
        ),
    ];
    for (question, action, agent_id, reason, rule) in cases {
        let expected =
            Decision { action, agent_id: agent_id.to_owned(), reason: reason.to_owned(), rule };
        assert_eq!(question.decide(), expected, "{question:?}");
    }
}

#[test]
fn doubt_is_named_for_what_it_is() {
    let decision = blunt(Question { ambiguous: true, ..booking(0.8) }).decide();
    assert_eq!(decision.reason, "Ambiguous, falling back to default");
}

#[test]
fn numbers_print_in_their_shortest_form() {
    for (value, text) in
        [(0.7, "0.7"), (1.0, "1"), (0.0, "0"), (0.123_456, "0.1235"), (0.92, "0.92"), (0.1, "0.1")]
    {
        assert_eq!(super::number(value), text);
    }
}

/// The table of the contract once more, as a list of conditions of which the first that holds counts.
fn row(question: &Question) -> u8 {
    let Some(candidate) = question.candidate else { return 1 };
    let reaches = question.confidence >= candidate.threshold;
    let rows = [
        (2, candidate.is_default),
        (3, question.bypass),
        (4, reaches && !question.ambiguous),
        (5, candidate.clarification_required && question.may_ask),
        (6, true),
    ];
    rows.into_iter().find(|(_, holds)| *holds).unwrap().0
}

fn questions() -> impl Strategy<Value = Question> {
    let candidate = proptest::option::of((any::<bool>(), 0.0..=1.0_f64, any::<bool>()));
    (0.0..=1.0_f64, any::<bool>(), any::<bool>(), any::<bool>(), candidate).prop_map(
        |(confidence, ambiguous, bypass, may_ask, candidate)| Question {
            agent_id: "sales".to_owned(),
            confidence,
            ambiguous,
            bypass,
            may_ask,
            candidate: candidate.map(|(is_default, threshold, clarification_required)| Candidate {
                is_default,
                threshold,
                clarification_required,
            }),
            default_agent: "default-agent".to_owned(),
        },
    )
}

proptest! {
    #[test]
    fn the_first_matching_row_decides(question in questions()) {
        let decision = question.decide();
        prop_assert_eq!(decision.rule, row(&question));
        let expected = match decision.rule { 1 | 2 | 6 => "default-agent", _ => "sales" };
        prop_assert_eq!(decision.agent_id, expected);
    }

    #[test]
    fn a_stored_question_is_decided_again_in_the_same_way(question in questions()) {
        let stored = serde_json::to_string(&question).unwrap();
        let again: Question = serde_json::from_str(&stored).unwrap();
        let bytes = |question: &Question| serde_json::to_vec(&question.decide()).unwrap();
        prop_assert_eq!(bytes(&again), bytes(&question));
    }
}
