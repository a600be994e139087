//! Scenarios: what a customer, an operator or another service sees, on both topologies.

mod agent;
mod client;
mod scenarios;
mod world;
