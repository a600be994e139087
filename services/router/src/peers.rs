//! The other services as the conversation engine calls them: each call with a deadline, nothing retried here.
//!
//! Calls are boxed, since the future of a generated client is large and a turn holds many of them.

use std::time::Duration;

use chassis::Link;
use chassis::link::within;
use proto::v1::budget_client::BudgetClient;
use proto::v1::classifier_client::ClassifierClient;
use proto::v1::handoff_client::HandoffClient;
use proto::v1::registry_client::RegistryClient;
use proto::v1::{
    AbortRequest, AcquireSlotRequest, AcquireSlotResponse, Classification, ClassifyRequest,
    CompleteRequest, Decision, GenerateClarificationRequest, HandoffDecision, HandoffRecord,
    ListHandoffsRequest, ReleaseRequest, ReleaseResponse, ReleaseSlotRequest, ReserveRequest,
    SelectTargetRequest, SettleRequest, SettleResponse, TransferRequest, TransferResponse,
};
use tokio::time::Instant;
use tonic::{Status, Streaming};

/// The most time for a call that a turn does not wait for agents in.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// The most time for a classification: a provider has its own limit, and falls back within it.
const CLASSIFY_LIMIT: Duration = Duration::from_secs(65);
/// The most time for a slot, which a turn can do without.
const SLOT_LIMIT: Duration = Duration::from_secs(2);

/// The services that the router calls.
#[derive(Clone, Debug)]
pub struct Peers {
    /// Text to intent.
    pub classifier: Link,
    /// Agents and their slots.
    pub registry: Link,
    /// Money.
    pub budget: Link,
    /// Transfers.
    pub handoff: Link,
}

/// A charge that was decided and is being committed.
#[derive(Debug)]
pub struct Confirmation {
    answers: Streaming<SettleResponse>,
    until: Instant,
}

impl Confirmation {
    /// Waits for the commit.
    pub async fn confirmed(mut self) -> Result<(), Status> {
        next(&mut self.answers, self.until).await.map(drop)
    }
}

async fn next<T>(answers: &mut Streaming<T>, until: Instant) -> Result<T, Status> {
    let answer = tokio::time::timeout_at(until, answers.message()).await;
    let answer = answer.map_err(|_| Status::deadline_exceeded("no answer in time"))??;
    answer.ok_or_else(|| Status::unavailable("the answer was cut off"))
}

impl Peers {
    /// What a text is about.
    pub async fn classify(&self, request: ClassifyRequest) -> Result<Classification, Status> {
        let mut client = ClassifierClient::new(self.classifier.clone());
        let answer = Box::pin(client.classify(within(request, CLASSIFY_LIMIT))).await?;
        Ok(answer.into_inner())
    }

    /// A question that tells the candidates apart.
    pub async fn question(&self, request: GenerateClarificationRequest) -> Result<String, Status> {
        let mut client = ClassifierClient::new(self.classifier.clone());
        let call = client.generate_clarification(within(request, CLASSIFY_LIMIT));
        let answer = Box::pin(call).await?;
        Ok(answer.into_inner().question)
    }

    /// Holds money for a call.
    pub async fn reserve(&self, request: ReserveRequest) -> Result<Decision, Status> {
        let mut client = BudgetClient::new(self.budget.clone());
        let answer = Box::pin(client.reserve(within(request, CALL_LIMIT))).await?;
        Ok(answer.into_inner())
    }

    /// Charges a call.
    pub async fn settle(&self, request: SettleRequest) -> Result<SettleResponse, Status> {
        let mut client = BudgetClient::new(self.budget.clone());
        let answer = Box::pin(client.settle(within(request, CALL_LIMIT))).await?;
        Ok(answer.into_inner())
    }

    /// Charges a call; the answer is what was decided, and what waits for its commit.
    pub async fn settle_early(
        &self,
        request: SettleRequest,
    ) -> Result<(SettleResponse, Confirmation), Status> {
        let mut client = BudgetClient::new(self.budget.clone());
        let until = Instant::now() + CALL_LIMIT;
        let call = client.settle_early(within(request, CALL_LIMIT));
        let mut answers = Box::pin(call).await?.into_inner();
        let decided = next(&mut answers, until).await?;
        Ok((decided, Confirmation { answers, until }))
    }

    /// Gives held money back.
    pub async fn release(&self, request: ReleaseRequest) -> Result<ReleaseResponse, Status> {
        let mut client = BudgetClient::new(self.budget.clone());
        let answer = Box::pin(client.release(within(request, CALL_LIMIT))).await?;
        Ok(answer.into_inner())
    }

    /// Takes or renews a place at an agent.
    pub async fn acquire_slot(
        &self,
        request: AcquireSlotRequest,
    ) -> Result<AcquireSlotResponse, Status> {
        let mut client = RegistryClient::new(self.registry.clone());
        let answer = Box::pin(client.acquire_slot(within(request, SLOT_LIMIT))).await?;
        Ok(answer.into_inner())
    }

    /// Gives a place at an agent back. A place that is not given back ends by itself.
    pub async fn release_slot(&self, agent_id: &str, holder: &str) {
        let request = ReleaseSlotRequest {
            agent_id: agent_id.to_owned(),
            holder: holder.to_owned(),
            ..ReleaseSlotRequest::default()
        };
        let mut client = RegistryClient::new(self.registry.clone());
        let call = client.release_slot(within(request, SLOT_LIMIT));
        if let Err(error) = Box::pin(call).await {
            tracing::warn!(agent_id, %error, "a slot was not given back");
        }
    }

    /// Who could take over, without any effect.
    pub async fn select(&self, request: SelectTargetRequest) -> Result<HandoffDecision, Status> {
        let mut client = HandoffClient::new(self.handoff.clone());
        let answer = Box::pin(client.select_target(within(request, CALL_LIMIT))).await?;
        Ok(answer.into_inner())
    }

    /// Finds somebody who takes over.
    pub async fn transfer(
        &self,
        request: TransferRequest,
        limit: Duration,
    ) -> Result<TransferResponse, Status> {
        let mut client = HandoffClient::new(self.handoff.clone());
        let answer = Box::pin(client.transfer(within(request, limit))).await?;
        Ok(answer.into_inner())
    }

    /// Says that a switch was committed.
    pub async fn complete(&self, request: CompleteRequest) -> Result<HandoffRecord, Status> {
        let mut client = HandoffClient::new(self.handoff.clone());
        let answer = Box::pin(client.complete(within(request, CALL_LIMIT))).await?;
        Ok(answer.into_inner())
    }

    /// Says that a switch will not be committed.
    pub async fn abort(&self, request: AbortRequest) -> Result<HandoffRecord, Status> {
        let mut client = HandoffClient::new(self.handoff.clone());
        let answer = Box::pin(client.abort(within(request, CALL_LIMIT))).await?;
        Ok(answer.into_inner())
    }

    /// Lists transfers.
    pub async fn handoffs(
        &self,
        request: ListHandoffsRequest,
    ) -> Result<Vec<HandoffRecord>, Status> {
        let mut client = HandoffClient::new(self.handoff.clone());
        let answer = Box::pin(client.list_handoffs(within(request, CALL_LIMIT))).await?;
        Ok(answer.into_inner().handoffs)
    }
}
