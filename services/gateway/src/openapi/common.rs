//! What operations share: who may call, which problems any of them can have, and headers.

use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{SchemaFormat, SchemaType};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, Header, KnownFormat, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response,
    ResponseBuilder, Schema, SecurityRequirement, Type,
};

use super::{problem, word};
use crate::http::{is_health, is_public};
use crate::mcp;
use crate::routes::{a2a, chat};

const JSON: &str = "application/json";
/// What any route can answer to a caller with a key.
const OF_EVERY_KEY: [(&str, &str); 7] = [
    ("301", "Plain HTTP, in production: the same path with https."),
    ("400", "invalid_request, user_required, invalid_json or input_rejected"),
    ("401", "authentication_required or authentication_failed"),
    ("403", "forbidden or cors_rejected"),
    ("429", "rate_limited or session_busy"),
    ("500", "internal"),
    ("503", "A part is down, or the service is ending."),
];
const OF_A_BODY: [(&str, &str); 2] =
    [("413", "payload_too_large"), ("415", "unsupported_media_type")];
/// What a route without a key can answer too.
const OF_THE_DOCUMENT: [(&str, &str); 4] = [
    ("301", "Plain HTTP, in production: the same path with https."),
    ("429", "rate_limited"),
    ("500", "internal"),
    ("503", "A part is down."),
];
const BUDGET_HEADERS: [(&str, &str); 8] = [
    ("X-Budget-Scope", "The tightest scope as type:key, when a budget applies."),
    ("X-Budget-Limit", "Its limit in USD."),
    ("X-Budget-Spent", "What is spent of it, in USD."),
    ("X-Budget-Remaining", "What is left of it, in USD."),
    ("X-Budget-Status", "active, warned, degraded or stopped."),
    ("X-Budget-Suggested-Model", "A cheaper model, when one is suggested."),
    ("X-Budget-Tools-Disabled", "Tools that were taken away, with commas between."),
    ("X-Budget-Warning", "What to look at."),
];
const RATE_HEADERS: [(&str, &str); 3] = [
    ("X-RateLimit-Limit", "How many requests the bucket holds."),
    ("X-RateLimit-Remaining", "How many are left."),
    ("X-RateLimit-Reset", "When it is full at the latest, in seconds since the epoch."),
];

/// The same operation has another name at each place, as the document demands.
pub(super) fn rename(item: &mut PathItem, suffix: &str) {
    for operation in operations(item) {
        if let Some(id) = &mut operation.operation_id {
            id.push_str(suffix);
        }
    }
}

/// Adds to every operation what is true of all of its sort.
pub(super) fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            match path.as_str() {
                path if is_health(path) => {}
                path if is_public(path) => add(operation, &OF_THE_DOCUMENT),
                _ => demand_a_key(operation),
            }
            describe_problems(operation, path);
            describe_headers(operation, path);
        }
    }
    let components = document.components.get_or_insert_default();
    for (name, scheme) in schemes() {
        components.security_schemes.insert(name.to_owned(), scheme.into());
    }
    let mut schemas = Vec::new();
    remember::<problem::Problem>(&mut schemas);
    remember::<problem::ChatProblem>(&mut schemas);
    remember::<problem::RpcProblem>(&mut schemas);
    remember::<word::Group>(&mut schemas);
    components.schemas.extend(schemas);
}

/// A schema that no route names as a body, with all that it refers to.
fn remember<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, .. } = item;
    [get, put, post, delete].into_iter().flatten()
}

fn schemes() -> [(&'static str, SecurityScheme); 2] {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    [
        ("key", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("x-api-key")))),
        ("bearer", SecurityScheme::Http(bearer)),
    ]
}

fn demand_a_key(operation: &mut Operation) {
    const NO_SCOPES: [&str; 0] = [];
    operation.security = Some(vec![
        SecurityRequirement::new("key", NO_SCOPES),
        SecurityRequirement::new("bearer", NO_SCOPES),
    ]);
    add(operation, &OF_EVERY_KEY);
    if operation.request_body.is_some() {
        add(operation, &OF_A_BODY);
    }
    let parameters = operation.parameters.get_or_insert_default();
    let id = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    let about = "The id of the request; a new one unless given.";
    parameters.push(RefOr::T(parameter("X-Request-Id", id, about)));
    let user = text().min_length(Some(1)).max_length(Some(256));
    let about = "For whom the key acts, when the body does not say it and the key is not bound.";
    parameters.push(RefOr::T(parameter("X-User-Id", user, about)));
}

fn parameter(name: &str, schema: ObjectBuilder, about: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .schema(Some(schema))
        .description(Some(about))
        .build()
}

/// Adds responses; what a handler says itself is more exact.
fn add(operation: &mut Operation, told: &[(&str, &str)]) {
    for (status, text) in told {
        let response = || ResponseBuilder::new().description(*text).build().into();
        operation.responses.responses.entry((*status).to_owned()).or_insert_with(response);
    }
}

/// Every failure has the body of a problem, unless the handler says otherwise.
fn describe_problems(operation: &mut Operation, path: &str) {
    let name = if chat::is_spoken_at(path) { "ChatProblem" } else { "Problem" };
    for (status, response) in responses(operation) {
        let is_failure = !matches!(status, "101" | "301") && "400" <= status;
        let is_told = !response.content.is_empty() && path != mcp::PATH;
        if is_failure && !is_told && !response.content.contains_key(JSON) {
            let schema = Some(Ref::from_schema_name(name));
            response.content.insert(JSON.to_owned(), RefOr::T(Content::new(schema)));
        }
    }
}

fn describe_headers(operation: &mut Operation, path: &str) {
    let has_key = operation.security.is_some();
    // Whoever speaks A2A is told of an empty budget in a body of its own.
    let is_turn = operation.responses.responses.contains_key("402") || path == a2a::PATH;
    for (status, response) in responses(operation) {
        let mut told = vec![("X-Request-Id", "The id of the request.", Type::String)];
        if has_key {
            told.extend(RATE_HEADERS.map(|(name, about)| (name, about, Type::Integer)));
        }
        if matches!(status, "429" | "503") {
            told.push(("Retry-After", "Seconds until it is worth trying again.", Type::Integer));
        }
        if status == "401" {
            told.push(("WWW-Authenticate", "Bearer.", Type::String));
        }
        if status == "301" {
            told.push(("Location", "The same path with https.", Type::String));
        }
        if is_turn {
            told.extend(BUDGET_HEADERS.map(|(name, about)| (name, about, Type::String)));
            told.push((
                "Idempotent-Replay",
                "true when the result was stored before.",
                Type::String,
            ));
        }
        for (name, about, kind) in told {
            response.headers.insert(name.to_owned(), RefOr::T(header(about, kind)));
        }
    }
}

fn responses(operation: &mut Operation) -> impl Iterator<Item = (&str, &mut Response)> {
    operation.responses.responses.iter_mut().filter_map(|(status, response)| match response {
        RefOr::T(response) => Some((status.as_str(), response)),
        RefOr::Ref(_) => None,
    })
}

fn header(about: &str, kind: Type) -> Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(kind));
    HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
