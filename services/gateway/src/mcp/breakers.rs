//! Circuit breakers: which agents get calls, and what is known of their failures.

use std::collections::BTreeMap;

use proto::v1::{Breaker, ListBreakersRequest, RecordOutcomeRequest, SetBreakerRequest};
use serde::Serialize;

use super::argument::{Argument, Kind};
use super::call::{Call, Failure, Outcome, told};
use super::routing::AGENT_CHARACTERS_MAX;
use super::tool::{Effect, Tool};
use crate::auth::Scope;
use crate::extract::call as peer;
use crate::time::Time;

const ERROR_CHARACTERS_MAX: usize = 500;
const CLOSED: &str = "closed";
const AGENT: Argument =
    Argument::required("agent_id", Kind::Text(AGENT_CHARACTERS_MAX), "The id of the agent.");
const ERROR: Argument =
    Argument::optional("error", Kind::Text(ERROR_CHARACTERS_MAX), "What went wrong.");
const STATE: Argument =
    Argument::required("state", Kind::Text(0), "closed, open or half_open, after the call.");

pub(super) const TOOLS: [Tool; 5] = [
    Tool {
        name: "check_circuit_state",
        title: "Look at a breaker",
        about: "Says whether an agent gets calls. An agent that nobody knows has a closed breaker.",
        scope: Scope::Read,
        per_minute: None,
        effect: Effect::Nothing,
        input: &[AGENT],
        output: &[
            STATE,
            Argument::required("failure_count", Kind::Count, "Failures in a row."),
            Argument::optional("last_failure_time", Kind::Text(0), "When the last one was."),
        ],
        work: |call| Box::pin(check_state(call)),
    },
    Tool {
        name: "record_success",
        title: "Report a success",
        about: "Counts a call of an agent that went well, when it was made by somebody other than the mesh.",
        scope: Scope::Admin,
        per_minute: None,
        effect: Effect::Adds,
        input: &[AGENT],
        output: &[STATE, Argument::required("success", Kind::Flag, "Whether it was counted.")],
        work: |call| Box::pin(record_success(call)),
    },
    Tool {
        name: "record_failure",
        title: "Report a failure",
        about: "Counts a failed call of an agent, when it was made by somebody other than the mesh. Enough of them open \
            the breaker.",
        scope: Scope::Admin,
        per_minute: None,
        effect: Effect::Adds,
        input: &[AGENT, ERROR],
        output: &[
            STATE,
            Argument::required("opened", Kind::Flag, "Whether the breaker is open now."),
        ],
        work: |call| Box::pin(record_failure(call)),
    },
    Tool {
        name: "reset_circuit",
        title: "Close a breaker",
        about: "Closes an agent's breaker and forgets its failures.",
        scope: Scope::Admin,
        per_minute: Some(10),
        effect: Effect::Replaces,
        input: &[AGENT],
        output: &[
            Argument::required("success", Kind::Flag, "Whether it was done."),
            Argument::required("previous_state", Kind::Text(0), "The state before."),
        ],
        work: |call| Box::pin(reset(call)),
    },
    Tool {
        name: "get_all_states",
        title: "Look at every breaker",
        about: "Returns the state of every agent's breaker, by the id of the agent.",
        scope: Scope::Read,
        per_minute: Some(10),
        effect: Effect::Nothing,
        input: &[],
        // Its fields are named after the agents.
        output: &[],
        work: |call| Box::pin(all_states(call)),
    },
];

async fn breakers(call: &Call) -> Result<Vec<Breaker>, Failure> {
    let context = Some(call.context(None)?);
    let mut router = call.front.peers.router();
    let list = router.list_breakers(peer(ListBreakersRequest { context })).await?.into_inner();
    Ok(list.breakers)
}

async fn check_state(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Checked {
        state: String,
        failure_count: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_failure_time: Option<Time>,
    }
    let agent_id = call.given()?.text("agent_id");
    let found = breakers(&call).await?.into_iter().find(|breaker| breaker.agent_id == agent_id);
    let found = found.unwrap_or_else(|| Breaker {
        agent_id,
        state: CLOSED.to_owned(),
        ..Breaker::default()
    });
    told(&Checked {
        state: found.state,
        failure_count: found.failure_count,
        last_failure_time: found.last_failure_ms.map(Time),
    })
}

async fn record(call: &Call, success: bool) -> Result<Breaker, Failure> {
    let mut given = call.given()?;
    let request = RecordOutcomeRequest {
        context: Some(call.context(None)?),
        agent_id: given.text("agent_id"),
        success,
        error: given.text("error"),
    };
    Ok(call.front.peers.router().record_outcome(peer(request)).await?.into_inner())
}

async fn record_success(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Recorded {
        state: String,
        success: bool,
    }
    told(&Recorded { state: record(&call, true).await?.state, success: true })
}

async fn record_failure(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Recorded {
        state: String,
        opened: bool,
    }
    let state = record(&call, false).await?.state;
    let opened = state == "open";
    told(&Recorded { state, opened })
}

async fn reset(call: Call) -> Outcome {
    #[derive(Serialize)]
    struct Reset {
        success: bool,
        previous_state: String,
    }
    let agent_id = call.given()?.text("agent_id");
    let context = Some(call.context(None)?);
    let request = SetBreakerRequest { context, agent_id, action: "reset".to_owned() };
    let set = call.front.peers.router().set_breaker(peer(request)).await?.into_inner();
    told(&Reset { success: set.state == CLOSED, previous_state: set.previous_state })
}

async fn all_states(call: Call) -> Outcome {
    let found = breakers(&call).await?.into_iter();
    let states: BTreeMap<_, _> = found.map(|breaker| (breaker.agent_id, breaker.state)).collect();
    told(&states)
}
