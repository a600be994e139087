//! What a customer says, parsed once: by REST and by sockets alike.

use oxilangtag::LanguageTag;
use uuid::Uuid;

use crate::fields::Fields;
use crate::identity::Claims;
use crate::problem::Problem;

pub(crate) const INPUT_CHARACTERS_MAX: usize = 10_000;
const TEXT_CHARACTERS_MAX: usize = 256;
pub(crate) const REFERENCE_CHARACTERS_MAX: usize = 128;
pub(crate) const METADATA_BYTES_MAX: usize = 16 << 10;
pub(crate) const LOCALE_CHARACTERS_MAX: usize = 64;
/// The rule of [`is_reference`], as it is told.
pub(crate) const REFERENCE_RULE: &str =
    "has 1 to 128 letters, digits, dots, dashes, colons or underscores";
/// The namespace of request ids that come from an idempotency key.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d65_7368_0000_5000_8000_6964_656d_706f);

/// What an interface calls the parts of a message.
pub(crate) struct Names {
    pub(crate) input: &'static str,
    pub(crate) session: &'static str,
    pub(crate) locale: &'static str,
}

const REST: Names = Names { input: "input", session: "session_id", locale: "locale" };

/// One message with all that the client says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) input: String,
    pub(crate) session_ref: Option<String>,
    pub(crate) locale: String,
    pub(crate) metadata_json: String,
    pub(crate) entry_point: String,
    pub(crate) display_name: Option<String>,
    pub(crate) claims: Claims,
}

impl Message {
    /// Reads the body of a request.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = Fields::parse(body)?;
        let mut message = Self::read(&mut fields, &REST);
        message.entry_point =
            fields.text_up_to("entry_point", TEXT_CHARACTERS_MAX).unwrap_or_default();
        message.display_name = fields.text_up_to("display_name", TEXT_CHARACTERS_MAX);
        message.claims = Claims {
            user_id: fields.text("user_id"),
            employee_id: fields.text("employee_id"),
            slack_user_id: fields.text("slack_user_id"),
        };
        if message.entry_point == "slack" && message.claims.slack_user_id.is_none() {
            fields.reject("slack_user_id", "is required with entry_point slack");
        }
        fields.finish(message)
    }

    /// Reads what requests, frames and tool calls have in common.
    pub(crate) fn read(fields: &mut Fields<'_>, names: &Names) -> Self {
        Self {
            input: input(fields, names.input),
            session_ref: session_ref(fields, names.session),
            locale: locale(fields, names.locale),
            metadata_json: fields.raw_object("metadata", METADATA_BYTES_MAX).unwrap_or_default(),
            ..Self::default()
        }
    }
}

fn input(fields: &mut Fields<'_>, name: &str) -> String {
    if !fields.has(name) {
        fields.reject(name, "is required");
        return String::new();
    }
    let Some(text) = fields.text(name) else { return String::new() };
    clean(&text).unwrap_or_else(|rule| {
        fields.reject(name, rule);
        String::new()
    })
}

/// A text without control characters, or the rule that it breaks.
pub(crate) fn clean(text: &str) -> Result<String, String> {
    let text: String = text.chars().filter(|c| !c.is_control() || "\t\n\r".contains(*c)).collect();
    if (1..=INPUT_CHARACTERS_MAX).contains(&text.chars().count()) {
        Ok(text)
    } else {
        Err(format!("has 1 to {INPUT_CHARACTERS_MAX} characters"))
    }
}

fn session_ref(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let text = fields.text(name)?;
    if !is_reference(&text) {
        fields.reject(name, REFERENCE_RULE);
    }
    Some(text)
}

/// The language that a client names.
pub(crate) fn locale(fields: &mut Fields<'_>, name: &str) -> String {
    let Some(text) = fields.text(name) else { return String::new() };
    if LOCALE_CHARACTERS_MAX < text.len() || LanguageTag::parse(text.as_str()).is_err() {
        fields.reject(name, "is not a BCP 47 tag");
    }
    text
}

