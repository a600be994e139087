//! Which session a client's name denotes.

use proto::v1::{Context, GetSessionRequest};

use crate::extract::call;
use crate::front::Front;
use crate::problem::Problem;

/// The id of the session that the owner calls by this name; nothing when it does not exist yet. Somebody else's session
/// is a problem.
pub(crate) async fn session_of(
    front: &Front,
    context: &Context,
    name: &str,
) -> Result<Option<String>, Problem> {
    let request = GetSessionRequest {
        context: Some(context.clone()),
        session_id: name.to_owned(),
        any_owner: false,
        by_reference: true,
    };
    let session = front.peers.router().get_session(call(request)).await?.into_inner();
    Ok(Some(session.session_id).filter(|id| !id.is_empty()))
}
