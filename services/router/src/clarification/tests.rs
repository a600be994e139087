use super::{Named, choose, combine};

const BOOKING: Named<'static> = Named { agent_id: "booking", display_name: "Booking Desk" };
const SUPPORT: Named<'static> = Named { agent_id: "customer-care", display_name: "Support" };

#[test]
fn a_reply_chooses_by_number_or_by_the_one_name_in_it() {
    let both = [BOOKING, SUPPORT];
    let cases = [
        ("1", Some("booking")),
        (" 2. ", Some("customer-care")),
        ("(2)", Some("customer-care")),
        ("0", None),
        ("3", None),
        ("99999999999999999999999", None),
        ("the booking desk please", Some("booking")),
        ("BOOKING", Some("booking")),
        ("customer care", Some("customer-care")),
        ("customer-care!", Some("customer-care")),
        ("support, I think", Some("customer-care")),
        ("booking or support", None),
        ("I prebooking something", None),
        ("2 apples", None),
        ("", None),
    ];
    for (reply, expected) in cases {
        assert_eq!(choose(reply, &both), expected, "{reply}");
    }
}

#[test]
fn an_agent_without_letters_in_its_name_is_never_named_by_accident() {
    let odd = [Named { agent_id: "---", display_name: "☆" }];
    assert_eq!(choose("anything", &odd), None);
}

#[test]
fn a_reply_is_added_to_what_was_asked_about() {
    assert_eq!(
        combine("I have a question", "my order"),
        "I have a question. Specifically: my order"
    );
}
