//! Which addresses the mesh may call: pure rules over a parsed URL and over the addresses that its name resolves to.
//!
//! Nothing is resolved or connected here; `connect` does that and asks these rules. The URL is parsed as a browser
//! parses it, so that decimal, octal, hexadecimal and shortened forms of an address are that address.

use core::net::IpAddr;

use url::{Host, Url};

mod allowlist;
mod range;
#[cfg(test)]
mod tests;

pub use allowlist::{Allowlist, Malformed};
pub use range::{Range, range_of};

/// Names that cloud platforms give to the service that hands out a machine's credentials.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

/// Why a URL or an address may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not parse as an absolute URL.
    #[error("not a valid URL: {0}")]
    Malformed(#[from] url::ParseError),
    /// It is neither http nor https.
    #[error("scheme `{0}` is not http or https")]
    Scheme(String),
    /// It carries a user name or a password.
    #[error("user name and password are not allowed in a URL")]
    Userinfo,
    /// It names no host.
    #[error("the URL names no host")]
    Hostless,
    /// Its host is a name of the local machine or of its platform.
    #[error("host `{0}` is not public")]
    Name(String),
    /// Its host is, or resolves to, an address that is not public.
    #[error("address {address} is not public: {range}")]
    Address {
        /// The address as it was written or resolved.
        address: IpAddr,
        /// The range that it belongs to.
        range: Range,
    },
}

impl Refused {
    /// Says whether the rules of outbound protection refused it, as opposed to it being no URL at all.
    pub fn is_attempt(&self) -> bool {
        !matches!(self, Self::Malformed(_) | Self::Hostless)
    }
}

/// Where a call goes: a URL whose scheme and host name the rules accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: Host,
    port: u16,
    is_exempt: bool,
}

impl Target {
    /// Parses a URL and applies every rule that needs no resolver; a literal address is decided here.
    pub fn parse(url: &str, allowlist: &Allowlist) -> Result<Self, Refused> {
        let url = Url::parse(url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Userinfo);
        }
        let (Some(host), Some(port)) =
            (url.host().map(|host| host.to_owned()), url.port_or_known_default())
        else {
            return Err(Refused::Hostless);
        };
        let is_exempt = allowlist.names(&host, port);
        let target = Self { url, host, port, is_exempt };
        match &target.host {
            Host::Domain(name) if !is_exempt && is_local_name(name) => {
                Err(Refused::Name(name.clone()))
            }
            Host::Domain(_) => Ok(target),
            Host::Ipv4(address) => target.admit((*address).into(), allowlist).map(|()| target),
            Host::Ipv6(address) => target.admit((*address).into(), allowlist).map(|()| target),
        }
    }

    /// Decides on one address that the host resolves to; the caller puts every one of them to it.
    pub fn admit(&self, address: IpAddr, allowlist: &Allowlist) -> Result<(), Refused> {
        if self.is_exempt || allowlist.covers(address) {
            return Ok(());
        }
        match range_of(address) {
            Some(range) => Err(Refused::Address { address, range }),
            None => Ok(()),
        }
    }

    /// The URL in its canonical form.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host in its canonical form: what to resolve, or a literal address.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also when the scheme implies it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address when the host is one, so that nothing needs resolving.
    pub fn literal(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some((*address).into()),
            Host::Ipv6(address) => Some((*address).into()),
        }
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.is_empty()
        || name == "localhost"
        || name.ends_with(".localhost")
        || METADATA_NAMES.contains(&name.as_str())
}
