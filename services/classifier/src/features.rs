//! What a tier sees in a text; the static one, the mean of its word-piece vectors, and its words and their character n-grams.

use crate::vectors::Vectors;
use crate::words::{fold, is_spoken, is_unspaced, words};

/// Characters of the n-grams of a word, with its edges.
const GRAM_CHARS: std::ops::RangeInclusive<usize> = 3..=5;
/// The same in scripts without spaces, where a character is nearly a word.
const GRAM_CHARS_UNSPACED: std::ops::RangeInclusive<usize> = 1..=3;
/// How much a pair of neighbouring words counts beside a word.
const PAIR_WEIGHT: f32 = 0.5;
/// Characters of a word that take part in n-grams.
const WORD_CHARS_MAX: usize = 64;
/// A text as the model compares it. Both parts are of length one, or zero when the text has nothing of the kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// The direction of the text among the vectors.
    pub dense: Box<[f32]>,
    /// Hashed words, pairs and n-grams with their weights, ascending by hash.
    pub sparse: Box<[(u32, f32)]>,
}

/// What kind of lexical feature a hash stands for.
#[derive(Clone, Copy)]
enum Kind {
    Gram = 1,
    Word = 2,
    Pair = 3,
}

impl Features {
    /// The features of a text.
    #[must_use]
    pub fn of(text: &str, vectors: &Vectors) -> Self {
        let folded = fold(text);
        let mut dense = vec![0.0; vectors.dimensions()];
        let mut sparse = Vec::new();
        let mut before: Option<(&str, f32)> = None;
        for word in words(&folded) {
            let pieces = vectors.pieces(word);
            for piece in &pieces {
                vectors.add(*piece, &mut dense);
            }
            if !is_spoken(word) {
                continue;
            }
            let weight = vectors.weight(&pieces);
            add_grams(word, weight, &mut sparse);
            sparse.push((hash(Kind::Word, &[word]), weight));
            if let Some((other, other_weight)) = before {
                let pair = PAIR_WEIGHT * weight.max(other_weight);
                sparse.push((hash(Kind::Pair, &[other, word]), pair));
            }
            before = Some((word, weight));
        }
        Self::unit(dense, sparse)
    }

    /// The same text with its vector beside another one of it, and counting `share` of what the other counts.
    #[must_use]
    pub fn beside(self, mut other: Vec<f32>, share: f32) -> Self {
        let length = dot(&other, &other).sqrt();
        if 0.0 < length {
            other.iter_mut().for_each(|x| *x /= length);
        }
        other.extend(self.dense.iter().map(|x| x * share.sqrt()));
        Self::unit(other, self.sparse.into())
    }

    /// The middle of several texts, as one row that stands for all of them.
    #[must_use]
    pub fn mean(of: &[&Self]) -> Self {
        let dimensions = of.first().map_or(0, |first| first.dense.len());
        let mut dense = vec![0.0; dimensions];
        for features in of {
            dense.iter_mut().zip(&features.dense).for_each(|(sum, x)| *sum += x);
        }
        Self::unit(dense, of.iter().flat_map(|features| features.sparse.iter().copied()).collect())
    }

    fn unit(mut dense: Vec<f32>, mut sparse: Vec<(u32, f32)>) -> Self {
        // The sort is stable, so that equal texts add equal numbers in the same order.
        sparse.sort_by_key(|(hash, _)| *hash);
        sparse.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let length = dot(&dense, &dense).sqrt();
        if 0.0 < length {
            dense.iter_mut().for_each(|x| *x /= length);
        }
        let length = sparse.iter().map(|(_, x)| x * x).sum::<f32>().sqrt();
        if 0.0 < length {
            sparse.iter_mut().for_each(|(_, x)| *x /= length);
        }
        Self { dense: dense.into(), sparse: sparse.into() }
    }
}

/// The similarity of two texts from the cosines of their two parts, the second of which counts `lexical` as much.
#[must_use]
pub fn blend(dense: f32, sparse: f32, lexical: f32) -> f32 {
    (dense + lexical * sparse) / (1.0 + lexical)
}

/// The inner product, in a fixed order of summation.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    let mut lanes = [0.0_f32; 16];
    for (a, b) in a.iter().zip(b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += x * y;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f32>() + rest
}

fn add_grams(word: &str, weight: f32, sparse: &mut Vec<(u32, f32)>) {
    let edged: String =
        std::iter::once(' ').chain(word.chars().take(WORD_CHARS_MAX)).chain([' ']).collect();
    let ends: Vec<usize> = edged.char_indices().map(|(at, _)| at).chain([edged.len()]).collect();
    let lengths = if word.chars().any(is_unspaced) { GRAM_CHARS_UNSPACED } else { GRAM_CHARS };
    let grams = || {
        lengths.clone().flat_map(|length| ends.windows(length + 1)).map(|w| (w[0], w[w.len() - 1]))
    };
    let each = weight / (grams().count().max(1) as f32).sqrt();
    for (from, to) in grams() {
        sparse.push((hash(Kind::Gram, &[&edged[from..to]]), each));
    }
}

/// FNV-1a over the kind and the parts, folded to 32 bits.
fn hash(kind: Kind, parts: &[&str]) -> u32 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut hash = step(0xcbf2_9ce4_8422_2325, kind as u8);
    for part in parts {
        hash = part.bytes().chain([0]).fold(hash, step);
    }
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(a: &str, b: &str) -> f32 {
        let vectors = Vectors::shipped().unwrap();
        let (a, b) = (Features::of(a, &vectors), Features::of(b, &vectors));
        let sparse = |hash| b.sparse.iter().find(|(h, _)| *h == hash).map_or(0.0, |(_, x)| *x);
        let lexical = a.sparse.iter().map(|(hash, x)| x * sparse(*hash)).sum();
        blend(dot(&a.dense, &b.dense), lexical, 0.36)
    }

    #[test]
    fn words_match_as_tokens_and_meanings_match_without_words() {
        let order = similarity("where is my order", "track my order");
        let border = similarity("where is my order", "where is my border");
        let parcel = similarity("where is my order", "when will the parcel arrive");
        let boat = similarity("where is my order", "how do i paint a boat");
        assert!(border < 0.9 && parcel < order, "{border} {parcel} {order}");
        assert!(boat < parcel, "{boat} {parcel}");
    }

    #[test]
    fn a_text_is_as_long_as_one_whatever_it_says() {
        let vectors = Vectors::shipped().unwrap();
        for text in ["order", "我要退款", "أين طلبي", "a b c d e f g", &"word ".repeat(2000)]
        {
            let features = Features::of(text, &vectors);
            let sparse: f32 = features.sparse.iter().map(|(_, x)| x * x).sum();
            assert!((sparse - 1.0).abs() < 1e-3, "{text}: {sparse}");
            assert!(features.sparse.is_sorted_by(|a, b| a.0 < b.0), "{text}: hashes ascend");
        }
        assert!(Features::of("?? !!", &vectors).sparse.is_empty(), "marks are no words");
    }
}
