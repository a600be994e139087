//! A customer of the mesh: REST and WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderName;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::world::KEY;

/// The most that one answer may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A user with the key of the scenarios.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    user: String,
    key: String,
    headers: Vec<(String, String)>,
}

/// What the mesh said.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: reqwest::header::HeaderMap,
    /// The body as it came.
    pub(crate) text: String,
    /// The body as JSON; null when it is none.
    pub(crate) body: Value,
}

impl Answer {
    /// A text within the body, by JSON pointer.
    pub(crate) fn text_at(&self, pointer: &str) -> &str {
        let value = self.body.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no text at {pointer} in {}: {}", self.status, self.text))
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl Client {
    /// A client that acts as this user, or that names none.
    pub(crate) fn new(address: SocketAddr, user: &str) -> Self {
        chassis::telemetry::choose_tls();
        let http = reqwest::Client::builder().timeout(LIMIT).no_proxy().build().unwrap();
        let (user, key) = (user.to_owned(), KEY.to_owned());
        Self { http, address, user, key, headers: Vec::new() }
    }

    /// The same with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The same with another header in every request.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same as a browser with a page of this origin.
    pub(crate) fn of_page(self, origin: &str) -> Self {
        self.with_header("origin", origin)
    }

    /// Where the mesh listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same connections, for another user.
    pub(crate) fn acting_for(&self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self.clone() }
    }

    /// Says something and waits for the answer.
    pub(crate) async fn say(&self, input: &str) -> Answer {
        self.request(json!({"input": input})).await
    }

    /// Sends a request as this user.
    pub(crate) async fn request(&self, mut body: Value) -> Answer {
        body["user_id"] = json!(self.user);
        self.post("/api/v1/request", &body).await
    }

    /// Sends a request as this user under an idempotency key.
    pub(crate) async fn request_once(&self, key: &str, mut body: Value) -> Answer {
        body["user_id"] = json!(self.user);
        let request = self.build(Method::POST, "/api/v1/request").header("idempotency-key", key);
        finish(request.json(&body)).await
    }

    /// The same of a mesh that may die before it answers.
    pub(crate) async fn send_and_forget(&self, key: &str, mut body: Value) {
        body["user_id"] = json!(self.user);
        let request = self.build(Method::POST, "/api/v1/request").header("idempotency-key", key);
        let _ = request.json(&body).send().await;
    }

    /// Sends a request as this user and reads its answer as a stream: the frames of its events.
    pub(crate) async fn events(&self, mut body: Value) -> Vec<Value> {
        body["user_id"] = json!(self.user);
        let request = self.build(Method::POST, "/api/v1/request").json(&body);
        let answer = finish(request.header("accept", "text/event-stream")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let frames = answer.text.lines().filter_map(|line| line.strip_prefix("data:"));
        frames.map(|frame| serde_json::from_str(frame).expect("a frame is JSON")).collect()
    }

    /// Why the request of this answer went where it went.
    pub(crate) async fn explain(&self, answer: &Answer) -> Value {
        let path = format!("/api/v1/requests/{}/explain", answer.text_at("/request_id"));
        let record = self.get(&path).await;
        assert_eq!(record.status, 200, "{}", record.text);
        record.body
    }

    /// The session of an answer.
    pub(crate) async fn session(&self, answer: &Answer) -> Value {
        let path = format!("/api/v1/sessions/{}", answer.text_at("/session_id"));
        let session = self.get(&path).await;
        assert_eq!(session.status, 200, "{}", session.text);
        session.body
    }

    /// A GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        finish(self.build(Method::GET, path)).await
    }

    /// A POST of JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        finish(self.build(Method::POST, path).json(body)).await
    }

    /// Any request, with JSON if there is a body.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.build(method.parse().unwrap(), path);
        finish(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// A POST of anything, with these headers and no others.
    pub(crate) async fn raw(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let request = self.http.post(format!("http://{}{path}", self.address)).body(body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        finish(request).await
    }

    fn build(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        let request = self.http.request(method, url).header("x-api-key", &self.key);
        let named = (!self.user.is_empty()).then(|| ("x-user-id".to_owned(), self.user.clone()));
        let headers = self.headers.iter().cloned().chain(named);
        headers.fold(request, |request, (name, value)| request.header(name, value))
    }

    /// Resolves when every part of the mesh is there.
    pub(crate) async fn wait_until_healthy(&self) {
        let healthy = async {
            loop {
                let answer = self.get("/health/deep").await;
                if answer.body["status"] == "healthy" {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, healthy).await;
        if waited.is_err() {
            panic!("the mesh is not healthy: {}", self.get("/health/deep").await.text);
        }
    }

    /// Opens a WebSocket as this user.
    pub(crate) async fn socket(&self, query: &str) -> Socket {
        self.try_socket(query).await.expect("the upgrade succeeds")
    }

    /// The same, or the status with which the upgrade is refused.
    pub(crate) async fn try_socket(&self, query: &str) -> Result<Socket, u16> {
        let Self { address, user, key, .. } = self;
        let user: String = url::form_urlencoded::byte_serialize(user.as_bytes()).collect();
        let url = format!("ws://{address}/ws?user_id={user}&api_key={key}{query}");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Socket { stream }),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("no upgrade: {other}"),
        }
    }
}

async fn finish(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the mesh answers");
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.expect("the body is complete");
    let body = serde_json::from_str(&text).unwrap_or_default();
    Answer { status, headers, text, body }
}

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: Value) {
        self.stream.send(Message::text(frame.to_string())).await.expect("the socket is open");
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(LIMIT, self.stream.next()).await;
            match message.expect("a frame comes in time").expect("the socket is open").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("the socket was closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// All frames up to and including the first of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await;
            let is_last = frame["type"] == kind;
            frames.push(frame);
            if is_last {
                return frames;
            }
        }
    }

    /// The code with which the server closes the socket; frames before it are passed over.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match tokio::time::timeout(LIMIT, self.stream.next()).await.expect("it closes in time")
            {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("closed without a code: {other:?}"),
            }
        }
    }
}
