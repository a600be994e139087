//! What a batch needs to know: the sessions that its steps are about, and what was said in them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chassis::Engine;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, FromRow as _, Row as _};

use super::super::row::SessionRow;
use super::super::{last_entries, state_of};
use super::{Scribe, Spoiled, Step};
use crate::session::{Reference, Session};
use crate::store::past::Past;
use crate::store::{Acceptance, Place};

/// What a batch found, or takes for granted.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// The session of each step, by its place in the batch.
    pub by_step: HashMap<usize, String>,
    /// The sessions, with their pasts as far as they are needed.
    pub sessions: HashMap<String, (Session, Option<Past>)>,
}

/// Which session a step is about: its id, or whatever its owner's words denote.
#[derive(Serialize)]
struct Wanted<'a>(usize, Option<&'a str>, Option<&'a str>, Option<&'a str>, Option<&'a str>);

/// The steps whose sessions are looked for. The others are known, or go the long way.
fn wanted<'a>(steps: &'a [Step], known: &Found) -> Vec<Wanted<'a>> {
    let unknown = steps.iter().enumerate().filter(|(at, _)| !known.by_step.contains_key(at));
    unknown.filter_map(|(at, step)| want(at, step)).collect()
}

/// Whether nothing is left to look for.
pub(super) fn is_all_known(steps: &[Step], known: &Found) -> bool {
    wanted(steps, known).is_empty()
}

fn want(at: usize, step: &Step) -> Option<Wanted<'_>> {
    match step {
        // The label of a turn without a session is its client's own.
        Step::Write(page) if page.lease.is_anonymous => None,
        Step::Write(page) => Some(Wanted(at, Some(&page.lease.session_id), None, None, None)),
        Step::Accept(acceptance) => {
            let Acceptance { owner, place: Place::Session(reference), .. } = &**acceptance else {
                return None;
            };
            let (tenant, user) = (Some(owner.tenant.as_str()), Some(owner.user_id.as_str()));
            Some(match reference {
                Reference::Latest => Wanted(at, None, tenant, user, None),
                Reference::Named(name) => Wanted(at, Some(name), tenant, user, Some(name)),
            })
        }
    }
}

/// The statement that finds them (contract, section 14.2): by id, unless it names an own session that has ended; else
/// by the owner's name for it, or the one that was used last. Each has an index that leads there, however many sessions
/// an owner has.
pub(super) fn statement(engine: Engine) -> String {
    let by_id = "SELECT y.session_id FROM sessions y WHERE y.session_id = r.value->>1 \
                 AND (r.value->>2 IS NULL OR y.status = 'active' \
                 OR y.tenant <> r.value->>2 OR y.user_id <> r.value->>3)";
    let by_name = "SELECT x.session_id FROM sessions x WHERE x.tenant = r.value->>2 \
                   AND x.user_id = r.value->>3 AND x.external_key = r.value->>4 AND x.status = 'active'";
    let by_use = "SELECT x.session_id FROM sessions x WHERE r.value->>4 IS NULL \
                  AND x.tenant = r.value->>2 AND x.user_id = r.value->>3 AND x.status = 'active' \
                  ORDER BY x.updated_ms DESC, x.created_ms DESC LIMIT 1";
    let (from, id) = match engine {
        Engine::Sqlite => (
            "json_each($1) AS r".to_owned(),
            format!("COALESCE(({by_id}), ({by_name}), ({by_use}))"),
        ),
        Engine::Postgres => (
            format!(
                "jsonb_array_elements($1::jsonb) AS r(value) \
                 LEFT JOIN LATERAL ({by_id}) i ON true LEFT JOIN LATERAL ({by_name}) n ON true \
                 LEFT JOIN LATERAL ({by_use}) u ON true"
            ),
            "COALESCE(i.session_id, n.session_id, u.session_id)".to_owned(),
        ),
    };
    format!(
        "SELECT CAST(r.value->>0 AS BIGINT) AS step, s.* FROM {from} \
         JOIN sessions s ON s.session_id = {id}"
    )
}

