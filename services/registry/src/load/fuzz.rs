//! Any text as a definition: it is read, refused with places, or stored; nothing else happens.

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

use super::draft::{Background, Draft, Text, draft};
use super::folder::FILE_BYTES_MAX;
use super::tests::SALES;
use crate::definition::Rules;
use crate::node::Fault;

/// How many cases an ordinary run has; each is the same in every run.
const CASES: u64 = 3_000;
/// How much randomness a case has, in bytes.
const SIZE: u64 = 512;
/// How often one text is changed.
const CHANGES_MAX: usize = 8;

const FULL: &str = "\
skills: [pricing, \"${SKILL:-quotes}\"]
languages: [en, de-AT]
specializations: [{domain: sales, proficiency_level: 0.5, min_confidence_threshold: 1}]
max_concurrent_sessions: 8
transports: [mcp]
cost: {model: gpt-4o, max_output_tokens: 600, per_call_usd: 0.05}
timeout_ms: 1000
metadata: &all
  a2a_endpoint: https://8.8.4.4/a2a
  tools: [search]
  free: {deep: [1, 2.5, null, true, \"x\"]}
";
const PIECES: [&str; 40] = [
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "#",
    " #",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "*all",
    "!!str ",
    "!x ",
    "|",
    ">",
    "---\n",
    "...\n",
    "? ",
    "<<: *all",
    "${",
    "}",
    "${SKILL:-",
    "null",
    "true",
    "0x1F",
    "1e400",
    ".nan",
    "9223372036854775808",
    "\u{0}",
    "\u{feff}",
    "\u{2028}",
    "http://127.0.0.1",
    "agent_id: x\n",
];

fn each(property: fn(&mut Unstructured<'_>) -> Result<()>) {
    for case in 0..CASES {
        // The lower half of a seed is the size of its case.
        arbtest(property).seed(case << 32 | SIZE);
    }
}

fn place(u: &mut Unstructured<'_>, text: &str) -> Result<usize> {
    let mut at = u.choose_index(text.len() + 1)?;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    Ok(at)
}

/// A valid definition in which a few things were changed, or any text at all.
fn any_text(u: &mut Unstructured<'_>) -> Result<String> {
    if u.ratio(1, 8)? {
        return u.arbitrary();
    }
    let mut text = format!("{SALES}{FULL}");
    for _ in 0..u.int_in_range(0..=CHANGES_MAX)? {
        let (a, b) = (place(u, &text)?, place(u, &text)?);
        let (from, to) = (a.min(b), a.max(b));
        match u.int_in_range(0..=3)? {
            0 => text.insert_str(a, u.choose(&PIECES)?),
            1 => text.truncate(to),
            2 => {
                let copy = text[from..to].to_owned();
                text.insert_str(place(u, &text)?, &copy);
            }
            _ if u.ratio(1, 4)? => text.replace_range(from..to, ""),
            _ => text.insert_str(a, &u.arbitrary::<String>()?),
        }
    }
    Ok(text)
}

fn read(text: Text) -> Draft {
    let known = ["SKILL".to_owned()].into();
    draft(text, &Background { stored: None, known }, &Rules::default())
}

fn check_faults(faults: &[Fault], text: &str) {
    assert!(!faults.is_empty(), "what is refused has a reason: {text:?}");
    // YAML ends a line at a lone carriage return too.
    let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
    let lines = i64::try_from(lines).expect("a text has not so many lines");
    for fault in faults {
        assert!(fault.place.line <= lines, "{fault:?} is beyond the end of {text:?}");
        assert!(!fault.message.is_empty(), "{text:?}");
    }
}

fn any_text_is_a_definition_or_has_faults(u: &mut Unstructured<'_>) -> Result<()> {
    let text = any_text(u)?;
    let read_text = read(Text::Yaml(text.clone()));
    let agent = match read_text.definition {
        Err(faults) => {
            check_faults(&faults, &text);
            return Ok(());
        }
        Ok(definition) => definition.agent,
    };
    let allowed = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    assert!(agent.agent_id.chars().all(allowed) && (1..=64).contains(&agent.agent_id.len()));
    assert!((0.0..=1.0).contains(&agent.confidence_threshold), "{text:?}");
    assert!((1..=20).contains(&agent.examples.len()), "{text:?}");
    assert!(agent.endpoint.starts_with("http"), "{text:?}");
    assert!(agent.metadata_json.len() <= 16 * 1024, "{text:?}");
    assert_eq!(read_text.text, text, "YAML is stored as it is");
    Ok(())
}

/// What a definition says as JSON, the file says that is written of it.
fn what_is_stored_says_the_same(u: &mut Unstructured<'_>) -> Result<()> {
    let text = any_text(u)?;
    let Ok(node) = super::yaml::parse(&text) else { return Ok(()) };
    let json = node.to_json().to_string();
    let draft = read(Text::Json(json.clone()));
    let Ok(definition) = draft.definition else { return Ok(()) };
    assert!(draft.text.len() as u64 <= FILE_BYTES_MAX);
    let again = read(Text::Yaml(draft.text.clone())).definition.map(|again| again.agent);
    assert_eq!(again, Ok(definition.agent), "{json} is stored as {}", draft.text);
    Ok(())
}

#[test]
fn any_text_is_read_or_refused() {
    let start = read(Text::Yaml(format!("{SALES}{FULL}"))).definition;
    assert!(start.is_ok(), "the changes start from a valid text: {start:?}");
    each(any_text_is_a_definition_or_has_faults);
}

#[test]
fn any_definition_survives_being_stored() {
    each(what_is_stored_says_the_same);
}

#[test]
#[ignore = "runs as long as ARBTEST_BUDGET_MS says: see CONTRIBUTING.md"]
fn any_text_is_read_or_refused_for_minutes() {
    arbtest(any_text_is_a_definition_or_has_faults).size_max(16_384);
}

#[test]
#[ignore = "runs as long as ARBTEST_BUDGET_MS says: see CONTRIBUTING.md"]
fn any_definition_survives_being_stored_for_minutes() {
    arbtest(what_is_stored_says_the_same).size_max(16_384);
}
