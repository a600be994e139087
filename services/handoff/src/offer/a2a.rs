//! Offers over A2A: one POST to the agent's endpoint.

use std::collections::HashMap;

use chassis::clock;
use http::{HeaderName, HeaderValue};
use proto::v1::Agent;
use serde::Serialize;
use serde_json::value::RawValue;

use super::backoff::{RETRIES_MAX, wait};
use super::http::{Http, HttpError, read};
use super::{Class, Outcome, Refusal, answer};
use crate::letter::{Letter, time};

/// Speaks A2A.
pub(super) struct A2a {
    http: Http,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    payload: &'a RawValue,
    source_agent: &'a str,
    require_explicit_acceptance: bool,
    timestamp: String,
}

impl A2a {
    pub(super) fn new(http: Http) -> Self {
        Self { http }
    }

    pub(super) async fn offer(&self, agent: &Agent, letter: &Letter<'_>) -> Outcome {
        if !self.http.may_carry(&agent.a2a_endpoint) {
            let reason = "the A2A endpoint is not encrypted";
            return Outcome::Failed(Refusal::new(Class::Unavailable, reason));
        }
        match self.post(agent, letter).await {
            Ok(body) => match serde_json::from_slice(&body).ok().and_then(answer::read) {
                Some(reply) => Outcome::Answered(reply),
                None => Outcome::Failed(Refusal::new(Class::Unknown, "the answer is not one")),
            },
            Err(error) => Outcome::Failed(error.refusal()),
        }
    }

    async fn post(&self, agent: &Agent, letter: &Letter<'_>) -> Result<bytes::Bytes, HttpError> {
        let url = format!("{}/handoffs", agent.a2a_endpoint.trim_end_matches('/'));
        let payload = letter.payload()?;
        let envelope = Envelope {
            payload: &payload,
            source_agent: letter.from_agent,
            require_explicit_acceptance: letter.must_accept,
            timestamp: time(clock::now_ms()),
        };
        let body = serde_json::to_vec(&envelope)?;
        let key = HeaderValue::from_str(letter.handoff_id).map_err(http::Error::from)?;
        let headers = HashMap::from([(HeaderName::from_static("idempotency-key"), key)]);
        let mut retry = 0;
        loop {
            let outcome = match self.http.post(&url, headers.clone(), body.clone()).await {
                Ok(response) => read(response).await,
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if error.is_passing() && retry < RETRIES_MAX => {
                    tokio::time::sleep(wait(retry)).await;
                    retry += 1;
                }
                outcome => return outcome,
            }
        }
    }
}
