//! What stands around every handler, from the outside in: see [`crate::http`] for the order.

pub(crate) mod admit;
pub(crate) mod cors;
pub(crate) mod outer;
pub(crate) mod security;
