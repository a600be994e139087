//! The second half of outbound protection at load: what the names of the endpoints resolve to.

use std::time::Duration;

use chassis::address::Allowlist;
use chassis::connect::{ConnectError, resolve};
use futures::StreamExt as _;

use crate::definition::Endpoint;
use crate::definition::set::Named;
use crate::node::Fault;

/// How long a name may take to resolve.
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
pub async fn examine(files: &[Named], allowlist: &Allowlist) -> Vec<Finding> {
    let mut lookups = Vec::new();
    for Named { file, definition } in files {
        lookups.extend(definition.endpoints.iter().map(|it| examine_one(file, it, allowlist)));
    }
    futures::stream::iter(lookups)
        .buffered(LOOKUPS_MAX)
        .filter_map(std::future::ready)
        .collect()
        .await
}

async fn examine_one(file: &str, endpoint: &Endpoint, allowlist: &Allowlist) -> Option<Finding> {
    let host = endpoint.target.host();
    let late = || format!("{file}: `{host}` does not resolve within {} s", LOOKUP_LIMIT.as_secs());
    match tokio::time::timeout(LOOKUP_LIMIT, resolve(&endpoint.target, allowlist)).await {
        Ok(Ok(_)) => None,
        Ok(Err(ConnectError::Refused(refused))) => {
            let message = format!("`{host}` may not be called: {refused}");
            let fault = Fault { is_attempt: true, ..Fault::at(endpoint.place, message) };
            Some(Finding::Refused { file: file.to_owned(), fault })
        }
        Ok(Err(error)) => Some(Finding::Unresolved(format!("{file}: {error}"))),
        Err(_) => Some(Finding::Unresolved(late())),
    }
}
