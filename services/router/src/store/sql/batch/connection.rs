use std::ops::{Deref, DerefMut};

use chassis::Database;
use chassis::database::Held;
use sqlx::any::AnyArguments;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};

/// What a batch is read and written over.
#[derive(Debug)]
pub(super) enum Connection {
    /// To a server, one of many.
    Pooled(PoolConnection<Any>),
    /// To a file, the one for batches.
    Pen(Held),
}

impl Connection {
    pub(super) async fn to(database: &Database) -> Result<Self, sqlx::Error> {
        Ok(match database.pen() {
            Some(pen) => Self::Pen(pen.hold().await),
            None => Self::Pooled(database.pool.acquire().await?),
        })
    }

    /// Runs what commits by itself, all of it or nothing.
    pub(super) async fn commit(
        &mut self,
        query: Query<'_, Any, AnyArguments>,
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::Pooled(connection) => query.execute(&mut **connection).await.map(drop),
            Self::Pen(held) => held.all_or_nothing(query).await,
        }
    }
}

impl Deref for Connection {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Pen(held) => held,
        }
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Pen(held) => held,
        }
    }
}
