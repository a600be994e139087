//! Logs as JSON lines, traces over OTLP, metrics for Prometheus; started once a process.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::Common;
use crate::logs::Logs;

const EXPORT_LIMIT: Duration = Duration::from_secs(5);
/// Upper bounds of the buckets of every histogram: milliseconds, sizes and ratios alike.
const BUCKETS: [f64; 16] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 5_000.0,
    15_000.0, 60_000.0,
];

// The recorder of the crate `metrics` is one a process, and so is what renders it.
static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Telemetry that flushes its traces when it is dropped.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take()
            && let Err(error) = traces.shutdown()
        {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

/// Starts logs, traces and metrics of a process. To be called within a runtime.
pub fn start(service: &'static str, common: &Common) -> anyhow::Result<Telemetry> {
    choose_tls();
    record_metrics()?;
    let traces =
        common.otlp_endpoint.as_ref().map(|url| exporter(service, url.as_str())).transpose()?;
    let spans = traces
        .as_ref()
        .map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer("mesh")));
    let filter = EnvFilter::try_new(filter_of(&common.log_level)).context("LOG_LEVEL")?;
    let logs = Logs::new(service, common.log_hash_key.as_deref(), traces.is_some());
    tracing_subscriber::registry()
        .with(filter)
        .with(spans.map(|layer| layer.boxed()))
        .with(logs)
        .try_init()
        .context("telemetry was started twice")?;
    Ok(Telemetry { traces })
}

/// Chooses the cryptography of every TLS connection of the process; a second choice changes nothing.
pub fn choose_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// All metrics in the text form of Prometheus.
#[must_use]
pub fn metrics_text() -> String {
    METRICS.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Installs the recorder of metrics, once.
pub fn record_metrics() -> anyhow::Result<()> {
    if METRICS.get().is_some() {
        return Ok(());
    }
    let recorder = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .set_buckets(&BUCKETS)
        .context("the buckets are empty")?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_ok() {
        let _ = METRICS.set(handle);
    }
    Ok(())
}

fn exporter(service: &'static str, endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_LIMIT)
        .build()
        .context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let resource = Resource::builder().with_service_name(service).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Our own level; libraries speak up only when something is wrong.
fn filter_of(level: &str) -> String {
    let quiet = [
        "h2",
        "hyper",
        "hyper_util",
        "rmcp",
        "sqlx",
        "tonic",
        "tower",
        "opentelemetry",
        "opentelemetry_sdk",
    ];
    let quiet: Vec<_> = quiet.iter().map(|name| format!(",{name}=error")).collect();
    format!("{level}{}", quiet.concat())
}
