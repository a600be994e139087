//! The contract between the services of Handoff Mesh, generated from `mesh/v1/*.proto`.
//!
//! Each service has a generated client and a generated server; both work over a network and over a link inside one
//! process. Nothing here is written by hand but this page.

/// Package `mesh.v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "the code is generated; its documentation stands in the proto files"
)]
pub mod v1 {
    tonic::include_proto!("mesh.v1");
}

/// The encoded descriptor set of the package, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mesh.v1.bin"));

/// The agents of type `inprocess` that every router answers for, without any handler of others.
pub const HANDLERS: [&str; 1] = ["reception"];
