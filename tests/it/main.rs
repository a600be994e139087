//! Scenarios: what a customer, an operator or another service sees, on both topologies.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod agent;
mod client;
mod collector;
mod fleet;
mod program;
mod scenarios;
mod valve;
mod world;
