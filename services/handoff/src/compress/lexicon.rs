//! The words by which facts, dates, wishes and promises are told in English, German, Spanish and French.

use std::sync::LazyLock;

use regex_automata::meta::Regex;

/// Names of months and their short forms, as an alternation.
pub(super) const MONTHS: &str = concat!(
    "january|february|march|april|may|june|july|august|september|october|november|december",
    "|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec",
    "|januar|jänner|februar|märz|maerz|mai|juni|juli|oktober|dezember|mär|okt|dez",
    "|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre",
    "|diciembre|ene|abr|ago|dic",
    "|janvier|février|fevrier|mars|avril|juin|juillet|août|aout|septembre|octobre|novembre",
    "|décembre|decembre|janv|févr|avr|juil|déc"
);

/// The number of a month, from the beginning of its name: the first that fits wins.
pub(super) const MONTH_STEMS: [(&str, u32); 25] = [
    ("jan", 1),
    ("jän", 1),
    ("ene", 1),
    ("feb", 2),
    ("fév", 2),
    ("fev", 2),
    ("mar", 3),
    ("mär", 3),
    ("mae", 3),
    ("apr", 4),
    ("abr", 4),
    ("avr", 4),
    ("mai", 5),
    ("may", 5),
    ("jun", 6),
    ("juin", 6),
    ("jul", 7),
    ("juil", 7),
    ("au", 8),
    ("ao", 8),
    ("ago", 8),
    ("se", 9),
    ("o", 10),
    ("n", 11),
    ("d", 12),
];

/// The length of the longest of them.
const ABBREVIATION_BYTES_MAX: usize = 6;

const ABBREVIATIONS: [&str; 40] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "no", "nos", "vs", "approx", "dept", "e.g", "i.e", "hr",
    "fr", "str", "bzw", "ca", "z.b", "d.h", "nr", "tel", "inkl", "zzgl", "evtl", "ggf", "sr",
    "sra", "srta", "dra", "ud", "uds", "av", "avda", "núm", "mme", "mlle", "mm", "num", "p.ej",
];

/// What a sentence says besides its matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cues {
    /// It says that it matters.
    pub(super) is_stressed: bool,
    /// It says that it is pressing.
    pub(super) is_urgent: bool,
    /// It asks for something to be done.
    pub(super) is_wish: bool,
    /// It promises something.
    pub(super) is_promise: bool,
}

const URGENT: &str = "urgent(?:e|ly)?|asap|dringend";
const SOON: &str = concat!(
    "immediately|right away|as soon as possible|today",
    "|sofort|umgehend|so schnell wie möglich|heute",
    "|cuanto antes|inmediatamente|ya mismo|hoy",
    "|immédiatement|tout de suite|au plus vite|aujourd'hui"
);
const STRESS: &str = concat!(
    "important(?:e|es|s)?|critical|key|essential|crucial|must|deadline",
    "|wichtig(?:e[rns]?)?|kritisch|entscheidend|unbedingt|frist",
    "|crítico|crítica|clave|esencial|imprescindible|plazo",
    "|critique|essentiel(?:le)?|délai"
);
const STRESS_ACCENTED: &str = "clé";
const WISH: &str = concat!(
    "please|i need|i want|i would like|i'd like|can you|could you|would you|still waiting|not yet",
    "|bitte|ich brauche|ich möchte|ich hätte gern|können sie|könnten sie|kannst du|warte noch|noch nicht",
    "|por favor|necesito|quiero|quisiera|me gustaría|puede|podría|puedes|todavía no|aún no",
    "|s'il (?:vous|te) plaît|je voudrais|j'aimerais|j'ai besoin|je veux|pouvez-vous|pourriez-vous",
    "|peux-tu|pas encore"
);
const PROMISE: &str = concat!(
    "i will|i'll|we will|we'll|let me check|get back to you",
    "|ich werde|wir werden|ich kümmere mich|ich prüfe|wir prüfen|ich melde mich|wir melden uns",
    "|voy a|vamos a|le contactaremos",
    "|je vais|nous allons|je vous envoie|je vous tiens au courant|je vérifie|nous vérifions"
);
const PROMISE_ACCENTED: &str =
    "(?:le|lo|la|les|te) (?:enviaré|avisaré|confirmaré|revisaré|llamaré)";

// Boundaries are those of ASCII, which the search needs to be fast: after an accented letter a boundary is missing.
static CUES: LazyLock<Regex> = LazyLock::new(|| {
    let plain = |words: &str| format!(r"(?i)(?-u:\b)(?:{words})(?-u:\b)");
    let accented = |words: &str| format!(r"(?i)(?-u:\b)(?:{words})(?-u:\B)");
    compile(&[
        plain(URGENT),
        plain(SOON),
        plain(STRESS),
        accented(STRESS_ACCENTED),
        plain(WISH),
        plain(PROMISE),
        accented(PROMISE_ACCENTED),
    ])
});

/// Words that say something besides their matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign(usize);

/// The signs of a text with their places, in its order. None reaches over the end of a sentence.
pub(super) fn signs(text: &str) -> impl Iterator<Item = (usize, Sign)> {
    CUES.find_iter(text).map(|found| (found.start(), Sign(found.pattern().as_usize())))
}

impl Cues {
    /// Adds what a sign says.
    pub(super) fn add(&mut self, Sign(pattern): Sign) {
        match pattern {
            0 => (self.is_urgent, self.is_stressed) = (true, true),
            1 => self.is_urgent = true,
            2 | 3 => self.is_stressed = true,
            4 => self.is_wish = true,
            _ => self.is_promise = true,
        }
    }
}

static MONTH: LazyLock<Regex> = LazyLock::new(|| compile(&[format!("(?i)^(?:{MONTHS})(?-u:\\b)")]));

/// Whether a text begins with the name of a month.
pub(super) fn starts_with_month(text: &str) -> bool {
    MONTH.is_match(text)
}

/// Whether a word before a full stop is shortened and does not end a sentence.
pub(super) fn is_abbreviation(word: &str) -> bool {
    if ABBREVIATION_BYTES_MAX < word.len() {
        return false;
    }
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    is_initial || ABBREVIATIONS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn compile(patterns: &[String]) -> Regex {
    Regex::new_many(patterns).expect("the patterns are constants that the tests compile")
}
