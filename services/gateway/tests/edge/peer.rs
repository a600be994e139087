//! A service that answers gRPC calls as it is told, on the wire of the real ones.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message;
use tokio::sync::mpsc;
use tonic::Status;
use tonic::body::Body;

/// What an answer is made of: messages one by one, the last of which may be a failure.
type Answers = mpsc::UnboundedReceiver<Result<Bytes, Status>>;
type Handler = Arc<dyn Fn(Bytes) -> Result<Answers, Status> + Send + Sync>;

/// A scripted service.
#[derive(Clone, Default)]
pub(crate) struct Peer {
    handlers: Arc<Mutex<HashMap<String, Handler>>>,
    calls: Arc<Mutex<Vec<(String, Bytes)>>>,
}

/// The sending end of a streamed answer.
pub(crate) struct Told(mpsc::UnboundedSender<Result<Bytes, Status>>);

impl Told {
    /// Sends a message; whether anybody still listens.
    pub(crate) fn say(&self, message: &impl Message) -> bool {
        self.0.send(Ok(message.encode_to_vec().into())).is_ok()
    }

    /// Ends with a failure.
    pub(crate) fn fail(&self, status: Status) {
        let _ = self.0.send(Err(status));
    }
}

impl Peer {
    /// Answers a method, named as in `Router/GetSession`, with one message.
    pub(crate) fn on<Q, A>(
        &self,
        method: &str,
        answer: impl Fn(Q) -> Result<A, Status> + Send + Sync + 'static,
    ) where
        Q: Message + Default,
        A: Message,
    {
        self.stream(method, move |request: Q, told| {
            told.say(&answer(request)?);
            Ok(())
        });
    }

    /// Answers a method with as many messages as are told before `Told` is dropped.
    pub(crate) fn stream<Q>(
        &self,
        method: &str,
        answer: impl Fn(Q, Told) -> Result<(), Status> + Send + Sync + 'static,
    ) where
        Q: Message + Default,
    {
        let handler = move |bytes: Bytes| {
            let (sender, answers) = mpsc::unbounded_channel();
            answer(Q::decode(bytes).expect("a gateway sends valid messages"), Told(sender))?;
            Ok(answers)
        };
        let path = format!("/mesh.v1.{method}");
        self.handlers.lock().unwrap().insert(path, Arc::new(handler));
    }

    /// Forgets how to answer a method.
    pub(crate) fn unlearn(&self, method: &str) {
        self.handlers.lock().unwrap().remove(&format!("/mesh.v1.{method}"));
    }

    /// The requests of a method so far.
    pub(crate) fn calls<Q: Message + Default>(&self, method: &str) -> Vec<Q> {
        let path = format!("/mesh.v1.{method}");
        let calls = self.calls.lock().unwrap();
        let own = calls.iter().filter(|(called, _)| *called == path);
        own.map(|(_, bytes)| Q::decode(bytes.clone()).unwrap()).collect()
    }

    async fn answer(self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let body =
            request.into_body().collect().await.expect("a gateway sends its body").to_bytes();
        let message = body.slice(5..);
        self.calls.lock().unwrap().push((path.clone(), message.clone()));
        let handler = self.handlers.lock().unwrap().get(&path).cloned();
        let handler = handler.ok_or_else(|| Status::unavailable(format!("{path} is down")));
        match handler.and_then(|handler| handler(message)) {
            Ok(answers) => respond(answers),
            Err(status) => status.into_http(),
        }
    }
}

fn respond(answers: Answers) -> Response<Body> {
    let told = stream::unfold(Some(answers), async |answers| {
        let mut answers = answers?;
        Some(match answers.recv().await {
            Some(Ok(message)) => (http_body::Frame::data(framed(&message)), Some(answers)),
            Some(Err(status)) => (http_body::Frame::trailers(trailers(&status)), None),
            None => (http_body::Frame::trailers(trailers(&Status::ok(""))), None),
        })
    });
    let body = StreamBody::new(told.map(Ok::<_, Infallible>).boxed());
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(Body::new(body)).unwrap()
}

fn framed(message: &Bytes) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.extend_from_slice(message);
    frame.freeze()
}

fn trailers(status: &Status) -> HeaderMap {
    let mut headers = HeaderMap::new();
    status.add_header(&mut headers).unwrap();
    headers
}

impl tower::Service<Request<Body>> for Peer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let peer = self.clone();
        Box::pin(async move { Ok(peer.answer(request).await) })
    }
}
