mod bad_input;
mod breaker;
mod budget;
mod clarification;
mod conversation;
mod handoff;
mod sample;
mod websocket;
