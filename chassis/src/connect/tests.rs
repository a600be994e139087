use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

use super::*;
use crate::address::Range;
use crate::testing::{Logs, Names};

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
    let client = client(Connector::new(list, system()));
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
    let refusing = client(Connector::new(allowlist(&[]), system()));
    let url = format!("http://{address}/");
    let error = refusing.get(url.parse().expect("it is a URI")).await.expect_err("it is refused");
    let expected = Refused::Address { address: address.ip(), range: Range::Loopback };
    assert_eq!(refusal(&error), Some(&expected));
    assert_eq!(*visits.lock().expect("no test panics with the lock"), 0, "nobody was called");

    let closed = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
    let url = format!("http://{}/", closed.local_addr().expect("it has an address"));
    drop(closed);
    let calling = client(Connector::new(allowlist(&["127.0.0.1"]), system()));
    let error = calling.get(url.parse().expect("it is a URI")).await.expect_err("nobody listens");
    assert_eq!(refusal(&error), None);
    assert!(matches!(find(&error), Some(ConnectError::Unreachable(_))), "{error:?}");
}

#[tokio::test]
async fn a_name_with_one_address_that_is_not_public_is_refused() {
    let list = allowlist(&["10.1.0.0/16"]);
    let target = Target::parse("http://example.com:80/", &list).expect("the name is public");
    let names = Names::default();
    let cases: [(&[&str], bool); 5] = [
        (&["93.184.215.14", "2606:4700::1"], true),
        (&["93.184.215.14", "10.1.2.3"], true),
        (&["93.184.215.14", "127.0.0.1"], false),
        (&["10.2.0.1", "93.184.215.14"], false),
        (&["::ffff:192.168.0.1"], false),
    ];
    for (addresses, is_admitted) in cases {
        names.point("example.com", addresses);
        let outcome = resolve(&target, &list, &names).await;
        let is_refused = matches!(outcome, Err(ConnectError::Refused(Refused::Address { .. })));
        assert_eq!((outcome.is_ok(), is_refused), (is_admitted, !is_admitted), "{addresses:?}");
    }
}

#[tokio::test]
async fn a_name_is_looked_up_anew_for_every_connection() {
    let (address, visits) = greeter().await;
    let names = Names::default();
    let client = client(Connector::new(allowlist(&["127.0.0.1/32"]), Arc::new(names.clone())));
    let url: Uri = format!("http://desk.example:{}/", address.port()).parse().expect("it is a URI");
    let call = || {
        let mut request = http::Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = url.clone();
        // Otherwise the first connection serves the second call.
        request.headers_mut().insert("connection", http::HeaderValue::from_static("close"));
        client.request(request)
    };
    names.point("desk.example", &["127.0.0.1"]);
    assert!(call().await.is_ok(), "the network is listed");
    names.point("desk.example", &["127.0.0.2"]);
    let error = call().await.expect_err("the name has moved");
    assert!(matches!(refusal(&error), Some(Refused::Address { .. })), "{error:?}");
    assert_eq!(*visits.lock().expect("no test panics with the lock"), 1);
}

#[tokio::test]
async fn a_name_with_too_many_addresses_or_none_does_not_resolve() {
    let names = Names::default();
    let target = Target::parse("http://example.com/", &Allowlist::default()).expect("it is public");
    for count in [0, ADDRESSES_MAX + 1] {
        names.point("example.com", &vec!["93.184.215.14"; count]);
        let outcome = resolve(&target, &Allowlist::default(), &names).await;
        assert!(matches!(outcome, Err(ConnectError::Unresolved { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_does_not_resolve() {
    let mut connector = Connector::new(allowlist(&[]), system());
    let error = connect(&mut connector, "http://nobody.invalid/").await.expect_err("no such name");
    assert!(matches!(error, ConnectError::Unresolved { .. }), "{error:?}");
}

#[tokio::test]
async fn the_handshake_counts_towards_the_limit() {
    // It accepts and says nothing, so that only the limit ends the wait for the handshake.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
    let url = format!("https://{}/", silent.local_addr().expect("it has an address"));
    let mut connector =
        Connector::new(allowlist(&["127.0.0.1"]), system()).within(Duration::from_millis(50));
    let error = connect(&mut connector, &url).await.expect_err("there is no handshake");
    assert!(matches!(error, ConnectError::Late(_)), "{error:?}");
}

#[tokio::test]
async fn a_plain_server_cannot_be_taken_for_an_encrypted_one() {
    let (address, _) = greeter().await;
    let mut connector = Connector::new(allowlist(&["127.0.0.1"]), system());
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
    let mut connector = Connector::new(allowlist(&["127.0.0.1"]), system());
    let connection = connect(&mut connector, &format!("http://{address}/")).await;
    let Ok(MaybeHttpsStream::Http(stream)) = connection else { panic!("a plain connection") };
    assert!(stream.inner().nodelay().expect("the option can be read"));
}

#[tokio::test]
async fn a_refusal_leaves_an_audit_event_and_a_dead_port_does_not() {
    let (logs, _listening) = Logs::listen();
    let mut connector = Connector::new(allowlist(&["127.0.0.1"]), system());
    connect(&mut connector, "http://169.254.169.254/").await.expect_err("it is refused");
    connect(&mut connector, "http://127.0.0.1:1/").await.expect_err("nobody listens");
    let audited = logs.audits();
    assert_eq!(audited.len(), 1, "{}", logs.text());
    assert_eq!(audited[0]["event_type"], "security.ssrf_attempt");
    assert_eq!(audited[0]["host"], "169.254.169.254");
}
