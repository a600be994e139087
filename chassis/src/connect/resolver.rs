//! Who says which addresses a name has: the machine, or in a test a script.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::ADDRESSES_MAX;

/// Knows which addresses a name has right now.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The addresses of a name, in the order in which they are to be tried.
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The resolver of the machine.
#[must_use]
pub fn system() -> Arc<dyn Resolver> {
    Arc::new(System)
}

#[derive(Debug)]
struct System;

impl Resolver for System {
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            // A resolver wants a port and does nothing with it.
            let found = tokio::net::lookup_host((name, 0)).await?;
            // One more than is looked at, so that too many are told from enough.
            Ok(found.map(|address| address.ip()).take(ADDRESSES_MAX + 1).collect())
        })
    }
}
