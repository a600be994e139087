use serde_json::json;

use crate::agent::Act;
use crate::world::{Setting, on_both};

#[tokio::test]
async fn the_frames_of_a_turn_come_in_order_with_deltas_before_the_result() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([Act::Stream(
            vec!["Let me".to_owned(), " look.".to_owned()],
            json!({"content": "Let me look.", "workflow_complete": false}),
        )]);
        let mut socket = world.client("user-1").socket("").await;
        assert_eq!(socket.next().await["type"], "connected");
        let id = uuid::Uuid::new_v4().to_string();
        socket
            .send(json!({"type": "message", "input": "I need help with my order", "requestId": id}))
            .await;
        let frames = socket.until("result").await;
        let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["processing", "classified", "routed", "budget", "delta", "delta", "result"]
        );
        for (seq, frame) in frames.iter().enumerate() {
            assert_eq!(frame["seq"], seq, "{frame}");
            assert_eq!(frame["requestId"], id.as_str(), "{frame}");
        }
        assert_eq!(frames[6]["payload"]["response"], "Let me look.");
        assert_eq!(frames[4]["payload"]["text"], "Let me");
    })
    .await;
}

#[tokio::test]
async fn every_socket_of_the_session_hears_the_turn_once() {
    on_both(Setting::shop, async |world| {
        let client = world.client("user-1");
        let first = client.say("I need help with my order").await;
        let query = format!("&sessionId={}", first.text_at("/session_id"));
        let mut sockets = [client.socket(&query).await, client.socket(&query).await];
        for socket in &mut sockets {
            assert_eq!(
                socket.next().await["payload"]["resolvedSessionId"],
                first.body["session_id"]
            );
        }
        client.say("It is number 1042").await;
        for socket in &mut sockets {
            let frames = socket.until("result").await;
            let kinds: Vec<_> =
                frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
            assert_eq!(kinds, ["processing", "routed", "budget", "result"], "each event once");
        }
    })
    .await;
}

#[tokio::test]
async fn an_odd_frame_is_answered_and_the_socket_stays_open() {
    on_both(Setting::shop, async |world| {
        let mut socket = world.client("user-1").socket("").await;
        socket.next().await;
        socket.send(json!({"type": "dance"})).await;
        let error = socket.next().await;
        assert_eq!(error["type"], "error");
        assert_eq!(error["payload"]["code"], "invalid_request");
        socket.send(json!({"type": "ping"})).await;
        assert_eq!(socket.next().await["type"], "pong");
    })
    .await;
}

#[tokio::test]
async fn a_running_turn_can_be_cancelled() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([Act::Hang]);
        let mut socket = world.client("user-1").socket("").await;
        socket.next().await;
        let id = uuid::Uuid::new_v4().to_string();
        socket
            .send(json!({"type": "message", "input": "I need help with my order", "requestId": id}))
            .await;
        world.agent("support").called(1).await;
        socket.send(json!({"type": "cancel", "requestId": id})).await;
        let frames = socket.until("error").await;
        assert_eq!(frames.last().unwrap()["payload"]["code"], "cancelled");
    })
    .await;
}

#[tokio::test]
async fn a_mesh_that_ends_finishes_its_turns_and_then_says_goodbye() {
    on_both(Setting::shop, async |world| {
        world.agent("support").script([Act::Hold(json!({"content": "Just in time."}))]);
        let mut socket = world.client("user-1").socket("").await;
        socket.next().await;
        socket.send(json!({"type": "message", "input": "I need help with my order"})).await;
        world.agent("support").called(1).await;
        let told = async {
            let frames = socket.until("result").await;
            assert_eq!(frames.last().unwrap()["payload"]["response"], "Just in time.");
            assert_eq!(socket.closed().await, 1001);
        };
        let ended = async {
            world.ask_to_end();
            let refused = world.client("user-2").say("Hello").await;
            assert_eq!((refused.status, refused.text_at("/code")), (503, "shutting_down"));
            world.agent("support").release();
            world.stop().await;
        };
        tokio::join!(told, ended);
        world.restart().await;
    })
    .await;
}
