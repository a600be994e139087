//! Log lines: one JSON object each, with the ids of the spans around it and without personal data.

use std::fmt;
use std::io::Write as _;
use std::sync::OnceLock;

use chrono::{SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use opentelemetry::trace::TraceContextExt as _;
use serde_json::{Map, Value};
use sha2::Sha256;
use tracing::dispatcher::WeakDispatch;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::clock;
use crate::redact::redact;

/// Fields of a span that its events carry.
const INHERITED: [&str; 4] = ["request_id", "session_id", "tenant", "agent_id"];
/// How many hex digits of the digest stand for a user.
const USER_DIGITS: usize = 12;

/// The layer that writes log lines: warnings and errors to stderr, the rest to stdout.
pub(crate) struct Logs {
    service: &'static str,
    key: Vec<u8>,
    dispatch: OnceLock<WeakDispatch>,
}

/// The inherited fields of one span.
struct Inherited(Map<String, Value>);

impl Logs {
    pub(crate) fn new(service: &'static str, key: Option<&str>) -> Self {
        let random = || {
            let seed = (
                clock::now_ms(),
                std::process::id(),
                std::ptr::from_ref(service) as *const () as usize,
            );
            format!("{seed:?}").into_bytes()
        };
        let key = key.map_or_else(random, |key| key.as_bytes().to_vec());
        Self { service, key, dispatch: OnceLock::new() }
    }

    fn line<S>(&self, event: &Event<'_>, context: &Context<'_, S>) -> Map<String, Value>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let mut line = Map::new();
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        line.insert("timestamp".to_owned(), Value::String(now));
        line.insert(
            "level".to_owned(),
            Value::from(event.metadata().level().as_str().to_ascii_lowercase()),
        );
        line.insert("service".to_owned(), Value::from(self.service));
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            for (name, value) in
                extensions.get::<Inherited>().into_iter().flat_map(|fields| &fields.0)
            {
                line.entry(name.as_str()).or_insert_with(|| value.clone());
            }
        }
        if let Some(trace) = context.event_span(event).and_then(|span| self.trace_of(&span.id())) {
            line.insert("trace_id".to_owned(), Value::String(trace));
        }
        event.record(&mut Fields { line: &mut line, key: &self.key });
        line
    }

    /// The trace that a span belongs to, when traces are on.
    fn trace_of(&self, span: &Id) -> Option<String> {
        let dispatch = self.dispatch.get()?.upgrade()?;
        let context = tracing_opentelemetry::get_otel_context(span, &dispatch)?;
        let trace = context.span().span_context().clone();
        trace.is_valid().then(|| trace.trace_id().to_string())
    }
}

impl<S> Layer<S> for Logs
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Map::new();
        attributes.record(&mut Fields { line: &mut fields, key: &self.key });
        fields.retain(|name, _| INHERITED.contains(&name.as_str()));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Inherited(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(Inherited(fields)) = span.extensions_mut().get_mut::<Inherited>() {
            values.record(&mut Fields { line: fields, key: &self.key });
            fields.retain(|name, _| INHERITED.contains(&name.as_str()));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = Value::Object(self.line(event, &context)).to_string();
        text.push('\n');
        // A log that cannot be written has nowhere to be reported.
        let _ = if *event.metadata().level() <= Level::WARN {
            std::io::stderr().lock().write_all(text.as_bytes())
        } else {
            std::io::stdout().lock().write_all(text.as_bytes())
        };
    }
}

/// Takes the fields of an event or span, each by what it may show.
struct Fields<'a> {
    line: &'a mut Map<String, Value>,
    key: &'a [u8],
}

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.line.insert(field.name().to_owned(), value);
    }

    fn text(&mut self, field: &Field, text: &str) {
        let value = match field.name() {
            "user_id" => self.pseudonym(text),
            name if is_identifier(name) => text.to_owned(),
            _ => redact(text).into_owned(),
        };
        self.put(field, Value::String(value));
    }

    fn pseudonym(&self, user: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key).expect("HMAC takes a key of any length");
        mac.update(user.as_bytes());
        let digest = mac.finalize().into_bytes();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        hex[..USER_DIGITS].to_owned()
    }
}

/// Identifiers, times and codes are never altered.
fn is_identifier(name: &str) -> bool {
    name.ends_with("_id")
        || name.ends_with("_at")
        || name.ends_with("_ms")
        || matches!(name, "code" | "event_type" | "outcome")
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }
}
