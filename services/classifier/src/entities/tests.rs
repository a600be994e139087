use serde_json::json;

use super::*;

#[test]
fn entities_are_found_by_kind() {
    let cases = [
        ("write to jan.müller@example.de.", json!({"email": "jan.müller@example.de"})),
        (
            "call +1 (555) 010-2030 or 555-010-2030",
            json!({"phone": ["+1 (555) 010-2030", "555-010-2030"]}),
        ),
        ("my order #A-1042 and order 55123", json!({"order_id": ["A-1042", "55123"]})),
        ("Order number: 88-1234-X please", json!({"order_id": "88-1234-X"})),
        ("ORD-20017 is late", json!({"order_id": "ORD-20017"})),
        ("Bestellung Nr. 4711 ist kaputt", json!({"order_id": "4711"})),
        ("Book a demo at 5pm tomorrow", json!({"date": "tomorrow", "time": "5pm"})),
        ("on 2026-03-14 at 17:30", json!({"date": "2026-03-14", "time": "17:30"})),
        ("am 14.3.2026 um 9 Uhr", json!({"date": "14.3.2026", "time": "9 Uhr"})),
        ("March 3rd, 2026 or next Friday", json!({"date": ["March 3rd, 2026", "next Friday"]})),
        ("the 12th of June", json!({"date": "12th of June"})),
        ("it cost $1,299.50, not 20 euros", json!({"amount": ["$1,299.50", "20 euros"]})),
        ("see https://example.com/a?b=c.", json!({"url": "https://example.com/a?b=c"})),
        ("(www.example.com)", json!({"url": "www.example.com"})),
        ("tomorrow, I said tomorrow", json!({"date": "tomorrow"})),
        ("I need help with my order", json!({})),
        ("may I march in sunday clothes", json!({"date": "sunday"})),
        ("", json!({})),
        ("我要退款", json!({})),
    ];
    for (text, expected) in cases {
        assert_eq!(to_json(&find(text)), expected, "{text}");
    }
}

#[test]
fn a_mail_address_in_a_link_is_part_of_the_link() {
    let found = find("http://example.com/?to=a@example.com and b@example.com");
    let kinds: Vec<Kind> = found.iter().map(|entity| entity.kind).collect();
    assert_eq!(kinds, [Kind::Url, Kind::Email]);
}

#[test]
fn a_flood_of_entities_is_bounded() {
    let flood = "a@example.com 12:30 $5 ".repeat(5000);
    assert_eq!(find(&flood).len(), ENTITIES_MAX);
}
