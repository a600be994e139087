use std::collections::BTreeSet;

use proto::v1::{Agent, AgentState, Snapshot};
use serde_json::{Value, json};

use super::{Reply, answer, others, sentences};
use crate::roster::Agents;

/// The languages of the contract, section 11.3.
const LANGUAGES: &str =
    "ar cs da de el en es fi fr he hi hu id it ja ko nl no pl pt ro ru sv th tr uk vi zh";

fn agent(agent_id: &str, display_name: &str, context: &str) -> Agent {
    Agent {
        agent_id: agent_id.to_owned(),
        display_name: display_name.to_owned(),
        clarification_context: context.to_owned(),
        examples: vec![format!("{agent_id} please")],
        accepts_handoff: true,
        ..Agent::default()
    }
}

/// A roster of booking, reception, sales and support.
fn roster(change: impl Fn(&mut AgentState)) -> Agents {
    let reception = Agent { is_default: true, ..agent("reception", "Reception", "") };
    let agents = [
        agent("booking", "Booking Desk", "I can book, move or\ncancel an appointment."),
        reception,
        agent("sales", "Sales", ""),
        agent("support", "Support", ""),
    ];
    let state = |agent| AgentState {
        agent: Some(agent),
        availability: "available".to_owned(),
        ..AgentState::default()
    };
    let mut agents: Vec<_> = agents.into_iter().map(state).collect();
    agents.iter_mut().for_each(change);
    Agents::of(Snapshot { agents, ..Snapshot::default() })
}

fn id(state: &AgentState) -> &str {
    &state.agent.as_ref().unwrap().agent_id
}

fn reply(arguments: Value, agents: &Agents) -> Reply {
    answer(&serde_json::from_value(arguments).unwrap(), &others(agents, "reception"))
}

#[test]
fn a_first_message_is_greeted_with_who_is_there() {
    let said = reply(
        json!({"raw_input": "Hello", "detected_language": "en", "turn_history": [], "workflow_state": {}}),
        &roster(|_| ()),
    );
    assert_eq!(
        said.content,
        "Hello! I can bring you to:\n\
         1. Booking Desk: I can book, move or cancel an appointment.\n\
         2. Sales: “sales please”\n\
         3. Support: “support please”\n\
         Reply with a number or a name, or say what you need."
    );
    assert_eq!((said.handoff, said.workflow_complete), (None, false));
    assert_eq!(said.workflow_state.offered, ["booking", "sales", "support"]);
}

#[test]
fn a_name_or_a_number_of_the_list_is_passed_on() {
    let agents = roster(|_| ());
    let state = json!({"offered": ["booking", "sales", "support"]});
    let cases = [
        ("2", Some("sales")),
        ("No. 2", None),
        ("3.", Some("support")),
        ("4", None),
        ("the booking desk, please", Some("booking")),
        ("SUPPORT", Some("support")),
        ("sales or support?", None),
        ("something else", None),
        ("reception", None),
    ];
    for (said, target) in cases {
        let history = [json!({"role": "user", "content": "Hello"})];
        let arguments =
            json!({"raw_input": said, "turn_history": history, "workflow_state": state});
        let reply = reply(arguments, &agents);
        let wish = reply.handoff.map(|wish| wish.target_agent);
        assert_eq!(wish.as_deref(), target, "{said}");
        let is_unclear = reply.content.starts_with("I am not sure whom you need.");
        assert_eq!(is_unclear, target.is_none(), "{said}: {}", reply.content);
    }
    let passed = reply(json!({"raw_input": "2", "workflow_state": state}), &agents);
    assert_eq!(passed.content, "I am passing you on to Sales.");
}

#[test]
fn a_number_means_who_had_it_in_the_list_that_was_shown() {
    let ask = |agents: &Agents, state: Value| {
        let said = reply(json!({"raw_input": "2", "workflow_state": state}), agents);
        said.handoff.map(|wish| wish.target_agent)
    };
    let without_booking = roster(|state| {
        if id(state) == "booking" {
            state.availability = "offline".to_owned();
        }
    });
    let shown = json!({"offered": ["booking", "sales", "support"]});
    assert_eq!(ask(&without_booking, shown).as_deref(), Some("sales"));
    let gone = json!({"offered": ["sales", "booking"]});
    assert_eq!(ask(&without_booking, gone), None, "who is gone takes nobody");
    assert_eq!(ask(&roster(|_| ()), json!({})), None, "no list was shown");
    assert_eq!(ask(&roster(|_| ()), json!({"handoff_id": 7})), None, "a state that is none");
}

#[test]
fn only_those_who_can_take_over_are_named() {
    let agents = roster(|state| match id(state) {
        "booking" => state.availability = "busy".to_owned(),
        "support" => state.agent.as_mut().unwrap().accepts_handoff = false,
        _ => {}
    });
    let said = reply(json!({"raw_input": "Hello"}), &agents);
    assert_eq!(said.workflow_state.offered, ["sales"]);
    let nobody = roster(|state| state.availability = "away".to_owned());
    let said = reply(json!({"raw_input": "Hello", "detected_language": "de-AT"}), &nobody);
    assert!(said.content.starts_with("Guten Tag! Im Moment ist sonst niemand da."));
}

#[test]
fn a_message_that_was_handed_over_is_not_handed_back() {
    let agents = roster(|_| ());
    let told = |handoff_id: &str, known: &str| {
        let arguments = json!({
            "raw_input": "booking", "handoff": {"handoff_id": handoff_id, "from_agent": "booking"},
            "workflow_state": {"offered": [], "handoff_id": known},
        });
        reply(arguments, &agents)
    };
    let first = told("handoff-2", "handoff-1");
    assert!(first.handoff.is_none() && first.content.starts_with("I am not sure"), "{first:?}");
    assert_eq!(first.workflow_state.handoff_id, "handoff-2");
    assert_eq!(told("handoff-2", "handoff-2").handoff.unwrap().target_agent, "booking", "later");
}

#[test]
fn every_language_has_sentences_of_its_own() {
    let mut seen = BTreeSet::new();
    for language in LANGUAGES.split(' ') {
        let sentences = sentences::of(language);
        for text in [sentences.hello, sentences.unclear, sentences.ask, sentences.alone] {
            assert!(seen.insert(text), "{language}: {text} is another language's");
        }
        assert_eq!(sentences.pass.matches("{a}").count(), 1, "{language}");
    }
    assert_eq!(sentences::of("xx").hello, sentences::of("en").hello);
    assert_eq!(sentences::of("pt-BR").hello, sentences::of("pt").hello);
}
