//! Every message is one turn and stands in one session once, with the answer that its user was given.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::evidence::{Entry, Evidence, Turn};
use crate::user::Story;

const TURN: &str = "a message is one turn";
const ENTRY: &str = "a message stands in one history once";
const ANSWER: &str = "an answer stands in the history once";
const STALE: &str = "only the last attempt of a turn writes";

pub(super) async fn check(evidence: &Evidence) -> anyhow::Result<Vec<Violation>> {
    let (turns, entries) = (evidence.turns().await?, evidence.entries().await?);
    let mut by_request: BTreeMap<&str, (Vec<&Turn>, Vec<&Entry>)> = BTreeMap::new();
    for turn in &turns {
        by_request.entry(&turn.request_id).or_default().0.push(turn);
    }
    for entry in &entries {
        by_request.entry(&entry.request_id).or_default().1.push(entry);
    }
    let mut found = Vec::new();
    for story in &evidence.stories {
        let kept = by_request.remove(story.message.request_id.as_str()).unwrap_or_default();
        found.extend(compare(story, &kept.0, &kept.1));
    }
    let unknown = by_request.into_keys();
    found.extend(unknown.map(|id| Violation::of(TURN, format!("{id}: nobody asked for it"))));
    found.extend(strays(&turns, &entries));
    Ok(found)
}

fn compare(story: &Story, turns: &[&Turn], entries: &[&Entry]) -> Option<Violation> {
    let request_id = &story.message.request_id;
    let [turn] = turns else {
        return Some(Violation::of(TURN, format!("{request_id}: {} turns", turns.len())));
    };
    let is_users = |entry: &&&Entry| entry.role == "user";
    let said: Vec<_> = entries.iter().filter(is_users).collect();
    let is_right = |entry: &Entry| {
        (&entry.content, &entry.session_id) == (&story.message.input, &turn.session_id)
    };
    let &[words] = said.as_slice() else {
        return Some(Violation::of(ENTRY, format!("{request_id}: {} times", said.len())));
    };
    if !is_right(words) {
        return Some(Violation::of(ENTRY, format!("{request_id}: as {words:?}")));
    }
    let answers = entries.iter().filter(|entry| entry.role == "agent");
    let is_after = answers.clone().all(|entry| words.position < entry.position);
    let is_together = entries.iter().all(|entry| entry.session_id == turn.session_id);
    if !is_after || !is_together {
        return Some(Violation::of(ENTRY, format!("{request_id}: out of order: {entries:?}")));
    }
    let ending = &story.ending;
    if ending.status != 200 || ending.text_at("type") != "answer" {
        return None;
    }
    let last = answers.max_by_key(|entry| entry.position);
    let given = (ending.text_at("response"), ending.text_at("session_id"));
    let is_kept =
        last.is_some_and(|entry| (entry.content.as_str(), entry.session_id.as_str()) == given);
    let what = || format!("{request_id}: the user was told {given:?}, the history says {last:?}");
    (!is_kept).then(|| Violation::of(ANSWER, what()))
}

/// Answers that are there twice, or that belong to another turn or an earlier attempt. Agents sign with their charge.
fn strays(turns: &[Turn], entries: &[Entry]) -> Vec<Violation> {
    let attempts: BTreeMap<_, _> =
        turns.iter().map(|turn| (turn.turn_id.as_str(), turn.attempt)).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry.role == "agent" && entry.agent_id != "mesh") {
        let charge = entry.content.rsplit(' ').next().unwrap_or_default();
        if !seen.insert(charge) {
            found.push(Violation::of(ANSWER, format!("{charge} is there twice")));
        }
        let signed = charge.split('/').collect::<Vec<_>>();
        let attempt = attempts.get(entry.turn_id.as_str()).map(i64::to_string);
        let is_own = matches!(signed[..], [turn_id, by, _]
            if turn_id == entry.turn_id && Some(by) == attempt.as_deref());
        if !is_own {
            let what = format!("{charge} stands in turn {} of attempt {attempt:?}", entry.turn_id);
            found.push(Violation::of(STALE, what));
        }
    }
    found
}
