//! Questions that decide and store nothing.

use chassis::fault::Fault;
use chassis::testing;
use proto::v1::{CompressRequest, ListHandoffsRequest, SelectTargetRequest, Trigger};

use crate::agent::Desk;
use crate::mesh::{Mesh, entry};
use crate::registry::Shelf;

async fn mesh() -> (Mesh, Desk) {
    let desk = Desk::plain().await;
    let mut booking = desk.definition("booking", &["booking", "calendar"]);
    booking.domains = vec!["booking".to_owned()];
    let agents = vec![booking, desk.definition("sales", &["pricing"])];
    (Mesh::start(Shelf::of(agents), testing::sqlite().await, &[]).await, desk)
}

fn topic() -> SelectTargetRequest {
    SelectTargetRequest {
        source_agent: "sales".to_owned(),
        trigger: Some(Trigger {
            r#type: "topic_boundary_crossed".to_owned(),
            to_topic: "booking".to_owned(),
            ..Trigger::default()
        }),
        language: "en".to_owned(),
        ..SelectTargetRequest::default()
    }
}

#[tokio::test]
async fn a_target_is_chosen_and_nothing_is_stored() {
    let (mesh, desk) = mesh().await;
    let choose = async |request| mesh.client.clone().select_target(request).await;
    let decision = choose(topic()).await.unwrap().into_inner();
    assert_eq!((decision.target_agent.as_str(), decision.score_millionths), ("booking", 800_000));
    let again = choose(topic()).await.unwrap().into_inner();
    assert_eq!(again, decision, "the same question has the same answer");
    let refused = SelectTargetRequest { breaker_refused: vec!["booking".to_owned()], ..topic() };
    assert_eq!(choose(refused).await.unwrap().into_inner().reason, "no_match");
    let odd = SelectTargetRequest { policy: "loose".to_owned(), ..topic() };
    let fault = Fault::of(&choose(odd).await.unwrap_err());
    assert_eq!(fault.violations[0].path, "policy");

    let all = ListHandoffsRequest { all_tenants: true, ..ListHandoffsRequest::default() };
    assert!(mesh.client.clone().list_handoffs(all).await.unwrap().into_inner().handoffs.is_empty());
    assert!(mesh.shelf.holders("booking").is_empty());
    assert!(desk.memory().methods.is_empty(), "no agent is asked");
}

#[tokio::test]
async fn a_history_is_compressed_as_asked() {
    let (mesh, _desk) = mesh().await;
    let lengths = [56, 60, 56, 36, 36, 48];
    let messages = lengths
        .iter()
        .zip(1..)
        .map(|(length, position)| entry("user", &"x".repeat(*length), position));
    let request = CompressRequest {
        messages: messages.collect(),
        strategy: "sliding_window".to_owned(),
        max_tokens: 40,
        preserve_recent: Some(2),
        ..CompressRequest::default()
    };
    let compress = async |request| mesh.client.clone().compress(request).await;
    let brief = compress(request.clone()).await.unwrap().into_inner();
    assert_eq!((brief.compressed_token_count, brief.compression_ratio), (30, 0.411));
    let default = CompressRequest { max_tokens: 0, strategy: String::new(), ..request.clone() };
    assert_eq!(compress(default).await.unwrap().into_inner().compression_method, "identity");
    for (odd, path) in [
        (CompressRequest { strategy: "zip".to_owned(), ..request.clone() }, "strategy"),
        (CompressRequest { max_tokens: -1, ..request.clone() }, "max_tokens"),
        (CompressRequest { preserve_recent: Some(-1), ..request.clone() }, "preserve_recent"),
    ] {
        let fault = Fault::of(&compress(odd).await.unwrap_err());
        assert_eq!(
            (fault.code.as_str(), fault.violations[0].path.as_str()),
            ("invalid_request", path)
        );
    }
}

#[tokio::test]
async fn a_registry_that_never_spoke_is_said_to_be_missing() {
    let shelf = Shelf::silent();
    let mesh = Mesh::start(shelf, testing::sqlite().await, &[]).await;
    let error = mesh.client.clone().select_target(topic()).await.unwrap_err();
    assert_eq!(Fault::of(&error).code, "registry_not_loaded");
}
