//! The budget through its RPCs, on each engine.

mod money;
mod world;
