use chassis::{Life, testing};
use futures::future::join_all;

use super::Breakers;
use crate::breaker::{Action, BreakerSettings, Outcome, Policy, State};

const HOLD_MS: i64 = 60_000;

fn settings(policy: Policy) -> BreakerSettings {
    BreakerSettings { policy, sync_interval_ms: 10, ..BreakerSettings::default() }
}

#[tokio::test]
async fn a_permit_is_handed_back_with_how_the_call_ended() {
    let life = Life::new();
    for redis in [None, Some(testing::redis().await)] {
        let breakers = Breakers::new(settings(Policy::default()), redis, &life);
        for _ in 0..5 {
            let permit = breakers.acquire("sales", HOLD_MS).await.unwrap();
            breakers.report(permit, Outcome::Failure).await;
        }
        assert!(29_000 < breakers.acquire("sales", HOLD_MS).await.unwrap_err().retry_after_ms);
        assert_eq!(breakers.refused_hint(), ["sales"]);
        let view = breakers.get("sales").await;
        assert_eq!((view.state.as_str(), view.failure_count, view.forced), ("open", 5, false));
        assert!(view.retry_at_ms.is_some() && view.last_failure_ms.is_some());
        assert_eq!(breakers.set("sales", Action::ForceClosed).await, (State::Open, State::Closed));
        assert!(breakers.acquire("sales", HOLD_MS).await.is_ok());
        let list = breakers.list().await;
        assert_eq!((list.len(), list[0].forced), (1, true));
        assert_eq!(breakers.get("nobody").await.state, "closed");
    }
    life.stop();
    life.finished().await;
}

#[tokio::test]
async fn switched_off_it_grants_all_and_counts_nothing() {
    let off = BreakerSettings { enabled: false, ..BreakerSettings::default() };
    let breakers = Breakers::new(off, None, &Life::new());
    for _ in 0..20 {
        let permit = breakers.acquire("sales", HOLD_MS).await.unwrap();
        breakers.report(permit, Outcome::Failure).await;
    }
    assert!(breakers.acquire("sales", HOLD_MS).await.is_ok());
    assert_eq!(breakers.list().await, []);
}

#[tokio::test]
async fn without_redis_it_goes_on_with_the_last_state() {
    let life = Life::new();
    let gate = gate::Gate::open(testing::redis_url()).await;
    let prefix = format!("{}:", testing::unique("gate"));
    let redis = chassis::Redis::open(&gate.url(), &prefix).unwrap();
    let breakers = Breakers::new(settings(Policy::default()), Some(redis), &life);
    for _ in 0..4 {
        let permit = breakers.acquire("sales", HOLD_MS).await.unwrap();
        breakers.report(permit, Outcome::Failure).await;
    }
    gate.shut();
    let permit =
        breakers.acquire("sales", HOLD_MS).await.expect("the copy is closed, with four failures");
    breakers.report(permit, Outcome::Failure).await;
    assert!(breakers.acquire("sales", HOLD_MS).await.is_err(), "the fifth failure opened the copy");
    gate.unshut();
    while !breakers.refused_hint().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(
        breakers.acquire("sales", HOLD_MS).await.is_ok(),
        "the shared state is the one that counts"
    );
    life.stop();
    life.finished().await;
}

#[tokio::test]
async fn two_replicas_let_three_probes_pass_between_them() {
    let (life, redis) = (Life::new(), testing::redis().await);
    let policy = Policy { reset_timeout_ms: 0, ..Policy::default() };
    let replica = || Breakers::new(settings(policy.clone()), Some(redis.clone()), &life);
    let replicas = [replica(), replica()];
    for _ in 0..5 {
        replicas[0].record("sales", false).await;
    }
    let calls = (0..1_000).map(|index| replicas[index % 2].acquire("sales", HOLD_MS));
    let permits: Vec<_> = join_all(calls).await.into_iter().flatten().collect();
    assert_eq!(permits.len(), 3);
    for (index, permit) in permits.into_iter().enumerate() {
        replicas[index % 2].report(permit, Outcome::Success).await;
    }
    for replica in &replicas {
        assert_eq!(replica.get("sales").await.state, "closed");
    }
    life.stop();
    life.finished().await;
}

#[tokio::test]
async fn the_state_survives_a_restart() {
    let (life, redis) = (Life::new(), testing::redis().await);
    let start = || Breakers::new(settings(Policy::default()), Some(redis.clone()), &life);
    let before = start();
    for _ in 0..5 {
        before.record("sales", false).await;
    }
    assert!(start().acquire("sales", HOLD_MS).await.is_err());
    life.stop();
    life.finished().await;
}

#[tokio::test]
async fn transitions_are_counted_and_the_state_is_shown() {
    chassis::telemetry::record_metrics().unwrap();
    let breakers = Breakers::new(BreakerSettings::default(), None, &Life::new());
    let permit = breakers.acquire("support", HOLD_MS).await.unwrap();
    breakers.report(permit, Outcome::Success).await;
    for _ in 0..50 {
        breakers.record("sales", false).await;
    }
    let text = chassis::telemetry::metrics_text();
    for line in [
        r#"circuit_breaker_state{agent_id="support"} 0"#,
        r#"circuit_breaker_state{agent_id="sales"} 1"#,
        r#"circuit_breaker_transitions_total{agent_id="sales",to="open"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// A way to Redis that can be shut: it takes connections and passes bytes on, or drops them all.
mod gate {
    use std::net::SocketAddr;

    use tokio::io::copy_bidirectional;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;
    use url::Url;

    pub(super) struct Gate {
        address: SocketAddr,
        is_shut: watch::Sender<bool>,
    }

    impl Gate {
        pub(super) async fn open(target: Url) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let target =
                format!("{}:{}", target.host_str().unwrap(), target.port().unwrap_or(6379));
            let (is_shut, watching) = watch::channel(false);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(pass(stream, target.clone(), watching.clone()));
                }
            });
            Self { address, is_shut }
        }

        pub(super) fn url(&self) -> Url {
            format!("redis://{}", self.address).parse().unwrap()
        }

        pub(super) fn shut(&self) {
            self.is_shut.send_replace(true);
        }

        pub(super) fn unshut(&self) {
            self.is_shut.send_replace(false);
        }
    }

    async fn pass(mut stream: TcpStream, target: String, mut is_shut: watch::Receiver<bool>) {
        if *is_shut.borrow() {
            return;
        }
        let mut server = TcpStream::connect(target).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut stream, &mut server) => {}
            _ = is_shut.wait_for(|is_shut| *is_shut) => {}
        }
    }
}
