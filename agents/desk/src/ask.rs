//! What a desk is given to answer one message.

use jiff::Zoned;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::business::Business;
use crate::lexicon::Lexicon;
use crate::message::Message;
use crate::reply::Answer;
use crate::topic::{Desk, refer};

/// One message, what the shop knows, and what the time is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    /// The message.
    pub(crate) message: &'a Message,
    /// The shop.
    pub(crate) business: &'a Business,
    /// The words of the shop.
    pub(crate) lexicon: &'a Lexicon,
    /// The time at the shop.
    pub(crate) now: &'a Zoned,
}

impl<'a> Ask<'a> {
    /// The customer's words.
    #[must_use]
    pub(crate) fn text(&self) -> &'a str {
        self.message.raw_input.trim()
    }

    /// The day at the shop.
    #[must_use]
    pub(crate) fn today(&self) -> Date {
        self.now.date()
    }

    /// What the desk wanted back, or a fresh start when it cannot be read.
    #[must_use]
    pub(crate) fn state<T: DeserializeOwned + Default>(&self) -> T {
        serde_json::from_value(Value::Object(self.message.workflow_state.clone()))
            .unwrap_or_default()
    }

    /// The handoff under which this desk answers.
    #[must_use]
    pub(crate) fn handoff_id(&self) -> Option<String> {
        self.message.handoff.as_ref().map(|handoff| handoff.handoff_id.clone())
    }

    /// The customer's name, if the mesh knows more than an id.
    #[must_use]
    pub(crate) fn customer_name(&self) -> Option<&'a str> {
        let name = self.message.display_name.trim();
        let is_name = name.chars().any(char::is_alphabetic)
            && name.chars().all(|c| c.is_alphabetic() || " .'-\u{2019}".contains(c))
            && name.chars().any(char::is_uppercase);
        (is_name && name != self.message.employee_id && name.len() <= 60).then_some(name)
    }

    /// Passes the customer on, with what is known besides their words.
    #[must_use]
    pub(crate) fn refer(&self, desk: Desk, known: &[String]) -> Answer {
        let (content, referral) = refer(desk, self.text(), known);
        Answer { referral: Some(referral), ..Answer::new(content) }
    }
}
