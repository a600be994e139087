//! Who is primary below the minimum, by name, in a hierarchy, after a failure, and when nobody can.

use proto::v1::{Specialization, Trigger};

use super::{RULES, agent, change, decide, roster, specialist, trigger};
use crate::decision::{Policy, Rules};

#[test]
fn below_the_minimum_the_policy_decides() {
    let far = roster(vec![agent("far", &["a", "b", "c", "x"], &["d"], (0, 0))]);
    let near = specialist(&["a", "z"]);
    let foreign = specialist(&["z"]);
    let cases = [
        (Policy::Strict, &near, "fallback", "low_confidence"),
        (Policy::BestEffort, &near, "primary", ""),
        (Policy::BestEffort, &foreign, "fallback", "low_confidence"),
        (Policy::Hierarchical, &near, "fallback", "low_confidence"),
    ];
    for (policy, trigger, kind, reason) in cases {
        let decision = decide(&far, trigger, &Rules { policy, ..RULES });
        assert_eq!(
            (decision.r#type.as_str(), decision.reason.as_str()),
            (kind, reason),
            "{policy:?}"
        );
        assert_eq!(decision.fallback_agent, "", "only failover names who answers instead");
    }
}

#[test]
fn nobody_to_choose_is_no_match_or_all_busy() {
    let full = agent("full", &["a"], &["a"], (5, 5));
    let mut busy = agent("busy", &["a"], &["a"], (0, 5));
    busy.availability = "busy".to_owned();
    let mut away = full.clone();
    away.availability = "away".to_owned();
    let closed = change(full.clone(), |agent| agent.accepts_handoff = false);
    let source = change(full.clone(), |agent| agent.agent_id = "source".to_owned());
    let cases = [
        (vec![full.clone()], "all_busy"),
        (vec![busy], "all_busy"),
        (vec![away], "no_match"),
        (vec![closed], "no_match"),
        (vec![source], "no_match"),
        (vec![], "no_match"),
    ];
    for (agents, reason) in cases {
        let decision = decide(&roster(agents.clone()), &specialist(&["a"]), &RULES);
        assert_eq!(decision.reason, reason, "{agents:?}");
        assert_eq!(decision.queue_for_later, reason == "all_busy");
    }
}

#[test]
fn a_named_agent_comes_first_if_it_can() {
    let agents = roster(vec![
        agent("best", &["a"], &["a"], (0, 0)),
        agent("named", &["z"], &["z"], (8, 10)),
        agent("full", &["z"], &["z"], (10, 10)),
    ]);
    let named =
        |id: &str, skills: &[&str]| Trigger { target_agent: id.to_owned(), ..specialist(skills) };
    let decision = decide(&agents, &named("named", &["a"]), &RULES);
    assert_eq!((decision.r#type.as_str(), decision.target_agent.as_str()), ("primary", "named"));
    assert_eq!(decision.alternatives[0].agent_id, "best");
    assert_eq!(decide(&agents, &named("full", &["a"]), &RULES).target_agent, "best");
    for id in ["full", "nobody", "source"] {
        let decision = decide(&agents, &named(id, &[]), &RULES);
        assert_eq!(
            (decision.r#type.as_str(), decision.reason.as_str()),
            ("fallback", "no_match"),
            "{id}"
        );
    }
    // A name that the mesh has guessed stands for what that agent can do, whatever else is asked for.
    for skills in [&[][..], &["full"]] {
        let guessed = Trigger { target_is_preference: true, ..named("full", skills) };
        let decision = decide(&agents, &guessed, &RULES);
        let chosen = (decision.r#type.as_str(), decision.target_agent.as_str());
        assert_eq!(chosen, ("primary", "named"), "{skills:?}");
    }
}

#[test]
fn the_hierarchy_prefers_children_then_specialists() {
    let rules = Rules { policy: Policy::Hierarchical, ..RULES };
    let special = |id: &str, level: f64, least: f64| {
        change(agent(id, &["x"], &["other"], (0, 0)), |agent| {
            agent.specializations = vec![Specialization {
                domain: "A".to_owned(),
                proficiency_level: level,
                min_confidence_threshold: least,
            }];
        })
    };
    let child = change(agent("child", &[], &[], (9, 10)), |agent| {
        agent.parent_agent_id = "source".to_owned();
    });
    let plain = agent("plain", &["a"], &["a"], (0, 0));
    let cases = [
        (vec![plain.clone(), child.clone(), special("expert", 0.9, 0.0)], "child"),
        (vec![plain.clone(), special("expert", 0.9, 0.0), special("novice", 0.2, 0.0)], "expert"),
        (vec![plain.clone(), special("expert", 0.2, 0.0), special("better", 0.9, 0.0)], "better"),
        (vec![plain.clone(), special("picky", 0.9, 0.9)], "plain"),
    ];
    for (mut agents, expected) in cases {
        agents.sort_by_key(|state| state.agent.as_ref().unwrap().agent_id.clone());
        let decision = decide(&roster(agents), &specialist(&["a"]), &rules);
        assert_eq!(
            (decision.r#type.as_str(), decision.target_agent.as_str()),
            ("primary", expected)
        );
    }
}

#[test]
fn failover_asks_like_the_source_and_ends_at_the_default_agent() {
    let agents = |twin: bool| {
        let mut agents = vec![
            agent("default-agent", &["hello"], &["hello"], (0, 0)),
            agent("source", &["a", "b"], &["d"], (0, 0)),
        ];
        if twin {
            agents.push(agent("twin", &["a", "b"], &["d"], (0, 0)));
        }
        roster(agents)
    };
    let failover = Trigger { is_failover: true, ..trigger("specialist_required") };
    let decision = decide(&agents(true), &failover, &RULES);
    assert_eq!((decision.r#type.as_str(), decision.target_agent.as_str()), ("primary", "twin"));
    let decision = decide(&agents(false), &failover, &RULES);
    assert_eq!(
        (decision.reason.as_str(), decision.fallback_agent.as_str()),
        ("low_confidence", "default-agent")
    );
}

#[test]
fn load_moves_only_to_neighbours() {
    let agents = roster(vec![
        agent("far", &[], &["other"], (0, 10)),
        agent("near", &[], &["Desk", "x"], (1, 10)),
        agent("source", &[], &["desk"], (9, 10)),
    ]);
    let decision = decide(&agents, &trigger("load_balancing"), &RULES);
    assert_eq!(decision.target_agent, "near");
    assert_eq!(decision.candidates.len(), 1);
}

#[test]
fn escalation_asks_for_a_supervisor() {
    let agents = roster(vec![
        agent("boss", &["escalation", "supervisor"], &["escalation", "support"], (0, 0)),
        agent("clerk", &["refunds"], &["support"], (0, 0)),
    ]);
    let decision = decide(&agents, &trigger("escalation_requested"), &RULES);
    assert_eq!((decision.target_agent.as_str(), decision.score_millionths), ("boss", 1_000_000));
}
