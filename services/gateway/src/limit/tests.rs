use std::sync::Arc;

use chassis::testing;

use super::redis::Redis;
use super::*;

const GOLDEN: Rate = Rate { max: 100, window_ms: 900_000 };

fn ask(bucket: &str, max: i64) -> Ask {
    Ask { kind: "key", bucket: bucket.to_owned(), rate: Rate { max, ..GOLDEN } }
}

/// What every adapter must do.
async fn holds_the_contract(buckets: Arc<dyn Buckets>) {
    for call in 0..100 {
        let verdicts = buckets.take(&[ask("golden", 100)]).await.unwrap();
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].is_allowed, "call {call}");
        assert_eq!(verdicts[0].limit, 100);
    }
    let refused = buckets.take(&[ask("golden", 100)]).await.unwrap()[0];
    assert!(!refused.is_allowed);
    assert_eq!(refused.remaining, 0);
    assert!((8..=9).contains(&refused.retry_after_s), "{refused:?}");

    let both = buckets.take(&[ask("a", 2), ask("b", 1)]).await.unwrap();
    assert!(both[0].is_allowed && both[1].is_allowed);
    let second = buckets.take(&[ask("a", 2), ask("b", 1)]).await.unwrap();
    assert!(second[0].is_allowed && !second[1].is_allowed);
    let third = buckets.take(&[ask("a", 2), ask("b", 1)]).await.unwrap();
    assert_eq!(third.len(), 1, "nobody asks the second bucket when the first is empty");
    assert!(!third[0].is_allowed);

    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let buckets = buckets.clone();
            tokio::spawn(async move {
                buckets.take(&[ask("together", 20)]).await.unwrap()[0].is_allowed
            })
        })
        .collect();
    let mut allowed = 0;
    for task in tasks {
        allowed += usize::from(task.await.unwrap());
    }
    assert_eq!(allowed, 20, "who come together share one bucket");
}

#[tokio::test]
async fn buckets_in_memory_hold_the_contract() {
    holds_the_contract(Arc::new(Memory::new())).await;
}

#[tokio::test]
async fn buckets_in_redis_hold_the_contract() {
    holds_the_contract(Arc::new(Redis::new(testing::redis().await))).await;
}

#[tokio::test]
async fn shared_buckets_hold_the_contract() {
    holds_the_contract(Arc::new(Shared::new(testing::redis().await, 4))).await;
}

#[tokio::test]
async fn two_replicas_share_a_bucket() {
    let redis = testing::redis().await;
    let replicas = [Shared::new(redis.clone(), 2), Shared::new(redis, 2)];
    let mut allowed = 0;
    for call in 0..10 {
        allowed +=
            usize::from(replicas[call % 2].take(&[ask("one", 6)]).await.unwrap()[0].is_allowed);
    }
    assert_eq!(allowed, 6);
}

#[tokio::test]
async fn without_redis_a_replica_grants_its_share() {
    let nowhere = "redis://127.0.0.1:1".parse().unwrap();
    let shared = Shared::new(chassis::Redis::open(&nowhere, "").unwrap(), 4);
    let mut allowed = 0;
    for _ in 0..20 {
        allowed += usize::from(shared.take(&[ask("one", 20)]).await.unwrap()[0].is_allowed);
    }
    assert_eq!(allowed, 5, "20 over 4 replicas");
}
