//! The four shipped agents: sales, support, booking and a welcome desk, each a real MCP server.
//!
//! They work offline, on the files of one small shop that its owner edits, by rules that can be read: no language model.
//! What a desk says is a plain function of the message, the files and the time; only the diary of the booking desk is a
//! store. Neither the mesh nor its protocol is known here: a desk is an agent like any other.

mod ask;
mod booking;
mod business;
mod config;
mod courtesy;
mod desks;
mod index;
mod lexicon;
mod memory;
mod message;
mod reply;
mod sales;
mod server;
mod support;
#[cfg(test)]
mod testing;
mod tongue;
mod tool;
mod topic;
mod welcome;
mod when;
mod words;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;

pub use self::config::Config;

/// The desks over HTTP. Fails when the owner's files have mistakes, and names them all.
pub async fn build(config: &Config) -> anyhow::Result<Router> {
    let folder = config.business_dir.clone();
    let business = tokio::task::spawn_blocking(move || business::Business::load(&folder))
        .await?
        .with_context(|| format!("DESK_BUSINESS_DIR {}", config.business_dir.display()))?;
    let diary = booking::diary::Diary::open(&config.data_path).await.with_context(|| {
        format!("DESK_DATA_PATH {} cannot be opened", config.data_path.display())
    })?;
    Ok(server::router(&Arc::new(desks::Desks::new(business, diary)), config))
}
