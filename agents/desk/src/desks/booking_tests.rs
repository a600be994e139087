use serde_json::json;

use crate::reply::Reply;
use crate::testing::House;
use crate::topic::Desk;

const BOOKING: Desk = Desk::Booking;

fn reference(reply: &Reply) -> String {
    let start = reply.content.find("**B-").expect("a reference") + 2;
    reply.content[start..start + 8].to_owned()
}

#[tokio::test]
async fn a_visit_is_booked_over_several_turns() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    let turns = [
        ("I need to book an appointment", "Which service would you like?"),
        ("my machine needs a descale", "Which day suits you?"),
        ("is Sunday possible?", "On Sunday 22 November 2026 we are closed."),
        ("then Tuesday afternoon", "I could offer 12:00, 12:30"),
        ("at 3pm", "is free. What name may I book it under?"),
    ];
    for (text, expected) in turns {
        let reply = anna.say(BOOKING, text).await;
        assert!(reply.content.contains(expected), "{text}: {}", reply.content);
        assert!(!reply.workflow_complete && reply.handoff.is_none(), "{text}");
    }
    let reply = anna.say(BOOKING, "Anna Byrne").await;
    let booked = "Booked, Anna Byrne: **Espresso machine service** on **Tuesday 24 November 2026** at **15:00**";
    assert!(reply.content.starts_with(booked), "{}", reply.content);
    assert!(reply.workflow_complete);
}

#[tokio::test]
async fn one_message_can_be_enough() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    let reply = anna.say(BOOKING, "Book a demo on 24 December at 3:30 pm, my name is Anna").await;
    assert!(
        reply.content.contains("**Thursday 24 December 2026** at **15:30**"),
        "{}",
        reply.content
    );
    assert!(reply.content.contains("free of charge") && reply.workflow_complete);
}

#[tokio::test]
async fn a_visit_is_told_moved_and_cancelled_by_its_reference() {
    let house = House::open().await;
    let booked = house
        .customer("user-1")
        .say(BOOKING, "book a tasting on Tuesday at 10:00, my name is Anna")
        .await;
    let reference = reference(&booked);
    // Another session of someone whom the shop does not know.
    let mut anna = house.customer("anonymous");
    let moments = [
        (format!("when is {reference}?"), "Tuesday 24 November 2026 at 10:00", false),
        (
            format!("move {} to Wednesday at 11", reference.to_lowercase()),
            "now on **Wednesday 25 November 2026** at **11:00**",
            true,
        ),
        (
            format!("please cancel {reference}"),
            "Cancelled: your Tasting and machine demo on Wednesday 25 November",
            true,
        ),
        (format!("cancel {reference}"), "is cancelled already", true),
        ("cancel B-AAAAAA".to_owned(), "I cannot find a visit B-AAAAAA", false),
    ];
    for (text, expected, is_complete) in moments {
        let reply = anna.say(BOOKING, &text).await;
        assert!(reply.content.contains(expected), "{text}: {}", reply.content);
        assert_eq!(reply.workflow_complete, is_complete, "{text}");
    }
    let again = house
        .customer("user-2")
        .say(BOOKING, "book a tasting on Wednesday at 11, my name is Bea")
        .await;
    assert!(again.content.starts_with("Booked"), "the time is free again: {}", again.content);
}

#[tokio::test]
async fn a_known_customer_needs_no_reference() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    anna.say(BOOKING, "book a tasting on Tuesday at 10:00, my name is Anna").await;
    let reply = anna.say(BOOKING, "move my appointment to 2pm").await;
    assert!(
        reply.content.contains("**Tuesday 24 November 2026** at **14:00**"),
        "{}",
        reply.content
    );
    let stranger = house.customer("anonymous").say(BOOKING, "cancel my appointment").await;
    assert!(stranger.content.contains("What is its reference?"), "{}", stranger.content);
    let reply = anna.say(BOOKING, "cancel my appointment").await;
    assert!(reply.content.starts_with("Cancelled"), "{}", reply.content);
    let reply = anna.say(BOOKING, "cancel my appointment").await;
    assert!(reply.content.contains("What is its reference?"), "{}", reply.content);
}

#[tokio::test]
async fn what_cannot_be_booked_is_said_with_what_can() {
    let house = House::open().await;
    let cases = [
        ("book a tasting yesterday at 10", "Which day suits you?"),
        ("book a tasting on 20 November 2026", "Friday 20 November 2026 is over"),
        ("book a tasting on 31 February", "There is no such day as 31/2"),
        ("book a tasting on 25 December", "closed (Christmas Day)"),
        ("book a tasting on 24 June", "is too far ahead"),
        ("book a tasting on Tuesday at 20:00", "20:00 on Tuesday 24 November 2026 is not free"),
        ("book a tasting today at 11:15", "11:15 on Saturday 21 November 2026 is not free"),
        ("book a tasting at 10:10 on Tuesday", "10:10 on Tuesday 24 November 2026 is not free"),
        ("book an appointment for my machine", "Which service would you like?"),
    ];
    for (index, (text, expected)) in cases.into_iter().enumerate() {
        let reply = house.customer(&format!("user-{index}")).say(BOOKING, text).await;
        assert!(reply.content.contains(expected), "{text}: {}", reply.content);
        assert!(!reply.workflow_complete, "{text}");
    }
}

