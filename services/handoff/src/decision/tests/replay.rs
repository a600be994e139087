use prost::Message as _;

use super::super::Basis;
use super::*;

fn any_trigger() -> impl Strategy<Value = Trigger> {
    let kinds = [
        "specialist_required",
        "escalation_requested",
        "topic_boundary_crossed",
        "confidence_too_low",
        "load_balancing",
    ];
    let terms = || prop::collection::vec(prop::sample::select(vec!["a", "B", "z"]), 0..3);
    let target = prop::sample::select(vec!["", "", "agent-0", "agent-1", "ghost"]);
    let kind = prop::sample::select(kinds.to_vec());
    (kind, terms(), terms(), target, any::<[bool; 2]>()).prop_map(
        |(kind, skills, domains, target, [is_preference, is_failover])| Trigger {
            required_skills: texts(&skills),
            target_domains: texts(&domains),
            target_agent: target.to_owned(),
            target_is_preference: is_preference,
            to_topic: "a".to_owned(),
            is_failover,
            reason: "what nobody looks at".to_owned(),
            ..trigger(kind)
        },
    )
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let policies = vec![Policy::Strict, Policy::BestEffort, Policy::Hierarchical];
    let metrics = vec![Metric::Jaccard, Metric::Coverage];
    let choices = (prop::sample::select(policies), prop::sample::select(metrics), any::<bool>());
    (choices, 0_i64..1_000_000, 0_i64..300_000, 0_usize..4).prop_map(
        |((policy, metric, may_ask), confidence_min, ambiguity, alternatives_max)| Rules {
            policy,
            metric,
            confidence_min,
            ambiguity,
            alternatives_max,
            may_ask,
        },
    )
}

/// Agents with what only some rules look at: parents, specializations, languages and availability.
fn any_members() -> impl Strategy<Value = Vec<AgentState>> {
    let special = (prop::sample::select(vec!["a", "b"]), 0.0..=1.0_f64, 0.0..=1.0_f64);
    let more = (
        any::<bool>(),
        prop::option::of(special),
        prop::sample::select(vec!["en", "en-GB", "de"]),
        prop::sample::select(vec!["available", "available", "busy", "offline"]),
    );
    (any_agents(), prop::collection::vec(more, 8)).prop_map(|(agents, more)| {
        let extend =
            |(state, (is_child, special, tag, availability)): (AgentState, (_, _, _, &str))| {
                let special: Option<(&str, f64, f64)> = special;
                let state = change(state, |agent| {
                    agent.parent_agent_id =
                        if is_child { "source".to_owned() } else { String::new() };
                    agent.languages = texts(&[tag]);
                    agent.specializations = special
                        .map(|(domain, proficiency_level, min_confidence_threshold)| {
                            Specialization {
                                domain: domain.to_owned(),
                                proficiency_level,
                                min_confidence_threshold,
                            }
                        })
                        .into_iter()
                        .collect();
                });
                AgentState { availability: availability.to_owned(), ..state }
            };
        agents.into_iter().zip(more).map(extend).collect()
    })
}

proptest! {
    #[test]
    fn a_stored_basis_gives_the_same_decision_byte_for_byte(
        agents in any_members(),
        trigger in any_trigger(),
        rules in any_rules(),
        language in prop::sample::select(vec!["", "en", "de-AT"]),
        lists in prop::collection::vec(prop::sample::select(vec!["agent-1", "agent-2", "default-agent"]), 0..3),
    ) {
        let (roster, lists) = (roster(agents), texts(&lists));
        let question = Question {
            source: "source",
            trigger: &trigger,
            kind: Kind::parse(&trigger.r#type).unwrap(),
            language,
            exclude: &lists,
            breaker_refused: &lists[lists.len() / 2..],
        };
        let decision = select(&roster, &question, &rules).into_message(&roster);
        let stored = Basis::of(&roster, &question, &rules).json().expect("a basis of few agents is kept");
        let again = serde_json::from_str::<Basis>(&stored).unwrap().decide().unwrap();
        prop_assert_eq!(&again, &decision);
        prop_assert_eq!(again.encode_to_vec(), decision.encode_to_vec());
        prop_assert!(!stored.contains("what nobody looks at"));
    }
}
