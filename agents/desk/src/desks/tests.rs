use serde_json::json;

use crate::testing::House;
use crate::topic::Desk;
use crate::topic::Desk::{Booking, Sales, Support, Welcome};

/// Texts that a first message to a desk is answered with.
async fn answers(desk: Desk, cases: &[(&str, &str)]) {
    let house = House::open().await;
    for (text, expected) in cases {
        let reply = house.customer(text).say(desk, text).await;
        assert!(reply.content.contains(expected), "{text}: {}", reply.content);
        assert!(reply.handoff.is_none(), "{text}: {:?}", reply.handoff);
    }
}

#[tokio::test]
async fn support_answers_from_the_pages_and_the_orders() {
    let cases = [
        ("I need help with my order", "What is the order number?"),
        ("Where is my order?", "What is the order number?"),
        ("where is order LL-10468", "**shipped**. It should arrive on Tuesday 24 November 2026."),
        (
            "status of ll10482 please",
            "Order **LL-10482**, placed on Thursday 19 November 2026, is **packed**.",
        ),
        ("#10455", "delivered on Monday 16 November 2026"),
        ("my order 10468 please", "In it: 1 × Rosso Duo and 1 × Tamper 58 mm."),
        ("I want a refund for order LL-10421", "two working days"),
        ("order LL-99999", "I cannot find an order LL-99999"),
        ("I want a refund", "two working days"),
        ("how do I send something back?", "within **30 days**"),
        ("how long does delivery take", "one to three working days"),
        ("is shipping free?", "€4.95"),
        ("my parcel arrived broken", "two photographs"),
        ("is the grinder under warranty?", "two years"),
        ("how do I descale the machine", "sachet"),
        ("my espresso is sour", "28 seconds"),
        ("can I pay with paypal", "PayPal"),
        ("I want to speak to a manager", "+353 91 555 0142"),
        ("where can I park", "car park"),
        ("what are your opening hours?", "- Monday, Tuesday, Wednesday and Friday: 09:30 to 18:00"),
        ("are you open on Sunday?", "On Sunday 22 November 2026 we are closed."),
        ("are you open at Christmas?", "On Friday 25 December 2026 we are closed (Christmas Day)."),
        ("what's your address", "14 Lantern Lane"),
        ("do you ship to Germany", "€12.90"),
        ("are you open on 24 December?", "open from 09:30 to 20:00"),
        ("are you open now", "We are open now, until 17:00."),
        ("do you know who won the football match", "I do not know that"),
    ];
    answers(Support, &cases).await;
}

#[tokio::test]
async fn support_keeps_the_order_in_mind() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    let turns = [
        ("the machine in my order arrived damaged", "two photographs"),
        ("I do not have it here", "Without the number"),
        ("10468", "Order **LL-10468**"),
        ("when will my parcel arrive?", "Tuesday 24 November 2026"),
    ];
    for (text, expected) in turns {
        let reply = anna.say(Support, text).await;
        assert!(reply.content.contains(expected), "{text}: {}", reply.content);
    }
    assert!(anna.say(Support, "thanks, that's all").await.workflow_complete);
    let mut bea = house.customer("user-2");
    bea.say(Support, "I want a refund").await;
    let reply = bea.say(Support, "how long does it take?").await;
    assert!(reply.content.contains("two working days"), "{}", reply.content);
}

#[tokio::test]
async fn sales_finds_compares_prices_and_quotes() {
    let cases = [
        ("How much is the Rosso Duo?", "**Rosso Duo** costs **€799** and is in stock, only 3 left"),
        ("what does house blend cost", "House Blend 1 kg** costs **€28**"),
        ("is the Bellini Lever in stock?", "Bellini Lever is out of stock at the moment."),
        ("compare the Rosso One with the Rosso Duo", "| boiler | thermoblock | single with PID |"),
        ("what is the difference between Rosso One and Bellini Doppio", "cheaper one, by €1,141"),
        ("a quote for 4 Guji and one tamper", "**Total: €77**, €5.98 VAT at 23 % included."),
        ("4 bags of guji please", "10 % off four bags of beans or more: −€5"),
        ("I want to buy 5 Rosso Duo", "Of Rosso Duo we have 3 at the moment."),
        ("3 House Blend please", "Which one do you mean?"),
        ("a grinder under 300 euro", "**Kestrel 40**, €229"),
        ("what is the cheapest espresso machine", "Here is what fits:\n- **Rosso One**, €349"),
        ("do you have decaf?", "Huila Decaf"),
        ("something for filter coffee", "Guji Natural"),
        ("do you have any discounts", "10 % off four bags"),
        ("what do you sell?", "espresso machines, grinders, coffee beans, accessories, gift cards"),
        ("How much does it cost?", "Which product may I tell you about?"),
        ("do you sell bicycles", "I found nothing like that"),
        ("how much is a machine service", "Espresso machine service**, 60 minutes: €89"),
        ("hello", "sales desk"),
    ];
    answers(Sales, &cases).await;
}

#[tokio::test]
async fn sales_knows_what_it_points_back_to() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    let turns = [
        ("tell me about the Kestrel 40", "€229"),
        ("is it in stock?", "Kestrel 40 is in stock."),
        ("a quote for 2 Kestrel 40", "**Total: €458**"),
        ("and add 4 bags of Midnight", "**Total: €490.40**"),
        ("which grinders do you have?", "Heron 64"),
        ("compare them", "| power |"),
        ("I'll take two", "Which one do you mean?"),
        ("the Heron 64", "€549"),
        ("I'll take two of them", "2 × Heron 64: €1,098"),
    ];
    for (text, expected) in turns {
        let reply = anna.say(Sales, text).await;
        assert!(reply.content.contains(expected), "{text}: {}", reply.content);
    }
}

