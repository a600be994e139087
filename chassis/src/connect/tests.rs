use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

use super::*;
use crate::address::Range;

mod tls;

fn allowlist(entries: &[&str]) -> Arc<Allowlist> {
    Arc::new(Allowlist::parse(entries).expect("the entries are well formed"))
}

fn client(connector: Connector) -> Client<Connector, Empty<Bytes>> {
    Client::builder(TokioExecutor::new()).build(connector)
}

/// A server on loopback that greets, and counts who came.
async fn greeter() -> (SocketAddr, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
    let address = listener.local_addr().expect("a bound listener has an address");
    let visits = Arc::new(Mutex::new(0));
    let counter = visits.clone();
    let app = axum::Router::new().route(
        "/",
        axum::routing::get(move || async move {
            *counter.lock().expect("no test panics with the lock") += 1;
            "hello"
        }),
    );
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, visits)
}

async fn connect(connector: &mut Connector, url: &str) -> Result<Connection, ConnectError> {
    connector.call(url.parse().expect("the case is a URI")).await
}

#[tokio::test]
async fn an_exempt_target_answers_by_address_and_by_name() {
    let (address, _) = greeter().await;
    let port = address.port();
    let list = allowlist(&[&format!("127.0.0.1:{port}"), &format!("localhost:{port}")]);
    let client = client(Connector::new(list));
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{port}/").parse().expect("it is a URI");
        let reply = client.get(url).await.expect("the server answers");
        let body = reply.into_body().collect().await.expect("the body arrives").to_bytes();
        assert_eq!(body, "hello", "by {host}");
    }
}

#[tokio::test]
async fn a_refused_target_is_told_from_one_that_does_not_answer() {
    let (address, visits) = greeter().await;
    let refusing = client(Connector::new(allowlist(&[])));
    let url = format!("http://{address}/");
    let error = refusing.get(url.parse().expect("it is a URI")).await.expect_err("it is refused");
    let expected = Refused::Address { address: address.ip(), range: Range::Loopback };
    assert_eq!(refusal(&error), Some(&expected));
    assert_eq!(*visits.lock().expect("no test panics with the lock"), 0, "nobody was called");

    let closed = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
    let url = format!("http://{}/", closed.local_addr().expect("it has an address"));
    drop(closed);
    let calling = client(Connector::new(allowlist(&["127.0.0.1"])));
    let error = calling.get(url.parse().expect("it is a URI")).await.expect_err("nobody listens");
    assert_eq!(refusal(&error), None);
    assert!(matches!(find(&error), Some(ConnectError::Unreachable(_))), "{error:?}");
}

#[test]
fn a_name_with_one_address_that_is_not_public_is_refused() {
    let list = allowlist(&["10.1.0.0/16"]);
    let target = Target::parse("http://example.com:80/", &list).expect("the name is public");
    let admit = |addresses: &[&str]| {
        let parsed = addresses.iter().map(|text| text.parse().expect("it is an address"));
        admit_all(&target, &parsed.collect::<Vec<_>>(), &list).is_ok()
    };
    assert!(admit(&["93.184.215.14:80", "[2606:4700::1]:80"]));
    assert!(admit(&["93.184.215.14:80", "10.1.2.3:80"]), "a listed network is exempt");
    assert!(!admit(&["93.184.215.14:80", "127.0.0.1:80"]));
    assert!(!admit(&["[::ffff:192.168.0.1]:80"]));
}

#[tokio::test]
async fn a_name_is_refused_for_what_it_resolves_to() {
    // The name passes the rules only with this list, and its addresses have to pass without it: as when a name that
    // was public while loading turns to the machine itself.
    let list = allowlist(&["localhost"]);
    let target = Target::parse("http://localhost:80/", &list).expect("the name is exempt");
    let addresses = resolve(&target, &list).await.expect("the machine knows itself");
    let public = Target::parse("http://example.com:80/", &list).expect("the name is public");
    assert!(matches!(
        admit_all(&public, &addresses, &list),
        Err(Refused::Address { range: Range::Loopback, .. })
    ));
}

#[tokio::test]
async fn a_name_that_nobody_knows_does_not_resolve() {
    let mut connector = Connector::new(allowlist(&[]));
    let error = connect(&mut connector, "http://nobody.invalid/").await.expect_err("no such name");
    assert!(matches!(error, ConnectError::Unresolved { .. }), "{error:?}");
}

#[tokio::test]
async fn the_handshake_counts_towards_the_limit() {
    // It accepts and says nothing, so that only the limit ends the wait for the handshake.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
    let url = format!("https://{}/", silent.local_addr().expect("it has an address"));
    let mut connector = Connector::new(allowlist(&["127.0.0.1"])).within(Duration::from_millis(50));
    let error = connect(&mut connector, &url).await.expect_err("there is no handshake");
    assert!(matches!(error, ConnectError::Late(_)), "{error:?}");
}

#[tokio::test]
async fn a_plain_server_cannot_be_taken_for_an_encrypted_one() {
    let (address, _) = greeter().await;
    let mut connector = Connector::new(allowlist(&["127.0.0.1"]));
    let url = format!("https://{address}/");
    let error = connect(&mut connector, &url).await.expect_err("it does not speak TLS");
    assert!(matches!(error, ConnectError::Handshake(_)), "{error:?}");
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_fails() {
    let (address, _) = greeter().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
    let dead = closed.local_addr().expect("it has an address");
    drop(closed);
    assert!(first(&[dead, dead, address]).await.is_ok());
    assert!(first(&[dead]).await.is_err());
    assert!(first(&[]).await.is_err());
}

#[tokio::test]
async fn connections_do_not_wait_to_fill_packets() {
    let (address, _) = greeter().await;
    let mut connector = Connector::new(allowlist(&["127.0.0.1"]));
    let connection = connect(&mut connector, &format!("http://{address}/")).await;
    let Ok(MaybeHttpsStream::Http(stream)) = connection else { panic!("a plain connection") };
    assert!(stream.inner().nodelay().expect("the option can be read"));
}

#[tokio::test]
async fn a_refusal_leaves_an_audit_event_and_a_dead_port_does_not() {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(written.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut connector = Connector::new(allowlist(&["127.0.0.1"]));
    connect(&mut connector, "http://169.254.169.254/").await.expect_err("it is refused");
    connect(&mut connector, "http://127.0.0.1:1/").await.expect_err("nobody listens");
    let text = String::from_utf8(written.0.lock().expect("nobody panics with it").clone());
    let text = text.expect("logs are text");
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let audited: Vec<_> = events.iter().filter(|event| event["fields"]["audit"] == true).collect();
    assert_eq!(audited.len(), 1, "{text}");
    assert_eq!(audited[0]["fields"]["event_type"], "security.ssrf_attempt");
    assert_eq!(audited[0]["fields"]["host"], "169.254.169.254");
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
