//! Several replicas behind one name: each is a loopback address, and the test says what the name stands for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use futures::future::join_all;
use tokio::net::TcpListener;
use tonic::Code;

use super::tests::{act, server};
use super::*;
use crate::Life;
use crate::serve::Server;

const LIMIT: Duration = Duration::from_secs(5);
/// How long the tests wait for a change to be seen.
const SEEN_LIMIT: Duration = Duration::from_secs(5);

/// A name and the replicas behind it.
#[derive(Default)]
struct House {
    port: u16,
    behind: Arc<Mutex<Vec<SocketAddr>>>,
    lives: BTreeMap<u8, Life>,
}

impl House {
    /// Starts a replica at 127.0.0.x, which answers every call with its own number.
    async fn start(&mut self, last: u8) {
        let listener =
            TcpListener::bind(SocketAddr::from(([127, 0, 0, last], self.port))).await.unwrap();
        let address = listener.local_addr().unwrap();
        self.port = address.port();
        let life = Life::new();
        let name = move || async move { Status::aborted(last.to_string()).into_http() };
        Server::new(None).with(server(name)).serve(listener, &life).unwrap();
        self.lives.insert(last, life);
        self.behind.lock().unwrap().push(address);
    }

    /// Ends a replica; the name goes on naming it.
    async fn end(&mut self, last: u8) {
        let life = self.lives.remove(&last).unwrap();
        life.close();
        life.closed().await;
    }

    fn forget(&self, last: u8) {
        let gone = SocketAddr::from(([127, 0, 0, last], self.port));
        self.behind.lock().unwrap().retain(|address| *address != gone);
    }

    fn link(&self) -> Link {
        let behind = self.behind.clone();
        let lookup: Lookup = Arc::new(move |name, _| {
            assert_eq!(name, "replicas.test");
            let addresses = behind.lock().unwrap().clone();
            Box::pin(async move { Ok(addresses) })
        });
        let url = format!("http://replicas.test:{}", self.port).parse().unwrap();
        Link::through(lookup, &url, None)
    }
}

/// How many of so many calls each replica answered; calls without an answer are under an empty name.
async fn shares(link: &Link, calls: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..calls {
        let status = act(link.clone(), LIMIT).await;
        let who = if status.code() == Code::Aborted { status.message() } else { "" };
        *shares.entry(who.to_owned()).or_default() += 1;
    }
    shares
}

/// Calls until the shares are as wanted.
async fn until(link: &Link, what: &str, wanted: impl Fn(&BTreeMap<String, usize>) -> bool) {
    let mut last = BTreeMap::new();
    let reached = async {
        while !wanted(&last) {
            last = shares(link, 60).await;
            tokio::task::yield_now().await;
        }
    };
    let is_reached = tokio::time::timeout(SEEN_LIMIT, reached).await.is_ok();
    assert!(is_reached, "{what}: {last:?}");
}

fn is_fair(shares: &BTreeMap<String, usize>, replicas: usize) -> bool {
    let all: usize = shares.values().sum();
    shares.len() == replicas && shares.values().all(|share| all / replicas / 2 <= *share)
}

#[tokio::test]
async fn calls_spread_and_a_new_replica_gets_its_share_within_seconds() {
    let mut house = House::default();
    house.start(2).await;
    let link = house.link();
    assert_eq!(shares(&link, 20).await.len(), 1);
    house.start(3).await;
    house.start(4).await;
    until(&link, "three share", |shares| is_fair(shares, 3)).await;
}

#[tokio::test]
async fn a_replica_that_ends_costs_no_call_and_comes_back() {
    let mut house = House::default();
    for last in [2, 3] {
        house.start(last).await;
    }
    let link = house.link();
    until(&link, "two share", |shares| is_fair(shares, 2)).await;
    house.end(2).await;
    let left = shares(&link, 50).await;
    assert_eq!(left, BTreeMap::from([("3".to_owned(), 50)]), "the other answers everything");
    house.start(2).await;
    until(&link, "it is taken in again", |shares| is_fair(shares, 2)).await;
}

#[tokio::test]
async fn a_replica_that_the_name_no_longer_names_is_left() {
    let mut house = House::default();
    for last in [2, 3] {
        house.start(last).await;
    }
    let link = house.link();
    until(&link, "two share", |shares| is_fair(shares, 2)).await;
    house.forget(3);
    until(&link, "one is left", |shares| !shares.is_empty() && !shares.contains_key("3")).await;
}

#[tokio::test]
async fn a_replica_that_is_still_answering_is_passed_over() {
    let (mut house, life) = (House::default(), Life::new());
    house.start(2).await;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 3], house.port))).await.unwrap();
    let address = listener.local_addr().unwrap();
    Server::new(None).with(server(std::future::pending)).serve(listener, &life).unwrap();
    house.behind.lock().unwrap().push(address);
    let link = house.link();
    let mut held = None;
    for _ in 0..100 {
        let mut call = Box::pin(act(link.clone(), LIMIT));
        if tokio::time::timeout(Duration::from_millis(100), &mut call).await.is_err() {
            held = Some(call);
            break;
        }
    }
    assert!(held.is_some(), "the silent one gets a call");
    let left = shares(&link, 50).await;
    assert_eq!(left, BTreeMap::from([("2".to_owned(), 50)]), "the other has less to do");
}

#[tokio::test]
async fn a_name_without_a_replica_is_unavailable_until_there_is_one() {
    let mut house = House::default();
    house.start(2).await;
    house.forget(2);
    let link = house.link();
    let calls = (0..50).map(|_| act(link.clone(), LIMIT));
    for status in join_all(calls).await {
        assert_eq!(status.code(), Code::Unavailable, "{status}");
    }
    house.end(2).await;
    house.start(2).await;
    assert_eq!(act(link, LIMIT).await.message(), "2");
}
