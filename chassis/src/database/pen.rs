//! The connection that batches are written over to an embedded file.
//!
//! It never goes back to a pool, which would ask it after every use whether it is well, on a thread of its own. Who needs
//! more than one statement sends them as one list, since each on its own is a way to that thread and back.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The one connection for batches. Who waits gets it in the order of arrival.
#[derive(Clone, Debug)]
pub struct Pen {
    nib: Arc<Mutex<Nib>>,
}

#[derive(Debug)]
struct Nib {
    connection: AnyConnection,
    /// Whether a list is being written, or was left in the middle by somebody who went away.
    is_busy: bool,
}

/// The connection, for as long as it is held.
#[derive(Debug)]
pub struct Held {
    nib: OwnedMutexGuard<Nib>,
}

impl Pen {
    pub(super) fn of(connection: AnyConnection) -> Self {
        Self { nib: Arc::new(Mutex::new(Nib { connection, is_busy: false })) }
    }

    /// Waits for the connection.
    pub async fn hold(&self) -> Held {
        let mut held = Held { nib: self.nib.clone().lock_owned().await };
        if held.nib.is_busy {
            held.forget_list().await;
        }
        held
    }
}

impl Held {
    /// Runs a list of statements that begins and commits a transaction itself: all of it or nothing.
    pub async fn all_or_nothing(
        &mut self,
        list: Query<'_, Any, AnyArguments>,
    ) -> Result<(), sqlx::Error> {
        self.nib.is_busy = true;
        let done = list.execute(&mut self.nib.connection).await;
        if done.is_err() {
            self.forget_list().await;
        }
        self.nib.is_busy = false;
        done.map(drop)
    }

    async fn forget_list(&mut self) {
        // Nothing is open when the list failed at its beginning, or at its end.
        let _ = sqlx::query("ROLLBACK").execute(&mut self.nib.connection).await;
        self.nib.is_busy = false;
    }
}

impl Deref for Held {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.nib.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.nib.connection
    }
}
