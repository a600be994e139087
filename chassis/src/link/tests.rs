use std::future::Future;

use tokio::net::TcpListener;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::*;
use crate::Life;
use crate::fault::Fault;
use crate::serve::Server;

/// A server of the health service whose every call does this.
pub(super) fn server<F, Fut>(act: F) -> Scripted<F>
where
    F: Fn() -> Fut + Clone,
    Fut: Future<Output = Response>,
{
    Scripted { act }
}

#[derive(Clone)]
pub(super) struct Scripted<F> {
    act: F,
}

impl<F> tonic::server::NamedService for Scripted<F> {
    const NAME: &'static str = "test.Scripted";
}

impl<F, Fut> Service<Request> for Scripted<F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Response> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        let answer = (self.act)();
        Box::pin(async move { Ok(answer.await) })
    }
}

async fn check(link: Link, limit: Duration) -> Status {
    let request = within(HealthCheckRequest::default(), limit);
    HealthClient::new(link).check(request).await.expect_err("these servers never answer well")
}

/// Calls the scripted server, which never answers well.
pub(super) async fn act(link: Link, limit: Duration) -> Status {
    let mut grpc = tonic::client::Grpc::new(link);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.Scripted/Call");
    let codec = tonic_prost::ProstCodec::<HealthCheckRequest, HealthCheckRequest>::default();
    let request = within(HealthCheckRequest::default(), limit);
    grpc.unary(request, path, codec).await.expect_err("a scripted server only has faults")
}

#[tokio::test]
async fn a_panic_behind_a_local_link_is_a_status() {
    let link = Link::local(server(|| async { panic!("a bug") }));
    let status = check(link, Duration::from_secs(5)).await;
    assert_eq!(Fault::of(&status).code, "internal");
    assert!(!status.message().contains("bug"), "a caller does not see what a panic says");
}

#[tokio::test]
async fn a_local_link_keeps_the_deadline_of_the_call() {
    let link = Link::local(server(std::future::pending));
    let status = check(link, Duration::from_millis(20)).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(Fault::of(&status).code, "turn_timeout");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap()).parse().unwrap();
    drop(free);
    let status = check(Link::remote(&url, None), Duration::from_secs(5)).await;
    assert_eq!(Fault::of(&status).code, "dependency_unavailable");
}

/// Serves a scripted server with a token and gives its address.
async fn served(token: Option<&str>, life: &Life) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let service = server(|| async { panic!("a bug") });
    Server::new(token).with(service).serve(listener, life).unwrap();
    url
}

#[tokio::test]
async fn a_call_without_the_token_is_refused_and_health_stays_open() {
    let life = Life::new();
    let url = served(Some("0123456789abcdef"), &life).await;
    for (token, code) in [(None, Code::Unauthenticated), (Some("wrong"), Code::Unauthenticated)] {
        let link = Link::remote(&url, token);
        let status = act(link, Duration::from_secs(5)).await;
        assert_eq!(status.code(), code, "{token:?}");
    }
    let health =
        HealthClient::new(Link::remote(&url, None)).check(HealthCheckRequest::default()).await;
    assert!(health.is_ok(), "an orchestrator has no token: {health:?}");
    life.close();
    life.closed().await;
}

#[tokio::test]
async fn readiness_ends_when_the_process_is_asked_to_end_and_the_listener_when_it_closes() {
    let life = Life::new();
    let url = served(None, &life).await;
    let mut client = HealthClient::new(Link::remote(&url, None));
    let mut states = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let mut next = async || states.message().await.unwrap().expect("a state").status();
    let serving = tonic_health::pb::health_check_response::ServingStatus::Serving;
    while next().await != serving {}
    life.stop();
    life.finished().await;
    assert_ne!(next().await, serving);
    drop(states);
    life.close();
    life.closed().await;
    assert!(client.check(HealthCheckRequest::default()).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_listener_sends_away_what_is_too_much_and_answers_health_all_the_same() {
    let (life, release) = (Life::new(), Arc::new(tokio::sync::Semaphore::new(0)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let wait = release.clone();
    let held = move || {
        let wait = wait.clone();
        async move {
            wait.acquire().await.unwrap().forget();
            Status::aborted("done").into_http()
        }
    };
    Server::new(None).limited(2).with(server(held)).serve(listener, &life).unwrap();
    let link = Link::remote(&url, None);
    let call = |_| tokio::spawn(act(link.clone(), Duration::from_secs(5)));
    let mut calls: Vec<_> = (0..5).map(call).collect();
    for _ in 0..3 {
        let (first, _, rest) = futures::future::select_all(calls).await;
        let fault = Fault::of(&first.unwrap());
        assert_eq!((fault.code.as_str(), fault.retry_after_s), ("dependency_unavailable", Some(1)));
        calls = rest;
    }
    let health = HealthClient::new(link.clone()).check(HealthCheckRequest::default()).await;
    assert!(health.is_ok(), "health has no limit: {health:?}");
    release.add_permits(calls.len());
    for call in calls {
        assert_eq!(call.await.unwrap().code(), Code::Aborted, "those who had a place are served");
    }
    release.add_permits(1);
    assert_eq!(act(link, Duration::from_secs(5)).await.code(), Code::Aborted, "places come back");
    life.close();
    life.closed().await;
}
