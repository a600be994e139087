//! The rows that a text is compared with: vectors side by side, lexical features the other way round.

use crate::features::{Features, blend, dot};

/// Many texts, ready to be compared with one.
#[derive(Debug)]
pub struct Index {
    lexical: f32,
    dimensions: usize,
    rows: usize,
    dense: Vec<f32>,
    /// Every hash that any row has, ascending.
    hashes: Vec<u32>,
    /// Where the postings of each hash begin, and where the last ones end.
    starts: Vec<u32>,
    /// The rows that have a hash, ascending, with its weight in each.
    postings: Vec<(u32, f32)>,
}

impl Index {
    /// An index of these rows, which keep their order; lexical features count `lexical` beside the vectors.
    #[must_use]
    pub fn of(rows: &[Features], lexical: f32) -> Self {
        let dimensions = rows.first().map_or(0, |row| row.dense.len());
        let mut entries: Vec<(u32, u32, f32)> = (0_u32..)
            .zip(rows)
            .flat_map(|(n, row)| row.sparse.iter().map(move |(hash, x)| (*hash, n, *x)))
            .collect();
        entries.sort_by_key(|(hash, row, _)| (*hash, *row));
        let mut index = Self {
            lexical,
            dimensions,
            rows: rows.len(),
            dense: rows.iter().flat_map(|row| row.dense.iter().copied()).collect(),
            hashes: Vec::new(),
            starts: Vec::new(),
            postings: Vec::with_capacity(entries.len()),
        };
        for (hash, row, x) in entries {
            if index.hashes.last() != Some(&hash) {
                index.hashes.push(hash);
                index.starts.push(index.postings.len() as u32);
            }
            index.postings.push((row, x));
        }
        index.starts.push(index.postings.len() as u32);
        index
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is nothing to compare with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How similar a text is to each row, from -1 to 1.
    #[must_use]
    pub fn similarities(&self, text: &Features) -> Vec<f32> {
        let mut lexical = vec![0.0_f32; self.rows];
        for (hash, x) in &text.sparse {
            let Ok(at) = self.hashes.binary_search(hash) else { continue };
            let range = self.starts[at] as usize..self.starts[at + 1] as usize;
            for (row, y) in &self.postings[range] {
                lexical[*row as usize] += x * y;
            }
        }
        if self.dimensions == 0 {
            return lexical.into_iter().map(|sparse| blend(0.0, sparse, self.lexical)).collect();
        }
        let rows = self.dense.chunks_exact(self.dimensions);
        let blended = |(row, sparse)| blend(dot(row, &text.dense), sparse, self.lexical);
        rows.zip(lexical).map(blended).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Vectors;

    #[test]
    fn a_row_is_most_similar_to_itself() {
        let vectors = Vectors::shipped().unwrap();
        let texts = ["where is my order", "book a table", "我要退款", "how much is it"];
        let rows: Vec<Features> = texts.iter().map(|text| Features::of(text, &vectors)).collect();
        let index = Index::of(&rows, 0.36);
        assert_eq!(index.len(), texts.len());
        for (n, row) in rows.iter().enumerate() {
            let similarities = index.similarities(row);
            let best =
                (0..index.len()).max_by(|a, b| similarities[*a].total_cmp(&similarities[*b]));
            assert_eq!(best, Some(n), "{}", texts[n]);
            assert!((similarities[n] - 1.0).abs() < 1e-3, "{}", similarities[n]);
        }
    }

    #[test]
    fn an_empty_index_has_nothing_to_say() {
        let vectors = Vectors::shipped().unwrap();
        assert!(Index::of(&[], 0.36).similarities(&Features::of("hello", &vectors)).is_empty());
        assert!(Index::of(&[], 0.36).is_empty());
    }
}
