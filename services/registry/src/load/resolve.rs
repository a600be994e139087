//! The second half of outbound protection at load: what the names of the endpoints resolve to.

use std::time::Duration;

use chassis::connect::{ConnectError, resolve};
use futures::StreamExt as _;
use tokio::time::Instant;

use super::Loader;
use crate::definition::Endpoint;
use crate::definition::set::Named;
use crate::node::Fault;

/// How long all names of a load together may take to resolve.
const LOOKUP_LIMIT: Duration = Duration::from_secs(3);
/// How many names are looked up at once.
const LOOKUPS_MAX: usize = 32;

/// What came of resolving one endpoint.
pub enum Finding {
    /// It leads to an address that may not be called.
    Refused {
        /// The name of the file.
        file: String,
        /// What to tell its author.
        fault: Fault,
    },
    /// It leads nowhere yet.
    Unresolved(String),
}

/// Resolves the names of all endpoints; what is in order leaves no finding.
pub async fn examine(files: &[Named], loader: &Loader) -> Vec<Finding> {
    let end = Instant::now() + LOOKUP_LIMIT;
    let mut lookups = Vec::new();
    for Named { file, definition } in files {
        let examined = definition.endpoints.iter().map(|endpoint| async move {
            let late = || Finding::Unresolved(unresolved_in_time(file, endpoint));
            let examined = tokio::time::timeout_at(end, examine_one(file, endpoint, loader));
            examined.await.unwrap_or_else(|_| Some(late()))
        });
        lookups.extend(examined);
    }
    futures::stream::iter(lookups)
        .buffered(LOOKUPS_MAX)
        .filter_map(std::future::ready)
        .collect()
        .await
}

async fn examine_one(file: &str, endpoint: &Endpoint, loader: &Loader) -> Option<Finding> {
    match resolve(&endpoint.target, loader.allowlist(), &*loader.resolver).await {
        Ok(_) => None,
        Err(ConnectError::Refused(refused)) => {
            let message = format!("`{}` may not be called: {refused}", endpoint.target.host());
            let fault = Fault { is_attempt: true, ..Fault::at(endpoint.place, message) };
            Some(Finding::Refused { file: file.to_owned(), fault })
        }
        Err(error) => Some(Finding::Unresolved(format!("{file}: {error}"))),
    }
}

fn unresolved_in_time(file: &str, endpoint: &Endpoint) -> String {
    let host = endpoint.target.host();
    format!("{file}: the name `{host}` does not resolve within {} s", LOOKUP_LIMIT.as_secs())
}
