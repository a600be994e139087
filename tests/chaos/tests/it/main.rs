//! Routers as processes of their own that die, or fall asleep, at a chosen step of a turn.
#![allow(clippy::unwrap_used)]

mod desk;
mod handover;
mod kill;
mod order;
mod trap;
mod world;
