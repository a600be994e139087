//! The router against real agents on real sockets.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod agent;
mod dispatch;
mod mesh;
mod turns;
