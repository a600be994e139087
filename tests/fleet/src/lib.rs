//! What measurements and crash tests share: the programs of the mesh as processes on loopback, their settings, and
//! agents that do as they are told.
//!
//! What is measured, broken or checked is not in here.

mod agent;
mod column;
mod definition;
mod ports;
mod process;

pub use self::agent::{Agent, Call, Reply, routes, serve};
pub use self::column::{Column, KEY, SERVICES, Service, common};
pub use self::definition::Definition;
pub use self::ports::{Ports, wait_for};
pub use self::process::{Process, Program, programs};
pub use rustix::process::Signal;
