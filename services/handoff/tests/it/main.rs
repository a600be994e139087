#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]
//! The handoff service as its peers see it: over a link, with agents on real sockets, on both engines.

mod agent;
mod event;
mod kill;
mod mesh;
mod offer;
mod question;
mod recovery;
mod registry;
mod telemetry;
mod transfer;
