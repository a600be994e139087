//! The HTTP side of an agent: here calls are turned away, and connections lost.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;

use super::handler::Handler;
use super::{Act, Script};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// A port of its own that refuses connections until it is opened.
pub(super) fn reserve() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Serves an agent until it is stopped.
pub(super) fn open(socket: TcpSocket, id: &str, script: Arc<Script>, stop: CancellationToken) {
    let handler = Handler::new(id, script.clone());
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = false;
    config.json_response = true;
    config.cancellation_token = stop.clone();
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(handler.clone()), sessions, config);
    let routes =
        Router::new().nest_service("/mcp", service).layer(from_fn_with_state(script, let_in));
    let listener = socket.listen(BACKLOG).unwrap();
    tokio::spawn(async move {
        let _ = stop.run_until_cancelled(axum::serve(listener, routes).into_future()).await;
    });
}

/// Only calls of `handle_message` carry an idempotency key.
async fn let_in(State(script): State<Arc<Script>>, request: Request, next: Next) -> Response {
    let Some(charge_id) = request.headers().get("idempotency-key") else {
        return next.run(request).await;
    };
    let charge_id = charge_id.to_str().unwrap().to_owned();
    let is_met = |act: &mut Act| matches!(act, Act::TurnAway | Act::Break);
    let met = script.next.lock().unwrap().pop_front_if(is_met);
    match met {
        None => next.run(request).await,
        Some(act) => {
            script.knocks.lock().unwrap().push(charge_id);
            if matches!(act, Act::Break) { lost() } else { busy() }
        }
    }
}

fn busy() -> Response {
    Response::builder().status(503).header("retry-after", "0").body(Body::empty()).unwrap()
}

fn lost() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("lost")) });
    Response::builder()
        .header("content-type", "application/json")
        .body(Body::from_stream(broken))
        .unwrap()
}