impl Scribe {
    /// The sessions of the steps as far as they are remembered.
    pub(super) fn known(&self, steps: &[Step]) -> Found {
        let mut known = Found::default();
        for (at, step) in steps.iter().enumerate() {
            let Some(session_id) = self.meant(step) else { continue };
            if !known.sessions.contains_key(&session_id) {
                let Some((session, past)) = self.pasts.last(&session_id) else { continue };
                known.sessions.insert(session_id.clone(), (session, Some(past)));
            }
            let Some((session, Some(past))) = known.sessions.get(&session_id) else { continue };
            if is_enough(step, session, past) {
                known.by_step.insert(at, session_id);
            }
        }
        let used: HashSet<_> = known.by_step.values().collect();
        known.sessions.retain(|session_id, _| used.contains(session_id));
        known
    }

    /// The session that a step can only mean, as long as it is as it was left: one that is named like the id of another
    /// was made when that other had ended.
    fn meant(&self, step: &Step) -> Option<String> {
        match step {
            Step::Write(page) if page.lease.is_anonymous => None,
            Step::Write(page) => Some(page.lease.session_id.clone()),
            Step::Accept(acceptance) => match &acceptance.place {
                Place::Session(Reference::Named(name)) if self.is_trusting() => {
                    let named = self.pasts.named(&acceptance.owner, name);
                    Some(named.unwrap_or_else(|| name.clone()))
                }
                _ => None,
            },
        }
    }

    pub(super) async fn find(
        &self,
        connection: &mut AnyConnection,
        steps: &[Step],
        known: Found,
    ) -> Result<Found, Spoiled> {
        let mut found = known;
        let wanted = wanted(steps, &found);
        if wanted.is_empty() {
            return Ok(found);
        }
        let wanted = serde_json::to_string(&wanted).expect("ids and names are plain data");
        let sql = AssertSqlSafe(self.find.clone());
        let rows = sqlx::query(sql).bind(wanted).fetch_all(&mut *connection).await?;
        for row in rows {
            let (at, session) = session_of(&row)?;
            let session_id = session.session_id.clone();
            let is_new = !found.sessions.contains_key(&session_id);
            if is_new {
                let past = self.pasts.at(&session_id, session.version);
                found.sessions.insert(session_id.clone(), (session, past));
            }
            if let Some(Step::Accept(acceptance)) = steps.get(at) {
                self.read_past(connection, &mut found, &session_id, acceptance).await?;
            }
            found.by_step.insert(at, session_id);
        }
        Ok(found)
    }

    /// Reads what was said in a session, when that is not known. A turn that has to wait reads it when it begins.
    async fn read_past(
        &self,
        connection: &mut AnyConnection,
        found: &mut Found,
        session_id: &str,
        acceptance: &Acceptance,
    ) -> Result<(), Spoiled> {
        let Some((session, past)) = found.sessions.get_mut(session_id) else { return Ok(()) };
        if past.is_none() {
            if 0 < session.open_turns {
                return Ok(());
            }
            let max = acceptance.limits.max_turns;
            let entries = last_entries(&mut *connection, session_id, i64::MAX, max);
            let entries = entries.await.map_err(Spoiled::Broken)?;
            let lines = entries.into_iter().map(|entry| Arc::new(entry.into())).collect();
            *past = Some(Past { version: session.version, lines, ..Past::default() });
        }
        let agent_id = session.active_agent.as_str();
        let Some(past) = past else { return Ok(()) };
        if !agent_id.is_empty() && past.state.as_ref().is_none_or(|(of, _)| of != agent_id) {
            let state = state_of(&mut *connection, session_id, agent_id).await;
            past.state = Some((agent_id.to_owned(), state.map_err(Spoiled::Broken)?));
        }
        Ok(())
    }
}

/// Whether what is remembered of a session is all that a step needs.
fn is_enough(step: &Step, session: &Session, past: &Past) -> bool {
    let Step::Accept(acceptance) = step else { return true };
    let knows_state = past.state.as_ref().is_some_and(|(of, _)| *of == session.active_agent);
    session.owner == acceptance.owner
        && session.is_active()
        && (session.active_agent.is_empty() || knows_state)
}

fn session_of(row: &AnyRow) -> Result<(usize, Session), Spoiled> {
    let at: i64 = row.try_get("step")?;
    let session = SessionRow::from_row(row)?;
    let session = Session::try_from(session).map_err(Spoiled::Broken)?;
    Ok((usize::try_from(at).unwrap_or(usize::MAX), session))
}
