//! Failures as A2A tells them: an error of JSON-RPC with details of `google.rpc`.

use serde_json::{Value, json};

use crate::envelope;
use crate::problem::Problem;

const INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
const DOMAIN: &str = "a2a-protocol.org";
const OWN_DOMAIN: &str = "mesh.v1";

/// A failure of the protocol: JSON-RPC's own, and those of A2A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The body is no JSON.
    Parse,
    /// It is no request.
    Request,
    /// Nobody knows the method.
    Method,
    /// The parameters break a rule.
    Params,
    /// The mesh failed.
    Internal,
    /// A message was not answered for a reason of the mesh: its code says which.
    Turn,
    /// No task is kept.
    Task,
    /// Nothing is pushed.
    Push,
    /// The card does not promise this.
    Operation,
    /// Something other than text is sent or wanted.
    Content,
    /// Another version is spoken.
    Version,
}

impl Fault {
    fn row(self) -> (i32, &'static str, &'static str) {
        match self {
            Self::Parse => (-32700, "JSON_PARSE", "the body is not JSON"),
            Self::Request => (-32600, "INVALID_REQUEST", "the body is not a request"),
            Self::Method => (-32601, "METHOD_NOT_FOUND", "the method is not known"),
            Self::Params => (-32602, "INVALID_PARAMS", "the parameters are not valid"),
            Self::Internal => (-32603, "INTERNAL_ERROR", "internal error"),
            Self::Turn => (-32000, "NOT_ANSWERED", "the message was not answered"),
            Self::Task => (-32001, "TASK_NOT_FOUND", "there is no such task"),
            Self::Push => (-32003, "PUSH_NOTIFICATION_NOT_SUPPORTED", "nothing is pushed"),
            Self::Operation => (-32004, "UNSUPPORTED_OPERATION", "this is not supported"),
            Self::Content => (-32005, "CONTENT_TYPE_NOT_SUPPORTED", "only text is understood"),
            Self::Version => (-32009, "VERSION_NOT_SUPPORTED", "A2A 1.0 is spoken here"),
        }
    }

    fn of(problem: &Problem) -> Self {
        match problem.status().as_u16() {
            400 | 404 => Self::Params,
            status if 500 <= status => Self::Internal,
            _ => Self::Turn,
        }
    }
}

/// What a call comes to when it brings no result.
#[derive(Debug)]
pub(super) struct Refusal {
    fault: Fault,
    problem: Option<Problem>,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { fault, problem: None }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { fault: Fault::of(&problem), problem: Some(problem) }
    }
}

impl From<envelope::Refusal> for Refusal {
    fn from(refusal: envelope::Refusal) -> Self {
        match refusal {
            envelope::Refusal::NotJson => Fault::Parse.into(),
            envelope::Refusal::NotARequest => Fault::Request.into(),
        }
    }
}

impl Refusal {
    /// The failure of the mesh behind it, if there is one.
    pub(super) fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// The error of JSON-RPC.
    pub(super) fn error(&self) -> Value {
        let (code, reason, message) = self.fault.row();
        let Some(problem) = &self.problem else {
            let info = json!({"@type": INFO, "reason": reason, "domain": DOMAIN});
            return json!({"code": code, "message": message, "data": [info]});
        };
        json!({"code": code, "message": problem.message(), "data": details(problem)})
    }
}

/// Clients show the metadata alone, so that the code stands there too.
fn details(problem: &Problem) -> Vec<Value> {
    let mut metadata = json!({"code": problem.code()});
    if let Some(id) = problem.request_id() {
        metadata["request_id"] = id.into();
    }
    if let Some(seconds) = problem.retry_after_s() {
        metadata["retry_after"] = seconds.to_string().into();
    }
    let mut details = vec![json!({
        "@type": INFO, "reason": problem.code(), "domain": OWN_DOMAIN, "metadata": metadata,
    })];
    let broken = problem.details().iter();
    let broken: Vec<_> =
        broken.map(|rule| json!({"field": rule.path, "description": rule.message})).collect();
    if !broken.is_empty() {
        details.push(json!({"@type": BAD_REQUEST, "fieldViolations": broken}));
    }
    details
}
