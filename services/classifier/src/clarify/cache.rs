//! Questions that were asked before, so that the same doubt is put in the same words.

use std::num::NonZeroUsize;
use std::sync::Mutex;

use lru::LruCache;
use sha2::{Digest as _, Sha256};

/// What makes two questions the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    candidates: Vec<String>,
    language: String,
    text: [u8; 32],
    generation: u64,
}

/// The questions asked last, each for a time.
#[derive(Debug)]
pub struct Questions {
    ttl_ms: i64,
    kept: Mutex<LruCache<Key, Kept>>,
}

#[derive(Debug)]
struct Kept {
    question: String,
    until_ms: i64,
}

impl Key {
    /// The key of a doubt about a text; the text itself is not kept.
    #[must_use]
    pub fn new(candidates: &[String], language: &str, text: &str, generation: u64) -> Self {
        Self {
            candidates: candidates.to_vec(),
            language: language.to_owned(),
            text: Sha256::digest(text).into(),
            generation,
        }
    }
}

impl Questions {
    /// An empty cache of this many questions, each kept this long.
    #[must_use]
    pub fn new(size_max: usize, ttl_ms: i64) -> Self {
        let size = NonZeroUsize::new(size_max).unwrap_or(NonZeroUsize::MIN);
        Self { ttl_ms, kept: Mutex::new(LruCache::new(size)) }
    }

    /// The question that was kept under a key.
    #[must_use]
    pub fn get(&self, key: &Key, now_ms: i64) -> Option<String> {
        let mut kept = self.lock();
        match kept.get(key) {
            Some(found) if now_ms < found.until_ms => Some(found.question.clone()),
            Some(_) => {
                kept.pop(key);
                None
            }
            None => None,
        }
    }

    /// Keeps a question.
    pub fn put(&self, key: Key, question: &str, now_ms: i64) {
        let until_ms = now_ms.saturating_add(self.ttl_ms);
        self.lock().put(key, Kept { question: question.to_owned(), until_ms });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<Key, Kept>> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str, generation: u64) -> Key {
        Key::new(&["sales".to_owned()], "en", text, generation)
    }

    #[test]
    fn a_question_is_kept_for_its_time_and_generation() {
        let questions = Questions::new(10, 1_000);
        questions.put(key("hm", 1), "What?", 5_000);
        assert_eq!(questions.get(&key("hm", 1), 5_999).as_deref(), Some("What?"));
        assert_eq!(questions.get(&key("hm", 2), 5_999), None, "another generation asks anew");
        assert_eq!(questions.get(&key("ah", 1), 5_999), None, "another text asks anew");
        assert_eq!(questions.get(&key("hm", 1), 6_000), None, "its time is over");
    }

    #[test]
    fn the_least_used_question_makes_room() {
        let questions = Questions::new(2, 1_000);
        questions.put(key("a", 1), "A?", 0);
        questions.put(key("b", 1), "B?", 0);
        assert!(questions.get(&key("a", 1), 1).is_some());
        questions.put(key("c", 1), "C?", 1);
        assert!(questions.get(&key("b", 1), 2).is_none(), "b was used least");
        assert!(questions.get(&key("a", 1), 2).is_some());
    }
}
