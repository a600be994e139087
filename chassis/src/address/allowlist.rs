//! The targets that an operator exempts by name: hosts, hosts with a port, and networks.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::Host;

use super::range::embedded;

/// The targets that may be called although they are not public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    hosts: Vec<(Host, Option<u16>)>,
    networks: Vec<IpNet>,
}

/// An entry that is neither a host, a host with a port, nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host, a host:port or a CIDR network")]
pub struct Malformed(pub String);

impl Allowlist {
    /// Reads the entries of `AGENT_ENDPOINT_ALLOWLIST`; the first that cannot be read is the error.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, Malformed> {
        let mut list = Self::default();
        for entry in entries {
            list.add(entry.as_ref().trim())?;
        }
        Ok(list)
    }

    /// Says whether a URL's host is exempt by name on this port.
    pub fn names(&self, host: &Host, port: u16) -> bool {
        let host = without_final_dot(host.clone());
        self.hosts.iter().any(|(listed, on)| *listed == host && on.is_none_or(|on| on == port))
    }

    /// Says whether an address is in an exempt network; an IPv6 form of an IPv4 address counts as that.
    pub fn covers(&self, address: IpAddr) -> bool {
        let inner = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => embedded(address).map(IpAddr::V4),
        };
        self.networks
            .iter()
            .any(|net| net.contains(&address) || inner.is_some_and(|inner| net.contains(&inner)))
    }

    fn add(&mut self, entry: &str) -> Result<(), Malformed> {
        if entry.contains('/') {
            let network = entry.parse().map_err(|_| Malformed(entry.to_owned()))?;
            self.networks.push(network);
            return Ok(());
        }
        let (host, port) = parts(entry).ok_or_else(|| Malformed(entry.to_owned()))?;
        self.hosts.push((without_final_dot(host), port));
        Ok(())
    }
}

fn parts(entry: &str) -> Option<(Host, Option<u16>)> {
    if let Ok(address) = entry.parse::<Ipv6Addr>() {
        return Some((Host::Ipv6(address), None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !entry.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (entry, None),
    };
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some((Host::Ipv4(address), port));
    }
    Host::parse(host).ok().map(|host| (host, port))
}

fn without_final_dot(host: Host) -> Host {
    match host {
        Host::Domain(name) => Host::Domain(name.trim_end_matches('.').to_owned()),
        address => address,
    }
}
