//! The name that a visit is for.

/// The most characters of a name.
const NAME_CHARACTERS_MAX: usize = 60;
/// The most words of a name.
const NAME_WORDS_MAX: usize = 5;

/// The name in a text: after words such as `my name is`, or the whole text when the name was asked for.
#[must_use]
pub(crate) fn find(text: &str, is_asked_for: bool) -> Option<String> {
    const BEFORE: [&str; 9] = [
        "my name is ",
        "name is ",
        "under the name of ",
        "in the name of ",
        "under the name ",
        "name: ",
        "the name's ",
        "call me ",
        "booked for ",
    ];
    const BEFORE_CAPITAL: [&str; 7] =
        ["i am ", "i'm ", "this is ", "it's ", "it is ", "for ", "under "];
    // Lower case of ASCII alone keeps the byte positions of the text.
    let lower = text.to_ascii_lowercase();
    let after = |phrase: &&str| {
        let start = lower.find(*phrase)?;
        let is_word = !lower[..start].chars().next_back().is_some_and(char::is_alphanumeric);
        is_word.then(|| &text[start + phrase.len()..])
    };
    let told = BEFORE.iter().filter_map(after).find_map(|rest| name_at(rest, is_part));
    let capital =
        || BEFORE_CAPITAL.iter().filter_map(after).find_map(|rest| name_at(rest, is_capital_part));
    let whole = || is_asked_for.then(|| whole(text)).flatten();
    told.or_else(|| is_asked_for.then(capital).flatten()).or_else(whole)
}

fn name_at(text: &str, is_part: fn(&str) -> bool) -> Option<String> {
    const END: [&str; 16] = [
        "and", "at", "on", "for", "please", "thanks", "thank", "my", "i", "the", "to", "tomorrow",
        "today", "next", "from", "with",
    ];
    let end = text.find([',', ';', '!', '?', '\n', '(']).unwrap_or(text.len());
    let parts = text[..end].split_whitespace().take(NAME_WORDS_MAX);
    let parts =
        parts.take_while(|part| is_part(part) && !END.contains(&part.to_lowercase().as_str()));
    checked(&parts.collect::<Vec<_>>().join(" "))
}

fn whole(text: &str) -> Option<String> {
    const NO_NAMES: [&str; 14] = [
        "yes", "no", "ok", "okay", "sure", "thanks", "what", "why", "who", "hello", "hi", "cancel",
        "stop", "help",
    ];
    let name = text.trim().trim_end_matches(['.', '!', ',']);
    let is_name = name.split_whitespace().count() <= NAME_WORDS_MAX
        && name.split_whitespace().all(is_part)
        && !NO_NAMES.contains(&name.to_lowercase().as_str());
    is_name.then(|| checked(name)).flatten()
}

fn checked(name: &str) -> Option<String> {
    let name = name.trim_matches([' ', '.', '-', '\'']);
    let is_name =
        name.chars().any(char::is_alphabetic) && name.chars().count() <= NAME_CHARACTERS_MAX;
    is_name.then(|| name.split(' ').map(capitalised).collect::<Vec<_>>().join(" "))
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

fn is_part(part: &str) -> bool {
    part.chars().all(|c| c.is_alphabetic() || ".'-\u{2019}".contains(c))
}

fn is_capital_part(part: &str) -> bool {
    is_part(part) && part.starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn names_are_found_where_customers_put_them() {
        let cases = [
            ("my name is Anna Byrne", false, Some("Anna Byrne")),
            ("Friday at 3, my name is anna byrne please", false, Some("Anna Byrne")),
            ("under the name of O'Neill and thanks", false, Some("O'Neill")),
            ("Seán Ó Murchú", true, Some("Seán Ó Murchú")),
            ("it's Anna", true, Some("Anna")),
            ("anna", true, Some("Anna")),
            ("I am looking for a visit", false, None),
            ("for Friday", false, None),
            ("yes", true, None),
            ("at 10:30", true, None),
            ("why do you need that?", true, None),
            ("", true, None),
        ];
        for (text, is_asked_for, expected) in cases {
            assert_eq!(find(text, is_asked_for).as_deref(), expected, "{text}");
        }
    }
}
