use proptest::prelude::{prop, prop_assert, proptest};
use proto::v1::{Candidate, CompressedContext, HandoffDecision, Rejection};

use super::State::{
    Aborted, Accepted, Completed, Compressed, Expired, Failed, Offered, Rejected, Started,
};
use super::{Owner, STATES, State, Transfer};

fn started() -> Transfer {
    Transfer {
        id: "handoff-1-00000001".to_owned(),
        owner: Owner::default(),
        state: Started,
        from_agent: "source".to_owned(),
        to_agent: String::new(),
        trigger: "specialist_required".to_owned(),
        reason: String::new(),
        order: Vec::new(),
        tried: Vec::new(),
        rejections: Vec::new(),
        decision: HandoffDecision::default(),
        brief: None,
        created_ms: 1,
        updated_ms: 1,
        expires_ms: 100,
        lease_until_ms: 0,
        version: 0,
    }
}

fn compressed() -> Transfer {
    let other = |id: &str| Candidate { agent_id: id.to_owned(), ..Candidate::default() };
    let decision = HandoffDecision {
        r#type: "primary".to_owned(),
        target_agent: "first".to_owned(),
        alternatives: vec![other("second"), other("third")],
        ..HandoffDecision::default()
    };
    let mut transfer = started();
    transfer.compressed(decision, CompressedContext::default(), 2).unwrap();
    transfer
}

#[test]
fn only_the_path_of_the_contract_can_be_walked() {
    let allowed = [
        (Started, vec![Compressed, Rejected, Failed, Expired]),
        (Compressed, vec![Offered, Rejected, Failed, Expired]),
        (Offered, vec![Offered, Accepted, Rejected, Failed, Expired]),
        (Accepted, vec![Offered, Completed, Rejected, Aborted]),
        (Completed, vec![]),
        (Rejected, vec![]),
        (Failed, vec![]),
        (Expired, vec![]),
        (Aborted, vec![]),
    ];
    for (state, next) in allowed {
        for (other, name) in STATES {
            assert_eq!(
                state.may_become(other),
                next.contains(&other),
                "{} to {name}",
                state.name()
            );
        }
        assert_eq!(state.is_final(), next.is_empty(), "{}", state.name());
        assert_eq!(State::parse(state.name()), Some(state));
    }
}

#[test]
fn each_candidate_has_its_turn_once() {
    let mut transfer = compressed();
    assert_eq!(transfer.next_candidate(&[]), Some("first"));
    transfer.offered("first", 50, 3).unwrap();
    transfer.refused(Rejection { agent_id: "first".to_owned(), ..Rejection::default() });
    assert_eq!(transfer.next_candidate(&["second".to_owned()]), Some("third"));
    transfer.offered("second", 50, 4).unwrap();
    transfer.accepted(60, 5).unwrap();
    assert_eq!((transfer.to_agent.as_str(), transfer.lease_until_ms), ("second", 60));
    transfer.passed("second");
    transfer.passed("second");
    assert_eq!(transfer.next_candidate(&[]), Some("third"));
    assert_eq!(transfer.tried, ["first", "second"]);
    transfer.passed("third");
    assert_eq!(transfer.next_candidate(&[]), None);
}

proptest! {
    #[test]
    fn no_candidate_is_asked_twice_whatever_happens(
        fates in prop::collection::vec((0_u8..4, 0_usize..3), 0..12),
    ) {
        let names = ["first", "second", "third"];
        let mut transfer = compressed();
        let (mut asked, mut exclude) = (Vec::new(), Vec::new());
        for (now_ms, (fate, other)) in (3..).zip(fates) {
            let Some(agent) = transfer.next_candidate(&exclude).map(str::to_owned) else { break };
            prop_assert!(!asked.contains(&agent), "{agent} was asked before: {asked:?}");
            prop_assert!(!exclude.contains(&agent), "{agent} is out of the question");
            transfer.offered(&agent, now_ms + 50, now_ms).unwrap();
            asked.push(agent.clone());
            match fate {
                0 => transfer.refused(Rejection { agent_id: agent, ..Rejection::default() }),
                1 => exclude.push(agent),
                2 => {
                    transfer.accepted(now_ms + 50, now_ms).unwrap();
                    transfer.passed(&agent);
                }
                _ => {
                    transfer.passed(&agent);
                    exclude.push(names[other].to_owned());
                }
            }
        }
        prop_assert!(asked.len() <= names.len());
    }
}

#[test]
fn an_illegal_change_changes_nothing() {
    let mut transfer = compressed();
    let before = transfer.clone();
    let illegal = transfer.completed(9).unwrap_err();
    assert_eq!((illegal.from, illegal.to), (Compressed, Completed));
    assert_eq!(
        illegal.to_string(),
        "handoff handoff-1-00000001 is compressed, so it cannot become completed"
    );
    assert!(transfer.ended(Aborted, "no", 9).is_err());
    assert_eq!(transfer, before);
}

#[test]
fn a_transfer_that_ends_has_no_lease() {
    let mut transfer = compressed();
    transfer.offered("first", 50, 3).unwrap();
    transfer.accepted(60, 4).unwrap();
    let mut aborted = transfer.clone();
    aborted.ended(Aborted, "the turn was cancelled", 5).unwrap();
    transfer.completed(5).unwrap();
    assert_eq!((aborted.lease_until_ms, transfer.lease_until_ms), (0, 0));
    assert_eq!(
        (aborted.reason.as_str(), transfer.to_agent.as_str()),
        ("the turn was cancelled", "first")
    );
}
