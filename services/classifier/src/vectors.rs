//! The table of static vectors: one row of 8-bit cells for each piece of the vocabulary, read where it lies in the
//! program. `vectors/distil.py` makes it; `vectors/README.md` says from what.

use std::collections::HashMap;

use crate::words::is_ideograph;

/// Names the table: the first hex digits of the sha256 of `vectors/pieces.bin`.
pub const REVISION: &str = "27e13b3b4d63";

const TABLE: &[u8] = include_bytes!("../vectors/pieces.bin");
const VOCABULARY: &str = include_str!("../vectors/vocabulary.txt");
const MAGIC: &[u8] = b"MESHVEC1";
/// A piece with this mark goes on inside a word.
const INSIDE: &str = "##";
/// Longer words are not looked up, as in the model that the vectors come from.
const WORD_CHARS_MAX: usize = 100;
/// The first piece that stands in order of frequency; those before are specials, characters and spare places.
const FIRST_RANKED: usize = 1996;
/// The rank that lone characters count as having: punctuation above all is as common as the tenth word.
const CHARACTER_RANK: usize = 9;
/// The weight of a word is `COMMON / (COMMON + p)`, with p its share of running text.
const COMMON: f64 = 5e-3;

/// What is wrong with a table of vectors.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The bytes do not begin as a table does.
    #[error("the vectors have no header")]
    Header,
    /// The bytes are fewer or more than the header promises.
    #[error("the vectors are {found} bytes rather than {expected}")]
    Length {
        /// What the header promises.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// The vocabulary names another number of pieces.
    #[error("the vocabulary has {found} pieces for {expected} vectors")]
    Vocabulary {
        /// Rows of the table.
        expected: usize,
        /// Lines of the vocabulary.
        found: usize,
    },
}

/// Vectors of word pieces and how common each word is.
#[derive(Debug)]
pub struct Vectors {
    starts: HashMap<&'static str, u32>,
    insides: HashMap<&'static str, u32>,
    piece_bytes_max: usize,
    dimensions: usize,
    scales: Box<[f32]>,
    cells: &'static [u8],
    /// One over the sum of 1 / rank over all ranked pieces.
    share_first: f64,
}

impl Vectors {
    /// The table that ships with the program.
    ///
    /// # Errors
    /// When the files in the program are not a table and its vocabulary.
    pub fn shipped() -> Result<Self, Error> {
        Self::parse(TABLE, VOCABULARY)
    }

    /// A table in the form that `distil.py` writes.
    ///
    /// # Errors
    /// When the bytes are not such a table, or the vocabulary is another one's.
    pub fn parse(table: &'static [u8], vocabulary: &'static str) -> Result<Self, Error> {
        let (magic, rest) = table.split_at_checked(MAGIC.len()).ok_or(Error::Header)?;
        let (rows, rest) = number(rest).ok_or(Error::Header)?;
        let (dimensions, rest) = number(rest).ok_or(Error::Header)?;
        if magic != MAGIC {
            return Err(Error::Header);
        }
        let expected = rows.saturating_mul(4).saturating_add(rows.saturating_mul(dimensions));
        if rest.len() != expected {
            return Err(Error::Length { expected, found: rest.len() });
        }
        let (scales, cells) = rest.split_at(rows * 4);
        let scales = scales.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let pieces: Vec<&'static str> = vocabulary.lines().collect();
        if pieces.len() != rows {
            return Err(Error::Vocabulary { expected: rows, found: pieces.len() });
        }
        let numbered = || pieces.iter().copied().zip(0_u32..);
        let is_special = |piece: &str| 2 < piece.len() && piece.starts_with('[');
        let ranked = rows.saturating_sub(FIRST_RANKED).max(1);
        let harmonic: f64 = (1..=ranked).map(|rank| 1.0 / rank as f64).sum();
        Ok(Self {
            starts: numbered().filter(|(p, _)| !p.starts_with(INSIDE) && !is_special(p)).collect(),
            insides: numbered().filter_map(|(p, n)| Some((p.strip_prefix(INSIDE)?, n))).collect(),
            piece_bytes_max: pieces.iter().map(|piece| piece.len()).max().unwrap_or(0),
            dimensions,
            scales,
            cells,
            share_first: 1.0 / harmonic,
        })
    }

