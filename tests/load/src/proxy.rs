//! B, the baseline: what arrives goes to the agent and back, and nothing is kept, counted or decided.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

type Agent = (Client<HttpConnector, Body>, Uri);

/// Serves any path, until killed.
pub(crate) async fn serve(listen: SocketAddr, agent: SocketAddr) -> anyhow::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let uri: Uri = format!("http://{agent}/plain").parse()?;
    let listener = TcpListener::bind(listen).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new().route("/v1/request", post(forward)).with_state((client, uri));
    axum::serve(listener, router).await?;
    Ok(())
}

async fn forward(
    State((client, uri)): State<Agent>,
    mut request: Request,
) -> Result<Response, StatusCode> {
    *request.uri_mut() = uri;
    let response = client.request(request).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(response.map(Body::new))
}
