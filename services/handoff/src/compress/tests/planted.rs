//! Twenty facts planted in a long conversation survive its compression, in each language.

use proto::v1::{CompressedContext, Entry};

use super::{entry, limits, told};
use crate::compress::Method;
use chassis::tokens::estimate;

/// What a conversation in one language is made of.
struct Language {
    name: &'static str,
    filler: [&'static str; 6],
    /// Sentences with the place of what is planted in them.
    order: [&'static str; 5],
    dates: [(&'static str, &'static str); 5],
    amounts: [(&'static str, &'static str); 5],
    mails: [&'static str; 5],
}

const ORDERS: [&str; 5] = ["ORD-48213", "ORD-59124", "A-7733-21", "INV20331", "#99120"];
const MAILS: [&str; 5] = [
    "anna.lopez@example.com",
    "billing@shop.example.org",
    "jörg@beispiel.de",
    "t.nguyen+orders@example.net",
    "chef@exemple.fr",
];

const LANGUAGES: [Language; 4] = [
    Language {
        name: "English",
        filler: [
            "I was really looking forward to this and now the whole family keeps asking me what happened.",
            "The weather has been odd all week, so we stayed inside and talked about the garden for hours.",
            "That sounds like a long day, and I am glad that you took the time to tell us about it.",
            "My neighbour said the same thing happened to her once, though she never found out the reason.",
            "We always try to listen first, because every story is a little different from the others.",
            "Well, the box looked fine from the outside, but you can never tell with these things.",
        ],
        order: [
            "The number on the box is {}, as far as I can read it.",
            "There is another parcel with {} written on the side.",
            "The lamp came under {} and it flickers.",
            "The paper inside says {} at the top.",
            "My sister ordered hers under {} at the same time.",
        ],
        dates: [
            ("It was delivered on {} in the morning.", "March 12, 2026"),
            ("We had agreed on {} for the pick-up.", "2026-04-01"),
            ("My holiday ends on {} though.", "21 May 2026"),
            ("The first complaint was on {} already.", "February 3, 2026"),
            ("The warranty started on {} I think.", "11/30/2025"),
        ],
        amounts: [
            ("They charged me {} for the whole thing.", "$149.90"),
            ("The shipping alone was {} this time.", "12.50 USD"),
            ("A friend paid only {} for the same lamp.", "€89.00"),
            ("The voucher was worth {} at the time.", "$25"),
            ("The repair would cost {} according to the shop.", "1,299.00 USD"),
        ],
        mails: [
            "You can reach me at {} in the evening.",
            "The invoice should go to {} instead.",
            "My husband reads {} more often.",
            "The old address was {} by the way.",
            "Somebody answered me from {} last week.",
        ],
    },
    Language {
        name: "German",
        filler: [
            "Ich hatte mich wirklich darauf gefreut, und jetzt fragt die ganze Familie, was eigentlich los ist.",
            "Das Wetter war die ganze Woche seltsam, also sind wir drinnen geblieben und haben viel geredet.",
            "Das klingt nach einem langen Tag, und es freut mich, dass Sie uns davon erzählen.",
            "Meine Nachbarin sagte, ihr sei dasselbe passiert, aber den Grund hat sie nie erfahren.",
            "Wir hören immer erst einmal zu, denn jede Geschichte ist ein wenig anders als die anderen.",
            "Von außen sah der Karton gut aus, aber bei solchen Dingen weiß man das ja nie so genau.",
        ],
        order: [
            "Auf dem Karton steht {}, soweit ich es lesen kann.",
            "Es gibt noch ein Paket mit {} an der Seite.",
            "Die Lampe kam unter {} und sie flackert.",
            "Auf dem Zettel steht oben {} in Rot.",
            "Meine Schwester hat ihre unter {} bestellt.",
        ],
        dates: [
            ("Geliefert wurde am {} am Vormittag.", "12. März 2026"),
            ("Für die Abholung war der {} ausgemacht.", "01.04.2026"),
            ("Mein Urlaub endet aber am {} schon.", "21. Mai 2026"),
            ("Die erste Beschwerde war am {} bereits.", "3. Februar 2026"),
            ("Die Garantie begann am {} glaube ich.", "2025-11-30"),
        ],
        amounts: [
            ("Abgebucht wurden {} für alles zusammen.", "149,90 €"),
            ("Allein der Versand kostete {} diesmal.", "12,50 Euro"),
            ("Ein Freund zahlte nur {} für die Lampe.", "89 €"),
            ("Der Gutschein war damals {} wert.", "25 EUR"),
            ("Die Reparatur würde {} kosten, sagt der Laden.", "1.299,00 €"),
        ],
        mails: [
            "Abends erreichen Sie mich unter {} am besten.",
            "Die Rechnung sollte an {} gehen.",
            "Mein Mann liest {} öfter.",
            "Die alte Adresse war übrigens {} gewesen.",
            "Letzte Woche hat mir jemand von {} geantwortet.",
        ],
    },
    Language {
        name: "Spanish",
        filler: [
            "Tenía muchas ganas de recibirlo y ahora toda la familia me pregunta qué es lo que ha pasado.",
            "El tiempo ha sido raro toda la semana, así que nos quedamos en casa hablando del jardín.",
            "Parece que ha sido un día largo y me alegra que nos lo haya contado con tanta calma.",
            "Mi vecina dijo que a ella le ocurrió lo mismo una vez, aunque nunca supo el motivo.",
            "Siempre intentamos escuchar primero, porque cada historia es un poco distinta de las demás.",
            "Por fuera la caja se veía bien, pero con estas cosas nunca se sabe hasta que se abre.",
        ],
        order: [
            "En la caja pone {}, hasta donde puedo leer.",
            "Hay otro paquete con {} escrito al lado.",
            "La lámpara vino con {} y parpadea.",
            "El papel de dentro dice {} arriba.",
            "Mi hermana hizo el suyo con {} a la vez.",
        ],
        dates: [
            ("Llegó el {} por la mañana.", "12 de marzo de 2026"),
            ("Habíamos quedado el {} para la recogida.", "01/04/2026"),
            ("Mis vacaciones terminan el {} ya.", "21 de mayo de 2026"),
            ("La primera queja fue el {} incluso.", "3 de febrero de 2026"),
            ("La garantía empezó el {} creo.", "2025-11-30"),
        ],
        amounts: [
            ("Me cobraron {} por todo.", "149,90 €"),
            ("Solo el envío fueron {} esta vez.", "12,50 euros"),
            ("Un amigo pagó {} por la misma.", "89 €"),
            ("El vale era de {} entonces.", "25 dólares"),
            ("La reparación costaría {} según la tienda.", "1.299,00 €"),
        ],
        mails: [
            "Por la noche me encuentra en {} siempre.",
            "La factura debería ir a {} mejor.",
            "Mi marido mira {} más a menudo.",
            "La dirección antigua era {} por cierto.",
            "Alguien me contestó desde {} la semana pasada.",
        ],
    },
    Language {
        name: "French",
        filler: [
            "Je l'attendais avec impatience et maintenant toute la famille me demande ce qui s'est passé.",
            "Le temps a été bizarre toute la semaine, alors nous sommes restés à la maison à discuter.",
            "La journée a dû être longue et je suis contente que vous ayez pris le temps d'en parler.",
            "Ma voisine a dit que la même chose lui était arrivée, mais elle n'a jamais su pourquoi.",
            "Nous essayons toujours d'écouter d'abord, car chaque histoire est un peu différente des autres.",
            "De l'extérieur le carton semblait intact, mais avec ces choses on ne sait jamais vraiment.",
        ],
        order: [
            "Sur le carton il y a {}, si je lis bien.",
            "Il y a un autre paquet avec {} sur le côté.",
            "La lampe est venue avec {} et elle clignote.",
            "Le papier à l'intérieur indique {} en haut.",
            "Ma sœur a pris la sienne avec {} en même temps.",
        ],
        dates: [
            ("C'est arrivé le {} au matin.", "12 mars 2026"),
            ("On avait convenu du {} pour l'enlèvement.", "01/04/2026"),
            ("Mes vacances finissent le {} déjà.", "21 mai 2026"),
            ("La première plainte date du {} environ.", "3 février 2026"),
            ("La garantie a commencé le {} je crois.", "2025-11-30"),
        ],
        amounts: [
            ("On m'a prélevé {} pour le tout.", "149,90 €"),
            ("Le port seul a coûté {} cette fois.", "12,50 euros"),
            ("Un ami a payé {} pour la même.", "89 €"),
            ("Le bon valait {} à l'époque.", "25 EUR"),
            ("La réparation coûterait {} selon le magasin.", "1 299,00 €"),
        ],
        mails: [
            "Le soir on me joint à {} sans problème.",
            "La facture devrait aller à {} plutôt.",
            "Mon mari lit {} plus souvent.",
            "L'ancienne adresse était {} au fait.",
            "Quelqu'un m'a répondu depuis {} la semaine dernière.",
        ],
    },
];

/// The sentences that hold a fact each, with the fact.
fn planted(language: &Language) -> Vec<(String, &'static str)> {
    let orders = language.order.into_iter().zip(ORDERS);
    let mails = language.mails.into_iter().zip(MAILS);
    let all = orders.chain(language.dates).chain(language.amounts).chain(mails);
    all.map(|(sentence, fact)| (sentence.replace("{}", fact), fact)).collect()
}

/// Sixty messages of about a hundred tokens each, every third with a fact, none of them among the last.
fn conversation(language: &Language) -> (Vec<Entry>, Vec<&'static str>) {
    let planted = planted(language);
    let message = |index: usize| {
        let mut texts: Vec<&str> = (0..4).map(|line| language.filler[(index + line) % 6]).collect();
        let (sentence, _) = &planted[index / 3 % planted.len()];
        if index.is_multiple_of(3) {
            texts.insert(index % 4, sentence);
        }
        entry(
            if index.is_multiple_of(2) { "user" } else { "agent" },
            &texts.join(" "),
            index as i64 + 1,
        )
    };
    let facts = planted.iter().map(|(_, fact)| *fact).collect();
    ((0..60).map(message).collect(), facts)
}

fn lost<'a>(brief: &CompressedContext, facts: &[&'a str]) -> Vec<&'a str> {
    let told = format!("{brief:?}");
    facts.iter().copied().filter(|fact| !told.contains(fact)).collect()
}

#[test]
fn nineteen_of_twenty_facts_survive_in_every_language() {
    for language in &LANGUAGES {
        let (messages, facts) = conversation(language);
        let original: i64 = messages.iter().map(|message| estimate(&message.content)).sum();
        assert!((5_000..7_500).contains(&original), "{} has {original} tokens", language.name);
        assert_eq!(facts.len(), 20);
        let brief = told(&messages, &limits(Method::Hybrid, 2_000, 3));
        assert!(brief.compressed_token_count <= 2_000);
        let lost = lost(&brief, &facts);
        assert!(lost.len() <= 1, "{} lost {lost:?}", language.name);
    }
}

#[test]
fn facts_survive_where_a_window_loses_them() {
    for language in &LANGUAGES {
        let (messages, facts) = conversation(language);
        let window = told(&messages, &limits(Method::SlidingWindow, 2_000, 3));
        assert!(
            10 < lost(&window, &facts).len(),
            "the conversation of {} is too easy",
            language.name
        );
    }
}
