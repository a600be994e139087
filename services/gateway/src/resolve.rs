//! Which session a client's name denotes.

use proto::v1::{Context, GetSessionRequest};
use uuid::Uuid;

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
    match front.peers.router().get_session(call(request)).await {
        Ok(session) => Ok(Some(session.into_inner().session_id).filter(|id| !id.is_empty())),
        Err(status) => {
            let problem = Problem::of_status(&status);
            let is_missing = problem.code() == "session_not_found";
            // What is no id of ours cannot be somebody else's session, so it is a name that is not used yet.
            if is_missing && Uuid::try_parse(name).is_err() { Ok(None) } else { Err(problem) }
        }
    }
}
