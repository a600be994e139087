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
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};
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
    /// Whether spans go elsewhere too. Where they do not, those without fields for log lines are none.
    is_traced: bool,
    dispatch: OnceLock<WeakDispatch>,
}

/// The inherited fields of one span.
#[derive(Default)]
struct Inherited(Vec<(&'static str, String)>);

impl Logs {
    pub(crate) fn new(service: &'static str, key: Option<&str>, is_traced: bool) -> Self {
        let random = || {
            let seed = (
                clock::now_ms(),
                std::process::id(),
                std::ptr::from_ref(service) as *const () as usize,
            );
            format!("{seed:?}").into_bytes()
        };
        let key = key.map_or_else(random, |key| key.as_bytes().to_vec());
        Self { service, key, is_traced, dispatch: OnceLock::new() }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let is_inherited = |field: Field| INHERITED.contains(&field.name());
        self.is_traced || metadata.is_event() || metadata.fields().iter().any(is_inherited)
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
                line.entry(*name).or_insert_with(|| Value::from(value.as_str()));
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

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut inherited = Inherited::default();
        attributes.record(&mut inherited);
        if inherited.0.is_empty() {
            return;
        }
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(inherited);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut recorded = Inherited::default();
        values.record(&mut recorded);
        let Some(span) = context.span(id).filter(|_| !recorded.0.is_empty()) else { return };
        let mut extensions = span.extensions_mut();
        let before = extensions.remove::<Inherited>().unwrap_or_default();
        let is_kept = |(name, _): &(&str, String)| recorded.0.iter().all(|(new, _)| new != name);
        let kept: Vec<_> = before.0.into_iter().filter(is_kept).collect();
        recorded.0.extend(kept);
        extensions.insert(recorded);
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

impl Visit for Inherited {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if INHERITED.contains(&field.name()) {
            self.0.push((field.name(), shown(field.name(), &format!("{value:?}"))));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if INHERITED.contains(&field.name()) {
            self.0.push((field.name(), shown(field.name(), value)));
        }
    }
}

/// Takes the fields of an event, each by what it may show.
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
            name => shown(name, text),
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

/// What a field of this name may show of a text.
fn shown(name: &str, text: &str) -> String {
    if is_identifier(name) { text.to_owned() } else { redact(text).into_owned() }
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
