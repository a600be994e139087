//! Open items, entities and key facts in fixed shares of what is left, and the most telling sentences in the rest.

use chassis::tokens::estimate;
use proto::v1::{CompressedContext, IntentSeen, KeyFact};

use super::Rest;
use super::budget::afford;
use super::facts::Knowledge;
use super::open_items::pending;
use super::sentence::{Sentence, sentences};
use super::summary::summarize;

// Shares of the rest, in tenths; the summary has what remains.
const OPEN_ITEMS_SHARE: i64 = 2;
const ENTITIES_SHARE: i64 = 2;
const FACTS_SHARE: i64 = 3;
const INTENTS_SHARE: i64 = 1;

const OPEN_ITEMS_MAX: usize = 10;
const ENTITIES_MAX: usize = 20;
const FACTS_MAX: usize = 20;
const INTENTS_MAX: usize = 5;

/// Tells what is open, what was named, what is known, and what was said.
pub(super) fn tell(rest: &Rest<'_>) -> CompressedContext {
    let sentences = sentences(rest.historical);
    let knowledge = Knowledge::of(rest.historical, &sentences);
    let is_seen = |text: &str| {
        rest.head.contains(text) || rest.recent.iter().any(|message| message.content.contains(text))
    };
    let mut left = rest.tokens;
    let mut told = vec![false; sentences.len()];

    let items = pending(rest.historical, &sentences);
    let items = items.iter().filter(|item| !is_seen(item.text()));
    let priced = items.map(|item| (item.sentence, item.open_item()));
    let cost = |(_, item): &(_, proto::v1::OpenItem)| {
        estimate(&item.description) + estimate(&item.priority)
    };
    let bought = spend(priced, cost, share(rest, OPEN_ITEMS_SHARE), OPEN_ITEMS_MAX, &mut left);
    let open_items = bought.into_iter().map(|(sentence, item)| {
        told[sentence] = true;
        item
    });
    let open_items = open_items.collect();

    let things = knowledge.ranked_things(is_seen).into_iter();
    let priced = things.map(|index| (index, knowledge.things[index].entity()));
    let cost = |(_, found): &(usize, proto::v1::NamedEntity)| {
        estimate(&found.name) + estimate(&found.r#type) + estimate(&found.value)
    };
    let bought = spend(priced, cost, share(rest, ENTITIES_SHARE), ENTITIES_MAX, &mut left);
    let (named, entities): (Vec<usize>, Vec<_>) = bought.into_iter().unzip();

    let facts = knowledge
        .ranked_facts(&named)
        .into_iter()
        .filter(|fact| !told[fact.sentence] && !is_seen(fact.text()));
    let priced: Vec<_> = facts.map(|fact| (fact.sentence, fact.key_fact())).collect();
    let cost = |(_, fact): &(usize, KeyFact)| {
        estimate(&fact.fact) + fact.source_message_ids.iter().map(|id| estimate(id)).sum::<i64>()
    };
    let bought = spend(priced, cost, share(rest, FACTS_SHARE), FACTS_MAX, &mut left);
    bought.iter().for_each(|(sentence, _)| told[*sentence] = true);
    let mut key_facts: Vec<KeyFact> = bought.into_iter().map(|(_, fact)| fact).collect();

    let intents = intents(rest);
    let cost = |seen: &IntentSeen| estimate(&seen.intent);
    let intents = spend(intents, cost, share(rest, INTENTS_SHARE), INTENTS_MAX, &mut left);

    let untold: Vec<Sentence<'_>> =
        sentences.iter().zip(&told).filter(|(_, told)| !**told).map(|(one, _)| *one).collect();
    let summary = summarize(rest.head, &untold, left);
    key_facts.retain(|fact| !summary.contains(&fact.fact));
    key_facts.sort_by(|one, other| other.importance.total_cmp(&one.importance));
    CompressedContext {
        summary,
        key_facts,
        intents,
        entities,
        open_items,
        ..CompressedContext::default()
    }
}

fn share(rest: &Rest<'_>, tenths: i64) -> i64 {
    rest.tokens * tenths / 10
}

/// Takes the first things that fit a share, at most so many, and takes their cost off what is left.
fn spend<T>(
    things: impl IntoIterator<Item = T>,
    cost: impl Fn(&T) -> i64,
    share: i64,
    most: usize,
    left: &mut i64,
) -> Vec<T> {
    let mut tokens = share.min(*left);
    let before = tokens;
    let bought = afford(things, cost, most, &mut tokens);
    *left -= before - tokens;
    bought
}

/// What users wanted, newest first, with the part of their messages that wanted it.
fn intents(rest: &Rest<'_>) -> Vec<IntentSeen> {
    let messages = rest.historical.iter().chain(rest.recent);
    let stated: Vec<&str> = messages
        .map(|message| message.intent_summary.as_str())
        .filter(|intent| !intent.is_empty())
        .collect();
    let mut seen: Vec<IntentSeen> = Vec::new();
    for intent in stated.iter().rev() {
        if INTENTS_MAX <= seen.len() {
            break;
        }
        if seen.iter().all(|known| known.intent != *intent) {
            let times = stated.iter().filter(|other| *other == intent).count();
            let confidence = (times as f64 / stated.len() as f64 * 1_000.0).round() / 1_000.0;
            let intent = (*intent).to_owned();
            seen.push(IntentSeen { intent, confidence, entities_json: String::new() });
        }
    }
    seen
}