#[tokio::test]
async fn one_seat_is_never_given_twice() {
    const CALLERS: usize = 24;
    let house = House::open().await;
    let calls = (0..CALLERS).map(|index| {
        let mut customer = house.customer(&format!("user-{index}"));
        tokio::spawn(async move {
            customer.say(BOOKING, "book a tasting on Tuesday at 10:00, my name is Bo").await
        })
    });
    let calls: Vec<_> = calls.collect();
    let mut booked = 0;
    for call in calls {
        let reply = call.await.expect("no call panics");
        booked += usize::from(reply.content.starts_with("Booked"));
        let is_offered = reply.content.contains("10:00 on Tuesday 24 November 2026 is not free");
        assert!(reply.workflow_complete || is_offered, "{}", reply.content);
    }
    assert_eq!(booked, 1, "the counter has one seat");
}

#[tokio::test]
async fn seats_beside_each_other_are_all_given() {
    let house = House::open().await;
    for (index, is_free) in [(0, true), (1, true), (2, false)] {
        let text = "book a machine repair on Tuesday at 10:00, my name is Bo";
        let reply = house.customer(&format!("user-{index}")).say(BOOKING, text).await;
        assert_eq!(reply.content.starts_with("Booked"), is_free, "{}", reply.content);
    }
    // A longer visit that would reach into the full half hour is refused too, the one that ends before it is not.
    for (time, is_free) in [("9:30", false), ("10:30", true)] {
        let text = format!("book a machine service on Tuesday at {time}, my name is Cy");
        let reply = house.customer(time).say(BOOKING, &text).await;
        assert_eq!(reply.content.starts_with("Booked"), is_free, "{time}: {}", reply.content);
    }
}

#[tokio::test]
async fn the_same_call_books_once_even_after_a_restart() {
    let house = House::open().await;
    let anna = house.customer("user-1");
    let message = anna.message(BOOKING, "book a tasting on Tuesday at 10:00, my name is Anna");
    let (first, second) = tokio::join!(anna.send(BOOKING, &message), anna.send(BOOKING, &message));
    assert!(first.content.starts_with("Booked"), "{}", first.content);
    assert_eq!(first, second);
    drop(anna);
    let house = house.reopen().await;
    let third = house.customer("user-1").send(BOOKING, &message).await;
    assert_eq!(first, third, "the reply outlives the process");
}

#[tokio::test]
async fn the_receiver_of_a_handoff_uses_what_is_known() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    anna.extra = json!({"handoff": {
        "handoff_id": "handoff-1", "from_agent": "support", "reason": "This is for the booking desk.",
        "summary": "The customer wrote: \"Book a machine service for Tuesday\".",
        "recent_messages": [{"role": "user", "content": "my name is Anna Byrne"}],
    }});
    let reply = anna.say(BOOKING, "what is the price, and is 3pm free?").await;
    assert!(reply.content.contains("Booked, Anna Byrne"), "{}", reply.content);
    let reply = anna.say(BOOKING, "how much is the Rosso Duo and is it in stock?").await;
    assert_eq!(reply.handoff.expect("a later message may go on").target_agent, "sales");
}

#[tokio::test]
async fn a_visit_in_the_making_can_be_let_go() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    anna.say(BOOKING, "book a tasting on Tuesday").await;
    let reply = anna.say(BOOKING, "never mind").await;
    assert!(
        reply.content.contains("nothing is changed") && reply.workflow_complete,
        "{}",
        reply.content
    );
    let reply = anna.say(BOOKING, "hello").await;
    assert!(reply.content.contains("What may I book for you?"), "{}", reply.content);
}

#[tokio::test]
async fn the_price_may_be_asked_in_between() {
    let house = House::open().await;
    let mut anna = house.customer("user-1");
    anna.say(BOOKING, "a barista class on Tuesday at 4pm").await;
    let reply = anna.say(BOOKING, "what does it cost?").await;
    assert!(reply.content.starts_with("Home barista class: €75."), "{}", reply.content);
    assert!(reply.content.contains("What name"), "the question stays: {}", reply.content);
    let reply = anna.say(BOOKING, "how much is the Rosso Duo?").await;
    assert_eq!(reply.handoff.expect("that is for others").target_agent, "sales");
    let reply = anna.say(BOOKING, "Karl").await;
    assert!(reply.content.starts_with("Booked, Karl: **Home barista class**"), "{}", reply.content);
}
