//! The tiers of the local model behind one trait: what each sees in a text, and what its similarities are worth.
//!
//! The static tier is the table of vectors that ships with the program. The model tier is in `sentence`.

use std::fmt;

use crate::features::Features;
use crate::vectors::{REVISION, Vectors};

/// What sees something in a text. It sees the same in equal texts, whatever it has seen before.
pub trait Tier: fmt::Debug + Send + Sync {
    /// Its name on the wire.
    fn name(&self) -> &'static str;

    /// Names what it is made of: equal revisions see the same.
    fn revision(&self) -> &str;

    /// What its similarities are worth.
    fn tuning(&self) -> Tuning;

    /// What it sees in a text.
    fn features(&self, text: &str, form: Form) -> Features;

    /// Whether that takes longer than an asynchronous thread may wait.
    fn is_slow(&self) -> bool;
}

/// How a text came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// As customers write.
    Sentence,
    /// Cut out of a definition, where nobody speaks.
    Phrase,
}

/// What the similarities of a tier are worth, found over many sets of agents (`examples/intent.rs`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// How much the lexical part counts beside the vectors.
    pub lexical: f32,
    /// How fast closeness falls off between texts: the kernel is `exp(-width (1 - similarity))`.
    pub width: f64,
    /// How sharply scores become shares, usually.
    pub sharpness: f64,
}

impl Tier for Vectors {
    fn name(&self) -> &'static str {
        "static"
    }

    fn revision(&self) -> &str {
        REVISION
    }

    fn tuning(&self) -> Tuning {
        Tuning { lexical: 0.36, width: 2.0, sharpness: 17.0 }
    }

    fn features(&self, text: &str, _form: Form) -> Features {
        Features::of(text, self)
    }

    fn is_slow(&self) -> bool {
        false
    }
}
