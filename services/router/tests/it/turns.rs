//! Whole turns, with real agents and scripted peers.

mod answer;
mod clarification;
mod confirmation;
mod cost;
mod explicit;
mod failure;
mod handoff;
mod kill;
mod order;
mod outbox;
mod recovery;
mod replay;
mod sessions;
