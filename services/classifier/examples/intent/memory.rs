//! A tier that looks at each text once: the draws share their texts, and a sentence takes milliseconds.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use classifier::features::Features;
use classifier::sentence::Sentences;
use classifier::tier::{Form, Tier, Tuning};

/// A tier with what it has seen.
#[derive(Debug)]
pub(crate) struct Memory {
    tier: Arc<dyn Tier>,
    sentences: Option<Arc<Sentences>>,
    seen: Mutex<HashMap<(String, Form), Features>>,
}

impl Memory {
    pub(crate) fn of(tier: Arc<dyn Tier>) -> Self {
        Self { tier, sentences: None, seen: Mutex::default() }
    }

    pub(crate) fn of_sentences(sentences: Sentences) -> Self {
        let sentences = Arc::new(sentences);
        Self { sentences: Some(sentences.clone()), ..Self::of(sentences) }
    }

    /// Looks at the texts of definitions as a running classifier does.
    pub(crate) fn study(&self, texts: &BTreeSet<(String, Form)>) {
        if let Some(sentences) = &self.sentences {
            sentences.study(texts, &AtomicBool::new(false));
        }
    }

    /// Makes it see everything anew.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.study(&BTreeSet::new());
    }
}

impl Tier for Memory {
    fn name(&self) -> &'static str {
        self.tier.name()
    }

    fn revision(&self) -> &str {
        self.tier.revision()
    }

    fn tuning(&self) -> Tuning {
        self.tier.tuning()
    }

    fn features(&self, text: &str, form: Form) -> Features {
        let key = (text.to_owned(), form);
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        seen.unwrap_or_else(|| {
            let features = self.tier.features(text, form);
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(key, features.clone());
            features
        })
    }

    fn is_slow(&self) -> bool {
        self.tier.is_slow()
    }
}
