//! The one place where a failure becomes an HTTP body.
//!
//! A handler returns a [`Problem`]; it travels in the extensions of its response up to the outermost layer, which knows
//! the request id and writes the body.

mod catalogue;

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use chassis::fault::{Fault, Violation};
use http::{HeaderValue, StatusCode, header};
use proto::v1::TurnError;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;
use tonic::Status;

pub(crate) use self::catalogue::codes;
use crate::budget_headers;

/// What a caller waits who was told no other time.
const RETRY_AFTER_S: i64 = 1;
/// Fields that a body has of its own.
const OWN_FIELDS: [&str; 6] = ["error", "code", "message", "request_id", "details", "retry_after"];

/// A failure as a client sees it. It never carries the text of an internal error.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    row: &'static catalogue::Row,
    code: String,
    request_id: Option<String>,
    details: Vec<Violation>,
    fields: BTreeMap<String, Box<RawValue>>,
    retry_after_s: Option<i64>,
    headers: http::HeaderMap,
}

impl Problem {
    /// The failure of this code.
    pub(crate) fn new(code: &str) -> Self {
        Self(Box::new(Inner {
            row: catalogue::row(code),
            code: code.to_owned(),
            request_id: None,
            details: Vec::new(),
            fields: BTreeMap::new(),
            retry_after_s: None,
            headers: http::HeaderMap::new(),
        }))
    }

    /// Rules of the request that were broken.
    pub(crate) fn invalid(details: Vec<Violation>) -> Self {
        let mut problem = Self::new("invalid_request");
        problem.0.details = details;
        problem
    }

    /// One rule that was broken.
    pub(crate) fn invalid_field(path: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![Violation { path: path.to_owned(), message: message.into() }])
    }

    /// The body is not of the type that is read here.
    pub(crate) fn of_media(expected: &str) -> Self {
        let mut problem = Self::new("unsupported_media_type");
        let message = format!("has to be {expected}");
        problem.0.details = vec![Violation { path: "Content-Type".to_owned(), message }];
        problem
    }

    /// Nothing is at this path.
    pub(crate) fn no_path(path: &str) -> Self {
        Self::new("not_found").with_text("path", path)
    }

    /// What another service said.
    pub(crate) fn of_status(status: &Status) -> Self {
        let fault = Fault::of(status);
        if fault.code == "internal" {
            tracing::error!(code = ?status.code(), message = status.message(), "a peer failed");
        }
        let mut problem = Self::new(&fault.code);
        problem.0.row = catalogue::row_of(&fault.code, fault.kind);
        problem.0.details = fault.violations;
        problem.0.retry_after_s = fault.retry_after_s;
        for (name, value) in fault.fields {
            problem = problem.with_text(&name, &value);
        }
        problem
    }

    /// How a turn ended.
    pub(crate) fn of_turn(error: &TurnError) -> Self {
        let mut problem = Self::new(&error.code);
        if !error.fields_json.is_empty() {
            match serde_json::from_str(&error.fields_json) {
                Ok(fields) => problem.0.fields = fields,
                Err(error) => tracing::error!(%error, "the fields of a turn error are no object"),
            }
        }
        problem.0.retry_after_s = Some(error.retry_after_s).filter(|seconds| 0 < *seconds);
        if let Some(budget) = &error.budget {
            budget_headers::write(budget, &mut problem.0.headers);
        }
        problem
    }

    /// Adds a text to the body.
    pub(crate) fn with_text(mut self, name: &str, value: &str) -> Self {
        let value = serde_json::value::to_raw_value(value).expect("a text is JSON");
        self.0.fields.insert(name.to_owned(), value);
        self
    }

    /// Says when to try again.
    pub(crate) fn retry_after(mut self, seconds: i64) -> Self {
        self.0.retry_after_s = Some(seconds.max(1));
        self
    }

    /// Adds headers to the response.
    pub(crate) fn with_headers(mut self, headers: http::HeaderMap) -> Self {
        self.0.headers.extend(headers);
        self
    }

    /// Says when to come back.
    pub(crate) fn with_retry(mut self) -> Self {
        self.0.retry_after_s = Some(RETRY_AFTER_S);
        self
    }

    /// Names the request, when it is not the one of the connection.
    pub(crate) fn of_request(mut self, request_id: &str) -> Self {
        self.0.request_id = Some(request_id.to_owned());
        self
    }

    /// When to try again. Who is told to slow down is always told how long.
    pub(crate) fn retry_after_s(&self) -> Option<i64> {
        let is_too_much = self.status() == StatusCode::TOO_MANY_REQUESTS;
        self.0.retry_after_s.or(is_too_much.then_some(RETRY_AFTER_S))
    }

    /// Its stable code.
    pub(crate) fn code(&self) -> &str {
        &self.0.code
    }

    /// Its fixed text.
    pub(crate) fn message(&self) -> &'static str {
        self.0.row.message
    }

    /// The rules that were broken.
    pub(crate) fn details(&self) -> &[Violation] {
        &self.0.details
    }

    /// Its HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.row.status()
    }

    /// The request that it names itself.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The body, as JSON text.
    pub(crate) fn body(&self, request_id: &str) -> String {
        serde_json::to_string(&Body { problem: self, request_id }).expect("a problem is JSON")
    }
}

struct Body<'a> {
    problem: &'a Problem,
    request_id: &'a str,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Inner { row, code, details, fields, .. } = &*self.problem.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("error", row.title)?;
        map.serialize_entry("code", code)?;
        map.serialize_entry("message", row.message)?;
        map.serialize_entry("request_id", self.request_id)?;
        if !details.is_empty() {
            let details: Vec<_> = details.iter().map(Detail::of).collect();
            map.serialize_entry("details", &details)?;
        }
        for (name, value) in fields {
            if !OWN_FIELDS.contains(&name.as_str()) {
                map.serialize_entry(name, value)?;
            }
        }
        if let Some(seconds) = self.problem.retry_after_s() {
            map.serialize_entry("retry_after", &seconds)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Detail<'a> {
    path: &'a str,
    message: &'a str,
}

impl<'a> Detail<'a> {
    fn of(violation: &'a Violation) -> Self {
        Self { path: &violation.path, message: &violation.message }
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        Self::of_status(&status)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        headers.extend(self.0.headers.clone());
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests;
