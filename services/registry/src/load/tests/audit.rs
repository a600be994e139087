//! What a load writes into the log.

use std::sync::Mutex;

use super::*;

#[tokio::test]
async fn a_refused_endpoint_leaves_an_audit_event() {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(written.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let folder = Folder::with(&[
        ("a.yaml", DEFAULT),
        ("b.yaml", &SALES.replace("https://8.8.8.8", "http://169.254.169.254")),
        ("c.yaml", &SALES.replace("https://8.8.8.8", "no address at all")),
    ]);
    assert_eq!(folder.errors().await.len(), 2);
    let text = String::from_utf8(written.0.lock().expect("nobody panics with it").clone());
    let text = text.expect("logs are text");
    let audited: Vec<_> = text.lines().filter(|line| line.contains("ssrf_attempt")).collect();
    assert_eq!(audited.len(), 1, "{text}");
    let event: serde_json::Value = serde_json::from_str(audited[0]).expect("a line is JSON");
    assert_eq!(event["fields"]["audit"], true);
    assert_eq!(event["fields"]["file"], "b.yaml");
}

/// What a subscriber writes.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
