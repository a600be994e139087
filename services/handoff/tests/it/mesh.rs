//! The handoff service over a link, with a registry and a store of its own.

use chassis::config::Environment;
use chassis::{Database, Life, Link, Mode, Resources, clock};
use handoff::{Config, Peers};
use proto::v1::handoff_client::HandoffClient;
use proto::v1::registry_server::RegistryServer;
use proto::v1::{
    CompleteRequest, Context, Entry, GetHandoffRequest, HandoffRecord, TransferOptions,
    TransferRequest, TransferResponse, Trigger,
};
use tonic::Status;
use uuid::Uuid;

use crate::registry::Shelf;

/// A handoff service that a test talks to.
pub(crate) struct Mesh {
    /// Its registry.
    pub(crate) shelf: Shelf,
    /// Its store.
    pub(crate) database: Database,
    /// Its client.
    pub(crate) client: HandoffClient<Link>,
    /// Its end.
    pub(crate) life: Life,
}

impl Mesh {
    /// Starts the service with these settings besides those of tests.
    pub(crate) async fn start(shelf: Shelf, database: Database, settings: &[(&str, &str)]) -> Self {
        let tests = [("MESH_ENV", "test"), ("AGENT_ENDPOINT_ALLOWLIST", "127.0.0.1")];
        let mut env = Environment::of(tests.iter().chain(settings).copied());
        let config = Config::read(&mut env);
        env.finish().expect("the settings of the test are valid");
        let life = Life::new();
        let resources = Resources {
            database: Some(database.clone()),
            redis: None,
            life: life.clone(),
            mode: Mode::Test,
            resolver: chassis::connect::system(),
        };
        let registry = Link::local(RegistryServer::new(shelf.clone()));
        let server = handoff::build(&config, &resources, Peers { registry }).await.unwrap();
        Self { shelf, database, client: HandoffClient::new(Link::local(server)), life }
    }

    /// Asks for a transfer.
    pub(crate) async fn transfer(
        &self,
        request: &TransferRequest,
    ) -> Result<TransferResponse, Status> {
        let response = self.client.clone().transfer(request.clone()).await?;
        Ok(response.into_inner())
    }

    /// Says that the switch was committed.
    pub(crate) async fn complete(
        &self,
        request: &TransferRequest,
    ) -> Result<HandoffRecord, Status> {
        let request = CompleteRequest {
            context: request.context.clone(),
            handoff_id: request.handoff_id.clone(),
            session_id: request.session_id.clone(),
            agent_id: String::new(),
            slot_ttl_ms: 60_000,
        };
        Ok(self.client.clone().complete(request).await?.into_inner())
    }

    /// The record of a transfer.
    pub(crate) async fn record(&self, request: &TransferRequest) -> HandoffRecord {
        let request = GetHandoffRequest {
            context: request.context.clone(),
            handoff_id: request.handoff_id.clone(),
        };
        self.client.clone().get_handoff(request).await.unwrap().into_inner()
    }

    /// Ends the service and waits for its tasks.
    pub(crate) async fn stop(self) -> (Shelf, Database) {
        self.life.stop();
        self.life.finished().await;
        (self.shelf, self.database)
    }
}

/// A request for a specialist with these skills, from `source`, in a session of its own.
pub(crate) fn request(skills: &[&str]) -> TransferRequest {
    let suffix = Uuid::new_v4().simple().to_string();
    TransferRequest {
        context: Some(Context {
            tenant: "acme".to_owned(),
            user_id: "user-1".to_owned(),
            ..Context::default()
        }),
        handoff_id: format!("handoff-{}-{}", clock::now_ms(), &suffix[..8]),
        session_id: Uuid::new_v4().to_string(),
        source_agent: "source".to_owned(),
        trigger: Some(Trigger {
            r#type: "specialist_required".to_owned(),
            reason: "the user asks for a refund".to_owned(),
            requested_by: "agent".to_owned(),
            required_skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
            ..Trigger::default()
        }),
        language: "en".to_owned(),
        history: vec![
            entry("user", "I want my money back for order ORD-48213", 1),
            entry("agent", "Let me pass you to a colleague.", 2),
        ],
        options: Some(TransferOptions::default()),
        ..TransferRequest::default()
    }
}

/// An entry of a history.
pub(crate) fn entry(role: &str, content: &str, position: i64) -> Entry {
    Entry {
        role: role.to_owned(),
        content: content.to_owned(),
        timestamp_ms: 1_767_225_600_000 + position,
        position,
        ..Entry::default()
    }
}
