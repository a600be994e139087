//! Letters about events to whoever wants to know, each under a name of its own, by which a repeat is recognised.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use url::Url;

/// How long one delivery may take.
const DELIVERY_LIMIT: Duration = Duration::from_secs(5);

/// Where letters go.
#[derive(Clone, Debug)]
pub struct Webhook {
    client: Client,
    url: Url,
}

/// What there is to tell.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    /// The same for each try.
    pub id: &'a str,
    /// The type of the event.
    pub kind: &'a str,
    /// All of it, as JSON.
    pub body: String,
}

impl Webhook {
    /// A way to an address. It goes by no proxy.
    pub fn new(url: &Url) -> reqwest::Result<Self> {
        let client = Client::builder().timeout(DELIVERY_LIMIT).no_proxy().build()?;
        Ok(Self { client, url: url.clone() })
    }

    /// Whether the letter has arrived. If not, the log says why, without the address: it may hold a secret.
    pub async fn post(&self, letter: Letter<'_>) -> bool {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", letter.id)
            .header("X-Event-Type", letter.kind)
            .body(letter.body);
        match request.send().await.and_then(reqwest::Response::error_for_status) {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(error = %error.without_url(), "an event was not delivered");
                false
            }
        }
    }
}
