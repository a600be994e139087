//! The things that a text names: addresses, numbers, dates, amounts, people. One pass over a message finds them all.

use std::sync::LazyLock;

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input, Match};

use super::lexicon::MONTHS;

#[cfg(test)]
mod tests;

/// What kind of thing a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    OrderId,
    Amount,
    Date,
    Email,
    Phone,
    Person,
    Url,
}

impl Kind {
    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OrderId => "order_id",
            Self::Amount => "amount",
            Self::Date => "date",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Person => "person",
            Self::Url => "url",
        }
    }
}

/// A thing and where its name stands in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) start: usize,
}

const URL: &str = r#"(?i)(?-u:\b)(?:https?://|www\.)[^\s<>"']+"#;
const EMAIL: &str = r"[\p{L}\p{N}\p{M}._%+'-]+@(?:[\p{L}\p{N}][\p{L}\p{N}\p{M}-]*\.)+[\p{L}\p{N}][\p{L}\p{N}\p{M}-]*";
const NUMERIC_DATE: &str = concat!(
    r"(?-u:\b)(?:[0-9]{4}-[0-9]{2}-[0-9]{2}",
    r"|[0-9]{1,2}[./][0-9]{1,2}[./](?:[0-9]{4}|[0-9]{2}))(?-u:\b)"
);
const AMOUNT: &str = concat!(
    r"(?i)(?:(?:US)?[$€£¥]|(?-u:\b)(?:EUR|USD|GBP|CHF))[  ]?NUM",
    r"|(?-u:\b)NUM[  ]?(?:[$€£¥]|(?:EUR|USD|GBP|CHF|euros?|dollars?|dólares|pounds?|libras|livres|francs?",
    r"|franken)(?-u:\b))"
);
const NUMBER: &str =
    r"(?:[0-9]{1,3}(?:[.,'’ ][0-9]{3})+(?:[.,][0-9]{1,2})?|[0-9]+(?:[.,][0-9]{1,2})?)";
const PHONE: &str = concat!(
    r"(?-u:\B)\+[0-9](?:[ .()/-]{0,3}[0-9]){7,14}(?-u:\b)",
    r"|(?:\([0-9]{3}\)[ .-]?|(?-u:\b)[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?-u:\b)"
);
const NAMED_ID: &str = concat!(
    r"(?i)(?-u:\b)(?:order|invoice|ticket|booking|reservation|tracking|case|reference",
    r"|bestellung|rechnung|auftrag|buchung|vorgang|sendung|pedido|factura|reserva|envío|referencia",
    r"|commande|facture|réservation|colis|référence)",
    r"(?:s?[ -]?(?:no|nr|number|id|nummer|número|numéro|núm|n°|nº)\.?)?:? ?#?([0-9][0-9A-Z-]{3,})"
);
const ID: &str = concat!(
    r"#([0-9A-Za-z][0-9A-Za-z-]{2,})",
    r"|(?-u:\b)([A-Z]{1,6}[0-9]{3,}(?:-[0-9A-Za-z]+)*|[A-Za-z]{1,8}(?:-[0-9A-Za-z]{1,12}){1,4})(?-u:\b)"
);
const PERSON: &str = concat!(
    r"(?-u:\b)(?:(?i:my name is|i am called|ich heiße|ich heisse|mein name ist|me llamo|mi nombre es",
    r"|je m['’]appelle|mon nom est)|[Tt]his is|[Ss]oy|[Jj]e suis",
    r"|(?:Mr|Mrs|Ms|Dr|Herrn?|Frau|Sr|Sra|Srta|Mme|Mlle|Monsieur|Madame|Señora?|Don|Doña)\.?)",
    r"[  ](NAME(?: NAME){0,2})"
);
const NAME: &str = r"\p{Lu}[\p{L}'’-]+";

/// The fewest digits of something that is no more than a word with dashes.
const ID_DIGITS_MIN: usize = 3;

// The first of two patterns that match at one place wins.
const KINDS: [Kind; 9] = [
    Kind::Url,
    Kind::Email,
    Kind::Date,
    Kind::Date,
    Kind::Amount,
    Kind::Phone,
    Kind::OrderId,
    Kind::OrderId,
    Kind::Person,
];

static FINDER: LazyLock<Regex> = LazyLock::new(|| {
    let day = r"(?:(?:st|nd|rd|th|er|\.|º)?(?: de| of)? )";
    let year = r"(?:,? (?:de |del )?[0-9]{4}(?-u:\b))?";
    let written_date = format!(
        r"(?i)(?-u:\b)(?:[0-9]{{1,2}}{day}(?:{MONTHS})(?-u:\b)\.?{year}|(?:{MONTHS})\.? [0-9]{{1,2}}(?:st|nd|rd|th)?(?-u:\b){year})"
    );
    let patterns = [
        URL.to_owned(),
        EMAIL.to_owned(),
        NUMERIC_DATE.to_owned(),
        written_date,
        AMOUNT.replace("NUM", NUMBER),
        PHONE.to_owned(),
        NAMED_ID.to_owned(),
        ID.to_owned(),
        PERSON.replace("NAME", NAME),
    ];
    Regex::new_many(&patterns).expect("the patterns are constants that the tests compile")
});

/// Calls back with each thing that a text names, in the order of the text.
pub(super) fn extract<'a>(text: &'a str, mut each: impl FnMut(Found<'a>)) {
    let mut at = 0;
    while let Some(found) = FINDER.search(&Input::new(text).range(at..)) {
        at = found.end();
        if let Some(found) = narrow(text, &found) {
            each(found);
        }
    }
}

/// The name itself, without what announced it.
fn narrow<'a>(text: &'a str, found: &Match) -> Option<Found<'a>> {
    let kind = KINDS[found.pattern().as_usize()];
    let mut range = found.range();
    match kind {
        Kind::Url => {
            let name =
                text[range.clone()].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '»']);
            range.end = range.start + name.len();
        }
        Kind::OrderId | Kind::Person => {
            let mut groups = FINDER.create_captures();
            let input = Input::new(text).range(found.range());
            FINDER
                .search_captures(&input.anchored(Anchored::Pattern(found.pattern())), &mut groups);
            let named = (1..groups.group_len()).find_map(|group| groups.get_group(group));
            range = named.map_or(range, |named| named.range());
        }
        Kind::Amount | Kind::Date | Kind::Email | Kind::Phone => {}
    }
    let name = &text[range.clone()];
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_word = kind == Kind::OrderId && digits < ID_DIGITS_MIN;
    (!is_word).then_some(Found { kind, text: name, start: range.start })
}
