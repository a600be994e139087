//! A session has one owner, and only that owner counts it.

use std::collections::{BTreeMap, BTreeSet};

use redis::AsyncCommands as _;

use super::Violation;
use crate::evidence::{Evidence, Session};

const ACTIVE: &str = "a session has one active agent";
const SLOT: &str = "an agent counts only sessions that it serves";
/// Before the agent's id in the name of its slots.
const SLOTS: &str = "registry:slots:";

pub(super) async fn check(evidence: &Evidence) -> anyhow::Result<Vec<Violation>> {
    let sessions = evidence.sessions().await?;
    let mut found = Vec::new();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for entry in evidence.entries().await? {
        if entry.role == "agent" && entry.agent_id != "mesh" {
            last.insert(entry.session_id, entry.agent_id);
        }
    }
    let mut keys = BTreeSet::new();
    for session in sessions.iter().filter(|session| session.status == "active") {
        let Session { session_id, user_id, external_key, active_agent, .. } = session;
        if !keys.insert((user_id, external_key)) {
            let what = format!("{user_id} has two sessions {external_key:?}");
            found.push(Violation::of(ACTIVE, what));
        }
        let spoke = last.get(session_id).map(String::as_str).unwrap_or_default();
        if spoke != active_agent {
            let what = format!("{session_id}: {spoke:?} spoke last, {active_agent:?} has it");
            found.push(Violation::of(ACTIVE, what));
        }
    }
    Ok(found)
}

/// Who is counted by an agent that does not serve them; some are until their lease ends.
pub(super) async fn slots(evidence: &Evidence) -> anyhow::Result<Vec<Violation>> {
    let sessions = evidence.sessions().await?;
    let mut found = Vec::new();
    let mut connection = evidence.redis.connection();
    let now_ms = chassis::clock::now_ms();
    for agent_id in ["sales", "support", "hello"] {
        let key = evidence.redis.key(&format!("{SLOTS}{agent_id}"));
        let holders: Vec<String> = connection.zrangebyscore(key, now_ms, "+inf").await?;
        for holder in holders {
            let of = |session: &&Session| session.session_id == holder;
            let serves = sessions.iter().find(of).is_some_and(|session| {
                session.status == "active" && session.active_agent == agent_id
            });
            if !serves {
                found.push(Violation::of(SLOT, format!("{agent_id} counts {holder}")));
            }
        }
    }
    Ok(found)
}
