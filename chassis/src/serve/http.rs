use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::Life;

/// Serves HTTP until the life is closing, then lets running requests finish. Handlers may ask for
/// `ConnectInfo<SocketAddr>`.
pub fn http(name: &'static str, listener: TcpListener, router: Router, life: &Life) {
    let listener = listener.tap_io(move |stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(listener = name, %error, "a connection keeps its delay");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let closing = life.clone();
    life.spawn_connection(name, async move {
        let end = async move { closing.closing().await };
        if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(end).await {
            tracing::error!(listener = name, %error, "a listener failed");
        }
    });
}
