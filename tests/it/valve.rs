//! A way to a store that the test can shut, as when the store has stopped.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A port of loopback that leads to somewhere else while it is open.
pub(crate) struct Valve {
    /// Where it is.
    pub(crate) address: SocketAddr,
    is_open: watch::Sender<bool>,
}

impl Valve {
    /// An open valve before this address. It goes with the test's runtime.
    pub(crate) async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_open, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, target, state.clone()));
            }
        });
        Self { address, is_open }
    }

    /// Cuts every connection, and every new one at once.
    pub(crate) fn shut(&self) {
        self.is_open.send_replace(false);
    }

    /// Lets new connections through.
    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }
}

async fn carry(mut stream: TcpStream, target: SocketAddr, mut is_open: watch::Receiver<bool>) {
    if !*is_open.borrow() {
        return;
    }
    let Ok(mut onward) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut stream, &mut onward) => {}
        _ = is_open.wait_for(|is_open| !is_open) => {}
    }
}
