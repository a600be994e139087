//! Ranked retrieval: which sections of the shop's pages answer a question (BM25), and how much of it they cover.

use std::collections::{HashMap, HashSet};

use crate::business::pages::Section;
use crate::words::topic_stems;

/// How quickly repetition stops to matter.
const SATURATION: f64 = 1.2;
/// How much long sections are held back.
const LENGTH_WEIGHT: f64 = 0.6;
/// What a word in the heading counts for, in words of the text.
const HEADING: f64 = 3.0;
/// What one of the owner's extra words counts for.
const ALSO: f64 = 2.0;
/// What a word in the title of the page counts for.
const PAGE: f64 = 1.0;

/// A section that answers a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    /// Its place in the list that the index was built from.
    pub(crate) section: usize,
    /// The BM25 score; comparable within one question only.
    pub(crate) score: f64,
    /// The share of the question's information that the section contains, 0..1. A word that no section knows counts
    /// as the rarest.
    pub(crate) coverage: f64,
}

/// An index over sections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    postings: HashMap<String, Vec<(usize, f64)>>,
    lengths: Vec<f64>,
    mean_length: f64,
}

impl Index {
    /// Indexes the sections.
    #[must_use]
    pub(crate) fn new(sections: &[Section]) -> Self {
        let mut index = Self::default();
        for (number, section) in sections.iter().enumerate() {
            let weights = weights(section);
            index.lengths.push(weights.values().sum());
            for (stem, weight) in weights {
                index.postings.entry(stem).or_default().push((number, weight));
            }
        }
        let count = index.lengths.len().max(1) as f64;
        index.mean_length = (index.lengths.iter().sum::<f64>() / count).max(1.0);
        index
    }

    /// The sections that share a word with the question, best first; ties in the order of the pages.
    #[must_use]
    pub(crate) fn search(&self, question: &str) -> Vec<Hit> {
        let stems: HashSet<String> = topic_stems(question).into_iter().collect();
        let all: f64 = stems.iter().map(|stem| self.rarity(stem)).sum();
        let mut hits: HashMap<usize, Hit> = HashMap::new();
        let mut stems: Vec<_> = stems.into_iter().collect();
        stems.sort();
        for stem in &stems {
            let rarity = self.rarity(stem);
            for &(section, weight) in self.postings.get(stem).into_iter().flatten() {
                let hit = hits.entry(section).or_insert(Hit { section, score: 0.0, coverage: 0.0 });
                hit.score += rarity * self.saturated(weight, section);
                hit.coverage += rarity / all;
            }
        }
        let mut hits: Vec<_> = hits.into_values().collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.section.cmp(&b.section)));
        hits
    }

    fn rarity(&self, stem: &str) -> f64 {
        let count = self.lengths.len() as f64;
        let with = self.postings.get(stem).map_or(0, Vec::len) as f64;
        (1.0 + (count - with + 0.5) / (with + 0.5)).ln()
    }

    fn saturated(&self, weight: f64, section: usize) -> f64 {
        let length = self.lengths[section] / self.mean_length;
        let held_back = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length);
        weight * (SATURATION + 1.0) / (weight + held_back)
    }
}

fn weights(section: &Section) -> HashMap<String, f64> {
    let mut weights = HashMap::new();
    let fields = [
        (&section.body, 1.0),
        (&section.heading, HEADING),
        (&section.also, ALSO),
        (&section.page, PAGE),
    ];
    for (text, weight) in fields {
        for stem in topic_stems(text) {
            *weights.entry(stem).or_insert(0.0) += weight;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::{Index, Section};

    fn section(heading: &str, body: &str, also: &str) -> Section {
        let own = str::to_owned;
        Section { page: own("Shop"), heading: own(heading), body: own(body), also: own(also) }
    }

    #[test]
    fn the_section_about_the_question_comes_first() {
        let sections = [
            section("When a refund arrives", "Two working days to your card.", "money back"),
            section("Returning something", "Within 30 days of delivery.", "send back"),
            section("Parking", "There is a car park.", ""),
        ];
        let index = Index::new(&sections);
        for (question, expected) in [
            ("how long do refunds take", 0),
            ("I want my money back", 0),
            ("can I return this", 1),
            ("where can I park the car", 2),
        ] {
            let hits = index.search(question);
            assert_eq!(hits.first().map(|hit| hit.section), Some(expected), "{question}");
        }
    }

    #[test]
    fn coverage_tells_what_is_not_known() {
        let index = Index::new(&[
            section("Refunds", "Two working days.", ""),
            section("Parking", "At the door.", ""),
        ]);
        let known = index.search("refunds")[0].coverage;
        let partly = index.search("refunds for spaceship insurance")[0].coverage;
        assert!(0.99 < known, "{known}");
        assert!(partly < 0.4, "{partly}");
        assert!(index.search("spaceship insurance").is_empty());
        assert!(index.search("").is_empty());
    }
}
