use proto::v1::put_agent_request::Definition;
use proto::v1::{DeleteAgentRequest, PutAgentRequest};

use super::*;

fn put(agent_id: &str, definition: Definition) -> PutAgentRequest {
    let (agent_id, definition) = (agent_id.to_owned(), Some(definition));
    PutAgentRequest { context: None, agent_id, definition }
}

fn delete(agent_id: &str) -> DeleteAgentRequest {
    DeleteAgentRequest { agent_id: agent_id.to_owned(), ..DeleteAgentRequest::default() }
}

#[tokio::test]
async fn a_definition_is_put_and_deleted_while_others_watch() {
    let mut registry = Running::start().await;
    let mut stream = registry.watch().await;
    let first = next(&mut stream).await;
    let request = put("support", Definition::Yaml(definition("support", "")));
    let reply = registry.client.put_agent(request.clone()).await.expect("it is valid").into_inner();
    let result = reply.result.expect("a change has a result");
    assert!(reply.created && result.success);
    assert_eq!(result.generation, first.generation + 1);
    assert_eq!(ids(&next(&mut stream).await), ["front", "sales", "support"]);
    let again = registry.client.put_agent(request).await.expect("it is valid").into_inner();
    assert!(!again.created, "it is there already");

    let reply = registry.client.delete_agent(delete("support")).await.expect("it is there");
    assert_eq!(reply.into_inner().agent_ids, ["front", "sales"]);
    let result = registry.reload().await;
    assert_eq!(result.agent_ids, ["front", "sales"], "the folder says the same");
    assert_eq!(registry.list().await.generation, first.generation + 4);
}

#[tokio::test]
async fn a_change_that_breaks_a_rule_names_the_rule_and_changes_nothing() {
    let mut registry = Running::start().await;
    let before = registry.list().await;
    let many = (0..40).map(|n| format!("{}{n}: x\n", "k".repeat(900))).collect::<String>();
    let broken = put("sales", Definition::Yaml(definition("sales", &many)));
    let status = registry.client.put_agent(broken).await.expect_err("there are unknown keys");
    let told = Fault::of(&status);
    assert_eq!((told.kind, told.code.as_str()), (Kind::Invalid, "invalid_request"));
    assert_eq!(told.violations.len(), 16, "what is told is bounded");
    assert!(told.violations.iter().all(|violation| violation.message.len() <= 300));
    let status = registry.client.delete_agent(delete("front")).await.expect_err("the default");
    let told = Fault::of(&status).violations;
    assert_eq!((told.len(), told[0].path.as_str()), (1, "is_default"));
    let status = registry.client.delete_agent(delete("nobody")).await.expect_err("nobody");
    assert_eq!(code(&status), "agent_not_found");
    assert_eq!(Fault::of(&status).fields["agent_id"], "nobody");
    let status = registry.client.put_agent(PutAgentRequest::default()).await;
    assert_eq!(Fault::of(&status.expect_err("it is empty")).violations[0].path, "definition");
    assert_eq!(registry.list().await, before);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_fault_of_its_own() {
    let fault = |change: fn(std::io::Error) -> ChangeError| {
        let told = Fault::of(&Error::Change(change(std::io::ErrorKind::Other.into())).into());
        (told.kind, told.code)
    };
    assert_eq!(fault(ChangeError::ReadOnly), (Kind::Closed, "registry_read_only".to_owned()));
    let failed = (Kind::Unavailable, "dependency_unavailable".to_owned());
    assert_eq!(fault(ChangeError::Folder), failed);
}
