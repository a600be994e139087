//! In which language a text is: by its script, then by the little words that give a language away, then by trigrams.
//!
//! Customers write a handful of words, and trigrams alone take "Book a demo at 5pm" for something else; everyday words
//! and letters that few languages have decide first.

mod words;

use std::collections::{BTreeMap, HashMap};

use whatlang::Lang;

use self::words::{LETTERS, WORDS};

/// Every language that the classifier detects and can ask a question in, ascending.
pub const LISTED: [&str; 28] = [
    "ar", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko",
    "nl", "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh",
];
/// The language of a text that gives no hint.
pub const FALLBACK: &str = "en";

/// What trigrams may answer: the languages of one script that need telling apart.
const TRIGRAMS: [(Lang, &str); 19] = [
    (Lang::Ces, "cs"),
    (Lang::Dan, "da"),
    (Lang::Deu, "de"),
    (Lang::Eng, "en"),
    (Lang::Spa, "es"),
    (Lang::Fin, "fi"),
    (Lang::Fra, "fr"),
    (Lang::Hun, "hu"),
    (Lang::Ind, "id"),
    (Lang::Ita, "it"),
    (Lang::Nld, "nl"),
    (Lang::Nob, "no"),
    (Lang::Pol, "pl"),
    (Lang::Por, "pt"),
    (Lang::Ron, "ro"),
    (Lang::Rus, "ru"),
    (Lang::Swe, "sv"),
    (Lang::Tur, "tr"),
    (Lang::Ukr, "uk"),
];
/// Fewest characters from which trigrams can be believed.
const TRIGRAM_CHARS_MIN: usize = 24;
/// What a letter counts that only one language has; a word counts one.
const LETTER_VOTE: f64 = 0.75;
/// Fewest votes and smallest lead of a language that is believed on its words.
const VOTES_MIN: f64 = 0.5;
const LEAD_MIN: f64 = 0.3;
/// What an ideograph or a syllable counts beside an alphabetic letter.
const SYLLABLE_LETTERS: usize = 3;
/// Characters of a text that are looked at.
const TEXT_CHARS_MAX: usize = 2_000;

/// A language, and how sure that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    /// Two letters of ISO 639-1.
    pub language: &'static str,
    /// From 0, no hint at all, to 1.
    pub confidence: f64,
    /// Whether to believe it against what is known from elsewhere.
    pub is_reliable: bool,
}

/// The words and letters by which languages are told apart.
#[derive(Debug)]
pub struct Detector {
    words: HashMap<&'static str, Vec<&'static str>>,
    letters: HashMap<char, Vec<&'static str>>,
    trigrams: whatlang::Detector,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Script {
    Arabic,
    Cyrillic,
    Devanagari,
    Greek,
    Han,
    Hangul,
    Hebrew,
    Kana,
    Latin,
    Thai,
}

impl Default for Detector {
    fn default() -> Self {
        let mut words: HashMap<&str, Vec<&str>> = HashMap::new();
        for (language, list) in WORDS {
            list.split_whitespace().for_each(|word| words.entry(word).or_default().push(language));
        }
        let mut letters: HashMap<char, Vec<&str>> = HashMap::new();
        for (language, list) in LETTERS {
            list.chars().for_each(|letter| letters.entry(letter).or_default().push(language));
        }
        let languages = TRIGRAMS.iter().map(|(lang, _)| *lang).chain([Lang::Vie]).collect();
        Self { words, letters, trigrams: whatlang::Detector::with_allowlist(languages) }
    }
}

impl Detector {
    /// The language of a text by the text alone.
    #[must_use]
    pub fn detect(&self, text: &str) -> Guess {
        let text: String = text.chars().take(TEXT_CHARS_MAX).collect::<String>().to_lowercase();
        let sure = |language| Guess { language, confidence: 1.0, is_reliable: true };
        match script(&text) {
            None => Guess { language: FALLBACK, confidence: 0.0, is_reliable: false },
            Some(Script::Arabic) => sure("ar"),
            Some(Script::Devanagari) => sure("hi"),
            Some(Script::Greek) => sure("el"),
            Some(Script::Han) => sure("zh"),
            Some(Script::Hangul) => sure("ko"),
            Some(Script::Hebrew) => sure("he"),
            Some(Script::Kana) => sure("ja"),
            Some(Script::Thai) => sure("th"),
            Some(Script::Cyrillic) => {
                self.alphabetic(&text, &["ru", "uk"]).unwrap_or_else(|| sure("ru"))
            }
            Some(Script::Latin) => self.alphabetic(&text, &[]).unwrap_or(Guess {
                language: FALLBACK,
                confidence: 0.0,
                is_reliable: false,
            }),
        }
    }

