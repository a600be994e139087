//! Facts: sentences that name something a receiver needs, and the things they name.

use std::cmp::Reverse;
use std::collections::HashMap;

use proto::v1::{Entry, KeyFact, NamedEntity};

use super::extract::{Found, Kind, extract, may_name};
use super::sentence::{Sentence, clip};
use super::value::resolve;

/// The longest fact, in characters.
const LENGTH_MAX: usize = 200;
/// The most messages that one fact names as its sources.
const SOURCES_MAX: usize = 4;

/// A thing that the historical part names.
pub(super) struct Thing<'a> {
    kind: Kind,
    text: &'a str,
    value: String,
    is_certain: bool,
    mentions: usize,
    last: usize,
}

/// A sentence that names something.
pub(super) struct Fact<'a> {
    /// The sentence it is from, as a position among all sentences.
    pub(super) sentence: usize,
    text: &'a str,
    importance: f64,
    sources: Vec<String>,
    things: Vec<usize>,
}

/// What the historical part names, and where.
pub(super) struct Knowledge<'a> {
    /// The things, first named first.
    pub(super) things: Vec<Thing<'a>>,
    /// The facts, in the order of the text.
    pub(super) facts: Vec<Fact<'a>>,
}

impl<'a> Knowledge<'a> {
    /// Reads the historical part, whose sentences are given in their order.
    pub(super) fn of(messages: &'a [Entry], sentences: &[Sentence<'a>]) -> Self {
        let mut knowledge = Self { things: Vec::new(), facts: Vec::new() };
        let mut known: HashMap<(Kind, String), usize> = HashMap::new();
        let mut told: HashMap<&str, usize> = HashMap::new();
        let mut names: Vec<(Found<'a>, usize)> = Vec::new();
        let mut next = 0;
        for (position, message) in messages.iter().enumerate() {
            let own = sentences[next..].iter().take_while(|one| one.message == position);
            for sentence in own {
                let index = next;
                next += 1;
                if !may_name(sentence.text) {
                    continue;
                }
                names.clear();
                let part = sentence.start..sentence.start + sentence.text.len();
                extract(&message.content, part, |found| {
                    let thing = knowledge.note(found, position, &mut known);
                    names.push((found, thing));
                });
                if !names.is_empty() {
                    let source = source_id(message, position);
                    knowledge.tell((index, sentence), &names, source, &mut told);
                }
            }
        }
        knowledge
    }

    fn note(
        &mut self,
        found: Found<'a>,
        position: usize,
        known: &mut HashMap<(Kind, String), usize>,
    ) -> usize {
        let (value, is_certain) = resolve(&found);
        let index = *known.entry((found.kind, value.clone())).or_insert(self.things.len());
        if index == self.things.len() {
            let (kind, text) = (found.kind, found.text);
            self.things.push(Thing { kind, text, value, is_certain, mentions: 0, last: 0 });
        }
        self.things[index].mentions += 1;
        self.things[index].last = position;
        index
    }

    fn tell(
        &mut self,
        (index, sentence): (usize, &Sentence<'a>),
        names: &[(Found<'a>, usize)],
        source: String,
        told: &mut HashMap<&'a str, usize>,
    ) {
        let first = names[0].0;
        let text = excerpt(sentence.text, first.start - sentence.start, first.text.len());
        if let Some(known) = told.get(text) {
            let sources = &mut self.facts[*known].sources;
            if sources.len() < SOURCES_MAX && !sources.contains(&source) {
                sources.push(source);
            }
            return;
        }
        told.insert(text, self.facts.len());
        let mut things: Vec<usize> = names.iter().map(|(_, thing)| *thing).collect();
        things.sort_unstable();
        things.dedup();
        let importance = importance(sentence.cues.is_stressed, things.len());
        let sources = vec![source];
        self.facts.push(Fact { sentence: index, text, importance, sources, things });
    }

    /// The things worth telling, best first: what the receiver does not see elsewhere, then what was named often, then
    /// what was named last.
    pub(super) fn ranked_things(&self, is_seen: impl Fn(&str) -> bool) -> Vec<usize> {
        let mut ranked: Vec<usize> = (0..self.things.len()).collect();
        ranked.sort_by_cached_key(|index| {
            let thing = &self.things[*index];
            let is_contact = matches!(thing.kind, Kind::Url | Kind::Person);
            (is_seen(thing.text), is_contact, Reverse(thing.mentions), Reverse(thing.last))
        });
        ranked
    }

    /// The facts worth telling, best first: those that name something not among the things told, then by importance.
    pub(super) fn ranked_facts(&self, told: &[usize]) -> Vec<&Fact<'a>> {
        let mut ranked: Vec<&Fact<'a>> = self.facts.iter().collect();
        ranked.sort_by_cached_key(|fact| {
            let is_told = fact.things.iter().all(|thing| told.contains(thing));
            (is_told, Reverse((fact.importance * 100.0) as i64), Reverse(fact.sentence))
        });
        ranked
    }
}

impl Thing<'_> {
    /// The thing as a receiver sees it.
    pub(super) fn entity(&self) -> NamedEntity {
        NamedEntity {
            name: self.text.to_owned(),
            r#type: self.kind.name().to_owned(),
            value: self.value.clone(),
            resolved: self.is_certain,
        }
    }
}

impl Fact<'_> {
    /// The words of the fact.
    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The fact as a receiver sees it.
    pub(super) fn key_fact(&self) -> KeyFact {
        KeyFact {
            fact: self.text.to_owned(),
            importance: self.importance,
            source_message_ids: self.sources.clone(),
        }
    }
}

/// The id by which a receiver may ask for a message: its position in the session.
fn source_id(message: &Entry, position: usize) -> String {
    match message.position {
        0 => position.to_string(),
        stored => stored.to_string(),
    }
}

/// Half for naming anything, more for naming much, and more for words that stress it.
fn importance(is_stressed: bool, things: usize) -> f64 {
    let named = 0.1 * things.min(4) as f64;
    let stressed = if is_stressed { 0.2 } else { 0.0 };
    ((0.4 + named + stressed) * 100.0).round() / 100.0
}

/// At most `LENGTH_MAX` characters of a sentence, with the name that makes it a fact among them.
fn excerpt(text: &str, name_start: usize, name_length: usize) -> &str {
    let beginning = clip(text, LENGTH_MAX);
    if name_start + name_length <= beginning.len() {
        return beginning.trim_end();
    }
    // Half of the room goes to what stands before the name.
    let before = text[..name_start].char_indices().rev().nth(LENGTH_MAX / 2);
    let from = before.map_or(0, |(index, _)| index);
    let from = text[from..name_start].find(' ').map_or(from, |space| from + space + 1);
    clip(&text[from..], LENGTH_MAX).trim_end()
}
