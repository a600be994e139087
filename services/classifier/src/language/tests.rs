use std::collections::HashSet;

use super::*;

#[test]
fn short_messages_are_in_the_language_that_they_are_in() {
    let detector = Detector::default();
    let cases = [
        ("en", "I need a refund, please!"),
        ("en", "Can you help me with a booking?"),
        ("en", "Book a demo at 5pm"),
        ("en", "I need help with my order"),
        ("en", "how much does the tent cost"),
        ("en", ""),
        ("en", "12345"),
        ("ar", "أريد استرداد المال"),
        ("cs", "Kde je moje objednávka?"),
        ("da", "Jeg vil gerne bestille en tid, tak"),
        ("de", "Wo ist meine Bestellung?"),
        ("de", "Ich möchte einen Termin buchen"),
        ("el", "Πού είναι η παραγγελία μου;"),
        ("es", "¿Dónde está mi pedido?"),
        ("es", "quiero reservar una cita"),
        ("fi", "Missä tilaukseni on?"),
        ("fr", "Où est ma commande ?"),
        ("fr", "Je voudrais prendre rendez-vous"),
        ("he", "איפה ההזמנה שלי"),
        ("hi", "मेरा ऑर्डर कहाँ है"),
        ("hu", "Hol van a rendelésem?"),
        ("id", "Saya ingin memesan janji"),
        ("it", "Dov'è il mio ordine?"),
        ("it", "Vorrei prenotare un appuntamento"),
        ("ja", "注文はどこですか"),
        ("ko", "내 주문은 어디에 있나요"),
        ("nl", "Waar is mijn bestelling?"),
        ("no", "Jeg trenger hjelp med bestillingen"),
        ("pl", "Gdzie jest moje zamówienie?"),
        ("pt", "Onde está o meu pedido?"),
        ("pt", "Não recebi minha encomenda"),
        ("ro", "Unde este comanda mea?"),
        ("ru", "Где мой заказ?"),
        ("sv", "Var är min beställning?"),
        ("th", "คำสั่งซื้อของฉันอยู่ที่ไหน"),
        ("tr", "Siparişim nerede?"),
        ("uk", "Де моє замовлення?"),
        ("vi", "Đơn hàng của tôi ở đâu?"),
        ("zh", "我要退款"),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .map(|(language, text)| (*language, *text, detector.detect(text)))
        .filter(|(language, _, guess)| *language != guess.language)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let detected: HashSet<&str> = cases.iter().map(|(language, _)| *language).collect();
    assert_eq!(detected.len(), LISTED.len(), "every listed language has a case");
}

#[test]
fn the_locale_wins_and_what_was_spoken_before_helps() {
    let detector = Detector::default();
    let cases = [
        ("I need a refund", "de-AT", "fr", "de"),
        ("I need a refund", "", "fr", "en"),
        ("ok", "", "fr", "fr"),
        ("ok", "", "", "en"),
        ("4711", "", "nb-NO", "no"),
        ("Où est ma commande ?", "not a tag!", "", "fr"),
        ("我要退款", "", "en", "zh"),
        ("hello", "bg", "", "bg"),
    ];
    for (text, locale, prior, expected) in cases {
        assert_eq!(detector.choose(text, locale, prior), expected, "{text} {locale} {prior}");
    }
}

#[test]
fn a_long_text_without_telling_words_is_told_by_trigrams() {
    let detector = Detector::default();
    let guess = detector.detect("Unsere Lieferfahrzeuge transportieren ausschließlich Gartenmöbel");
    assert_eq!((guess.language, guess.is_reliable), ("de", true));
}

#[test]
fn the_tables_name_listed_languages_only() {
    let named = WORDS.iter().chain(&LETTERS).map(|(language, _)| language);
    let unlisted: Vec<_> = named.filter(|language| !LISTED.contains(language)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
    assert!(LISTED.is_sorted(), "the list is in order");
}
