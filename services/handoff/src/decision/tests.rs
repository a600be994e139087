use std::sync::Arc;

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use proto::v1::{Agent, AgentState, HandoffDecision, Snapshot, Specialization, Trigger};

use super::{Policy, Question, Rules, select};
use crate::roster::Roster;
use crate::score::Metric;
use crate::wish::Kind;

mod policy;
mod replay;

const RULES: Rules = Rules {
    policy: Policy::BestEffort,
    metric: Metric::Jaccard,
    confidence_min: 700_000,
    ambiguity: 150_000,
    alternatives_max: 3,
    may_ask: true,
};

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// An agent in English with this load out of so many sessions.
fn agent(id: &str, skills: &[&str], domains: &[&str], load: (i64, i64)) -> AgentState {
    let agent = Agent {
        agent_id: id.to_owned(),
        display_name: id.to_uppercase(),
        skills: texts(skills),
        domains: texts(domains),
        languages: texts(&["en"]),
        max_concurrent_sessions: (0 < load.1).then_some(load.1),
        accepts_handoff: true,
        ..Agent::default()
    };
    AgentState { agent: Some(agent), availability: "available".to_owned(), load: load.0 }
}

fn change(mut state: AgentState, change: impl FnOnce(&mut Agent)) -> AgentState {
    change(state.agent.as_mut().unwrap());
    state
}

fn roster(agents: Vec<AgentState>) -> Roster {
    let default_agent_id = "default-agent".to_owned();
    Roster::of(Arc::new(Snapshot { generation: 1, default_agent_id, agents }))
}

