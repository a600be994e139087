//! What the HTTP interface looks like: OpenAPI 3.1, gathered from the handlers while their routes are put together.
//!
//! A route can be mounted through an [`Atlas`] alone, so none is left out. What a handler says about itself stands above
//! it; what all of them share, such as the problems of a key, is added in [`common`].

pub(crate) mod answer;
pub(crate) mod body;
mod common;
pub(crate) mod definition;
pub(crate) mod problem;
pub(crate) mod word;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use http::StatusCode;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::front::Front;
use crate::routes::raw;

/// Where the document stands, without a prefix and below both.
const PATH: &str = "/openapi.json";
const ABOUT: &str = "One gateway for a business that runs several chat agents. Every route below /v1 is also served, by \
     the same handler, below /api/v1. A key goes into x-api-key or Authorization: Bearer. A failure has one body on every \
     route, and a code in it that never changes.";

/// Routes and their description, put together side by side.
pub(crate) struct Atlas {
    router: Router<Arc<Front>>,
    document: OpenApi,
}

impl Atlas {
    /// Without any route.
    pub(crate) fn new() -> Self {
        let info = InfoBuilder::new()
            .title("Handoff Mesh")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(ABOUT))
            .license(Some(utoipa::openapi::License::new("MIT")));
        let components = ComponentsBuilder::new().build();
        let document = OpenApiBuilder::new().info(info).components(Some(components)).build();
        Self { router: Router::new(), document }
    }

    /// Adds the routes of a path below a prefix.
    pub(crate) fn mount(self, prefix: &str, routes: UtoipaMethodRouter<Arc<Front>>) -> Self {
        let path = routes.1.paths.keys().next().expect("a route has a path");
        let (path, suffix) = (format!("{prefix}{path}"), prefix.replace('/', "_"));
        self.mount_at(&path, &suffix, routes)
    }

    /// Adds routes at another path than they say, under names with this suffix: no two may be the same.
    pub(crate) fn mount_at(
        mut self,
        path: &str,
        suffix: &str,
        routes: UtoipaMethodRouter<Arc<Front>>,
    ) -> Self {
        let (schemas, paths, methods) = routes;
        let components = self.document.components.get_or_insert_default();
        components.schemas.extend(schemas);
        for mut item in paths.paths.into_values() {
            common::rename(&mut item, suffix);
            self.document.paths.paths.insert(path.to_owned(), item);
        }
        self.router = self.router.route(path, methods);
        self
    }

    /// All routes, and the document beside them.
    pub(crate) fn finish(mut self) -> Router<Arc<Front>> {
        for prefix in ["", "/v1", "/api/v1"] {
            self = self.mount(prefix, utoipa_axum::routes!(document));
        }
        common::complete(&mut self.document);
        let text = self.document.to_json().expect("a document is JSON");
        let layer = axum::Extension(Document(text.into()));
        self.router.layer(layer)
    }
}

/// Whether the path is that of the document.
pub(crate) fn is_document(path: &str) -> bool {
    [PATH, "/v1/openapi.json", "/api/v1/openapi.json"].contains(&path)
}

/// The document as it is served.
#[derive(Clone)]
struct Document(Arc<str>);

/// This document.
#[utoipa::path(get, path = PATH, operation_id = "openapi", tag = "health",
    responses((status = 200, description = "The description of all routes.", body = Object)))]
async fn document(axum::Extension(Document(text)): axum::Extension<Document>) -> Response {
    raw(StatusCode::OK, text.to_string())
}
