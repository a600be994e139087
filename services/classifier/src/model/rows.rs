//! The rows of a model: what the definitions say, and sentences that belong to nobody.

use std::collections::BTreeSet;

use super::Profile;
use crate::features::Features;
use crate::index::Index;
use crate::tier::{Form, Tier};
use crate::words::{fold, phrases, plain};

/// Sentences about anything and everything, one a line.
const BACKGROUND: &str = include_str!("../../vectors/background.txt");
/// The share of them that is left out because an agent may well be about it: those most similar to its rows.
const BACKGROUND_LEFT_OUT: f64 = 0.2;
/// Rows that a model has at most; the time to solve it grows with the third power.
const ROWS_MAX: usize = 1600;

/// Where a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An example of a definition.
    Example,
    /// A phrase of its description, or a skill or domain.
    Phrase,
    /// Nobody's.
    Background,
}

/// A text that is to be a row.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) source: Source,
    pub(super) text: String,
}

/// One text that the model compares with.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) agent: Option<usize>,
    pub(super) source: Source,
    pub(super) text: String,
    pub(super) features: Features,
}

impl Draft {
    /// What a tier is shown of it.
    pub(super) fn text_and_form(self) -> (String, Form) {
        let form = match self.source {
            Source::Example | Source::Background => Form::Sentence,
            Source::Phrase => Form::Phrase,
        };
        (self.text, form)
    }

    fn row(self, agent: Option<usize>, tier: &dyn Tier) -> Row {
        let source = self.source;
        let (text, form) = self.text_and_form();
        Row { agent, source, features: tier.features(&text, form), text }
    }
}

/// The rows of these definitions, ascending by agent, source and text, then the background.
pub(super) fn of(profiles: &[&Profile], tier: &dyn Tier) -> Vec<Row> {
    let quota = ROWS_MAX / profiles.len().max(1);
    let mut rows = Vec::new();
    for (agent, profile) in profiles.iter().enumerate() {
        let own = drafts(profile).into_iter().map(|draft| draft.row(Some(agent), tier));
        rows.extend(condensed(own.collect(), quota.max(1)));
    }
    let nobodys = nobodys(&rows, tier);
    rows.extend(nobodys);
    rows
}

/// What a definition says: its examples, then its phrases, each ascending.
pub(super) fn drafts(profile: &Profile) -> Vec<Draft> {
    let draft = |source: Source| move |text: String| Draft { source, text };
    let mut seen = BTreeSet::new();
    let mut examples = profile.examples.clone();
    examples.sort();
    examples.retain(|example| seen.insert(plain(&fold(example))));
    // A display name says less than it seems to: half of "Booking Desk" is furniture.
    let topics = profile.skills.iter().chain(&profile.domains);
    let mut spoken: Vec<String> = phrases(&profile.description)
        .into_iter()
        .chain(topics.map(|topic| plain(&fold(topic))))
        .collect();
    spoken.sort();
    spoken.retain(|phrase| !phrase.is_empty() && seen.insert(phrase.clone()));
    let examples = examples.into_iter().map(draft(Source::Example));
    examples.chain(spoken.into_iter().map(draft(Source::Phrase))).collect()
}

/// The sentences that belong to nobody.
pub(super) fn background() -> impl Iterator<Item = Draft> {
    BACKGROUND.lines().map(|line| Draft { source: Source::Background, text: line.to_owned() })
}

/// At most `quota` rows that stand for all of these: neighbours in the list are merged.
fn condensed(rows: Vec<Row>, quota: usize) -> Vec<Row> {
    if rows.len() <= quota {
        return rows;
    }
    rows.chunks(rows.len().div_ceil(quota))
        .map(|chunk| Row {
            features: Features::mean(&chunk.iter().map(|row| &row.features).collect::<Vec<_>>()),
            ..chunk[0].clone()
        })
        .collect()
}

fn nobodys(owned: &[Row], tier: &dyn Tier) -> Vec<Row> {
    let features: Vec<Features> = owned.iter().map(|row| row.features.clone()).collect();
    let index = Index::of(&features, tier.tuning().lexical);
    let mut rows: Vec<(f32, Row)> = background()
        .map(|draft| {
            let row = draft.row(None, tier);
            (index.similarities(&row.features).into_iter().fold(0.0, f32::max), row)
        })
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.text.cmp(&b.1.text)));
    rows.truncate((rows.len() as f64 * (1.0 - BACKGROUND_LEFT_OUT)) as usize);
    rows.sort_by(|a, b| a.1.text.cmp(&b.1.text));
    rows.into_iter().map(|(_, row)| row).collect()
}
