//! What was answered once is answered the same for ever, by every gateway.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Violation;
use crate::evidence::Evidence;
use crate::user::deliver;

const RULE: &str = "a repeat is answered the same";
/// How many are asked for at once.
const AT_ONCE: usize = 16;
/// How long one may take, whatever gateways are there.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn check(evidence: &Evidence) -> anyhow::Result<Vec<Violation>> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut repeats = JoinSet::new();
    for (number, story) in evidence.stories.iter().cloned().enumerate() {
        let (client, room) = (evidence.client.clone(), room.clone());
        repeats.spawn(async move {
            let _permit = room.acquire_owned().await;
            let again = deliver(&client, &story.message, number);
            let again = tokio::time::timeout(LIMIT, again).await.ok();
            (story, again.map(|again| again.ending))
        });
    }
    let mut found = Vec::new();
    while let Some(repeat) = repeats.join_next().await {
        let (story, again) = repeat?;
        let request_id = &story.message.request_id;
        let Some(again) = again else {
            found.push(Violation::of(RULE, format!("{request_id}: no answer")));
            continue;
        };
        let (was, is) = (&story.ending, &again);
        if (was.status, &was.text) != (is.status, &is.text) {
            let what = format!("{request_id}: {} and then {}", was.text, is.text);
            found.push(Violation::of(RULE, what));
        } else if is.status == 200 && !is.is_replay {
            found.push(Violation::of(RULE, format!("{request_id}: it was not marked as a replay")));
        }
    }
    Ok(found)
}
