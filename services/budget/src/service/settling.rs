//! What a settle is answered with.

use futures::future::ready;
use futures::stream::{self, BoxStream, StreamExt as _};
use futures::{Future, FutureExt as _};
use proto::v1::SettleResponse;
use tokio::sync::oneshot;
use tonic::Status;

use crate::Error;
use crate::convert;
use crate::operation::Answer;

/// The answer after the commit.
pub(super) fn committed(answer: Answer) -> Result<SettleResponse, Status> {
    let response = decided(answer)?;
    Ok(SettleResponse { is_committed: true, ..response })
}

/// The answer when it is decided, and the one after the commit; a refusal comes once.
pub(super) fn both(
    (early, late): (
        oneshot::Receiver<Answer>,
        impl Future<Output = Result<Answer, Error>> + Send + 'static,
    ),
) -> BoxStream<'static, Result<SettleResponse, Status>> {
    let early = early.map(|answer| answer.ok().map(decided));
    let late = late.map(|answer| committed(answer?));
    stream::once(early).filter_map(ready).chain(stream::once(late)).boxed()
}

fn decided(answer: Answer) -> Result<SettleResponse, Status> {
    let Answer::Settled { state, actual_micros, estimated, books, .. } = answer else {
        return Err(Status::internal("a settle was answered as something else"));
    };
    Ok(SettleResponse {
        state: state.name().to_owned(),
        actual_micros,
        estimated,
        scopes: convert::states(&books),
        is_committed: false,
    })
}
