//! How a turn ended, as it is stored and repeated: byte for byte what its caller was told.

use proto::v1::turn_event::Event;
use proto::v1::{BudgetHeaders, Result as Answered, Scope, TurnError};
use serde::{Deserialize, Serialize};

/// The end of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It was answered, or asked back.
    Result {
        /// The body of contract section 5.4.
        body: String,
        /// What the budget headers say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<Headers>,
    },
    /// It failed.
    Error(Failed),
}

/// Why a turn failed, as its caller is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The code of the error catalogue.
    pub code: String,
    /// The fields that the error body adds, one JSON object; empty when there are none.
    #[serde(default)]
    pub fields: String,
    /// When to try again; 0 when nothing is known.
    #[serde(default)]
    pub retry_after_s: i64,
    /// Whether the same request may be run again.
    pub retryable: bool,
    /// What the budget headers say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Headers>,
}

/// The tightest budget of a turn, after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    /// The type of the scope.
    pub scope_type: String,
    /// Its key.
    pub scope_key: String,
    /// What may be spent.
    pub limit_micros: i64,
    /// What has been spent.
    pub spent_micros: i64,
    /// What is left.
    pub remaining_micros: i64,
    /// The state of the account.
    pub status: String,
    /// The cheaper model that was reserved; empty when none was.
    pub suggested_model: String,
    /// The tools that were taken away.
    pub tools_disabled: Vec<String>,
    /// What the budget warns of; empty when of nothing.
    pub warning: String,
}

impl Ending {
    /// Whether the same request runs again instead of being answered from here.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Error(failed) if failed.retryable)
    }

    /// The turn was in the hands of a router that is gone.
    #[must_use]
    pub fn interrupted() -> Self {
        let code = crate::error::INTERRUPTED.to_owned();
        Self::Error(Failed { code, retryable: true, ..Failed::default() })
    }

    /// Whether it is that of a turn whose router was gone.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Error(failed) if failed.code == crate::error::INTERRUPTED)
    }

    /// The last event of the turn.
    #[must_use]
    pub fn event(&self) -> Event {
        match self {
            Self::Result { body, budget } => Event::Result(Answered {
                body_json: body.clone(),
                budget: budget.as_ref().map(Headers::message),
            }),
            Self::Error(failed) => Event::Error(TurnError {
                code: failed.code.clone(),
                fields_json: failed.fields.clone(),
                retry_after_s: failed.retry_after_s,
                retryable: failed.retryable,
                budget: failed.budget.as_ref().map(Headers::message),
            }),
        }
    }
}

impl Headers {
    fn message(&self) -> BudgetHeaders {
        BudgetHeaders {
            scope: Some(Scope { r#type: self.scope_type.clone(), key: self.scope_key.clone() }),
            limit_micros: self.limit_micros,
            spent_micros: self.spent_micros,
            remaining_micros: self.remaining_micros,
            status: self.status.clone(),
            suggested_model: self.suggested_model.clone(),
            tools_disabled: self.tools_disabled.clone(),
            warning: self.warning.clone(),
        }
    }
}
