//! What this thread logs while a test listens.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// Log lines, kept.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    written: Arc<Mutex<Vec<u8>>>,
}

impl Logs {
    /// Listens until the guard is gone.
    #[must_use]
    pub fn listen() -> (Self, DefaultGuard) {
        let logs = Self::default();
        let subscriber = tracing_subscriber::fmt().json().with_writer(logs.clone()).finish();
        (logs, tracing::subscriber::set_default(subscriber))
    }

    /// All of it.
    ///
    /// # Panics
    /// When it is no text.
    #[must_use]
    pub fn text(&self) -> String {
        let written = self.written.lock().expect("nobody panics with it").clone();
        String::from_utf8(written).expect("logs are text")
    }

    /// The fields of the audit events, in their order.
    ///
    /// # Panics
    /// When a line is no JSON.
    #[must_use]
    pub fn audits(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
        let fields = lines.map(|mut line: Value| line["fields"].take());
        fields.filter(|fields| fields["audit"] == true).collect()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logs {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
