//! Where the mesh is and who talks to it.

use http::HeaderValue;
use http::header::InvalidHeaderValue;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use url::Url;

const PATH: &str = "/ws";

/// An address with the one who goes there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    url: Url,
    key: HeaderValue,
    user: String,
}

/// The point of a conversation to go on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bookmark {
    /// The session, by id or by name.
    pub(super) session: Option<String>,
    /// The last frame that was heard: request id and place in the turn.
    pub(super) heard: Option<(String, u64)>,
}

impl Place {
    pub(super) fn new(url: Url, key: &str, user: String) -> Result<Self, InvalidHeaderValue> {
        let mut key = HeaderValue::from_str(key)?;
        key.set_sensitive(true);
        Ok(Self { url, key, user })
    }

    /// The upgrade that opens the conversation, or goes on with it.
    pub(super) fn request(&self, bookmark: &Bookmark) -> anyhow::Result<Request> {
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("user_id", &self.user);
            if let Some(session) = &bookmark.session {
                query.append_pair("sessionId", session);
            }
            if let Some((request_id, seq)) = &bookmark.heard {
                query.append_pair("resumeFrom", &format!("{request_id}:{seq}"));
            }
        }
        let mut request = url.as_str().into_client_request()?;
        request.headers_mut().insert("x-api-key", self.key.clone());
        Ok(request)
    }
}

/// Reads an address; one of REST stands for that of the sockets beside it.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let mut url: Url = text.parse().map_err(|error| format!("'{text}': {error}"))?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        other => return Err(format!("'{other}' is none of ws, wss, http, https")),
    };
    url.set_scheme(scheme).map_err(|()| format!("'{text}' is not an address of a mesh"))?;
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_rest_leads_to_the_sockets_beside_it() {
        let cases = [
            ("ws://127.0.0.1:3000/ws", "ws://127.0.0.1:3000/ws"),
            ("http://127.0.0.1:3000", "ws://127.0.0.1:3000/ws"),
            ("https://mesh.example.com/", "wss://mesh.example.com/ws"),
            ("wss://mesh.example.com/api/v1/ws", "wss://mesh.example.com/api/v1/ws"),
        ];
        for (text, url) in cases {
            assert_eq!(address(text).unwrap().as_str(), url);
        }
        assert!(address("ftp://a").is_err() && address("here").is_err());
    }

    #[test]
    fn a_request_says_who_comes_and_where_to_go_on() {
        let url = address("http://127.0.0.1:3000").unwrap();
        let place = Place::new(url, "a key", "ada & co".to_owned()).unwrap();
        let fresh = place.request(&Bookmark::default()).unwrap();
        assert_eq!(fresh.uri(), "ws://127.0.0.1:3000/ws?user_id=ada+%26+co");
        assert_eq!(fresh.headers()["x-api-key"], "a key");
        assert!(!format!("{place:?}").contains("a key"), "keys are not printed");
        let heard = Some(("r".to_owned(), 3));
        let again = Bookmark { session: Some("s".to_owned()), heard };
        let uri = place.request(&again).unwrap().uri().to_string();
        assert!(uri.ends_with("&sessionId=s&resumeFrom=r%3A3"), "{uri}");
    }
}
