//! What is still to be done: wishes and promises that nothing later has answered.

use std::collections::HashSet;

use proto::v1::{Entry, OpenItem};

use super::sentence::{Sentence, clip};

/// The longest description, in characters.
const LENGTH_MAX: usize = 200;

/// A sentence that leaves something to do.
pub(super) struct Pending<'a> {
    /// The sentence it is from, as a position among all sentences.
    pub(super) sentence: usize,
    text: &'a str,
    priority: Priority,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Priority {
    High,
    Medium,
    Low,
}

/// What is pending: pressing things first, then newer ones.
pub(super) fn pending<'a>(messages: &[Entry], sentences: &[Sentence<'a>]) -> Vec<Pending<'a>> {
    let last_answer = messages.iter().rposition(|message| message.role == "agent");
    let mut said_again: HashSet<&str> = HashSet::new();
    let mut pending: Vec<Pending<'a>> = Vec::new();
    for (index, sentence) in sentences.iter().enumerate().rev() {
        let is_answered = last_answer.is_some_and(|last| sentence.message < last);
        let is_user = messages[sentence.message].role != "agent";
        if let Some(priority) = priority(sentence, is_user, is_answered) {
            let text = clip(sentence.text, LENGTH_MAX).trim_end();
            if said_again.insert(text) {
                pending.push(Pending { sentence: index, text, priority });
            }
        }
    }
    pending.sort_by_key(|item| (item.priority, std::cmp::Reverse(item.sentence)));
    pending
}

/// A question counts as answered once an agent has spoken; a wish and a promise may still be open then.
fn priority(sentence: &Sentence<'_>, is_user: bool, is_answered: bool) -> Option<Priority> {
    let cues = sentence.cues;
    let is_open = is_user && cues.is_wish || !is_user && cues.is_promise;
    let is_question = is_user && !is_answered && sentence.text.ends_with(['?', '？']);
    match (is_open, is_question) {
        (true, _) if cues.is_urgent => Some(Priority::High),
        (true, _) => Some(Priority::Medium),
        (false, true) => Some(Priority::Low),
        (false, false) => None,
    }
}

impl Pending<'_> {
    /// Its words.
    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The item as a receiver sees it.
    pub(super) fn open_item(&self) -> OpenItem {
        let priority = match self.priority {
            Priority::High => "high",
            Priority::Medium => "medium",
            Priority::Low => "low",
        };
        OpenItem { description: self.text.to_owned(), priority: priority.to_owned() }
    }
}
