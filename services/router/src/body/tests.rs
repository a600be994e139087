use super::{Answer, Budget, Clarification, Passed, Routing, Understood, Usage};

fn answer() -> Answer {
    Answer {
        request_id: "r".to_owned(),
        session_id: "s".to_owned(),
        session_new: true,
        agent_id: "support".to_owned(),
        response: "Your order is on its way.".to_owned(),
        workflow_complete: false,
        classification: Understood {
            intent: "order status".to_owned(),
            confidence: 0.92,
            language: "en".to_owned(),
        },
        routing: Routing { action: "route", reason: "Confidence 0.92 >= threshold 0.7".to_owned() },
        handoffs: vec![Passed {
            handoff_id: "handoff-1767225600000-9f3a2c10".to_owned(),
            from_agent: "sales".to_owned(),
            to_agent: "support".to_owned(),
            trigger: "specialist_required".to_owned(),
            message: Some("Let me pass you to support.".to_owned()),
        }],
        usage: Usage {
            model: Some("gpt-4o-mini".to_owned()),
            input_tokens: 1_200,
            output_tokens: 300,
            cost_micros: 360,
            estimated: false,
        },
        budget: Budget {
            action: "allow".to_owned(),
            remaining_micros: Some(9_999_640),
            disabled_tools: Vec::new(),
        },
    }
}

#[test]
fn an_answer_has_the_fields_of_the_contract_in_their_order() {
    let expected = concat!(
        r#"{"type":"answer","request_id":"r","session_id":"s","session_new":true,"#,
        r#""agent_id":"support","response":"Your order is on its way.","workflow_complete":false,"#,
        r#""classification":{"intent":"order status","confidence":0.92,"language":"en"},"#,
        r#""routing":{"action":"route","reason":"Confidence 0.92 >= threshold 0.7"},"#,
        r#""handoffs":[{"handoff_id":"handoff-1767225600000-9f3a2c10","from_agent":"sales","#,
        r#""to_agent":"support","trigger":"specialist_required","#,
        r#""message":"Let me pass you to support."}],"#,
        r#""usage":{"model":"gpt-4o-mini","input_tokens":1200,"output_tokens":300,"#,
        r#""cost_usd":0.00036,"estimated":false},"#,
        r#""budget":{"action":"allow","remaining_usd":9.99964,"disabled_tools":[]},"#,
        r#""duration_ms":120}"#,
    );
    assert_eq!(answer().body(120), expected);
}

#[test]
fn what_is_unknown_is_null_and_not_absent() {
    let mut answer = answer();
    answer.usage.model = None;
    answer.budget.remaining_micros = None;
    answer.handoffs[0].message = None;
    let body = answer.body(1);
    for field in [r#""model":null"#, r#""remaining_usd":null"#, r#""message":null"#] {
        assert!(body.contains(field), "{field} in {body}");
    }
}

#[test]
fn a_question_has_the_fields_of_the_contract_in_their_order() {
    let mut question = Clarification {
        request_id: "r".to_owned(),
        session_id: "s".to_owned(),
        session_new: true,
        question: "Book or ask?".to_owned(),
        suggested_agent: "booking".to_owned(),
        candidate_agents: vec!["booking".to_owned(), "support".to_owned()],
        reason: "Below threshold 0.7, clarification required".to_owned(),
        attempt: 1,
        message: None,
    };
    let expected = concat!(
        r#"{"type":"clarification","action":"clarification","request_id":"r","session_id":"s","#,
        r#""session_new":true,"clarification_question":"Book or ask?","suggested_agent":"booking","#,
        r#""candidate_agents":["booking","support"],"#,
        r#""routing":{"action":"clarify","reason":"Below threshold 0.7, clarification required"},"#,
        r#""reason":"Below threshold 0.7, clarification required","attempt":1,"duration_ms":35}"#,
    );
    assert_eq!(question.body(35), expected);
    question.message = Some("I am not sure.".to_owned());
    assert!(question.body(35).contains(r#""message":"I am not sure.""#));
}
