//! Encrypted connections: the name in the URL is what the certificate is checked against.

use std::io::{Read as _, Write as _};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// Made for these tests, for `localhost` only.
const CERTIFICATE: &[u8] = include_bytes!("certificate.pem");
const KEY: &[u8] = include_bytes!("key.pem");

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(CERTIFICATE).expect("the certificate is well formed")
}

/// A server that answers the first request on each of two connections.
fn serve() -> u16 {
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("the key is well formed");
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], key)
        .expect("the key fits the certificate");
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    let port = listener.local_addr().expect("a bound listener has an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let connection = ServerConnection::new(config.clone()).expect("the settings are valid");
            let mut stream = StreamOwned::new(connection, stream.expect("a client comes"));
            let mut request = [0; 1024];
            // A client that does not trust the server hangs up here.
            if stream.read(&mut request).is_ok_and(|count| 0 < count) {
                let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
                stream.write_all(reply).expect("the client reads");
            }
        }
    });
    port
}

fn trusting(certificate: Option<CertificateDer<'static>>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificate);
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[tokio::test]
async fn a_trusted_server_answers_by_its_name() {
    let url = format!("https://localhost:{}/", serve());
    let tls = trusting(Some(certificate()));
    let client = client(Connector::with_tls(allowlist(&["localhost"]), system(), tls));
    let reply = client.get(url.parse().expect("it is a URI")).await.expect("the server answers");
    let body = reply.into_body().collect().await.expect("the body arrives").to_bytes();
    assert_eq!(body, "hello");
}

#[tokio::test]
async fn a_server_of_another_name_or_an_unknown_one_is_not_believed() {
    let port = serve();
    let cases = [
        (format!("https://127.0.0.1:{port}/"), trusting(Some(certificate()))),
        (format!("https://localhost:{port}/"), trusting(None)),
    ];
    for (url, tls) in cases {
        let list = allowlist(&["localhost", "127.0.0.1"]);
        let error =
            connect(&mut Connector::with_tls(list, system(), tls), &url).await.expect_err(&url);
        assert!(matches!(error, ConnectError::Handshake(_)), "{url}: {error:?}");
    }
}