    /// The numbers of a vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The pieces of a folded word; none when the vocabulary cannot spell it.
    #[must_use]
    pub fn pieces(&self, word: &str) -> Vec<u32> {
        if WORD_CHARS_MAX < word.chars().count() {
            return Vec::new();
        }
        let mut pieces = Vec::new();
        for part in parts(word) {
            pieces.extend(self.spell(part).unwrap_or_default());
        }
        pieces
    }

    /// Adds the vector of a piece to a sum.
    pub fn add(&self, piece: u32, sum: &mut [f32]) {
        let row = piece as usize;
        let scale = self.scales[row];
        let cells = &self.cells[row * self.dimensions..][..self.dimensions];
        for (sum, cell) in sum.iter_mut().zip(cells) {
            *sum += scale * f32::from(cell.cast_signed());
        }
    }

    /// How much a word of these pieces says: near 1 for a rare one, near 0 for the most common ones.
    #[must_use]
    pub fn weight(&self, pieces: &[u32]) -> f32 {
        let [piece] = pieces else { return 1.0 };
        let rank = (*piece as usize).checked_sub(FIRST_RANKED).unwrap_or(CHARACTER_RANK);
        let share = self.share_first / (rank + 1) as f64;
        (COMMON / (COMMON + share)) as f32
    }

    /// Longest piece first.
    fn spell(&self, word: &str) -> Option<Vec<u32>> {
        let mut pieces = Vec::new();
        let mut rest = word;
        while !rest.is_empty() {
            let known = if pieces.is_empty() { &self.starts } else { &self.insides };
            let longest = rest.floor_char_boundary(self.piece_bytes_max);
            let (length, piece) = (1..=longest)
                .rev()
                .filter(|end| rest.is_char_boundary(*end))
                .find_map(|end| Some((end, *known.get(&rest[..end])?)))?;
            pieces.push(piece);
            rest = &rest[length..];
        }
        Some(pieces)
    }
}

/// A word of ideographs falls into its characters.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split_inclusive(is_ideograph).flat_map(|run| {
        let last = run.char_indices().next_back().filter(|(_, c)| is_ideograph(*c));
        let (before, ideograph) = run.split_at(last.map_or(run.len(), |(at, _)| at));
        [before, ideograph].into_iter().filter(|part| !part.is_empty())
    })
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number) as usize, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_spells_words_by_their_longest_pieces() {
        let vectors = Vectors::shipped().unwrap();
        assert_eq!(vectors.dimensions(), 256);
        assert_eq!(vectors.pieces("order").len(), 1, "a word of the vocabulary is one piece");
        assert_eq!(vectors.pieces("reschedule").len(), 3, "an unknown word falls into pieces");
        assert_eq!(vectors.pieces("大人").len(), 2, "an ideograph is a word");
        assert!(vectors.pieces("🦀").is_empty(), "what cannot be spelled has no piece");
        assert!(vectors.pieces(&"a".repeat(101)).is_empty(), "a word has a longest length");
    }

    #[test]
    fn the_revision_names_the_shipped_table() {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(TABLE);
        let digits: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, REVISION);
    }

    #[test]
    fn a_common_word_weighs_less_than_a_rare_one() {
        let vectors = Vectors::shipped().unwrap();
        let weight = |word| vectors.weight(&vectors.pieces(word));
        assert!(weight("the") < weight("order"));
        assert!(weight("order") < weight("refund"));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(Vectors::parse(b"", "").unwrap_err(), Error::Header);
        assert_eq!(Vectors::parse(b"NOVECTOR\0\0\0\0\0\0\0\0", "").unwrap_err(), Error::Header);
        let short = b"MESHVEC1\x01\0\0\0\x02\0\0\0\0\0\0\0\0";
        assert_eq!(
            Vectors::parse(short, "a\n").unwrap_err(),
            Error::Length { expected: 6, found: 5 }
        );
        let other = b"MESHVEC1\x01\0\0\0\x02\0\0\0\0\0\0\0\0\0";
        assert_eq!(
            Vectors::parse(other, "").unwrap_err(),
            Error::Vocabulary { expected: 1, found: 0 }
        );
    }
}
