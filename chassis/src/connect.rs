//! Opens connections to agents: resolves a name, puts every address to the rules of `address`, and connects to one of
//! the addresses that were checked, so that a second look-up cannot lead elsewhere.
//!
//! Proxy variables are not read and redirects are not followed here or by the client that uses this.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http::Uri;
use hyper_rustls::{
    ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream,
};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::Service;

use crate::address::{Allowlist, Refused, Target};

mod resolver;
#[cfg(test)]
mod tests;

pub use self::resolver::{Resolver, system};

/// How long resolving, connecting and the TLS handshake may take together when the caller names no limit.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many addresses of one name are looked at; a name with more is refused.
pub const ADDRESSES_MAX: usize = 64;

/// How long one address has for itself before the next is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);

/// What a client reads from and writes to: a plain or an encrypted connection.
pub type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Outbound protection forbids the target; trying again is pointless.
    #[error("refused by outbound protection: {0}")]
    Refused(#[from] Refused),
    /// The name has no address.
    #[error("the name `{name}` does not resolve: {cause}")]
    Unresolved {
        /// The name that was asked for.
        name: String,
        /// What the resolver said.
        cause: io::Error,
    },
    /// No checked address took the connection.
    #[error("no connection: {0}")]
    Unreachable(io::Error),
    /// The encrypted connection could not be agreed on.
    #[error("no encrypted connection: {0}")]
    Handshake(Box<dyn std::error::Error + Send + Sync>),
    /// The time for connecting ran out.
    #[error("no connection within {} ms", .0.as_millis())]
    Late(Duration),
}

/// The refusal inside an error of a client, when outbound protection is why the call failed.
pub fn refusal<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Refused> {
    match find(error)? {
        ConnectError::Refused(refused) => Some(refused),
        _ => None,
    }
}

/// The connect error inside an error of a client, when the call failed before a request was sent.
pub fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a ConnectError> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref())
}

/// Resolves the host of a target and checks every address; the result is in the resolver's order and not empty.
pub async fn resolve(
    target: &Target,
    allowlist: &Allowlist,
    resolver: &dyn Resolver,
) -> Result<Vec<SocketAddr>, ConnectError> {
    if let Some(address) = target.literal() {
        return Ok(vec![(address, target.port()).into()]);
    }
    let name = target.host().to_string();
    let unresolved = |cause| ConnectError::Unresolved { name: name.clone(), cause };
    let addresses = resolver.addresses(&name).await.map_err(unresolved)?;
    if addresses.is_empty() || ADDRESSES_MAX < addresses.len() {
        return Err(unresolved(io::Error::other(format!("{} addresses", addresses.len()))));
    }
    // One address that is not public makes the whole name suspect.
    addresses.iter().try_for_each(|address| target.admit(*address, allowlist))?;
    Ok(addresses.into_iter().map(|address| (address, target.port()).into()).collect())
}

/// Connects a hyper client to checked addresses only.
#[derive(Clone)]
pub struct Connector {
    https: HttpsConnector<Checked>,
    timeout: Duration,
}

impl Connector {
    /// A connector that trusts the machine's certificate authorities, or Mozilla's where it has none.
    pub fn new(allowlist: Arc<Allowlist>, resolver: Arc<dyn Resolver>) -> Self {
        Self::with_tls(allowlist, resolver, trust())
    }

    /// A connector with TLS settings of the caller's own; they name no ALPN protocols.
    pub fn with_tls(
        allowlist: Arc<Allowlist>,
        resolver: Arc<dyn Resolver>,
        tls: ClientConfig,
    ) -> Self {
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Checked { allowlist, resolver });
        Self { https, timeout: CONNECT_TIMEOUT }
    }

    /// The same connector with another limit for resolving, connecting and the TLS handshake together.
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, ConnectError>> + Send>>;

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = ConnectError;
    type Future = Connecting<Connection>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.https.call(uri);
        let timeout = self.timeout;
        Box::pin(async move {
            let Ok(outcome) = tokio::time::timeout(timeout, connecting).await else {
                return Err(ConnectError::Late(timeout));
            };
            outcome.map_err(|error| match error.downcast::<ConnectError>() {
                Ok(error) => *error,
                Err(other) => ConnectError::Handshake(other),
            })
        })
    }
}

/// The plain half: everything up to a TCP connection to a checked address.
#[derive(Clone)]
struct Checked {
    allowlist: Arc<Allowlist>,
    resolver: Arc<dyn Resolver>,
}

impl Service<Uri> for Checked {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Connecting<TokioIo<TcpStream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { allowlist, resolver } = self.clone();
        Box::pin(async move {
            let target = Target::parse(&uri.to_string(), &allowlist)
                .inspect_err(|refused| audit(uri.host(), refused))?;
            let addresses = resolve(&target, &allowlist, &*resolver).await;
            let addresses = addresses.inspect_err(|error| {
                if let ConnectError::Refused(refused) = error {
                    audit(uri.host(), refused);
                }
            })?;
            let stream = first(&addresses).await.map_err(ConnectError::Unreachable)?;
            stream.set_nodelay(true).map_err(ConnectError::Unreachable)?;
            Ok(TokioIo::new(stream))
        })
    }
}

/// The first connection that comes about; the last failure when none does. The next address is tried when one fails,
/// and beside the others when they take longer than the head start.
async fn first(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::other("no address");
    loop {
        attempts.extend(waiting.next().map(|address| TcpStream::connect(*address)));
        tokio::select! {
            Some(outcome) = attempts.next() => match outcome {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            },
            () = tokio::time::sleep(HEAD_START), if 0 < waiting.len() => {}
            else => return Err(failure),
        }
    }
}

fn audit(host: Option<&str>, refused: &Refused) {
    if refused.is_attempt() {
        tracing::info!(
            audit = true,
            event_type = "security.ssrf_attempt",
            host = host.unwrap_or_default(),
            outcome = "failure",
            failure_reason = %refused,
            "a connection was refused by outbound protection"
        );
    }
}

fn trust() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("ring speaks the default versions of TLS")
    };
    let trusted = builder().with_native_roots().unwrap_or_else(|_| builder().with_webpki_roots());
    trusted.with_no_client_auth()
}
