//! Open items, entities and key facts in fixed shares of what is left, and the most telling sentences in the rest.

use memchr::memmem;
use proto::v1::{CompressedContext, IntentSeen};

use super::Rest;
use super::budget::{Purse, Share};
use super::facts::Knowledge;
use super::open_items::pending;
use super::sentence::{Sentence, sentences};
use super::summary::summarize;

// The summary has what remains.
const OPEN_ITEMS: Share = Share { tenths: 2, most: 10 };
const ENTITIES: Share = Share { tenths: 2, most: 20 };
const FACTS: Share = Share { tenths: 3, most: 20 };
const INTENTS: Share = Share { tenths: 1, most: 5 };

/// Tells what is open, what was named, what is known, and what was said.
pub(super) fn tell(rest: &Rest<'_>) -> CompressedContext {
    let sentences = sentences(rest.historical);
    let knowledge = Knowledge::of(rest.historical, &sentences);
    // What is looked for is within one line.
    let seen = std::iter::once(rest.head);
    let seen = seen.chain(rest.recent.iter().map(|message| message.content.as_str()));
    let seen = seen.collect::<Vec<_>>().join("\n");
    let is_seen = |text: &str| memmem::find(seen.as_bytes(), text.as_bytes()).is_some();
    let mut purse = Purse::of(rest.tokens);
    let mut is_told = vec![false; sentences.len()];

    let items = pending(rest.historical, &sentences);
    let items = items.iter().filter(|item| !is_seen(item.text()));
    let items = purse.buy(items.map(|item| (item.sentence, item.open_item())), OPEN_ITEMS);
    items.iter().for_each(|(sentence, _)| is_told[*sentence] = true);

    let things = knowledge.ranked_things(is_seen).into_iter();
    let things = purse.buy(things.map(|index| (index, knowledge.things[index].entity())), ENTITIES);
    let (named, entities): (Vec<usize>, Vec<_>) = things.into_iter().unzip();

    let facts = knowledge.ranked_facts(&named).into_iter();
    let facts = facts.filter(|fact| !is_told[fact.sentence] && !is_seen(fact.text()));
    let facts = purse.buy(facts.map(|fact| (fact.sentence, fact.key_fact())), FACTS);
    facts.iter().for_each(|(sentence, _)| is_told[*sentence] = true);

    let intents = purse.buy(intents(rest).into_iter().enumerate(), INTENTS);
    let untold = sentences.iter().zip(&is_told).filter(|(_, is_told)| !**is_told);
    let untold: Vec<Sentence<'_>> = untold.map(|(sentence, _)| *sentence).collect();
    let summary = summarize(rest.head, &untold, purse.left);
    // Two sentences may be equal, and one may be part of another.
    let facts =
        facts.into_iter().map(|(_, fact)| fact).filter(|fact| !summary.contains(&fact.fact));
    let mut key_facts: Vec<_> = facts.collect();
    key_facts.sort_by(|one, other| other.importance.total_cmp(&one.importance));
    CompressedContext {
        summary,
        key_facts,
        intents: intents.into_iter().map(|(_, seen)| seen).collect(),
        entities,
        open_items: items.into_iter().map(|(_, item)| item).collect(),
        ..CompressedContext::default()
    }
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
        if INTENTS.most <= seen.len() {
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
