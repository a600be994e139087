//! Answers that were given lately, so that the same call again gets the same answer.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use crate::reply::Reply;
use crate::topic::Desk;

/// How many answers are kept.
const ANSWERS_MAX: NonZeroUsize = NonZeroUsize::new(4_096).expect("4096 is not zero");

/// What makes two calls the same: the desk, the session and the request.
pub(crate) type Call = (Desk, String, String);

/// The latest answers.
#[derive(Debug)]
pub(crate) struct Memory(Mutex<LruCache<Call, Reply>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ANSWERS_MAX)))
    }
}

impl Memory {
    /// The answer that was given to a call.
    #[must_use]
    pub(crate) fn recall(&self, call: &Call) -> Option<Reply> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(call).cloned()
    }

    /// Keeps an answer and returns the one that counts: of two at the same time, the first.
    #[must_use]
    pub(crate) fn keep(&self, call: Call, reply: Reply) -> Reply {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get_or_insert(call, || reply).clone()
    }
}
