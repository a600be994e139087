//! The gateway as its callers see it: real sockets in front, scripted peers that speak gRPC behind.

#![expect(clippy::unwrap_used, reason = "a test fails where its script is wrong")]

mod client;
mod house;
mod peer;
mod scripts;

mod a2a;
mod admission;
mod chat;
mod definitions;
mod document;
mod errors;
mod limits;
mod mcp;
mod operators;
mod order;
mod pages;
mod replicas;
mod requests;
mod sessions;
mod sockets;
mod streams;
