//! What is believed of the proxies in front: the address of the caller and the scheme it used.

use std::net::{IpAddr, Ipv6Addr};

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The address that the last trusted proxy saw. Each trusted hop has added one entry on the right; what stands further
/// left may be forged.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, hops: usize) -> IpAddr {
    let Some(back) = hops.checked_sub(1) else { return peer };
    let entries = list(headers, FORWARDED_FOR);
    let entry = entries.iter().rev().nth(back).or_else(|| entries.first());
    entry.and_then(|text| parse(text)).unwrap_or(peer)
}

/// Whether the outermost trusted proxy was spoken to over TLS.
pub(crate) fn is_tls(headers: &HeaderMap, hops: usize) -> bool {
    let Some(back) = hops.checked_sub(1) else { return false };
    let entries = list(headers, FORWARDED_PROTO);
    // A proxy may add its own word or replace the one it got.
    let entry = entries.iter().rev().nth(back).or_else(|| entries.first());
    entry.is_some_and(|text| text.eq_ignore_ascii_case("https"))
}

/// Under which name the caller asks.
pub(crate) fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let own = uri.authority().map(Authority::as_str);
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    host.or(own)?.parse().ok()
}

/// The name of the bucket of an address. A household has a whole network of IPv6 addresses.
pub(crate) fn bucket(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

/// An address, with or without a port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_trusted_hops_are_believed() {
        let peer = "192.0.2.1".parse().unwrap();
        let cases: [(&[&str], usize, &str); 8] = [
            (&["1.1.1.1, 2.2.2.2, 3.3.3.3"], 0, "192.0.2.1"),
            (&["1.1.1.1, 2.2.2.2, 3.3.3.3"], 1, "3.3.3.3"),
            (&["1.1.1.1, 2.2.2.2", "3.3.3.3"], 2, "2.2.2.2"),
            (&["1.1.1.1"], 3, "1.1.1.1"),
            (&[], 1, "192.0.2.1"),
            (&["nonsense"], 1, "192.0.2.1"),
            (&["1.1.1.1:80"], 1, "1.1.1.1"),
            (&["[2001:db8::1]:80"], 1, "2001:db8::1"),
        ];
        for (values, hops, expected) in cases {
            let pairs: Vec<_> = values.iter().map(|value| (FORWARDED_FOR, *value)).collect();
            assert_eq!(
                address(peer, &headers(&pairs), hops).to_string(),
                expected,
                "{values:?} {hops}"
            );
        }
    }

    #[test]
    fn the_scheme_is_believed_of_a_trusted_hop_alone() {
        let https = headers(&[(FORWARDED_PROTO, "https")]);
        assert!(!is_tls(&https, 0));
        assert!(is_tls(&https, 1) && is_tls(&https, 2));
        assert!(!is_tls(&headers(&[(FORWARDED_PROTO, "https, http")]), 1));
        assert!(is_tls(&headers(&[(FORWARDED_PROTO, "https, http")]), 2));
        assert!(!is_tls(&HeaderMap::new(), 1));
    }

    #[test]
    fn a_network_of_ipv6_addresses_shares_a_bucket() {
        let bucket = |text: &str| bucket(text.parse().unwrap());
        assert_eq!(bucket("2001:db8:1:2:3:4:5:6"), bucket("2001:db8:1:2::9"));
        assert_ne!(bucket("2001:db8:1:2::9"), bucket("2001:db8:1:3::9"));
        assert_eq!(bucket("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
