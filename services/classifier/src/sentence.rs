//! The model tier: directions of whole sentences, beside what the static tier sees.
//!
//! A sentence is always looked at by itself, so that what is seen in it depends on nothing else: equal texts have equal
//! bits on every replica and in every generation, and what a generation shares with the one before is not looked at again.

pub(crate) mod encoder;
mod network;
mod operations;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use rayon::{ThreadPool, ThreadPoolBuilder};

use self::encoder::Encoder;
use crate::features::Features;
use crate::tier::{Form, Tier, Tuning};
use crate::vectors::{REVISION, Vectors};

pub use self::encoder::Error;

/// How much the static vectors count beside the direction of the sentence.
const STATIC_SHARE: f32 = 0.2;
/// Where a phrase of a description stands in the mouth of a customer. What it looks like is the middle between this and
/// the phrase alone.
const SPOKEN: &str = "i need help with my ";

/// The sentence model with what it knows of the definitions.
pub struct Sentences {
    encoder: Encoder,
    vectors: Arc<Vectors>,
    revision: String,
    /// The directions of the texts of the definitions.
    known: RwLock<HashMap<String, Arc<[f32]>>>,
    learners: ThreadPool,
}

impl Sentences {
    /// The sentence model of a folder, beside the static vectors.
    ///
    /// # Errors
    /// When the folder holds no usable model, and why.
    pub fn load(folder: &Path, vectors: Arc<Vectors>) -> Result<Self, Error> {
        // Sentences share the cores among themselves; a sentence alone is not worth dividing.
        gemm::set_threading_threshold(usize::MAX);
        let encoder = Encoder::load(folder)?;
        // Half of the cores stay with the customers while a generation is learned.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let learners = ThreadPoolBuilder::new()
            .num_threads((cores / 2).max(1))
            .thread_name(|n| format!("learner-{n}"))
            .build()
            .expect("threads can be started when the process starts");
        let revision = format!("{}+{REVISION}", encoder.revision());
        Ok(Self { encoder, vectors, revision, known: RwLock::default(), learners })
    }

    /// Looks at the texts of a set of definitions, and forgets those of others; it ends early, and with `false`, when it
    /// is told to stop. What was seen until then is kept.
    pub fn study(&self, texts: &BTreeSet<(String, Form)>, stop: &AtomicBool) -> bool {
        let wanted: BTreeSet<String> =
            texts.iter().flat_map(|(text, form)| inputs(text, *form)).collect();
        let known = self.known();
        let missing: Vec<&String> =
            wanted.iter().filter(|text| !known.contains_key(*text)).collect();
        let look = |text: &String| {
            let direction: Arc<[f32]> = self.encoder.embed(text).into();
            (text.clone(), direction)
        };
        let seen: Vec<(String, Arc<[f32]>)> = self.learners.install(|| {
            let looked = missing
                .into_par_iter()
                .map(|text| (!stop.load(Ordering::Relaxed)).then(|| look(text)));
            looked.flatten().collect()
        });
        let is_stopped = stop.load(Ordering::Relaxed);
        let mut kept = known;
        kept.extend(seen);
        if !is_stopped {
            kept.retain(|text, _| wanted.contains(text));
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = kept;
        !is_stopped
    }

    fn known(&self) -> HashMap<String, Arc<[f32]>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The direction of a sentence: of length one, or zero throughout when the model can read nothing of it.
    #[must_use]
    pub fn direction(&self, text: &str) -> Arc<[f32]> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        known.unwrap_or_else(|| self.encoder.embed(text).into())
    }
}

impl fmt::Debug for Sentences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentences").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl Tier for Sentences {
    fn name(&self) -> &'static str {
        "model"
    }

    fn revision(&self) -> &str {
        &self.revision
    }

    fn tuning(&self) -> Tuning {
        Tuning { lexical: 0.125, width: 3.0, sharpness: 26.0 }
    }

    fn features(&self, text: &str, form: Form) -> Features {
        let directions: Vec<Arc<[f32]>> =
            inputs(text, form).iter().map(|input| self.direction(input)).collect();
        let sum = |n: usize| directions.iter().map(|direction| direction[n]).sum();
        let middle: Vec<f32> = (0..directions[0].len()).map(sum).collect();
        Features::of(text, &self.vectors).beside(middle, STATIC_SHARE)
    }

    fn is_slow(&self) -> bool {
        true
    }
}

/// What the model looks at for a text.
fn inputs(text: &str, form: Form) -> Vec<String> {
    match form {
        Form::Sentence => vec![text.to_owned()],
        Form::Phrase => vec![text.to_owned(), format!("{SPOKEN}{text}")],
    }
}
