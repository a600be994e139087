//! What a load writes into the log.

use chassis::testing::Logs;

use super::*;

#[tokio::test]
async fn a_refused_endpoint_leaves_an_audit_event() {
    let (logs, _listening) = Logs::listen();
    let folder = Folder::with(&[
        ("a.yaml", DEFAULT),
        ("b.yaml", &SALES.replace("https://8.8.8.8", "http://169.254.169.254")),
        ("c.yaml", &SALES.replace("https://8.8.8.8", "no address at all")),
    ]);
    assert_eq!(folder.errors().await.len(), 2);
    let audited = logs.audits();
    assert_eq!(audited.len(), 1, "{}", logs.text());
    assert_eq!(audited[0]["event_type"], "security.ssrf_attempt");
    assert_eq!(audited[0]["file"], "b.yaml");
}
