//! The HTTP side of an agent: sees every message, and breaks the protocol where the script says so.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::handler::{Handler, released};
use super::{Act, Script, Seen, Speaks};

const BODY_MAX: usize = 16 * 1024 * 1024;

/// Serves until it is stopped; then every connection is closed.
pub(super) async fn serve(listener: TcpListener, script: Arc<Script>, stop: CancellationToken) {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(script.speaks == Speaks::Sessions)
        .with_json_response(script.speaks == Speaks::Json)
        .with_cancellation_token(stop.clone());
    let handler = Handler::new(script.clone());
    let service: StreamableHttpService<Handler, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(handler.clone()), Arc::default(), config);
    let routes = Router::new()
        .nest_service("/mcp", service)
        .layer(from_fn_with_state(script.clone(), listen))
        .route("/health", axum::routing::get(|| async { "ok" }));
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted.expect("connections can be taken").0,
        };
        script.memory.send_modify(|memory| memory.connections += 1);
        stream.set_nodelay(true).expect("it is a TCP connection");
        let service = TowerToHyperService::new(routes.clone());
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
    drop(listener);
    connections.shutdown().await;
}

/// Sees every message; answers those for which the script breaks the protocol.
async fn listen(State(script): State<Arc<Script>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let request = Request::from_parts(parts, body);
        return match meanwhile(&script, &request) {
            Some(response) => response,
            None => next.run(request).await,
        };
    }
    let body = axum::body::to_bytes(body, BODY_MAX).await.expect("the mesh sends whole bodies");
    let message: Value = serde_json::from_slice(&body).expect("the mesh sends JSON");
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    let act = script.take(&method);
    if method == "tools/call" {
        let headers = parts.headers.clone();
        let arguments = message["params"]["arguments"].clone();
        let seen = Seen { headers, arguments, body: String::from_utf8_lossy(&body).into_owned() };
        script.memory.send_modify(|memory| memory.calls.push(seen));
    }
    script.memory.send_modify(|memory| memory.methods.push(method));
    match act {
        Some(Act::Http(status, headers, body)) => return broken(status, headers, body),
        Some(Act::Break) => return lost(),
        Some(Act::Resume(first, rest)) => {
            script.plan().rest = Some(rest);
            return events(first);
        }
        Some(Act::Linger(object)) => return lingering(&message["id"], &object, script),
        Some(act) => drop(parts.extensions.insert(act)),
        None => {}
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Requests that bring no message: the end of a session, and events that follow others.
fn meanwhile(script: &Script, request: &Request) -> Option<Response> {
    if request.method() == Method::DELETE {
        script.memory.send_modify(|memory| memory.methods.push("DELETE".to_owned()));
    }
    request.headers().get("last-event-id")?;
    script.plan().rest.take().map(events)
}

fn lingering(id: &Value, object: &Value, script: Arc<Script>) -> Response {
    let result = json!({"content": [], "structuredContent": object});
    let answer = format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": id, "result": result}));
    let answer = futures::stream::once(async { Ok::<_, Infallible>(answer) });
    let end = futures::stream::once(async move {
        released(&script).await;
        Ok(": the end\n\n".to_owned())
    });
    let mut response = Response::new(Body::from_stream(answer.chain(end)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
    response
}

fn events(body: String) -> Response {
    broken(200, vec![("content-type", "text/event-stream".to_owned())], body)
}

fn broken(status: u16, headers: Vec<(&'static str, String)>, body: String) -> Response {
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::from_u16(status).expect("the test names a status");
    for (name, value) in headers {
        let value = HeaderValue::from_str(&value).expect("the test names a value");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

fn lost() -> Response {
    let broken =
        futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the agent died")) });
    let mut response = Response::new(Body::from_stream(broken));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}