/// Whether the text may name a session or an idempotent request.
pub(crate) fn is_reference(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    (1..=REFERENCE_CHARACTERS_MAX).contains(&text.len()) && text.chars().all(is_allowed)
}

/// The request id under which a client may repeat itself.
pub(crate) fn idempotent_id(tenant: &str, user_id: &str, key: &str) -> String {
    // None of the three can hold a line break, so the text is unambiguous.
    Uuid::new_v5(&NAMESPACE, format!("{tenant}\n{user_id}\n{key}").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<String> {
        let problem = Message::parse(body.as_bytes()).unwrap_err();
        assert_eq!(problem.code(), "invalid_request", "{body}");
        let body: serde_json::Value = serde_json::from_str(&problem.body("r")).unwrap();
        let details = body["details"].as_array().unwrap();
        details.iter().map(|detail| detail["path"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_message_is_read_with_all_its_fields() {
        let body = r#"{"input":"a\u0000b\tc","session_id":"s.1:x-_","locale":"de-CH","metadata":{"n": 1.0},
            "user_id":"u","employee_id":"e","slack_user_id":"s","display_name":"D","entry_point":"slack","x":1}"#;
        let message = Message::parse(body.as_bytes()).unwrap();
        assert_eq!(message.input, "ab\tc", "control characters are removed, a tab is not one");
        assert_eq!(message.session_ref.as_deref(), Some("s.1:x-_"));
        assert_eq!(message.metadata_json, r#"{"n": 1.0}"#);
        assert_eq!((message.locale.as_str(), message.entry_point.as_str()), ("de-CH", "slack"));
        assert_eq!(message.claims.employee_id.as_deref(), Some("e"));
    }

    #[test]
    fn each_rule_is_told_by_its_path() {
        let long = "x".repeat(10_001);
        let cases = [
            (r#"{}"#.to_owned(), "input"),
            (r#"{"input":""}"#.to_owned(), "input"),
            (r#"{"input":"\u0001\u007f"}"#.to_owned(), "input"),
            (r#"{"input":7}"#.to_owned(), "input"),
            (r#"{"input":null}"#.to_owned(), "input"),
            (format!(r#"{{"input":"{long}"}}"#), "input"),
            (r#"{"input":"a","session_id":"a b"}"#.to_owned(), "session_id"),
            (r#"{"input":"a","session_id":""}"#.to_owned(), "session_id"),
            (r#"{"input":"a","locale":"no tag"}"#.to_owned(), "locale"),
            (r#"{"input":"a","metadata":[]}"#.to_owned(), "metadata"),
            (
                format!(r#"{{"input":"a","metadata":{{"a":"{}"}}}}"#, "x".repeat(16 << 10)),
                "metadata",
            ),
            (r#"{"input":"a","entry_point":"slack"}"#.to_owned(), "slack_user_id"),
            (r#"{"input":"a","user_id":7}"#.to_owned(), "user_id"),
        ];
        for (body, path) in cases {
            assert_eq!(faults(&body), [path], "{body}");
        }
        assert_eq!(faults(r#"{"input":"","locale":"?"}"#), ["input", "locale"]);
    }

    #[test]
    fn ten_thousand_characters_are_enough_whatever_their_bytes() {
        let body = format!(r#"{{"input":"{}\u0002"}}"#, "我".repeat(10_000));
        assert_eq!(Message::parse(body.as_bytes()).unwrap().input.chars().count(), 10_000);
    }

    #[test]
    fn a_repeated_request_has_the_same_id_and_nobody_else_has_it() {
        let id = idempotent_id("default", "anna", "key-1");
        assert_eq!(id, idempotent_id("default", "anna", "key-1"));
        assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 5);
        for (tenant, user, key) in
            [("other", "anna", "key-1"), ("default", "bob", "key-1"), ("default", "anna", "key-2")]
        {
            assert_ne!(id, idempotent_id(tenant, user, key));
        }
    }
}
