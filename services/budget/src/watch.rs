//! The stream of events, read from the store so that every replica tells all.

use std::sync::Arc;
use std::time::Duration;

use chassis::Life;
use futures::{Stream, StreamExt as _};
use proto::v1::{self, BudgetEvent};
use tonic::Status;

use crate::store::{Store, StoredEvent};

const POLL: Duration = Duration::from_millis(200);
/// How many events one look brings.
const PAGE: i64 = 256;

/// Events of a tenant after this one, until the process ends.
pub(crate) fn events(
    store: Arc<dyn Store>,
    life: Life,
    from: (String, i64),
) -> impl Stream<Item = Result<BudgetEvent, Status>> + Send {
    futures::stream::unfold((store, life, from), |(store, life, (tenant, after))| async move {
        loop {
            match store.events(Some(&tenant), after, PAGE).await {
                Ok(events) if !events.is_empty() => {
                    let last = events.last().map_or(after, |event| event.id);
                    let page: Vec<_> = events.into_iter().map(|event| Ok(wire(event))).collect();
                    return Some((futures::stream::iter(page), (store, life, (tenant, last))));
                }
                Ok(_) => {}
                Err(error) => {
                    let page = vec![Err(Status::from(error))];
                    return Some((futures::stream::iter(page), (store, life, (tenant, after))));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = life.stopping() => return None,
            }
        }
    })
    .flatten()
}

fn wire(event: StoredEvent) -> BudgetEvent {
    BudgetEvent {
        id: event.id,
        r#type: event.kind,
        tenant: event.tenant,
        scope: Some(v1::Scope { r#type: event.scope_type, key: event.scope_key }),
        period_id: event.period_id,
        timestamp_ms: event.timestamp_ms,
        payload_json: event.payload,
    }
}
