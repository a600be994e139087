//! What a unary call costs: within the process, over loopback, and over loopback through tonic's own channel.
#![allow(missing_docs, reason = "criterion writes an entry point")]

use chassis::serve::Server;
use chassis::{Life, Link};
use criterion::{Criterion, criterion_group, criterion_main};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

fn calls(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let life = Life::new();
    let _inside = runtime.enter();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    Server::new(None).serve(listener, &life).expect("the server starts");
    let url = format!("http://{address}");
    let (_, health) = tonic_health::server::health_reporter();
    let local = HealthClient::new(Link::local(health));
    let remote = HealthClient::new(Link::remote(&url.parse().expect("a URL"), None));
    let endpoint = Endpoint::from_shared(url).expect("a URL").tcp_nodelay(true);
    let channel = HealthClient::new(endpoint.connect_lazy());
    let mut group = criterion.benchmark_group("a unary call");
    group.bench_function("local link", |bench| {
        bench.to_async(&runtime).iter(|| check(local.clone()));
    });
    group.bench_function("remote link", |bench| {
        bench.to_async(&runtime).iter(|| check(remote.clone()));
    });
    group.bench_function("channel of tonic", |bench| {
        bench.to_async(&runtime).iter(|| check(channel.clone()));
    });
    group.finish();
    life.close();
}

async fn check<S>(mut client: HealthClient<S>)
where
    S: tonic::client::GrpcService<tonic::body::Body, Error: Into<tonic::codegen::StdError>>,
    S::ResponseBody: tonic::codegen::Body<Data = tonic::codegen::Bytes> + Send + 'static,
    <S::ResponseBody as tonic::codegen::Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    let answer = client.check(HealthCheckRequest::default()).await;
    assert!(answer.is_ok(), "{answer:?}");
}

criterion_group!(benches, calls);
criterion_main!(benches);
