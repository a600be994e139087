//! Transfers from the request to the end, on both engines.

use chassis::fault::Fault;
use chassis::testing;
use proto::v1::{AbortRequest, ListHandoffsRequest, TransferRequest, TransferResponse};

use crate::agent::Desk;
use crate::mesh::{Mesh, request};
use crate::registry::Shelf;

/// Runs a scenario on both engines: `source` gives work away, `refunds` fits best, `orders` less, `default-agent` not.
async fn on_both(scenario: impl AsyncFn(Mesh)) {
    for database in testing::databases().await {
        let desk = Desk::plain().await;
        let mut refunds = desk.definition("refunds", &["refunds", "billing"]);
        refunds.max_concurrent_sessions = Some(2);
        let agents = vec![
            desk.definition("default-agent", &["greeting"]),
            desk.definition("orders", &["refunds", "orders", "tracking", "returns"]),
            refunds,
            desk.definition("source", &["sales"]),
        ];
        let mesh = Mesh::start(Shelf::of(agents), database, &[]).await;
        scenario(mesh).await;
    }
}

fn excluding(request: &TransferRequest, agents: &[&str]) -> TransferRequest {
    let exclude = agents.iter().map(|agent| (*agent).to_owned()).collect();
    TransferRequest { exclude, ..request.clone() }
}

fn rejected(response: &TransferResponse) -> Vec<(&str, &str)> {
    let pairs = response.rejections.iter();
    pairs.map(|one| (one.agent_id.as_str(), one.class.as_str())).collect()
}