fn trigger(kind: &str) -> Trigger {
    Trigger { r#type: kind.to_owned(), ..Trigger::default() }
}

fn specialist(skills: &[&str]) -> Trigger {
    Trigger { required_skills: texts(skills), ..trigger("specialist_required") }
}

fn topic(to: &str) -> Trigger {
    Trigger { to_topic: to.to_owned(), ..trigger("topic_boundary_crossed") }
}

/// The decision for a user who speaks English and leaves `source`.
fn decide(roster: &Roster, trigger: &Trigger, rules: &Rules) -> HandoffDecision {
    let question = Question {
        source: "source",
        trigger,
        kind: Kind::parse(&trigger.r#type).unwrap(),
        language: "en",
        exclude: &[],
        breaker_refused: &[],
    };
    select(roster, &question, rules).into_message(roster)
}

fn score(roster: &Roster, trigger: &Trigger, metric: Metric, id: &str) -> i64 {
    let decision = decide(roster, trigger, &Rules { metric, ..RULES });
    let mut candidates = decision.candidates.iter();
    candidates.find(|candidate| candidate.agent_id == id).unwrap().score_millionths
}

#[test]
fn scores_are_those_of_the_golden_table() {
    let desks = roster(vec![
        agent("booking", &["booking", "calendar"], &["booking"], (1, 5)),
        agent("sales", &["pricing"], &["sales"], (2, 8)),
        agent("support", &["refunds", "shipping"], &["support"], (4, 10)),
    ]);
    let billing =
        roster(vec![agent("support", &["refunds", "returns"], &["billing", "support"], (3, 10))]);
    let loads = roster(vec![
        agent("busy", &["a"], &["d"], (4, 10)),
        agent("idle", &["a"], &["d"], (0, 10)),
        agent("source", &["a"], &["D"], (9, 10)),
    ]);
    let cases = [
        (&desks, topic("booking"), "booking", 760_000, 960_000),
        (&desks, topic("booking"), "sales", 250_000, 250_000),
        (&desks, topic("booking"), "support", 220_000, 220_000),
        (&billing, specialist(&["refunds", "billing"]), "support", 473_333, 590_000),
        (&loads, trigger("load_balancing"), "idle", 1_000_000, 1_000_000),
        (&loads, trigger("load_balancing"), "busy", 733_333, 733_333),
    ];
    for (roster, trigger, id, jaccard, coverage) in cases {
        assert_eq!(score(roster, &trigger, Metric::Jaccard, id), jaccard, "{id} by Jaccard");
        assert_eq!(score(roster, &trigger, Metric::Coverage, id), coverage, "{id} by coverage");
    }
}

#[test]
fn a_decision_shows_the_parts_of_each_score() {
    let desks = roster(vec![
        agent("booking", &["Booking", "calendar", "booking"], &["booking"], (1, 5)),
        agent("sales", &["pricing"], &["sales"], (2, 8)),
    ]);
    let decision = decide(&desks, &topic("booking"), &RULES);
    assert_eq!((decision.r#type.as_str(), decision.target_agent.as_str()), ("primary", "booking"));
    let best = &decision.candidates[0];
    assert_eq!(
        (best.skill, best.domain, best.load, best.language),
        (Some(0.5), Some(1.0), Some(0.8), Some(1.0))
    );
    assert_eq!(decision.alternatives[0].agent_id, "sales");
    let loads = decide(&desks, &trigger("load_balancing"), &RULES);
    assert!(loads.candidates.iter().all(|one| one.skill.is_none() && one.domain.is_none()));
}

#[test]
fn a_language_counts_whole_half_or_not() {
    let speaks = |id: &str, languages: &[&str]| {
        change(agent(id, &[], &[], (0, 0)), |agent| agent.languages = texts(languages))
    };
    let agents = roster(vec![
        speaks("any", &[]),
        speaks("kin", &["EN-gb", "de"]),
        speaks("none", &["de", "eng"]),
        speaks("same", &["de", "EN"]),
    ]);
    let cases = [("any", 1_000_000), ("same", 1_000_000), ("kin", 833_333), ("none", 666_667)];
    for (id, expected) in cases {
        assert_eq!(
            score(&agents, &trigger("confidence_too_low"), Metric::Jaccard, id),
            expected,
            "{id}"
        );
    }
}

/// Two agents whose loads give them these scores for a wish that nothing but load can tell apart.
fn pair(first: i64, second: i64) -> Roster {
    let idle = |id: &str, hundredths: i64| {
        change(agent(id, &["a"], &["d"], (100 - hundredths, 100)), |agent| agent.languages = vec![])
    };
    roster(vec![idle("first", first), idle("second", second), agent("source", &[], &["d"], (0, 0))])
}

/// The decision about a pair for a user whose language is not known, so that a score is the idle part alone.
fn about(pair: &Roster, trigger: &Trigger, rules: &Rules) -> HandoffDecision {
    let question = Question {
        source: "source",
        trigger,
        kind: Kind::parse(&trigger.r#type).unwrap(),
        language: "",
        exclude: &[],
        breaker_refused: &[],
    };
    select(pair, &question, rules).into_message(pair)
}

#[test]
fn ambiguity_is_a_gap_below_the_limit() {
    let unsure = trigger("confidence_too_low");
    let escalation = trigger("escalation_requested");
    let load = trigger("load_balancing");
    let failover = Trigger { is_failover: true, ..unsure.clone() };
    let route = Rules { may_ask: false, ..RULES };
    let cases = [
        (85, 75, &unsure, &RULES, "clarification"),
        (85, 70, &unsure, &RULES, "primary"),
        (85, 71, &unsure, &RULES, "clarification"),
        (60, 55, &unsure, &RULES, "clarification"),
        (85, 75, &unsure, &route, "primary"),
        (85, 75, &load, &RULES, "primary"),
        (85, 75, &failover, &RULES, "primary"),
    ];
    for (first, second, trigger, rules, expected) in cases {
        let decision = about(&pair(first, second), trigger, rules);
        assert_eq!(decision.r#type, expected, "{first} and {second} for {}", trigger.r#type);
    }
    assert_ne!(about(&pair(85, 75), &escalation, &RULES).r#type, "clarification");
}

#[test]
fn a_clarification_names_two_agents_and_asks_what_tells_them_apart() {
    let agents = roster(vec![
        agent("books", &["novels", "poems"], &["Print"], (0, 0)),
        agent("films", &["poems", "dvd", "blu-ray", "posters", "tickets"], &["screen"], (0, 0)),
    ]);
    let decision = decide(&agents, &trigger("confidence_too_low"), &RULES);
    assert_eq!(decision.candidate_agents, ["books", "films"]);
    assert_eq!(decision.recommended_action, "ask_user");
    assert_eq!(
        decision.questions,
        [
            "Is this about print (BOOKS) or screen (FILMS)?",
            "Do you need help with dvd?",
            "Do you need help with blu-ray?",
            "Do you need help with posters?",
        ]
    );
    let twins =
        roster(vec![agent("one", &["a"], &["d"], (0, 0)), agent("two", &["a"], &["d"], (0, 0))]);
    let decision = decide(&twins, &trigger("confidence_too_low"), &RULES);
    assert_eq!(decision.questions, ["Which specialist would you prefer?"]);
}

fn any_agents() -> impl Strategy<Value = Vec<AgentState>> {
    let term = || prop::sample::select(vec!["a", "b", "c", "d"]);
    let one = (
        prop::collection::vec(term(), 0..4),
        prop::collection::vec(term(), 0..4),
        0_i64..6,
        0_i64..6,
        any::<bool>(),
    );
    prop::collection::vec(one, 0..8).prop_map(|parts| {
        let build = |(index, (skills, domains, load, max, accepts)): (
            usize,
            (Vec<&str>, Vec<&str>, _, _, bool),
        )| {
            let state = agent(&format!("agent-{index}"), &skills, &domains, (load, max));
            change(state, |agent| agent.accepts_handoff = accepts)
        };
        parts.into_iter().enumerate().map(build).collect()
    })
}

proptest! {
    #[test]
    fn nobody_is_chosen_twice_and_order_does_not_matter(
        agents in any_agents(),
        skills in prop::collection::vec(prop::sample::select(vec!["a", "b", "z"]), 0..3),
        may_ask in any::<bool>(),
    ) {
        let rules = Rules { may_ask, ..RULES };
        let decision = decide(&roster(agents.clone()), &specialist(&skills), &rules);
        let mut turned = agents;
        turned.reverse();
        prop_assert_eq!(&decide(&roster(turned), &specialist(&skills), &rules), &decision);

        let mut chosen: Vec<&str> = decision.alternatives.iter().map(|one| one.agent_id.as_str()).collect();
        chosen.extend((decision.r#type == "primary").then_some(decision.target_agent.as_str()));
        let count = chosen.len();
        chosen.sort_unstable();
        chosen.dedup();
        prop_assert_eq!(chosen.len(), count, "an agent was chosen twice");
        let scores: Vec<i64> = decision.candidates.iter().map(|one| one.score_millionths).collect();
        prop_assert!(scores.is_sorted_by(|one, other| one >= other));
        prop_assert!(scores.iter().all(|score| (0..=1_000_000).contains(score)));
    }
}
