//! Why an offer brought no answer, and what that says of the candidate.

use std::time::Duration;

use chassis::backoff;
use chassis::wire::WireError;
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;

use super::{Class, Refusal};

/// How many attempts may follow the first.
const RETRIES_MAX: u32 = 3;

/// Why an offer brought no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the offer cannot be written")]
    Payload(#[from] serde_json::Error),
    #[error("the offer cannot be addressed")]
    Address(#[from] http::Error),
    #[error("the offer has {0} bytes, which is too much")]
    TooLarge(usize),
    #[error("the agent reported an error")]
    Reported,
    #[error("no MCP session, or it was lost")]
    Session,
    #[error("{}", told(.0))]
    Wire(#[from] WireError),
}

impl Failure {
    /// Whether another attempt may fare better.
    fn is_passing(&self) -> bool {
        match self {
            Self::Wire(WireError::Unconnected { is_forbidden, .. }) => !is_forbidden,
            Self::Wire(WireError::Lost { .. }) => true,
            Self::Wire(WireError::Status { code, .. }) => 500 <= *code,
            _ => false,
        }
    }

    fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::Wire(WireError::Status { retry_after_ms, .. }) => *retry_after_ms,
            _ => None,
        }
    }

    /// What it says of the candidate.
    pub(super) fn refusal(&self) -> Refusal {
        let class = match self {
            Self::Payload(_) | Self::Address(_) | Self::TooLarge(_) => Class::InvalidPayload,
            Self::Reported => Class::Unknown,
            Self::Session => Class::Unavailable,
            Self::Wire(WireError::Unconnected { .. } | WireError::Lost { .. }) => {
                Class::Unavailable
            }
            Self::Wire(WireError::Status { code, .. }) => Class::of_status(*code),
            Self::Wire(WireError::TooLarge(_) | WireError::Form | WireError::Message) => {
                Class::Unknown
            }
        };
        Refusal::new(class, self.to_string())
    }
}

/// What is said of it to others: nothing of addresses and networks.
fn told(error: &WireError) -> String {
    match error {
        WireError::Unconnected { .. } | WireError::Lost { .. } => {
            "no connection, or it was lost".to_owned()
        }
        WireError::Status { code, .. } => format!("the answer has status {code}"),
        WireError::TooLarge(_) | WireError::Form | WireError::Message => {
            "the answer cannot be read".to_owned()
        }
    }
}

impl From<ClientInitializeError> for Failure {
    fn from(error: ClientInitializeError) -> Self {
        match error {
            ClientInitializeError::TransportError { error, .. } => of_transport(&error),
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => (*fallback).into(),
            _ => Self::Session,
        }
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::TransportSend(error) => of_transport(&error),
            ServiceError::McpError(_) => Self::Reported,
            _ => Self::Session,
        }
    }
}

/// The failure of HTTP, which the errors of the library do not name as their source.
fn of_transport(error: &DynamicTransportError) -> Failure {
    match error.error.downcast_ref::<StreamableHttpError<WireError>>() {
        Some(StreamableHttpError::Client(error)) => Failure::Wire(error.clone()),
        _ => Failure::Session,
    }
}

/// Makes attempts until one brings an answer or fails for good (contract, section 21).
pub(super) async fn persist<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut retries = 0;
    loop {
        match attempt().await {
            Err(failure) if failure.is_passing() && retries < RETRIES_MAX => {
                let wait_ms = backoff::wait_ms(retries, rand::random(), failure.retry_after_ms());
                tokio::time::sleep(Duration::from_millis(wait_ms.unsigned_abs())).await;
                retries += 1;
            }
            outcome => return outcome,
        }
    }
}
