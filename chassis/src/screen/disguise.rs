//! What a text is without its disguise: look-alikes, gaps, encodings, and characters that nobody sees.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Encoded parts of a text that are decoded; more are an oddity of their own that the length limit bounds.
const PARTS_MAX: usize = 16;
/// Fewest characters of an encoded part.
const PART_CHARS_MIN: usize = 16;
/// Fewest single letters in a row that are read as one word.
const SPACED_MIN: usize = 6;
/// Invisible characters between letters from which on they are no accident.
const INVISIBLE_MIN: usize = 3;
/// What every attempt in English speaks of; readings that are only guesses are looked at when they do.
const SUBJECTS: [&str; 7] =
    ["instruct", "prompt", "guideline", "directive", "rules", "mode", "unrestricted"];
/// The weight of a text with characters that serve hiding alone.
const HIDDEN_WEIGHT: u32 = 10;

/// The text in lower case as a person reads it: without invisible characters, with look-alikes replaced.
pub(super) fn visible(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !is_invisible(*c)).map(straightened).collect();
    shown
        .to_lowercase()
        .split('\n')
        .map(|line| words(line).join(" "))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The weight of characters that only serve to hide: tags, turned directions, control characters, and invisible ones
/// inside of words.
pub(super) fn hidden_weight(text: &str) -> u32 {
    let characters: Vec<char> = text.chars().collect();
    // The flags of England, Scotland and Wales are written with tags.
    let is_flag = characters.contains(&'\u{1F3F4}');
    let tags = characters.iter().filter(|c| is_tag(**c)).count();
    let turned = characters.iter().any(|c| matches!(c, '\u{202D}' | '\u{202E}'));
    let controls = characters.iter().any(|c| matches!(c, '\u{8}' | '\u{1B}' | '\u{7F}'));
    let inside = characters
        .windows(3)
        .filter(|w| is_joiner(w[1]) && w[0].is_ascii_alphabetic() && w[2].is_ascii_alphabetic())
        .count();
    let is_hiding = (0 < tags && !is_flag) || turned || controls || INVISIBLE_MIN <= inside;
    if is_hiding { HIDDEN_WEIGHT } else { 0 }
}

/// What is written in tag characters.
pub(super) fn invisible(text: &str) -> Option<String> {
    let written: String = text
        .chars()
        .filter(|c| is_tag(*c))
        .filter_map(|c| char::from_u32(u32::from(c) - 0xE0000).filter(char::is_ascii))
        .collect();
    (!written.is_empty()).then(|| visible(&written))
}

/// Other readings of a visible text, each in lower case.
pub(super) fn decoded(text: &str) -> Vec<String> {
    let tokens =
        text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';'));
    let long = tokens.filter(|token| PART_CHARS_MIN <= token.len()).take(PARTS_MAX);
    let mut readings: Vec<String> = long.filter_map(unhex).collect();
    if text.contains('%') || text.contains("\\u") || text.contains("\\x") || text.contains("&#") {
        readings.push(unescaped(text));
    }
    readings.extend(guessed(text));
    readings
}

/// Readings of a text that may be nothing but a text.
fn guessed(text: &str) -> impl Iterator<Item = String> {
    let mut readings = Vec::new();
    readings.extend(unspaced(text));
    if text.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | '$' | '!')) {
        readings.push(unleeted(text));
    }
    if text.is_ascii() {
        readings.push(text.chars().map(rot13).collect());
        readings.push(text.chars().rev().collect());
    }
    let speaks = |reading: &String| SUBJECTS.iter().any(|subject| reading.contains(subject));
    readings.into_iter().filter(move |reading| speaks(reading))
}

/// What the parts of a text in base 64 say; case matters to them, so the text is the one that was sent.
pub(super) fn from_base64(text: &str) -> Vec<String> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&STANDARD, lenient);
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=')))
        .filter(|token| PART_CHARS_MIN <= token.len())
        .take(PARTS_MAX)
        .filter_map(|token| {
            let token = token.trim_end_matches('=').replace('-', "+").replace('_', "/");
            // A part that was cut in the middle still reads up to there.
            let whole = token.len() - usize::from(token.len() % 4 == 1);
            String::from_utf8(engine.decode(&token[..whole]).ok()?).ok()
        })
        .map(|decoded| visible(&decoded))
        .collect()
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn unhex(token: &str) -> Option<String> {
    let digits = token.trim_start_matches("0x");
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    Some(visible(&String::from_utf8(bytes?).ok()?))
}

/// A text whose letters stand apart, `i g n o r e  a l l`, read as words where gaps are wider.
fn unspaced(text: &str) -> Option<String> {
    let tokens = words(text);
    let single = tokens.iter().filter(|token| token.chars().count() == 1).count();
    // Runs of single letters lose their gaps; where words ended cannot be told, so the rules see known words apart.
    (SPACED_MIN <= single && tokens.len() < 2 * single).then(|| parted(&tokens.concat()))
}

/// Puts gaps around the words that attempts consist of.
fn parted(run: &str) -> String {
    const KNOWN: [&str; 14] = [
        "ignore",
        "disregard",
        "forget",
        "all",
        "previous",
        "prior",
        "above",
        "instructions",
        "print",
        "reveal",
        "show",
        "system",
        "prompt",
        "your",
    ];
    let letters: String = run.chars().filter(|c| c.is_alphanumeric()).collect();
    KNOWN
        .iter()
        .fold(letters, |text, word| text.replace(word, &format!(" {word} ")))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Percent signs, `\u` and `\x` escapes, and numeric entities, read as characters.
fn unescaped(text: &str) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (read, length) = escape(rest).unwrap_or((first, first.len_utf8()));
        let mut buffer = [0; 4];
        bytes.extend_from_slice(read.encode_utf8(&mut buffer).as_bytes());
        rest = &rest[length..];
    }
    visible(&String::from_utf8_lossy(&bytes))
}

fn escape(rest: &str) -> Option<(char, usize)> {
    let hex = |from: usize, length: usize| {
        let digits = rest.get(from..from + length)?;
        Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, from + length))
    };
    if rest.starts_with('%') {
        return hex(1, 2);
    }
    if rest.starts_with("\\u") {
        return hex(2, 4);
    }
    if rest.starts_with("\\x") {
        return hex(2, 2);
    }
    let (number, _) = rest.strip_prefix("&#")?.split_once(';')?;
    let code = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some((char::from_u32(code)?, "&#;".len() + number.len()))
}

fn unleeted(text: &str) -> String {
    let letter = |c: char| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}

fn rot13(c: char) -> char {
    match c {
        'a'..='z' => char::from((c as u8 - b'a' + 13) % 26 + b'a'),
        other => other,
    }
}

/// The plain character that another one looks like.
fn straightened(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{2018}' | '\u{2019}' | '\u{201B}' => '\'',
        '\u{201C}' | '\u{201D}' | '\u{201F}' => '"',
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => ' ',
        '\u{2028}' | '\u{2029}' | '\u{85}' | '\r' => '\n',
        '\u{1D400}'..='\u{1D7CB}' => mathematical(c),
        other => other,
    }
}

/// Letters of the mathematical alphabets, which repeat A to Z and a to z.
fn mathematical(c: char) -> char {
    let place = u8::try_from((u32::from(c) - 0x1D400) % 52).unwrap_or(0);
    char::from(if place < 26 { b'A' + place } else { b'a' + place - 26 })
}

fn is_invisible(c: char) -> bool {
    is_joiner(c)
        || is_tag(c)
        || matches!(c, '\u{AD}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{180E}' | '\u{AD}')
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0000}'..='\u{E007F}')
}
