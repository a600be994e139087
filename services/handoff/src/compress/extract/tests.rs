use proptest::prelude::{Strategy, any, prop, prop_assert, prop_oneof, proptest};

use super::Kind::{Amount, Date, Email, OrderId, Person, Phone, Url};
use super::{Kind, extract, may_name};

fn named(text: &str) -> Vec<(Kind, &str)> {
    let mut names = Vec::new();
    extract(text, 0..text.len(), |found| {
        assert!(text[found.start..].starts_with(found.text), "{} is elsewhere", found.text);
        names.push((found.kind, found.text));
    });
    names
}

#[test]
fn things_are_found_in_english() {
    let cases: [(&str, &[(Kind, &str)]); 9] = [
        (
            "My order ORD-48213 of March 12, 2026 cost $1,299.50.",
            &[(OrderId, "ORD-48213"), (Date, "March 12, 2026"), (Amount, "$1,299.50")],
        ),
        ("order number 48213 and #A-77 0", &[(OrderId, "48213")]),
        (
            "Mail anna@example.com, or +1 (555) 010-2030.",
            &[(Email, "anna@example.com"), (Phone, "+1 (555) 010-2030")],
        ),
        ("See https://shop.example.com/o/12?x=1.", &[(Url, "https://shop.example.com/o/12?x=1")]),
        (
            "My name is Anna Lopez and I paid 20 dollars",
            &[(Person, "Anna Lopez"), (Amount, "20 dollars")],
        ),
        (
            "Ask Mrs. O'Brien on 2026-03-12 or 3/4/2026",
            &[(Person, "O'Brien"), (Date, "2026-03-12"), (Date, "3/4/2026")],
        ),
        ("INV20331 on the 1st of May", &[(OrderId, "INV20331"), (Date, "1st of May")]),
        ("a well-known, state-of-the-art e-mail, version 2.0 at 10", &[]),
        ("EUR 12.50 and 99 USD", &[(Amount, "EUR 12.50"), (Amount, "99 USD")]),
    ];
    for (text, names) in cases {
        assert_eq!(named(text), names, "{text}");
    }
}

#[test]
fn things_are_found_in_german_spanish_and_french() {
    let cases: [(&str, &[(Kind, &str)]); 9] = [
        (
            "Ich heiße Jörg Müller, Bestellung 48213 vom 12. März 2026 über 1.299,50 €.",
            &[
                (Person, "Jörg Müller"),
                (OrderId, "48213"),
                (Date, "12. März 2026"),
                (Amount, "1.299,50 €"),
            ],
        ),
        (
            "Herr Schmidt zahlt am 12.03.2026 genau 20 Euro",
            &[(Person, "Schmidt"), (Date, "12.03.2026"), (Amount, "20 Euro")],
        ),
        ("jörg.müller@beispiel.de", &[(Email, "jörg.müller@beispiel.de")]),
        (
            "Me llamo Ana Núñez, pedido nº 48213 del 12 de marzo de 2026, 49,90 €",
            &[
                (Person, "Ana Núñez"),
                (OrderId, "48213"),
                (Date, "12 de marzo de 2026"),
                (Amount, "49,90 €"),
            ],
        ),
        (
            "La Sra. Pérez pagó 30 dólares el 5 de mayo",
            &[(Person, "Pérez"), (Amount, "30 dólares"), (Date, "5 de mayo")],
        ),
        (
            "Je m'appelle Zoé Lefèvre, commande n° 48213 du 12 février 2026, 1 299,50 €",
            &[
                (Person, "Zoé Lefèvre"),
                (OrderId, "48213"),
                (Date, "12 février 2026"),
                (Amount, "1 299,50 €"),
            ],
        ),
        (
            "Mme Dubois, le 1er août, 15 euros",
            &[(Person, "Dubois"), (Date, "1er août"), (Amount, "15 euros")],
        ),
        ("Rechnungsnummer RE-2026-0042", &[(OrderId, "RE-2026-0042")]),
        ("me lo envío mañana", &[]),
    ];
    for (text, names) in cases {
        assert_eq!(named(text), names, "{text}");
    }
}

fn any_sentence() -> impl Strategy<Value = String> {
    let words = [
        "order",
        "Bestellung",
        "nº",
        "n°",
        "March",
        "12",
        "7",
        "(17)",
        "1st",
        "3.",
        "mars",
        "EUR",
        "euros",
        "$",
        "€",
        "20",
        "2026-03-12",
        "ORD-48213",
        "AB12",
        "#a1b2",
        "a-1-2",
        "http",
        "://",
        "x.example",
        "www.",
        "Www.a",
        "@",
        "anna",
        "b.c",
        "Anna",
        "Éva",
        "my name is",
        "Mr",
        "Sra.",
        "this is",
        "O'Brien",
        "I",
        "it",
        "+49",
        "170",
    ];
    let space = [" ", "", "\u{a0}", "\u{202f}", ": ", "(", ") ", ", "];
    let piece = (prop::sample::select(words.to_vec()), prop::sample::select(space.to_vec()))
        .prop_map(|(word, space)| format!("{word}{space}"));
    let piece = prop_oneof![8 => piece, 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_not_searched_names_nothing(sentence in any_sentence()) {
        prop_assert!(may_name(&sentence) || named(&sentence).is_empty());
    }
}

#[test]
fn most_sentences_are_not_searched() {
    for sentence in [
        "Thank you, that helps me a lot.",
        "(17) I am sorry to hear that; could you tell me more?",
        "[2] not yet",
    ] {
        assert!(!may_name(sentence), "{sentence}");
    }
}
