//! Where a caller shows its key.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use http::request::Parts;

use super::Digest;

/// The subprotocol of sockets.
pub(crate) const PROTOCOL: &str = "mesh.v1";
/// Longer ones are nobody's.
const SECRET_BYTES_MAX: usize = 4_096;

/// What a caller shows. A secret is digested as soon as it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Credential {
    /// A key.
    Key(Digest),
    /// A ticket, good for one connection.
    Ticket(Digest),
}

/// The first credential of a request, in the order of the contract.
///
/// A page cannot set headers on a socket or an event stream, so these may show a ticket in the query, and a socket a
/// subprotocol or, for old clients, the key itself in the query.
pub(crate) fn credential_of(parts: &Parts) -> Option<Credential> {
    let key = |text: &str| secret(text).map(Credential::Key);
    if let Some(found) = header_key(parts).and_then(key) {
        return Some(found);
    }
    let place = Place::of(parts);
    if place == Place::Socket
        && let Some(found) = protocol_key(parts)
    {
        return key(&found);
    }
    if place != Place::Other
        && let Some(ticket) = query(parts, "ticket")
    {
        return secret(&ticket).map(Credential::Ticket);
    }
    if place == Place::Socket {
        return query(parts, "api_key").and_then(|text| key(&text));
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Socket,
    Stream,
    Other,
}

impl Place {
    fn of(parts: &Parts) -> Self {
        let path = parts.uri.path();
        let under = |name: &str| {
            ["", "/v1", "/api/v1"].iter().any(|prefix| path.strip_prefix(prefix) == Some(name))
        };
        if parts.headers.contains_key(SEC_WEBSOCKET_PROTOCOL) || path == "/" || under("/ws") {
            Self::Socket
        } else if under("/sse") {
            Self::Stream
        } else {
            Self::Other
        }
    }
}

fn secret(text: &str) -> Option<Digest> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= SECRET_BYTES_MAX).then(|| Digest::of(text))
}

fn header_key(parts: &Parts) -> Option<&str> {
    let own = parts.headers.get("x-api-key").and_then(|value| value.to_str().ok());
    let bearer = || {
        let text = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
        let (scheme, key) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key)
    };
    own.filter(|key| !key.trim().is_empty()).or_else(bearer)
}

fn protocol_key(parts: &Parts) -> Option<String> {
    let lists = parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut names =
        lists.iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    let encoded = names.find_map(|name| name.trim().strip_prefix("key."))?;
    let decoded = URL_SAFE_NO_PAD.decode(encoded).or_else(|_| URL_SAFE.decode(encoded)).ok()?;
    String::from_utf8(decoded).ok()
}

fn query(parts: &Parts, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(parts.uri.query()?.as_bytes());
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn shown(path: &str, headers: &[(&str, &str)]) -> Option<(bool, String)> {
        let request = Request::builder().uri(path);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let parts = request.body(()).unwrap().into_parts().0;
        credential_of(&parts).map(|credential| match credential {
            Credential::Key(digest) => (true, digest.to_hex()),
            Credential::Ticket(digest) => (false, digest.to_hex()),
        })
    }

    fn key(text: &str) -> Option<(bool, String)> {
        Some((true, Digest::of(text).to_hex()))
    }

    #[test]
    fn a_key_is_shown_in_a_header() {
        assert_eq!(shown("/v1/request", &[("x-api-key", "  k ")]), key("k"));
        assert_eq!(shown("/v1/request", &[("authorization", "Bearer  k ")]), key("k"));
        assert_eq!(shown("/v1/request", &[("authorization", "bearer k")]), key("k"));
        assert_eq!(shown("/v1/request", &[("authorization", "Basic k")]), None);
        assert_eq!(shown("/v1/request", &[("x-api-key", " ")]), None);
        let both = [("x-api-key", "a"), ("authorization", "Bearer b")];
        assert_eq!(shown("/v1/request", &both), key("a"));
    }

    #[test]
    fn only_sockets_and_streams_may_use_the_query() {
        assert_eq!(shown("/v1/request?api_key=k&ticket=t", &[]), None);
        assert_eq!(shown("/v1/sse?ticket=t", &[]), Some((false, Digest::of("t").to_hex())));
        assert_eq!(shown("/v1/sse?api_key=k", &[]), None);
        for path in ["/", "/ws", "/v1/ws", "/api/v1/ws"] {
            assert_eq!(shown(&format!("{path}?api_key=k"), &[]), key("k"), "{path}");
        }
        assert_eq!(shown("/ws?api_key=a%2Bb", &[]), key("a+b"));
    }

    #[test]
    fn a_socket_shows_its_key_in_the_order_of_the_contract() {
        let protocol = ("sec-websocket-protocol", "mesh.v1, key.cHJvdG9jb2w");
        let path = "/ws?api_key=query&ticket=ticket";
        assert_eq!(shown(path, &[("x-api-key", "header"), protocol]), key("header"));
        assert_eq!(shown(path, &[protocol]), key("protocol"));
        assert_eq!(shown(path, &[]), Some((false, Digest::of("ticket").to_hex())));
    }
}
