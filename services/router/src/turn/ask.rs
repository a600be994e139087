//! What a caller wants, checked once: other services call `Converse` directly, so the edge's checks are not enough.

use chassis::fault::Violation;
use oxilangtag::LanguageTag;
use proto::v1::{Context, ConverseRequest};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::Error;
use crate::session::{Owner, Profile, Reference};
use crate::store::Place;

const INPUT_CHARS_MAX: usize = 10_000;
const ID_CHARS_MAX: usize = 256;
const ID_RULE: &str = "is not 1 to 256 characters without control characters";
const REFERENCE_CHARS_MAX: usize = 128;
const METADATA_BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;

/// A request that keeps all rules.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Who asks.
    pub context: Context,
    /// Whose turn it becomes.
    pub owner: Owner,
    /// Where it belongs.
    pub place: Place,
    /// What the client called its session.
    pub reference: Reference,
    /// The user's words.
    pub input: String,
    /// The language that the client wants; empty when it does not say.
    pub locale: String,
    /// One JSON object; empty when the client gave none.
    pub metadata_json: String,
    /// The task to charge; empty when there is none.
    pub task_id: String,
    /// Who the user is.
    pub profile: Profile,
    /// What identifies the request's content.
    pub fingerprint: String,
}

impl Ask {
    /// Checks a request; every broken rule is told.
    pub(crate) fn of(request: ConverseRequest) -> Result<Self, Error> {
        let mut faults = Faults::default();
        let context = request.context.unwrap_or_default();
        let owner = owner_of(&context)?;
        if Uuid::try_parse(&context.request_id).is_err() {
            faults.add("request_id", "is not a UUID");
        }
        let input = kept(&request.input);
        match input.chars().count() {
            0 => faults.add("input", "is empty"),
            count if INPUT_CHARS_MAX < count => {
                faults.add("input", "has more than 10000 characters");
            }
            _ => {}
        }
        let reference = Reference::of(request.session_ref);
        if let Reference::Named(name) = &reference
            && !is_reference(name)
        {
            faults.add("session_id", "is not 1 to 128 of A-Z, a-z, 0-9, '.', '_', ':' and '-'");
        }
        if !request.locale.is_empty() && LanguageTag::parse(request.locale.as_str()).is_err() {
            faults.add("locale", "is not a BCP 47 language tag");
        }
        let metadata = metadata_of(&request.metadata_json, &mut faults);
        let task_id = metadata.get("task_id").and_then(Value::as_str).unwrap_or_default();
        for (path, id) in [("employee_id", &*request.employee_id), ("metadata.task_id", task_id)] {
            if !is_id(id) {
                faults.add(path, ID_RULE);
            }
        }
        faults.finish()?;
        let fingerprint = fingerprint(&input, reference.key(), &request.metadata_json);
        let place = match &reference {
            Reference::Named(name) if request.anonymous => Place::Nowhere(name.clone()),
            Reference::Latest if request.anonymous => Place::Nowhere(Uuid::new_v4().to_string()),
            reference => Place::Session(reference.clone()),
        };
        let or = |given: String, other: &str| {
            if given.is_empty() { other.to_owned() } else { given }
        };
        let employee_id = or(request.employee_id, &owner.user_id);
        let display_name = or(kept(&request.display_name), &employee_id);
        Ok(Self {
            profile: Profile { display_name, employee_id },
            task_id: task_id.to_owned(),
            metadata_json: request.metadata_json,
            locale: request.locale,
            context,
            owner,
            place,
            reference,
            input,
            fingerprint,
        })
    }
}

/// The owner that a context names.
pub(crate) fn owner_of(context: &Context) -> Result<Owner, Error> {
    if context.tenant.is_empty() {
        return Err(Error::field("context.tenant", "is empty"));
    }
    if context.user_id.is_empty() {
        return Err(Error::UserRequired);
    }
    if !is_id(&context.user_id) {
        return Err(Error::field("user_id", ID_RULE));
    }
    Ok(Owner { tenant: context.tenant.clone(), user_id: context.user_id.clone() })
}

/// The digest of what makes two requests the same.
pub(crate) fn fingerprint(input: &str, reference: &str, metadata: &str) -> String {
    let mut digest = Sha256::new();
    for part in [input, reference, metadata] {
        // The length keeps the end of one part from passing as the start of the next.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex(&digest.finalize())
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text without the control characters that are no line breaks or tabs, some of which no database holds.
pub(crate) fn kept(text: &str) -> String {
    let is_kept = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().filter(is_kept).collect()
}

/// Whether a text that is not empty can name somebody or something.
fn is_id(text: &str) -> bool {
    text.chars().count() <= ID_CHARS_MAX && !text.chars().any(char::is_control)
}

fn is_reference(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    name.len() <= REFERENCE_CHARS_MAX && name.chars().all(is_allowed)
}

fn metadata_of(text: &str, faults: &mut Faults) -> Map<String, Value> {
    if text.is_empty() {
        return Map::new();
    }
    if METADATA_BYTES_MAX < text.len() {
        faults.add("metadata", "is larger than 16 KiB");
        return Map::new();
    }
    serde_json::from_str(text).unwrap_or_else(|_| {
        faults.add("metadata", "is not an object");
        Map::new()
    })
}

#[derive(Default)]
struct Faults(Vec<Violation>);

impl Faults {
    fn add(&mut self, path: &str, message: &str) {
        self.0.push(Violation { path: path.to_owned(), message: message.to_owned() });
    }

    fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
