use std::ops::{Deref, DerefMut};

use chassis::Database;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection};
use tokio::sync::OwnedMutexGuard;

/// What a batch is read over, and on a server written.
#[derive(Debug)]
pub(super) enum Connection {
    /// To a server, one of many.
    Pooled(PoolConnection<Any>),
    /// To a file, the one for reading.
    Reader(OwnedMutexGuard<AnyConnection>),
}

impl Connection {
    pub(super) async fn to(database: &Database) -> Result<Self, sqlx::Error> {
        Ok(match database.pen() {
            Some(pen) => Self::Reader(pen.read().await),
            None => Self::Pooled(database.pool.acquire().await?),
        })
    }
}

impl Deref for Connection {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Reader(connection) => connection,
        }
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Reader(connection) => connection,
        }
    }
}
