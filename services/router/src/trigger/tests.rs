use super::{Keyword, Topic, is_crowded};

#[test]
fn keywords_match_as_whole_words_in_order_with_one_word_between() {
    let cases = [
        ("speak to manager", "let me speak to a manager", true),
        ("human agent", "I want to talk to a human agent", true),
        ("human agent", "a human support agent", true),
        ("human agent", "a human and then some agent", false),
        ("human agent", "an agent, not a human", false),
        ("escalate", "Please ESCALATE this!", true),
        ("escalate", "the matter was de-escalated", false),
        ("escalate", "please de-escalate", false),
        ("escalate", "escalates", false),
        ("speak to manager", "speak speak to manager", true),
        ("chef", "Ich will den Chef!", true),
        ("escalate", "", false),
    ];
    for (keyword, text, expected) in cases {
        assert_eq!(Keyword::of(keyword).unwrap().is_in(text), expected, "{keyword} in {text}");
    }
    assert_eq!(Keyword::of(" - "), None);
}

fn topic(scores: &[(&str, f64)]) -> Topic {
    Topic {
        active_agent: "sales".to_owned(),
        default_agent: "default-agent".to_owned(),
        scores: scores.iter().map(|(id, score)| ((*id).to_owned(), *score)).collect(),
        confidence_min: 0.6,
        score_min: 0.8,
    }
}

#[test]
fn a_topic_is_crossed_when_the_active_agent_is_unsure_and_another_is_sure() {
    type Case<'a> = (&'a [(&'a str, f64)], Option<(&'a str, f64)>);
    let cases: [Case<'_>; 6] = [
        (&[("sales", 0.1), ("booking", 0.85)], Some(("booking", 0.85))),
        (&[("sales", 0.6), ("booking", 0.85)], None),
        (&[("sales", 0.1), ("booking", 0.79)], None),
        (&[("sales", 0.1), ("default-agent", 0.9)], None),
        (&[("booking", 0.8)], Some(("booking", 0.8))),
        (&[("sales", 0.0), ("support", 0.8), ("booking", 0.8)], Some(("booking", 0.8))),
    ];
    for (scores, expected) in cases {
        assert_eq!(topic(scores).crossed_to(), expected, "{scores:?}");
    }
}

#[test]
fn an_agent_without_a_limit_is_never_crowded() {
    assert!(!is_crowded(1_000, None, 0.9));
    assert!(is_crowded(9, Some(10), 0.9));
    assert!(!is_crowded(8, Some(10), 0.9));
}