#[tokio::test]
async fn the_welcome_desk_greets_and_says_who_does_what() {
    let cases = [
        ("hi", "welcome to Lantern Lane Coffee Works"),
        ("what can you do?", "**Booking** makes, moves and cancels visits"),
        ("tell me about quantum physics", "I am not sure which desk"),
    ];
    answers(Welcome, &cases).await;
    let house = House::open().await;
    let mut maria = house.customer("maria");
    maria.extra = json!({"detected_language": "es-MX"});
    let reply = maria.say(Welcome, "quiero reservar una cita").await;
    assert!(reply.content.starts_with("Respondo en inglés."), "{}", reply.content);
    assert!(house.customer("u").say(Welcome, "thanks, bye!").await.workflow_complete);
}

#[tokio::test]
async fn what_belongs_elsewhere_is_passed_on() {
    let house = House::open().await;
    let cases = [
        (Welcome, "how much is the Rosso One?", "sales"),
        (Welcome, "I need help with my order", "support"),
        (Welcome, "what time do you close", "support"),
        (Welcome, "order status", "support"),
        (Sales, "how much is shipping", "support"),
        (Welcome, "I want to book an appointment for tomorrow", "booking"),
        (Support, "I want to book an appointment", "booking"),
        (Support, "compare the Rosso One and the Rosso Duo", "sales"),
        (Sales, "I want a refund", "support"),
        (Sales, "where is my order?", "support"),
        (Sales, "please book me an appointment on Friday", "booking"),
        (Booking, "I want a refund for my order", "support"),
        (Booking, "what is the price of the Heron 64?", "sales"),
    ];
    for (desk, text, target) in cases {
        let reply = house.customer(text).say(desk, text).await;
        let handoff = reply.handoff.unwrap_or_else(|| panic!("{text}: {}", reply.content));
        assert_eq!(handoff.target_agent, target, "{text}");
        assert_eq!(handoff.required_skills, [target]);
        assert!(handoff.summary.contains(text), "{}", handoff.summary);
        assert!(reply.content.starts_with("Let me pass you to our"), "{}", reply.content);
        assert!(!reply.workflow_complete);
    }
}

#[tokio::test]
async fn who_receives_a_message_answers_it() {
    let house = House::open().await;
    for desk in Desk::ALL {
        let cases = [
            "I want a refund",
            "book an appointment tomorrow",
            "how much is the Rosso One?",
            "hello",
            "xyz",
        ];
        for text in cases {
            let mut customer = house.customer(&format!("{desk:?} {text}"));
            customer.extra = json!({"handoff": {"handoff_id": "handoff-1", "summary": "The customer needs help."}});
            let reply = customer.say(desk, text).await;
            assert!(reply.handoff.is_none(), "{desk:?}, {text}: {}", reply.content);
        }
    }
}

#[tokio::test]
async fn an_order_named_before_the_handoff_is_not_asked_for_again() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    anna.extra = json!({"handoff": {
        "handoff_id": "handoff-1", "summary": "Delivery question.", "key_facts": [{"fact": "order number LL-10474", "importance": 0.9}],
    }});
    let reply = anna.say(Support, "so where is my parcel?").await;
    assert!(reply.content.contains("Order **LL-10474**"), "{}", reply.content);
}

#[tokio::test]
async fn an_answer_is_priced_as_the_owner_says() {
    let house = House::open().await;
    let reply = house.customer("user-1").say(Welcome, "hello").await;
    assert!((reply.usage.cost_usd - 0.0005).abs() < 1e-12);
    assert_eq!(reply.usage.input_tokens, 2);
    assert_eq!(reply.usage.output_tokens, chassis::tokens::estimate(&reply.content));
}

#[tokio::test]
async fn no_text_leaves_a_desk_without_an_answer() {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    const TEXTS: usize = 400;
    let words = prop::sample::select(vec![
        "book",
        "cancel",
        "move",
        "a",
        "tasting",
        "on",
        "31",
        "february",
        "24",
        "december",
        "at",
        "3",
        "pm",
        "15:30",
        "next",
        "friday",
        "week",
        "the",
        "second",
        "B-K7M2QD",
        "order",
        "LL-10482",
        "refund",
        "compare",
        "Rosso",
        "Duo",
        "99999",
        "x",
        "under",
        "300",
        "between",
        "2026-02-30",
        "1/1/1",
        "in",
        "999",
        "weeks",
        "my",
        "name",
        "is",
        "hello",
        "thanks",
        "İstanbul",
        "ẞ",
    ]);
    let sentences = prop::collection::vec(words, 1..12).prop_map(|words| words.join(" "));
    let texts = prop_oneof![sentences, "\\PC{1,40}"];
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let house = House::open().await;
    let mut customer = house.customer("user-1");
    for turn in 0..TEXTS {
        let text = texts.new_tree(&mut runner).expect("a text").current();
        let reply = customer.say(Desk::ALL[turn % 4], &text).await;
        assert!(!reply.content.trim().is_empty(), "{text}");
    }
}