    /// The language to answer in: the locale's, or the detected one, or the one spoken before, or English.
    #[must_use]
    pub fn choose(&self, text: &str, locale: &str, prior: &str) -> String {
        if let Some(language) = primary(locale) {
            return language;
        }
        let guess = self.detect(text);
        if guess.is_reliable {
            return guess.language.to_owned();
        }
        primary(prior).unwrap_or_else(|| guess.language.to_owned())
    }

    /// By words and letters, else by trigrams; only the languages in `among` count, if any are named.
    fn alphabetic(&self, text: &str, among: &[&str]) -> Option<Guess> {
        let counts = |language: &str| among.is_empty() || among.contains(&language);
        let mut votes: HashMap<&'static str, f64> = HashMap::new();
        let mut vote = |languages: &[&'static str], weight: f64| {
            let share = weight / languages.len() as f64;
            for language in languages.iter().filter(|language| counts(language)) {
                *votes.entry(language).or_default() += share;
            }
        };
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            self.words.get(word).into_iter().for_each(|languages| vote(languages, 1.0));
            let letters = word.chars().filter_map(|letter| self.letters.get(&letter));
            letters.for_each(|languages| vote(languages, LETTER_VOTE));
        }
        let mut ranked: Vec<(&'static str, f64)> = votes.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        let sum: f64 = ranked.iter().map(|(_, votes)| votes).sum();
        let second = ranked.get(1).map_or(0.0, |(_, votes)| *votes);
        let best = ranked.first().copied();
        let told =
            best.filter(|(_, votes)| VOTES_MIN <= *votes && LEAD_MIN * votes <= votes - second);
        if let Some((language, votes)) = told {
            return Some(Guess { language, confidence: votes / sum, is_reliable: true });
        }
        self.by_trigrams(text).or_else(|| {
            best.map(|(language, votes)| Guess {
                language,
                confidence: votes / sum / 2.0,
                is_reliable: false,
            })
        })
    }

    fn by_trigrams(&self, text: &str) -> Option<Guess> {
        if text.chars().count() < TRIGRAM_CHARS_MIN {
            return None;
        }
        let info = self.trigrams.detect(text).filter(whatlang::Info::is_reliable)?;
        let named = TRIGRAMS.iter().find(|(lang, _)| *lang == info.lang());
        let language = named.map_or("vi", |(_, language)| language);
        Some(Guess { language, confidence: info.confidence(), is_reliable: true })
    }
}

/// The language of a BCP 47 tag in two letters where it has two; none when it is no tag.
#[must_use]
pub fn primary(tag: &str) -> Option<String> {
    let subtag = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    let is_language =
        (2..=3).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_lowercase());
    let named = match subtag.as_str() {
        "nb" | "nn" => "no",
        "iw" => "he",
        "in" => "id",
        "cmn" => "zh",
        other => other,
    };
    is_language.then(|| named.to_owned())
}

/// The script that most of the text is in. A single kana makes ideographs Japanese.
fn script(text: &str) -> Option<Script> {
    let mut counts: BTreeMap<Script, usize> = BTreeMap::new();
    for (script, letters) in text.chars().filter_map(script_of) {
        *counts.entry(script).or_default() += letters;
    }
    if let (Some(kana), Some(han)) = (counts.get(&Script::Kana), counts.get(&Script::Han)) {
        let both = kana + han;
        counts.remove(&Script::Han);
        counts.insert(Script::Kana, both);
    }
    counts.into_iter().max_by_key(|(script, count)| (*count, *script)).map(|(script, _)| script)
}

fn script_of(c: char) -> Option<(Script, usize)> {
    let script = match u32::from(c) {
        0x41..=0x5A | 0x61..=0x7A | 0xAA | 0xBA | 0xC0..=0x24F | 0x1E00..=0x1EFF => Script::Latin,
        0x370..=0x3FF | 0x1F00..=0x1FFF => Script::Greek,
        0x400..=0x52F => Script::Cyrillic,
        0x590..=0x5FF => Script::Hebrew,
        0x600..=0x6FF | 0x750..=0x77F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => Script::Arabic,
        0x900..=0x97F => Script::Devanagari,
        0xE00..=0xE7F => Script::Thai,
        0x1100..=0x11FF | 0x3130..=0x318F | 0xAC00..=0xD7AF => Script::Hangul,
        0x3040..=0x30FF | 0xFF66..=0xFF9F => Script::Kana,
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x2_FA1F => Script::Han,
        _ => return None,
    };
    let is_syllabic = matches!(script, Script::Han | Script::Kana | Script::Hangul);
    Some((script, if is_syllabic { SYLLABLE_LETTERS } else { 1 }))
}

#[cfg(test)]
mod tests;
