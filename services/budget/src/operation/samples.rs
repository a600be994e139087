//! Operations as the tests of several parts need them.

use super::{Operation, Reserve, Settle};
use crate::account::Charge;
use crate::policy::Scope;
use crate::pricing::{Prices, Unknown};
use crate::rules::Rules;

pub(crate) fn rules() -> Rules {
    Rules {
        prices: Prices::default(),
        unknown: Unknown::MaxKnownPrice,
        default_estimate_micros: 50_000,
        output_ratio: 500_000,
        max_actual_micros: 100_000_000,
    }
}

pub(crate) fn charge(id: &str) -> Charge {
    Charge { tenant: "t".to_owned(), id: id.to_owned() }
}

/// Holds an amount for a second.
pub(crate) fn reserve(id: &str, scopes: &[Scope], micros: i64) -> Operation {
    Operation::Reserve(Reserve {
        charge: charge(id),
        scopes: scopes.to_vec(),
        model: String::new(),
        input_tokens: 0,
        max_output_tokens: None,
        per_call_micros: None,
        estimate_micros: Some(micros),
        tools: Vec::new(),
        ttl_ms: 1_000,
        user_id: "ann".to_owned(),
        agent_id: "desk".to_owned(),
    })
}

pub(crate) fn settle(id: &str, micros: i64) -> Operation {
    Operation::Settle(Settle {
        charge: charge(id),
        actual_micros: Some(micros),
        usage: None,
        estimated: false,
        unreserved: false,
        scopes: Vec::new(),
        per_call_micros: None,
        user_id: String::new(),
        agent_id: String::new(),
    })
}
