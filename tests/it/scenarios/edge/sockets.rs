use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::agent::Act;
use crate::client::Client;
use crate::world::{KEY, Setting, on_both};

fn kinds(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn two_gateways_tell_the_same_events_in_order_with_deltas_before_the_result() {
    let setting = async || Setting::shop().await.with_replicas(2);
    on_both(setting, async |world| {
        let parts = ["Let me", " have", " a look."].map(str::to_owned).to_vec();
        let reply = json!({"content": "Let me have a look.", "workflow_complete": false});
        world.agent("support").script([Act::Stream(parts, reply)]);
        let (here, there) = (world.client_at(0, "user-1"), world.client_at(1, "user-1"));
        let mut sockets =
            [here.socket("&sessionId=shop-7").await, there.socket("&sessionId=shop-7").await];
        for socket in &mut sockets {
            assert_eq!(socket.next().await["type"], "connected");
        }
        let [one, other] = &mut sockets;
        one.send(json!({"type": "message", "input": "I need help with my order"})).await;
        let (here, there) = (one.until("result").await, other.until("result").await);
        let expected =
            ["processing", "classified", "routed", "budget", "delta", "delta", "delta", "result"];
        assert_eq!(kinds(&here), expected);
        assert_eq!(here, there, "the same frames, each once");
        for (seq, frame) in here.iter().enumerate() {
            assert_eq!(frame["seq"], seq, "{frame}");
        }
    })
    .await;
}

/// A socket that takes next to nothing until it is read.
async fn narrow(client: &Client, query: &str) -> impl futures::Stream<Item = Message> + Unpin {
    const BUFFER_BYTES: u32 = 4_096;
    let stream = TcpSocket::new_v4().unwrap();
    stream.set_recv_buffer_size(BUFFER_BYTES).unwrap();
    let stream = stream.connect(client.address()).await.unwrap();
    let url = format!("ws://{}/ws?user_id=user-1&api_key={KEY}{query}", client.address());
    let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    socket.map(|message| message.expect("the socket closes in order"))
}

#[tokio::test]
async fn who_reads_slowly_is_closed_and_slows_nobody() {
    const TURNS: usize = 10;
    const PARTS: usize = 30;
    let setting = async || Setting::shop().await.with("WS_QUEUE_FRAMES", "64");
    on_both(setting, async |world| {
        let client = world.client("user-1");
        let mut slow = narrow(&client, "&sessionId=shop-7").await;
        let mut quick = client.socket("&sessionId=shop-7").await;
        assert_eq!(quick.next().await["type"], "connected");
        for _ in 0..TURNS {
            let part = "x".repeat(20_000);
            let reply = json!({"content": "That was long.", "workflow_complete": false});
            world.agent("support").script([Act::Stream(vec![part; PARTS], reply)]);
            quick.send(json!({"type": "message", "input": "I need help with my order"})).await;
            let frames = quick.until("result").await;
            let deltas = kinds(&frames).iter().filter(|kind| **kind == "delta").count();
            assert_eq!(deltas, PARTS, "the quick one hears everything");
        }
        let mut last = None;
        while let Some(message) = slow.next().await {
            last = Some(message);
        }
        let Some(Message::Close(Some(close))) = last else { panic!("no close frame: {last:?}") };
        assert_eq!(u16::from(close.code), 1013);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_opens_no_socket() {
    let setting =
        async || Setting::shop().await.with("CORS_ALLOW_ORIGIN", "https://shop.example.com");
    on_both(setting, async |world| {
        let page = |origin: &str| world.client("user-1").of_page(origin);
        assert_eq!(page("https://evil.example.com").try_socket("").await.err(), Some(403));
        assert_eq!(page("null").try_socket("").await.err(), Some(403));
        assert!(page("https://shop.example.com").try_socket("").await.is_ok());
    })
    .await;
}
