//! Who a Slack user is: employee id and name from their profile.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chassis::clock;
use lru::LruCache;
use reqwest::Client;
use serde_json::Value;

use crate::config;
use crate::problem::Problem;

const LIMIT: Duration = Duration::from_secs(3);
const KEPT_MS: i64 = 600_000;
const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// What a profile tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) employee_id: Option<String>,
    pub(crate) name: Option<String>,
}

/// The users of a Slack workspace.
pub(crate) struct Slack {
    config: config::Slack,
    client: Client,
    known: Mutex<LruCache<String, (Profile, i64)>>,
}

impl Slack {
    pub(crate) fn new(config: config::Slack) -> anyhow::Result<Self> {
        // Another part of the process may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(LIMIT).build()?;
        Ok(Self { config, client, known: Mutex::new(LruCache::new(KEPT_MAX)) })
    }

    /// The profile of a user. Slack being away is no reason to refuse anybody: then nothing is known of them.
    pub(crate) async fn profile(&self, user: &str) -> Result<Profile, Problem> {
        if let Some(profile) = self.remembered(user) {
            return Ok(profile);
        }
        let answer = match self.ask(user).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(error = %error.without_url(), "Slack does not answer");
                return Ok(Profile::default());
            }
        };
        if answer["ok"] != true {
            let reason = answer["error"].as_str().unwrap_or("no reason");
            if reason == "user_not_found" {
                return Err(Problem::new("employee_not_found"));
            }
            tracing::warn!(reason, "Slack refuses a profile");
            return Ok(Profile::default());
        }
        let profile = read(&answer["profile"], self.config.employee_field.as_deref());
        let until_ms = clock::now_ms() + KEPT_MS;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(user.to_owned(), (profile.clone(), until_ms));
        Ok(profile)
    }

    fn remembered(&self, user: &str) -> Option<Profile> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (profile, until_ms) = known.get(user)?;
        (clock::now_ms() < *until_ms).then(|| profile.clone())
    }

    async fn ask(&self, user: &str) -> Result<Value, reqwest::Error> {
        let base = self.config.base.as_str().trim_end_matches('/');
        let mut url: url::Url = format!("{base}/users.profile.get")
            .parse()
            .unwrap_or_else(|_| self.config.base.clone());
        url.query_pairs_mut().append_pair("user", user);
        self.client.get(url).bearer_auth(&self.config.token).send().await?.json().await
    }
}

fn read(profile: &Value, employee_field: Option<&str>) -> Profile {
    let text = |value: &Value| {
        value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    // A field that the workspace defined stands among `fields`; one of Slack's own beside them.
    let field =
        |name: &str| text(&profile["fields"][name]["value"]).or_else(|| text(&profile[name]));
    Profile {
        employee_id: employee_field.and_then(field),
        name: ["display_name", "real_name", "name"].iter().find_map(|name| text(&profile[*name])),
    }
}

#[cfg(test)]
mod tests;
