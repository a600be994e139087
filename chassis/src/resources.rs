use std::sync::Arc;

use crate::connect::Resolver;
use crate::{Database, Life, Mode, Redis};

/// What a service is built from besides its settings and its peers.
#[derive(Clone)]
pub struct Resources {
    /// The store of sessions and money, for those who keep any.
    pub database: Option<Database>,
    /// Shared state of replicas; absent in one process.
    pub redis: Option<Redis>,
    /// When the process ends.
    pub life: Life,
    /// What kind of place this is.
    pub mode: Mode,
    /// Who says which addresses the names of agents have.
    pub resolver: Arc<dyn Resolver>,
}
