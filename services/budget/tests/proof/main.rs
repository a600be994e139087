//! What the budget promises about money, held against a reference, a crowd, and processes that are killed.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod audit;
mod clock;
mod crash;
mod crowd;
mod edges;
mod golden;
mod model;
mod pricing;
mod reference;
mod till;
