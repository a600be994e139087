use super::*;
use crate::session::{Status, Switch};
use crate::store::{Order, Settlement};

fn owed(charge_id: &str) -> Settlement {
    Settlement {
        charge_id: charge_id.to_owned(),
        turn_id: "t".to_owned(),
        order: Order { tenant: "default".to_owned(), estimated: true, ..Order::default() },
        due_ms: 10,
        tries: 0,
    }
}

#[tokio::test]
async fn a_turn_without_a_router_is_found_and_taken_once() {
    for store in stores().await {
        let running = accepted(&store, &ask("r1", 10)).await;
        let waiting = accepted(&store, &ask("r2", 11)).await;
        let mut page = page(&running.lease, answer("so far"), 12);
        page.mark = Mark::Provisional(answer("so far"));
        store.write(&page).await.unwrap();
        assert!(store.orphans(300, 10).await.unwrap().is_empty(), "their leases hold");
        let orphans = store.orphans(400, 10).await.unwrap();
        let ids: Vec<_> = orphans.iter().map(|orphan| orphan.request_id.as_str()).collect();
        assert_eq!(ids, ["r1", "r2"], "longest dead first");
        assert_eq!(orphans[0].provisional, Some(answer("so far")));
        assert!(orphans[0].is_running && !orphans[1].is_running);
        assert_eq!(orphans[1].lease, waiting.lease);
        let seized = store.seize(&orphans[0].lease, 400, 700).await.unwrap();
        assert_eq!(seized.unwrap().fence, 2);
        assert!(store.seize(&orphans[0].lease, 400, 700).await.unwrap().is_none(), "only once");
    }
}

#[tokio::test]
async fn sessions_expire_with_an_event_unless_a_turn_runs() {
    for store in stores().await {
        let done = accepted(&store, &named("r1", "a", 10)).await;
        finish(&store, &done.lease, 20).await;
        accepted(&store, &named("r2", "b", 30)).await;
        assert!(store.expire(1_019, 10).await.unwrap().is_empty());
        let ended = store.expire(5_000, 10).await.unwrap();
        assert_eq!(ended.len(), 1);
        assert_eq!((ended[0].status, ended[0].expires_ms), (Status::Abandoned, None));
        let events = store.outgoing(5_000, 5_100, 10).await.unwrap();
        assert_eq!(events.len(), 1);
        assert!(events[0].payload_json.contains("\"status\":\"abandoned\""));
        assert!(store.outgoing(5_000, 5_100, 10).await.unwrap().is_empty(), "put off");
        store.streamed(&events[0].event_id).await.unwrap();
        let again = store.outgoing(5_200, 5_300, 10).await.unwrap();
        assert!(again[0].is_streamed, "what did not get through comes again");
        store.delivered(&events[0].event_id).await.unwrap();
        assert!(store.outgoing(9_000, 9_100, 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn charges_are_kept_until_they_are_confirmed() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        let mut page = page(&turn.lease, answer("{}"), 11);
        page.settlements = vec![owed("t/1/0")];
        store.write(&page).await.unwrap();
        store.keep(&owed("t/1/1")).await.unwrap();
        store.keep(&owed("t/1/1")).await.unwrap();
        let due = store.settlements(20, 100, 10).await.unwrap();
        assert_eq!(due.len(), 2);
        assert_eq!((due[0].order.clone(), due[0].tries), (owed("").order, 1));
        assert!(store.settlements(20, 100, 10).await.unwrap().is_empty(), "put off");
        store.settled(&["t/1/0".to_owned()]).await.unwrap();
        assert_eq!(store.settlements(200, 300, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_switch_is_remembered_with_what_the_receiver_was_told() {
    for store in stores().await {
        let turn = accepted(&store, &ask("r1", 10)).await;
        let mut page = page(&turn.lease, answer("{}"), 11);
        page.change.switch = Some(Switch {
            handoff_id: "handoff-1".to_owned(),
            to_agent: "support".to_owned(),
            brief_json: "{\"summary\":\"s\"}".to_owned(),
            history_from: 64,
        });
        let session = store.write(&page).await.unwrap();
        assert_eq!(session.active_agent, "support");
        let read = store.session("default", None, &session.session_id).await.unwrap();
        assert_eq!(read.brief_json, "{\"summary\":\"s\"}");
        assert_eq!(store.switched("handoff-1").await.unwrap().as_deref(), Some("support"));
        assert_eq!(store.switched("handoff-2").await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten() {
    for store in stores().await {
        let old = accepted(&store, &named("r1", "a", 10)).await;
        finish(&store, &old.lease, 20).await;
        let new = accepted(&store, &named("r2", "b", 4_000)).await;
        finish(&store, &new.lease, 4_001).await;
        store.expire(3_000, 10).await.unwrap();
        assert_eq!(store.forget(3_500, 10).await.unwrap(), 1);
        assert!(store.session("default", None, &old.lease.session_id).await.is_err());
        assert!(store.known(&owner("ann"), "r1").await.unwrap().is_none());
        assert!(words(&store, &old.lease.session_id).await.is_empty());
        assert!(store.session("default", None, &new.lease.session_id).await.is_ok());
    }
}
