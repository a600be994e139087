//! From the address of a peer to the addresses of its replicas.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use url::{Host, Url};

/// What a name stands for at this moment.
pub(super) type Lookup =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Where a peer is.
pub(super) enum Place {
    /// One address, which never changes.
    Fixed(SocketAddr),
    /// A name, whose addresses come and go with the replicas behind it.
    Named { name: String, port: u16, lookup: Lookup },
}

impl Place {
    /// Nothing for a URL that names no host.
    pub(super) fn of(url: &Url, lookup: Lookup) -> Option<Self> {
        let port = url.port_or_known_default()?;
        Some(match url.host()? {
            Host::Ipv4(ip) => Self::Fixed(SocketAddr::new(ip.into(), port)),
            Host::Ipv6(ip) => Self::Fixed(SocketAddr::new(ip.into(), port)),
            Host::Domain(name) => Self::Named { name: name.to_owned(), port, lookup },
        })
    }

    /// Whether another look may find other addresses.
    pub(super) fn may_change(&self) -> bool {
        matches!(self, Self::Named { .. })
    }

    /// Where its replicas are now.
    pub(super) async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::Fixed(address) => Ok(vec![*address]),
            Self::Named { name, port, lookup } => lookup(name.clone(), *port).await,
        }
    }
}

/// Asks the system's resolver, which knows search domains and /etc/hosts.
pub(super) fn system() -> Lookup {
    Arc::new(|name, port| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
    })
}
