//! The body of a definition: JSON, or the YAML that its file is to hold.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use proto::v1::put_agent_request;
use serde_json::value::RawValue;

use crate::extract::{JSON, kind, read};
use crate::front::Front;
use crate::problem::Problem;

/// What counts as YAML: the registered type, and what was used before there was one.
const YAML_KINDS: [&str; 4] =
    ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"];

/// A definition as it was sent.
pub(crate) struct Definition(pub(super) put_agent_request::Definition);

impl FromRequest<Arc<Front>> for Definition {
    type Rejection = Problem;

    async fn from_request(request: Request, front: &Arc<Front>) -> Result<Self, Problem> {
        let kind = kind(request.headers());
        let bytes = read(request.into_body(), front.config.body_bytes_max).await?;
        let is_yaml = YAML_KINDS.contains(&kind.as_str());
        if !is_yaml && kind != JSON {
            return Err(Problem::of_media(&format!("{JSON} or {}", YAML_KINDS[0])));
        }
        let is_json = || serde_json::from_slice::<&RawValue>(&bytes).is_ok();
        if !is_yaml && !is_json() {
            return Err(Problem::new("invalid_json"));
        }
        let text = String::from_utf8(bytes.into());
        let text = text.map_err(|_| Problem::invalid_field("", "is not UTF-8"))?;
        Ok(Self(if is_yaml {
            put_agent_request::Definition::Yaml(text)
        } else {
            put_agent_request::Definition::Json(text)
        }))
    }
}
