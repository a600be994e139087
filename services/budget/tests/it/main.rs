//! The budget through its RPCs, on each engine.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod mail;
mod money;
mod prove;
mod world;
