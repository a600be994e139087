//! Who occupies an agent, as callers and watchers see it.

use super::*;

#[tokio::test]
async fn slots_are_counted_for_callers_and_watchers() {
    let mut registry = Running::start().await;
    let mut stream = registry.watch().await;
    next(&mut stream).await;
    let mine = registry.acquire("mine").await;
    assert_eq!((mine.granted, mine.load, mine.max), (true, 1, 1));
    assert_eq!(sales(&next(&mut stream).await), ("available", 1));
    assert!(registry.acquire("mine").await.granted, "a second call renews");
    assert!(!registry.acquire("other").await.granted);

    let request = release("mine", "heir");
    let handed = registry.client.release_slot(request).await.expect("it answers").into_inner();
    assert_eq!((handed.released, handed.load), (true, 1));
    assert!(!registry.acquire("mine").await.granted);
    let request = release("heir", "");
    let freed = registry.client.release_slot(request).await.expect("it answers").into_inner();
    assert_eq!((freed.released, freed.load), (true, 0));
    assert_eq!(sales(&next(&mut stream).await), ("available", 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_callers_at_once_get_no_more_slots_than_there_are() {
    let stores = [None, Some(chassis::testing::redis().await)];
    for (at, redis) in stores.into_iter().enumerate() {
        let registry = Running::with(|_| {}, redis).await;
        registry.write("sales.yaml", &definition("sales", "max_concurrent_sessions: 7\n"));
        let mut client = registry.client.clone();
        client.reload(ReloadRequest::default()).await.expect("the definition is valid");
        let calls = (0..100).map(|number| {
            let mut client = registry.client.clone();
            tokio::spawn(async move { client.acquire_slot(acquire(&number.to_string())).await })
        });
        let mut granted = 0;
        for reply in futures::future::try_join_all(calls).await.expect("no call panics") {
            let reply = reply.expect("it answers").into_inner();
            assert!(reply.load <= 7 && reply.max == 7, "store {at}: {reply:?}");
            granted += i32::from(reply.granted);
        }
        assert_eq!(granted, 7, "store {at}");
    }
}

#[tokio::test]
async fn claims_that_break_a_rule_are_refused() {
    let mut registry = Running::start().await;
    let cases = [
        (AcquireSlotRequest { holder: String::new(), ..acquire("a") }, "holder"),
        (AcquireSlotRequest { holder: "x".repeat(257), ..acquire("a") }, "holder"),
        (AcquireSlotRequest { ttl_ms: 0, ..acquire("a") }, "ttl_ms"),
        (AcquireSlotRequest { ttl_ms: i64::MAX, ..acquire("a") }, "ttl_ms"),
    ];
    for (request, path) in cases {
        let status = registry.client.acquire_slot(request).await.expect_err(path);
        assert_eq!(status.code(), Code::InvalidArgument, "{path}");
        assert_eq!(Fault::of(&status).violations[0].path, path);
    }
    let unknown = AcquireSlotRequest { agent_id: "x".to_owned(), ..acquire("a") };
    let status = registry.client.acquire_slot(unknown).await.expect_err("no such agent");
    assert_eq!(code(&status), "agent_not_found");
    let gone = ReleaseSlotRequest { agent_id: "x".to_owned(), ..release("a", "") };
    let reply = registry.client.release_slot(gone).await.expect("also of an agent that is gone");
    assert!(!reply.into_inner().released);
    let endless = ReleaseSlotRequest { ttl_ms: 0, ..release("a", "b") };
    let status = registry.client.release_slot(endless).await.expect_err("the heir needs a TTL");
    assert_eq!(Fault::of(&status).violations[0].path, "ttl_ms");
}

#[tokio::test]
async fn replicas_count_and_declare_together() {
    let redis = chassis::testing::redis().await;
    let mut one = Running::with(|_| {}, Some(redis.clone())).await;
    let mut two = Running::with(|_| {}, Some(redis)).await;
    let mut stream = two.watch().await;
    next(&mut stream).await;
    assert!(one.acquire("a").await.granted);
    assert!(!two.acquire("b").await.granted, "the only slot was given away by the other");
    assert_eq!(sales(&next(&mut stream).await), ("available", 1));
    one.declare("away").await.expect("the store is there");
    assert_eq!(sales(&next(&mut stream).await), ("away", 1));
}

/// A Redis that is reached through a port of the test's own, and is not there yet.
async fn absent() -> (Redis, u16) {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("it can be bound");
    let port = closed.local_addr().expect("it has an address").port();
    let url = format!("redis://127.0.0.1:{port}").parse().expect("it is a URL");
    let prefix = format!("{}:", chassis::testing::unique("test"));
    (Redis::open(&url, &prefix).expect("opening does not connect"), port)
}

/// Lets a port lead to the Redis of the tests.
async fn forward(port: u16) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
    let listener = listener.expect("the port is free again");
    let there = chassis::testing::redis_url();
    let there = (there.host_str().unwrap_or("127.0.0.1").to_owned(), there.port().unwrap_or(6379));
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            let there = there.clone();
            tokio::spawn(async move {
                let mut there = tokio::net::TcpStream::connect(there).await?;
                tokio::io::copy_bidirectional(&mut here, &mut there).await
            });
        }
    });
}

#[tokio::test]
async fn without_its_store_everyone_gets_a_slot_at_once_until_it_is_back() {
    let (redis, port) = absent().await;
    let mut registry = Running::with(|_| {}, Some(redis)).await;
    let start = std::time::Instant::now();
    for holder in ["a", "b", "c"] {
        let reply = registry.acquire(holder).await;
        assert_eq!((reply.granted, reply.load, reply.max), (true, 0, 1));
    }
    let reply = registry.client.release_slot(release("a", "")).await.expect("it answers");
    assert!(!reply.into_inner().released);
    assert!(start.elapsed() < Duration::from_secs(1), "nobody waits for the store");
    let status = registry.declare("busy").await.expect_err("it could not be kept");
    assert_eq!(code(&status), "dependency_unavailable");
    assert_eq!(ids(&registry.list().await), ["front", "sales"], "definitions are served still");

    forward(port).await;
    let mut stream = registry.watch().await;
    let back = async {
        while registry.acquire("a").await.load == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, back).await.expect("the store is used again");
    assert!(!registry.acquire("b").await.granted, "slots are counted again");
    while sales(&next(&mut stream).await).1 != 1 {}
}
