//! W3C trace context across links: put into the headers of a call, taken out where it arrives.

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Puts the context of the present span into the headers.
pub fn inject(headers: &mut HeaderMap) {
    if !tracing::span_enabled!(Level::INFO) {
        return;
    }
    let context = Span::current().context();
    TraceContextPropagator::new().inject_context(&context, &mut Headers(headers));
}

/// The value of `traceparent` of the present span, for protocols of others.
#[must_use]
pub fn traceparent() -> Option<String> {
    let mut headers = HeaderMap::new();
    inject(&mut headers);
    headers.get("traceparent").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Makes the context in the headers the parent of a span.
pub fn adopt(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() || !headers.contains_key("traceparent") {
        return;
    }
    let context = TraceContextPropagator::new().extract(&View(headers));
    if let Err(error) = span.set_parent(context) {
        tracing::debug!(%error, "the trace context of a caller cannot be used");
    }
}

/// The span of a call that stays in this process: a child of the caller's.
pub(crate) fn local_span<B>(request: &Request<B>) -> Span {
    tracing::debug_span!("rpc", otel.name = request.uri().path())
}

/// The span of a call that came over a network.
pub(crate) fn remote_span<B>(request: &Request<B>) -> Span {
    let span = tracing::info_span!("rpc", otel.name = request.uri().path(), otel.kind = "server");
    adopt(&span, request.headers());
    span
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

struct View<'a>(&'a HeaderMap);

impl Extractor for View<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
