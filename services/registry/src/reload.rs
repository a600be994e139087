//! Reloading when the process is told to by SIGHUP.

use std::time::Duration;

use futures::{Stream, StreamExt as _};

/// Reloads once for all signals that arrive within a window, which the first of them opens and none extends.
pub async fn reload_on<S, F>(signals: S, window: Duration, reload: impl Fn() -> F)
where
    S: Stream<Item = ()> + Unpin,
    F: Future,
{
    let mut signals = signals.fuse();
    while signals.next().await.is_some() {
        let end = tokio::time::sleep(window);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                Some(()) = signals.next() => {}
            }
        }
        reload().await;
    }
}

/// The hang-up signals of this process.
pub fn hangups() -> std::io::Result<impl Stream<Item = ()> + Unpin> {
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    Ok(futures::stream::poll_fn(move |context| signal.poll_recv(context)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use tokio::time::{Instant, sleep};

    /// When reloads happen, in ms, for signals at these times; each reload takes `reload_ms`.
    async fn reloads(signals_ms: &[u64], window_ms: u64, reload_ms: u64) -> Vec<u128> {
        let start = Instant::now();
        let signals = futures::stream::unfold(signals_ms.iter(), |mut rest| async move {
            let at = start + Duration::from_millis(*rest.next()?);
            tokio::time::sleep_until(at).await;
            Some(((), rest))
        });
        let times = RefCell::new(Vec::new());
        let reload = || {
            times.borrow_mut().push(start.elapsed().as_millis());
            sleep(Duration::from_millis(reload_ms))
        };
        reload_on(Box::pin(signals), Duration::from_millis(window_ms), reload).await;
        times.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn signals_within_the_window_make_one_reload_and_do_not_extend_it() {
        assert_eq!(reloads(&[0], 5_000, 0).await, [5_000]);
        assert_eq!(reloads(&[0, 1_000, 4_000, 4_999], 5_000, 0).await, [5_000]);
        assert_eq!(reloads(&[0, 4_000, 6_000], 5_000, 0).await, [5_000, 11_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_during_a_reload_opens_the_next_window_after_it() {
        assert_eq!(reloads(&[0, 101, 102], 100, 50).await, [100, 250]);
    }
}