#[tokio::test]
async fn a_handoff_gives_the_session_the_slot_of_the_receiver() {
    on_both(async |mesh| {
        let request = request(&["refunds", "billing"]);
        mesh.shelf.occupy("source", &request.session_id);
        let response = mesh.transfer(&request).await.unwrap();
        assert_eq!(response.accepted_agent, "refunds");
        assert_eq!(response.state, "accepted");
        let decision = response.decision.unwrap();
        assert_eq!(
            (decision.r#type.as_str(), decision.target_agent.as_str()),
            ("primary", "refunds")
        );
        assert_eq!(decision.alternatives[0].agent_id, "orders");
        assert_eq!(decision.candidates.len(), 3, "all but the source are candidates");
        let brief = response.brief.unwrap();
        assert_eq!(brief.compression_method, "identity");
        assert_eq!(brief.recent_messages, request.history, "short histories travel byte for byte");
        assert_eq!(mesh.shelf.holders("refunds"), [request.handoff_id.as_str()]);
        assert_eq!(mesh.record(&request).await.state, "accepted");

        let record = mesh.complete(&request).await.unwrap();
        assert_eq!((record.state.as_str(), record.to_agent.as_str()), ("completed", "refunds"));
        assert_eq!(mesh.shelf.holders("refunds"), [request.session_id.as_str()]);
        assert!(mesh.shelf.holders("source").is_empty(), "the source's slot is free");
        assert_eq!(mesh.complete(&request).await.unwrap(), record, "completing is idempotent");
    })
    .await;
}

#[tokio::test]
async fn a_repeat_is_answered_from_the_store_and_a_larger_exclude_goes_on() {
    on_both(async |mesh| {
        let request = request(&["refunds", "billing"]);
        let first = mesh.transfer(&request).await.unwrap();
        assert_eq!(mesh.transfer(&request).await.unwrap(), first);

        let second = mesh.transfer(&excluding(&request, &["refunds"])).await.unwrap();
        assert_eq!(second.accepted_agent, "orders");
        assert!(second.rejections.is_empty(), "the caller knows why the first one is out");
        assert!(
            mesh.shelf.holders("refunds").is_empty(),
            "the lease of the first one is given back"
        );
        assert_eq!(mesh.shelf.holders("orders"), [request.handoff_id.as_str()]);
        assert_eq!(mesh.transfer(&excluding(&request, &["refunds"])).await.unwrap(), second);

        let everyone = excluding(&request, &["refunds", "orders", "default-agent"]);
        let last = mesh.transfer(&everyone).await.unwrap();
        assert_eq!((last.accepted_agent.as_str(), last.state.as_str()), ("", "rejected"));
        assert_eq!(last.decision.as_ref().unwrap().reason, "all_rejected");
        assert!(mesh.shelf.holders("orders").is_empty());
        assert_eq!(mesh.transfer(&everyone).await.unwrap(), last);
        assert_eq!(code(mesh.complete(&request).await.unwrap_err()), "idempotency_conflict");
    })
    .await;
}

#[tokio::test]
async fn a_full_agent_is_passed_over() {
    on_both(async |mesh| {
        mesh.shelf.occupy("refunds", "a");
        mesh.shelf.occupy("refunds", "b");
        let response = mesh.transfer(&request(&["refunds", "billing"])).await.unwrap();
        assert_eq!(response.accepted_agent, "orders");
        assert_eq!(rejected(&response), [("refunds", "overloaded")]);
        assert_eq!(mesh.shelf.holders("refunds"), ["a", "b"]);
    })
    .await;
}

#[tokio::test]
async fn parallel_handoffs_never_exceed_a_capacity() {
    on_both(async |mesh| {
        let requests: Vec<_> = (0..10).map(|_| request(&["refunds", "billing"])).collect();
        let asked = requests.iter().map(|request| mesh.transfer(request));
        let answers = futures::future::try_join_all(asked).await.unwrap();
        let taken = answers.iter().filter(|answer| answer.accepted_agent == "refunds").count();
        assert_eq!(taken, 2, "the agent has two slots");
        assert_eq!(mesh.shelf.holders("refunds").len(), 2);
    })
    .await;
}

#[tokio::test]
async fn repeats_at_the_same_time_end_at_one_agent() {
    on_both(async |mesh| {
        let request = request(&["refunds", "billing"]);
        let asked = (0..5).map(|_| mesh.transfer(&request));
        let answers = futures::future::join_all(asked).await;
        for answer in answers {
            match answer {
                Ok(answer) => assert_eq!(answer.accepted_agent, "refunds"),
                Err(error) => assert_eq!(code(error), "version_conflict"),
            }
        }
        assert_eq!(mesh.shelf.holders("refunds"), [request.handoff_id.as_str()]);
        assert_eq!(mesh.transfer(&request).await.unwrap().accepted_agent, "refunds");
    })
    .await;
}

#[tokio::test]
async fn an_aborted_handoff_gives_its_lease_back() {
    on_both(async |mesh| {
        let request = request(&["refunds", "billing"]);
        mesh.transfer(&request).await.unwrap();
        let abort = AbortRequest {
            context: request.context.clone(),
            handoff_id: request.handoff_id.clone(),
            reason: "the turn was cancelled".to_owned(),
        };
        let record = mesh.client.clone().abort(abort.clone()).await.unwrap().into_inner();
        assert_eq!(
            (record.state.as_str(), record.reason.as_str()),
            ("aborted", "the turn was cancelled")
        );
        assert!(mesh.shelf.holders("refunds").is_empty());
        assert_eq!(mesh.client.clone().abort(abort.clone()).await.unwrap().into_inner(), record);
        assert_eq!(code(mesh.complete(&request).await.unwrap_err()), "idempotency_conflict");
        assert_eq!(mesh.transfer(&request).await.unwrap().accepted_agent, "");
    })
    .await;
}

#[tokio::test]
async fn what_nobody_can_take_is_rejected_for_good() {
    on_both(async |mesh| {
        let mut request = request(&["refunds", "billing"]);
        request.exclude = ["refunds", "orders", "default-agent"].map(str::to_owned).to_vec();
        let response = mesh.transfer(&request).await.unwrap();
        let decision = response.decision.unwrap();
        assert_eq!((decision.r#type.as_str(), decision.reason.as_str()), ("fallback", "no_match"));
        assert_eq!(response.state, "rejected");
        assert_eq!(mesh.record(&request).await.state, "rejected");
    })
    .await;
}

#[tokio::test]
async fn nobody_sees_the_handoffs_of_others() {
    on_both(async |mesh| {
        let request = request(&["refunds", "billing"]);
        mesh.transfer(&request).await.unwrap();
        let mut foreign = request.clone();
        foreign.context.as_mut().unwrap().tenant = "other".to_owned();
        assert_eq!(code(mesh.transfer(&foreign).await.unwrap_err()), "idempotency_conflict");
        assert_eq!(code(mesh.complete(&foreign).await.unwrap_err()), "handoff_not_found");
        let list = async |context, all_tenants| {
            let asked = ListHandoffsRequest { context, all_tenants, ..Default::default() };
            mesh.client.clone().list_handoffs(asked).await.unwrap().into_inner().handoffs
        };
        assert!(list(foreign.context.clone(), false).await.is_empty());
        assert_eq!(list(foreign.context, true).await.len(), 1);
        assert_eq!(list(request.context, false).await[0].handoff_id, request.handoff_id);
    })
    .await;
}

#[tokio::test]
async fn the_source_may_be_nobody() {
    on_both(async |mesh| {
        let mut request = request(&["refunds", "billing"]);
        request.source_agent.clear();
        assert_eq!(mesh.transfer(&request).await.unwrap().accepted_agent, "refunds");
        assert_eq!(mesh.complete(&request).await.unwrap().state, "completed");
        assert_eq!(mesh.shelf.holders("refunds"), [request.session_id]);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_told_which() {
    on_both(async |mesh| {
        let mut odd = request(&["refunds"]);
        odd.trigger.as_mut().unwrap().r#type = "boredom".to_owned();
        let fault = Fault::of(&mesh.transfer(&odd).await.unwrap_err());
        assert_eq!(
            (fault.code.as_str(), fault.violations[0].path.as_str()),
            ("invalid_request", "trigger")
        );
        let mut odd = request(&["refunds"]);
        odd.options.as_mut().unwrap().strategy = "zip".to_owned();
        assert_eq!(code(mesh.transfer(&odd).await.unwrap_err()), "invalid_request");
        let missing = mesh.complete(&request(&["refunds"])).await.unwrap_err();
        assert_eq!(code(missing), "handoff_not_found");
    })
    .await;
}

/// The stable code of a status.
pub(crate) fn code(status: tonic::Status) -> String {
    Fault::of(&status).code
}
