use proptest::prelude::*;

use super::{Classified, Gated, Record};
use crate::gate::{Candidate, Question};

fn gated() -> impl Strategy<Value = Gated> {
    let candidate = proptest::option::of((any::<bool>(), 0.0..=1.0_f64, any::<bool>()));
    ("[a-z-]{1,12}", 0.0..=1.0_f64, any::<[bool; 3]>(), candidate).prop_map(
        |(agent_id, confidence, [ambiguous, bypass, may_ask], candidate)| {
            let question = Question {
                agent_id,
                confidence,
                ambiguous,
                bypass,
                may_ask,
                candidate: candidate.map(|(is_default, threshold, clarification_required)| {
                    Candidate { is_default, threshold, clarification_required }
                }),
                default_agent: "default-agent".to_owned(),
            };
            let decision = question.decide();
            Gated { question, decision }
        },
    )
}

proptest! {
    #[test]
    fn a_stored_record_gives_the_same_decision_again(
        gated in gated(),
        scores in proptest::collection::vec(("[a-z]{1,8}", 0.0..=1.0_f64), 0..6),
    ) {
        let record = Record {
            gate: Some(gated),
            classification: Some(Classified { scores, ..Classified::default() }),
            ..Record::default()
        };
        let read: Record = serde_json::from_str(&record.json()).unwrap();
        prop_assert_eq!(&read, &record);
        let again = read.gate.unwrap();
        prop_assert!(again.is_repeatable());
        prop_assert_eq!(
            serde_json::to_vec(&again.question.decide()).unwrap(),
            serde_json::to_vec(&record.gate.unwrap().decision).unwrap()
        );
    }
}
