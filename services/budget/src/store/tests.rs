//! What the store promises, held against each engine. Two adapters on one database are two replicas.

use std::sync::Arc;

use chassis::Database;

use super::sql::SqlStore;
use super::{Filter, Spend, Store};
use crate::account::{Owner, State};
use crate::analytics::Group;
use crate::batch::Answers;
use crate::operation::samples::{charge, reserve, rules, settle};
use crate::operation::{Answer, Operation, Put, Refusal};
use crate::policy::{Definition, Policy, Scope};

mod money;
mod replicas;

fn store(database: &Database) -> SqlStore {
    SqlStore::new(database.clone(), Arc::new(rules())).unwrap()
}

/// A fresh database on each engine, and two replicas on it.
async fn replicas() -> Vec<[SqlStore; 2]> {
    let mut all = Vec::new();
    for database in chassis::testing::databases().await {
        crate::migrate(&database).await.unwrap();
        all.push([store(&database), store(&database)]);
    }
    all
}

fn scope(kind: &str, key: &str) -> Scope {
    Scope { kind: kind.to_owned(), key: key.to_owned() }
}

fn owner(kind: &str, key: &str) -> Owner {
    Owner { tenant: "t".to_owned(), scope: scope(kind, key) }
}

fn limit(kind: &str, key: &str, limit_micros: i64) -> Operation {
    let owner = owner(kind, key);
    let definition = Definition {
        scope: owner.scope.clone(),
        limit_micros,
        period: "none".to_owned(),
        policy: Policy::default(),
        version: 0,
    };
    Operation::Put(Put { owner, definition, create_only: false })
}

/// One operation in a batch of its own.
async fn one(store: &SqlStore, operation: Operation, now_ms: i64) -> Result<Answer, Refusal> {
    store.commit(&[operation], now_ms).await.unwrap().remove(0)
}

async fn is_allowed(store: &SqlStore, operation: Operation) -> bool {
    matches!(one(store, operation, 0).await, Ok(Answer::Verdict(verdict)) if verdict.ruling.is_allowed())
}

/// What is spent and held in a scope.
async fn money(store: &SqlStore, of: &Owner) -> (i64, i64) {
    let sheet = store.look(&[Operation::Look(of.clone())], 0).await.unwrap();
    let book = sheet.book(of, 0);
    (book.spent_micros, book.reserved_micros)
}

fn filter() -> Filter {
    Filter { tenant: "t".to_owned(), limit: 1_000, ..Filter::default() }
}
