//! Nothing is left under way, and nobody is counted, once its time is over.

use std::time::Duration;

use tokio::time::Instant;

use super::{Violation, sessions};
use crate::evidence::Evidence;

const RULE: &str = "nothing is left under way";
/// How long the dead may be remembered: all leases, lives of reservations and of sessions, intervals of sweeps, and some.
const LIMIT: Duration = Duration::from_secs(45);
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// How many of a kind are shown.
const SHOWN: usize = 5;

const KINDS: [(&str, &str); 5] = [
    ("open turns", "SELECT request_id FROM turns WHERE state <> 'done'"),
    ("charges not confirmed", "SELECT charge_id FROM turn_settlements"),
    ("open reservations", "SELECT charge FROM budget_reservations WHERE state = 'open'"),
    (
        "open handoffs",
        "SELECT handoff_id || ' ' || state FROM handoffs \
         WHERE state IN ('started', 'compressed', 'offered', 'accepted')",
    ),
    ("session events not delivered", "SELECT event_id FROM session_outbox"),
];

pub(super) async fn check(evidence: &Evidence) -> anyhow::Result<Vec<Violation>> {
    let end = Instant::now() + LIMIT;
    loop {
        let left = look(evidence).await?;
        if left.is_empty() || end < Instant::now() {
            return Ok(left);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn look(evidence: &Evidence) -> anyhow::Result<Vec<Violation>> {
    let mut left = sessions::slots(evidence).await?;
    for (kind, sql) in KINDS {
        let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&evidence.database.pool).await?;
        if !found.is_empty() {
            let shown = found.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>();
            let what = format!("{} {kind}: {}", found.len(), shown.join(", "));
            left.push(Violation::of(RULE, what));
        }
    }
    Ok(left)
}
