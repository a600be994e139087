//! How a failure travels: a kind with its gRPC code and HTTP status side by side, and a stable code in
//! `google.rpc.ErrorInfo`. Nobody matches on text.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

/// The `domain` of every `ErrorInfo`.
const DOMAIN: &str = "mesh.v1";
/// The key of the kind among the metadata of an `ErrorInfo`.
const KIND: &str = "kind";

/// What sort of failure it is, in the eyes of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request breaks a rule.
    Invalid,
    /// No credentials, or wrong ones.
    Unauthenticated,
    /// Known, but not allowed.
    Forbidden,
    /// Not there, or not the caller's.
    Missing,
    /// The same id with other content.
    Exists,
    /// Somebody was faster; worth another try.
    Stale,
    /// Ended, and stays so.
    Closed,
    /// Stopped by its owner.
    Cancelled,
    /// The money is used up.
    Spent,
    /// Too much at once; worth another try later.
    Exhausted,
    /// A bug of ours.
    Internal,
    /// Somebody else's answer is unusable.
    Upstream,
    /// Somebody else cannot be reached.
    Unreachable,
    /// A part of ours cannot serve now.
    Unavailable,
    /// The deadline passed.
    Late,
}

/// Name, gRPC code, HTTP status, whether another try may help.
const TABLE: [(Kind, &str, Code, u16, bool); 15] = [
    (Kind::Invalid, "invalid", Code::InvalidArgument, 400, false),
    (Kind::Unauthenticated, "unauthenticated", Code::Unauthenticated, 401, false),
    (Kind::Spent, "spent", Code::ResourceExhausted, 402, false),
    (Kind::Forbidden, "forbidden", Code::PermissionDenied, 403, false),
    (Kind::Missing, "missing", Code::NotFound, 404, false),
    (Kind::Exists, "exists", Code::AlreadyExists, 409, false),
    (Kind::Stale, "stale", Code::Aborted, 409, true),
    (Kind::Closed, "closed", Code::FailedPrecondition, 409, false),
    (Kind::Cancelled, "cancelled", Code::Cancelled, 409, false),
    (Kind::Exhausted, "exhausted", Code::ResourceExhausted, 429, true),
    (Kind::Internal, "internal", Code::Internal, 500, false),
    (Kind::Upstream, "upstream", Code::Unknown, 502, false),
    (Kind::Unreachable, "unreachable", Code::Unavailable, 502, true),
    (Kind::Unavailable, "unavailable", Code::Unavailable, 503, true),
    (Kind::Late, "late", Code::DeadlineExceeded, 504, true),
];

impl Kind {
    fn row(self) -> &'static (Kind, &'static str, Code, u16, bool) {
        TABLE.iter().find(|row| row.0 == self).expect("every kind has a row")
    }

    /// The name under which the kind travels.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Its gRPC code.
    #[must_use]
    pub fn grpc(self) -> Code {
        self.row().2
    }

    /// Its HTTP status.
    #[must_use]
    pub fn http(self) -> u16 {
        self.row().3
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        self.row().4
    }
}

/// One rule that a request broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, as in `metadata.task_id`.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

/// A failure with all that a caller may know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: Kind,
    /// Its stable code.
    pub code: String,
    /// A text for people.
    pub message: String,
    /// Values that belong to the code.
    pub fields: BTreeMap<String, String>,
    /// The rules that the request broke.
    pub violations: Vec<Violation>,
    /// When to try again.
    pub retry_after_s: Option<i64>,
}

/// A failure that has nothing but a code and a message.
pub fn fault(kind: Kind, code: &str, error: &impl Display) -> Status {
    Fault::new(kind, code, error.to_string()).into()
}

impl Fault {
    /// A failure of this kind and code.
    pub fn new(kind: Kind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.into(),
            fields: BTreeMap::new(),
            violations: Vec::new(),
            retry_after_s: None,
        }
    }

    /// Adds a value.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a broken rule.
    #[must_use]
    pub fn violation(mut self, path: impl Into<String>, message: impl Into<String>) -> Self {
        self.violations.push(Violation { path: path.into(), message: message.into() });
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: i64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// What a status says. One that was not made here is told by its gRPC code alone.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let Some(info) = details.error_info().filter(|info| info.domain == DOMAIN) else {
            return Self::foreign(status);
        };
        let mut fields: BTreeMap<_, _> = info.metadata.clone().into_iter().collect();
        let kind =
            fields.remove(KIND).and_then(|name| Kind::from_name(&name)).unwrap_or(Kind::Internal);
        let violation = |v: &FieldViolation| Violation {
            path: v.field.clone(),
            message: v.description.clone(),
        };
        let violations =
            details.bad_request().map(|bad| bad.field_violations.iter().map(violation).collect());
        let delay = details.retry_info().and_then(|retry| retry.retry_delay);
        Self {
            kind,
            code: info.reason.clone(),
            message: status.message().to_owned(),
            fields,
            violations: violations.unwrap_or_default(),
            retry_after_s: delay.and_then(|delay| i64::try_from(delay.as_secs()).ok()),
        }
    }

    fn foreign(status: &Status) -> Self {
        let (kind, code) = match status.code() {
            Code::Unavailable => (Kind::Unavailable, "dependency_unavailable"),
            // A deadline may come back over a network as either of the two.
            Code::DeadlineExceeded | Code::Cancelled => (Kind::Late, "turn_timeout"),
            Code::InvalidArgument | Code::OutOfRange => (Kind::Invalid, "invalid_request"),
            Code::Unauthenticated => (Kind::Unauthenticated, "authentication_failed"),
            _ => (Kind::Internal, "internal"),
        };
        Self::new(kind, code, status.message())
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        let mut metadata: HashMap<_, _> = fault.fields.into_iter().collect();
        metadata.insert(KIND.to_owned(), fault.kind.name().to_owned());
        let mut details = ErrorDetails::with_error_info(fault.code, DOMAIN, metadata);
        for violation in fault.violations {
            details.add_bad_request_violation(violation.path, violation.message);
        }
        if let Some(seconds) = fault.retry_after_s {
            details.set_retry_info(Some(Duration::from_secs(seconds.max(0).unsigned_abs())));
        }
        Status::with_error_details(fault.kind.grpc(), fault.message, details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_survives_the_way_through_a_status() {
        for row in TABLE {
            let sent = Fault::new(row.0, "some_code", "some text")
                .field("agent_id", "sales")
                .violation("input", "is empty")
                .retry_after_s(9);
            let status = Status::from(sent.clone());
            assert_eq!(status.code(), row.2);
            assert_eq!(Fault::of(&status), sent);
        }
    }

    #[test]
    fn a_foreign_status_is_told_by_its_code() {
        let code = |status: Status| Fault::of(&status).code;
        assert_eq!(code(Status::unavailable("gone")), "dependency_unavailable");
        assert_eq!(code(Status::cancelled("timeout expired")), "turn_timeout");
        assert_eq!(code(Status::data_loss("odd")), "internal");
    }
}
