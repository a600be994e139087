//! A snapshot kept fresh by a stream that is opened again whenever it ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tonic::{Response, Status, Streaming};

use crate::Life;

const WAIT_MIN: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Follows the stream that `open` yields: the receiver holds its last message, and `None` before the first.
///
/// A lost stream keeps the last message and is opened again, after a wait that doubles from 50 ms to 2 s.
pub fn follow<T, F, Fut>(
    life: &Life,
    name: &'static str,
    open: F,
) -> watch::Receiver<Option<Arc<T>>>
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = Result<Response<Streaming<T>>, Status>> + Send,
    T: Send + Sync + 'static,
{
    let (sender, receiver) = watch::channel(None);
    let stop = life.token();
    life.spawn(name, async move {
        let _ = stop.run_until_cancelled(keep(name, open, sender)).await;
    });
    receiver
}

async fn keep<T, F, Fut>(name: &'static str, open: F, sender: watch::Sender<Option<Arc<T>>>)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<Response<Streaming<T>>, Status>>,
{
    let mut wait = WAIT_MIN;
    while !sender.is_closed() {
        match open().await {
            Ok(stream) => {
                if drain(name, stream.into_inner(), &sender).await {
                    wait = WAIT_MIN;
                }
            }
            Err(error) => tracing::warn!(stream = name, %error, "a stream cannot be opened"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}

/// Whether anything came.
async fn drain<T>(
    name: &str,
    mut stream: Streaming<T>,
    sender: &watch::Sender<Option<Arc<T>>>,
) -> bool {
    let mut came = false;
    loop {
        match stream.message().await {
            Ok(Some(message)) => {
                came = true;
                sender.send_replace(Some(Arc::new(message)));
            }
            Ok(None) => return came,
            Err(error) => {
                tracing::warn!(stream = name, %error, "a stream was lost");
                return came;
            }
        }
    }
}
