//! router.

pub mod breaker;
pub mod breaker_store;
pub mod dispatch;
