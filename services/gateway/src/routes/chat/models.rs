//! `GET /v1/models`: what front ends that speak to OpenAI ask before they offer anybody to talk to.

use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::MODEL;
use crate::extract::{Caller, Chat};
use crate::routes::ok;

/// Where such front ends look.
pub(crate) const PATH: &str = "/v1/models";

/// The models that may be asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatModels)]
pub(crate) struct Models {
    object: &'static str,
    data: Vec<Model>,
}

/// A model.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatModel)]
pub(crate) struct Model {
    #[schema(example = "mesh")]
    id: &'static str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

/// The models that may be asked for: the mesh is the only one.
#[utoipa::path(get, path = PATH, operation_id = "list_models", tag = "chat",
    responses((status = 200, description = "The mesh.", body = Models)))]
pub(crate) async fn list(_: Caller<Chat>) -> Response {
    // Front ends want a time, and show it to nobody.
    let mesh = Model { id: MODEL, object: "model", created: 0, owned_by: "handoff-mesh" };
    ok(&Models { object: "list", data: vec![mesh] })
}
