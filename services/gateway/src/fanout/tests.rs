use chassis::testing;

use super::*;
use crate::frame::{Frame, Marks};

const REPLAY_MS: i64 = 60_000;
const QUEUE: usize = 64;

fn anna() -> Owner {
    Owner::new("shop", "anna")
}

fn told(session: &str, request: &str, seq: u64) -> Publication {
    let marks = Marks { session_id: Some(session), request_id: Some(request), seq: Some(seq) };
    Publication {
        owner: anna(),
        session_id: session.to_owned(),
        alias: None,
        frame: Some(Arc::new(Frame::new("delta", None, marks))),
        origin: None,
    }
}

async fn next(subscription: &mut Subscription) -> String {
    let frame = tokio::time::timeout(Duration::from_secs(5), subscription.next()).await;
    frame.expect("a frame comes in time").expect("the subscription is open").id().unwrap()
}

async fn nothing(subscription: &mut Subscription) {
    let waited = tokio::time::timeout(Duration::from_millis(30), subscription.next()).await;
    assert!(waited.is_err(), "unexpected: {waited:?}");
}

/// What a fan-out must do, whatever carries its events. `here` and `there` may be the same replica or two.
async fn holds_the_contract(here: Fanout, there: Fanout) {
    here.connect().await;
    there.connect().await;
    each_listener_hears_each_event_once(&here, &there).await;
    nobody_else_hears(&here, &there).await;
    a_name_can_come_to_denote_a_session(&here, &there).await;
    who_comes_back_hears_what_was_missed(&here, &there).await;
}

async fn each_listener_hears_each_event_once(here: &Fanout, there: &Fanout) {
    let mut listeners = [here, here, there].map(|fanout| fanout.subscribe(&anna(), "s1", QUEUE));
    there.bind(&listeners[2], "s1");
    for seq in 0..20 {
        here.publish(told("s1", "r1", seq));
    }
    for listener in &mut listeners {
        for seq in 0..20 {
            assert_eq!(next(listener).await, format!("r1:{seq}"));
        }
        nothing(listener).await;
    }
    let origin = listeners[0].id();
    here.publish(Publication { origin: Some(origin), ..told("s1", "r2", 0) });
    assert_eq!(next(&mut listeners[1]).await, "r2:0");
    assert_eq!(next(&mut listeners[2]).await, "r2:0");
    nothing(&mut listeners[0]).await;
}

async fn nobody_else_hears(here: &Fanout, there: &Fanout) {
    let mut others = [
        here.subscribe(&Owner::new("shop", "bob"), "s2", QUEUE),
        there.subscribe(&Owner::new("other", "anna"), "s2", QUEUE),
        there.subscribe(&anna(), "s3", QUEUE),
    ];
    let mut own = there.subscribe(&anna(), "s2", QUEUE);
    here.publish(told("s2", "r1", 0));
    assert_eq!(next(&mut own).await, "r1:0");
    for other in &mut others {
        nothing(other).await;
    }
}

async fn a_name_can_come_to_denote_a_session(here: &Fanout, there: &Fanout) {
    let mut listener = there.subscribe(&anna(), "mine", QUEUE);
    here.publish(told("s4", "r0", 0));
    here.publish(Publication { alias: Some("mine".to_owned()), ..told("s4", "r1", 0) });
    here.publish(told("s4", "r1", 1));
    assert_eq!(next(&mut listener).await, "r1:0", "the session was created later");
    assert_eq!(next(&mut listener).await, "r1:1");
    let renamed = Publication { alias: Some("mine".to_owned()), frame: None, ..told("s5", "", 0) };
    here.publish(renamed);
    here.publish(told("s5", "r2", 0));
    assert_eq!(next(&mut listener).await, "r2:0", "the name denotes another session now");
    here.publish(told("s4", "r3", 0));
    nothing(&mut listener).await;
}

async fn who_comes_back_hears_what_was_missed(here: &Fanout, there: &Fanout) {
    // Who hears an event knows that it is kept for everybody.
    let mut witness = there.subscribe(&anna(), "s6", QUEUE);
    for seq in 0..6 {
        here.publish(told("s6", "r1", seq));
        assert_eq!(next(&mut witness).await, format!("r1:{seq}"));
    }
    let mut back = there.subscribe(&anna(), "s6", QUEUE);
    here.publish(told("s6", "r1", 6));
    assert_eq!(next(&mut witness).await, "r1:6");
    assert!(there.resume(&mut back, "s6", "r1:2").await);
    here.publish(told("s6", "r1", 7));
    for seq in 3..=7 {
        assert_eq!(next(&mut back).await, format!("r1:{seq}"), "what was missed, then what comes");
    }
    nothing(&mut back).await;
    let mut stranger = there.subscribe(&Owner::new("shop", "bob"), "s6", QUEUE);
    assert!(!there.resume(&mut stranger, "s6", "r1:2").await, "what is kept is the owner's");
    let mut late = there.subscribe(&anna(), "s6", QUEUE);
    assert!(!there.resume(&mut late, "s6", "r9:0").await);
    nothing(&mut late).await;
}

#[tokio::test]
async fn one_replica_holds_the_contract() {
    let fanout = Fanout::open(None, REPLAY_MS, &Life::new());
    holds_the_contract(fanout.clone(), fanout).await;
}

#[tokio::test]
async fn one_replica_with_redis_holds_the_contract() {
    let fanout = Fanout::open(Some(testing::redis().await), REPLAY_MS, &Life::new());
    holds_the_contract(fanout.clone(), fanout).await;
}

#[tokio::test]
async fn two_replicas_over_redis_hold_the_contract() {
    let (redis, life) = (testing::redis().await, Life::new());
    let here = Fanout::open(Some(redis.clone()), REPLAY_MS, &life);
    let there = Fanout::open(Some(redis), REPLAY_MS, &life);
    holds_the_contract(here, there).await;
    life.close();
    tokio::time::timeout(Duration::from_secs(5), life.closed()).await.expect("the relays end");
}

#[tokio::test]
async fn without_redis_the_own_replica_still_hears() {
    let nowhere = chassis::Redis::open(&"redis://127.0.0.1:1".parse().unwrap(), "").unwrap();
    let fanout = Fanout::open(Some(nowhere), REPLAY_MS, &Life::new());
    let mut listener = fanout.subscribe(&anna(), "s1", QUEUE);
    assert_eq!(fanout.publish(told("s1", "r1", 0)), 1);
    assert_eq!(next(&mut listener).await, "r1:0");
    let mut back = fanout.subscribe(&anna(), "s1", QUEUE);
    fanout.publish(told("s1", "r1", 1));
    assert!(fanout.resume(&mut back, "s1", "r1:0").await);
    assert_eq!(next(&mut back).await, "r1:1");
}

#[tokio::test]
async fn who_does_not_keep_up_is_cut_off_and_delays_nobody() {
    let fanout = Fanout::open(None, REPLAY_MS, &Life::new());
    let slow = fanout.subscribe(&anna(), "s1", 8);
    let mut quick = fanout.subscribe(&anna(), "s1", QUEUE);
    for seq in 0..20 {
        assert_eq!(fanout.publish(told("s1", "r1", seq)), if seq < 8 { 2 } else { 1 });
    }
    assert!(slow.slow().is_cancelled());
    assert!(!quick.slow().is_cancelled());
    for seq in 0..20 {
        assert_eq!(next(&mut quick).await, format!("r1:{seq}"));
    }
    drop((slow, quick));
    assert_eq!(fanout.publish(told("s1", "r1", 20)), 0, "who has gone hears nothing");
}
