//! How many idle sockets one gateway holds, and what each of them costs: `load sockets`.
//!
//! Every socket is a customer of its own, answers pings and says nothing. At the end one more says something.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use fleet::KEY;
use futures::{SinkExt as _, StreamExt as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::crew::{self, Crew};

/// How often the gateway asks whether a socket is still there.
const PING_MS: u64 = 5_000;
/// How many pings every socket has to answer before it counts as idle.
const PINGS: u64 = 2;
/// Sockets that are opened at once.
const OPENERS: usize = 64;
/// What one step may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Files that a process has open besides its sockets.
const FILES_BESIDES: u64 = 500;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens so many sockets, lets them idle, and says what they cost.
pub(crate) async fn measure(count: u32) -> anyhow::Result<String> {
    allow_files(u64::from(count) + FILES_BESIDES)?;
    let crew = Crew::alone(&[
        ("WS_MAX_CONNECTIONS_PER_KEY", (count + 10).to_string()),
        ("WS_PING_INTERVAL_MS", PING_MS.to_string()),
    ])
    .await?;
    let target = crew.targets().first().context("there is a target")?.clone();
    let before_kib = crew::memory_kib(&target.processes);
    let began = Instant::now();
    let sockets = open(target.address, count).await?;
    let opened = began.elapsed();
    let pongs = Arc::new(AtomicU64::new(0));
    let (lost, mut losses) = mpsc::channel(1);
    let mut readers = JoinSet::new();
    for socket in sockets {
        readers.spawn(idle(socket, pongs.clone(), lost.clone()));
    }
    let wanted = u64::from(count) * PINGS;
    let idled = tokio::time::timeout(LIMIT, answered(&pongs, wanted));
    tokio::select! {
        idled = idled => idled.context("the pings did not come")?,
        loss = losses.recv() => anyhow::bail!("a socket was lost: {}", loss.unwrap_or_default()),
    }
    let after_kib = crew::memory_kib(&target.processes);
    let spoken = say(connect(target.address, count).await?).await?;
    ensure!(losses.try_recv().is_err(), "a socket was lost at the end");
    drop(readers);
    crew.stop().await?;
    let each_kib = (after_kib.saturating_sub(before_kib)) / u64::from(count);
    Ok(format!(
        "{count} idle sockets on one gateway: opened in {:.1} s, {each_kib} KiB of memory each \
         ({before_kib} KiB before, {after_kib} KiB with them);\nall answered {PINGS} pings; a message on one more was \
         answered in {:.1} ms\n",
        opened.as_secs_f64(),
        spoken.as_secs_f64() * 1_000.0
    ))
}

/// Raises the limit of open files for this process and those that it starts.
fn allow_files(wanted: u64) -> anyhow::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| wanted <= current) {
        return Ok(());
    }
    let is_allowed = maximum.is_none_or(|maximum| wanted <= maximum);
    ensure!(
        is_allowed,
        "this needs {wanted} open files, and {} are allowed: say `ulimit -Hn {wanted}` as root, or raise `nofile` in \
         /etc/security/limits.conf",
        maximum.unwrap_or_default()
    );
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
        .context("the limit of open files cannot be raised")
}

async fn open(address: SocketAddr, count: u32) -> anyhow::Result<Vec<Stream>> {
    let opening = futures::stream::iter(0..count).map(|number| connect(address, number));
    let mut opening = opening.buffer_unordered(OPENERS);
    let mut sockets = Vec::new();
    while let Some(socket) = opening.next().await {
        sockets.push(socket.with_context(|| format!("after {} sockets", sockets.len()))?);
    }
    Ok(sockets)
}

/// A socket that has been told that it is connected.
async fn connect(address: SocketAddr, number: u32) -> anyhow::Result<Stream> {
    let url = format!("ws://{address}/ws?user_id=user-{number}&api_key={KEY}");
    let opening = tokio_tungstenite::connect_async(url);
    let (mut socket, _) = tokio::time::timeout(LIMIT, opening).await??;
    let frame = frame(&mut socket).await?;
    ensure!(frame["type"] == "connected", "not connected: {frame}");
    Ok(socket)
}

/// Answers pings until the socket ends, which it should not.
async fn idle(mut socket: Stream, pongs: Arc<AtomicU64>, lost: mpsc::Sender<String>) {
    loop {
        match socket.next().await {
            // The library answers them; flushing sends the answer.
            Some(Ok(Message::Ping(_))) if socket.flush().await.is_ok() => {
                pongs.fetch_add(1, Ordering::Relaxed);
            }
            other => {
                // Whoever is first tells it.
                let _ = lost.try_send(format!("{other:?}"));
                return;
            }
        }
    }
}

async fn answered(pongs: &AtomicU64, wanted: u64) {
    const LOOK_INTERVAL: Duration = Duration::from_millis(50);
    while pongs.load(Ordering::Relaxed) < wanted {
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// How long the answer to a message takes.
async fn say(mut socket: Stream) -> anyhow::Result<Duration> {
    let message = json!({"type": "message", "input": "Where is my parcel?"});
    let began = Instant::now();
    socket.send(Message::text(message.to_string())).await?;
    loop {
        let frame = frame(&mut socket).await?;
        ensure!(frame["type"] != "error", "not answered: {frame}");
        if frame["type"] == "result" {
            return Ok(began.elapsed());
        }
    }
}

async fn frame(socket: &mut Stream) -> anyhow::Result<Value> {
    loop {
        match tokio::time::timeout(LIMIT, socket.next()).await?.context("the socket ended")?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Ping(_) => socket.flush().await?,
            other => anyhow::bail!("no frame: {other:?}"),
        }
    }
}
