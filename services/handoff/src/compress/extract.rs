//! The things that a text names: addresses, numbers, dates, amounts, people. One pass over a sentence finds them all.

use std::ops::Range;
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

// Where an id is announced, as a position among the patterns.
const NAMED: usize = 6;
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

/// Calls back with each thing that a part of a text names, in the order of the text.
pub(super) fn extract<'a>(text: &'a str, part: Range<usize>, mut each: impl FnMut(Found<'a>)) {
    let mut at = part.start;
    while let Some(found) = FINDER.search(&Input::new(text).range(at..part.end)) {
        at = found.end();
        if let Some(found) = narrow(text, &found) {
            each(found);
        }
    }
}

/// Whether a sentence may name anything: most do not, and are not searched. It never errs on a sentence that does.
pub(super) fn may_name(sentence: &str) -> bool {
    let count = |is_one: fn(&u8) -> bool| sentence.bytes().filter(is_one).count();
    let digits = count(u8::is_ascii_digit);
    ID_DIGITS_MIN <= digits
        || 0 < digits && has_open_number(sentence.as_bytes())
        || 0 < count(|byte| *byte == b'@')
        || has_link(sentence)
        || has_capital_inside(sentence.as_bytes())
}

/// Whether a number stands beside something that can make it an amount or a day, which brackets cannot.
fn has_open_number(bytes: &[u8]) -> bool {
    let is_closed = |byte: Option<&u8>| byte.is_none_or(|byte| b"()[]:;!?".contains(byte));
    let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).filter(|index| digit(*index)).any(|index| {
        let before = index.checked_sub(1).and_then(|before| bytes.get(before));
        let is_first_open = !is_closed(before) && !before.is_some_and(u8::is_ascii_digit);
        let is_last_open = !is_closed(bytes.get(index + 1)) && !digit(index + 1);
        is_first_open || is_last_open
    })
}

fn has_link(sentence: &str) -> bool {
    sentence.contains("://")
        || sentence.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"www."))
}

/// Whether a word other than the first begins with a capital, as people's names do.
fn has_capital_inside(bytes: &[u8]) -> bool {
    // A space of any width ends with one of these.
    let is_space = |byte: u8| matches!(byte, b' ' | 0xa0 | 0xaf);
    let is_in_name = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'\'' | b'-' | 0x80..);
    bytes.windows(3).any(|three| {
        is_space(three[0]) && matches!(three[1], b'A'..=b'Z' | 0xc3..) && is_in_name(three[2])
    })
}

/// The name itself, without what announced it.
fn narrow<'a>(text: &'a str, found: &Match) -> Option<Found<'a>> {
    let kind = KINDS[found.pattern().as_usize()];
    let mut range = found.range();
    let name = &text[range.clone()];
    match kind {
        Kind::Url => {
            let name = name.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '»']);
            range.end = range.start + name.len();
        }
        Kind::OrderId if found.pattern().as_usize() == NAMED => {
            // Nothing that announces an id has a digit, and the id begins with one.
            range.start += name.find(|sign: char| sign.is_ascii_digit()).unwrap_or(0);
        }
        Kind::OrderId => range.start += usize::from(name.starts_with('#')),
        Kind::Person => {
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
