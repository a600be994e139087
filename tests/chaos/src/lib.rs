//! Breaks a running mesh at random and checks from outside that nothing was lost, doubled or left behind.
//!
//! It starts two columns of the split build with scripted agents, and a Postgres and a Redis of its own where it can.
//! While users talk, processes are killed, paused and restarted as a seed says. It ends by itself, and ends only what it
//! has started. Tests that stop a router at a chosen step look at what is left with the same checks.

pub mod agents;
mod catalogue;
pub mod check;
pub mod client;
pub mod evidence;
mod mesh;
mod plan;
mod report;
mod run;
mod stores;
pub mod user;
mod victim;

use std::io::Write as _;

pub use self::report::Report;
pub use self::run::{Order, run};

/// Tells whoever watches the run.
pub fn say(text: &str) {
    // Progress that cannot be shown is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{text}");
}
