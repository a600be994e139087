use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::row::{self, SessionRow};
use super::{SqlStore, Tx, add_entry, commit, end, last_entries, prune, put_state, save, state_of};
use crate::session::{Owner, Reference, Session, Status, position};
use crate::store::{
    Appended, Closed, Entry, Filter, NewEntry, Resumed, Role, Sessions, StoreError,
};

/// How often a step is tried when others are faster.
const RACES_MAX: usize = 20;

#[async_trait]
impl Sessions for SqlStore {
    async fn session(
        &self,
        tenant: &str,
        user_id: Option<&str>,
        session_id: &str,
    ) -> Result<Session, StoreError> {
        let sql = format!("{} WHERE session_id = $1", row::SELECT_SESSION);
        let found = sqlx::query_as::<_, SessionRow>(AssertSqlSafe(sql)).bind(session_id);
        let found = found.fetch_optional(&self.database.pool).await?;
        let session = Session::try_from(found.ok_or(StoreError::NotFound)?)?;
        let is_theirs = session.owner.tenant == tenant
            && user_id.is_none_or(|user_id| session.owner.user_id == user_id);
        if is_theirs { Ok(session) } else { Err(StoreError::NotFound) }
    }

    async fn find(
        &self,
        owner: &Owner,
        reference: &Reference,
        now_ms: i64,
    ) -> Result<Session, StoreError> {
        let mut tx = self.begin().await?;
        let found = self.resolve(&mut tx, owner, reference, now_ms).await?;
        commit(tx).await?;
        found.ok_or(StoreError::NotFound)
    }

    async fn entries(&self, session_id: &str, max: i64) -> Result<Vec<Entry>, StoreError> {
        last_entries(&self.database.pool, session_id, i64::MAX, max).await
    }

    async fn list(&self, owner: &Owner, filter: &Filter) -> Result<Vec<Session>, StoreError> {
        // An absent status or start is one that everything matches.
        let status = filter.status.map_or("", Status::name);
        let (before_ms, before_id) = filter.before.clone().unwrap_or((i64::MAX, String::new()));
        let sql = format!(
            "{} WHERE tenant = $1 AND user_id = $2 AND ($3 = '' OR status = $3) \
             AND (created_ms < $4 OR (created_ms = $4 AND session_id < $5)) \
             ORDER BY created_ms DESC, session_id DESC LIMIT $6",
            row::SELECT_SESSION
        );
        let rows = sqlx::query_as::<_, SessionRow>(AssertSqlSafe(sql))
            .bind(&owner.tenant)
            .bind(&owner.user_id)
            .bind(status)
            .bind(before_ms)
            .bind(before_id)
            .bind(filter.limit);
        let rows = rows.fetch_all(&self.database.pool).await?;
        rows.into_iter().map(Session::try_from).collect()
    }

    async fn create(&self, session: &Session) -> Result<Session, StoreError> {
        for _ in 0..RACES_MAX {
            let mut tx = self.begin().await?;
            let name = Reference::of(Some(session.external_key.clone()));
            let now_ms = session.created_ms;
            if let Some(found) = self.resolve(&mut tx, &session.owner, &name, now_ms).await? {
                return Ok(found);
            }
            if self.make(&mut tx, session).await? {
                commit(tx).await?;
                return Ok(session.clone());
            }
        }
        Err(StoreError::Contended)
    }

    async fn append(&self, new: &NewEntry) -> Result<Appended, StoreError> {
        let mut tx = self.begin().await?;
        let mut session = self.own_active(&mut tx, &new.owner, &new.session_id).await?;
        let max = new.limits.max_turns;
        if !new.request_id.is_empty() && said_before(&mut tx, new).await? {
            return Ok(Appended { turn_count: session.visible(max) });
        }
        session.last_seq += 1;
        session.entry_count += 1;
        let agent_id = match (new.role, new.agent_id.as_str()) {
            (Role::User, _) => String::new(),
            (Role::Agent, "") => session.active_agent.clone(),
            (Role::Agent, agent_id) => agent_id.to_owned(),
        };
        let entry = Entry {
            position: position(session.last_seq, 0),
            request_id: new.request_id.clone(),
            role: new.role,
            agent_id,
            content: new.content.clone(),
            intent_summary: new.intent_summary.clone(),
            timestamp_ms: new.now_ms,
        };
        add_entry(&mut tx, &session.session_id, &new.request_id, &entry).await?;
        prune(&mut tx, &mut session, max).await?;
        session.touch(new.now_ms, new.limits.ttl_ms);
        save(&mut tx, &mut session).await?;
        commit(tx).await?;
        Ok(Appended { turn_count: session.visible(max) })
    }

    async fn put_state(
        &self,
        owner: &Owner,
        session_id: &str,
        state_json: &str,
        now_ms: i64,
    ) -> Result<String, StoreError> {
        let mut tx = self.begin().await?;
        let mut session = self.own_active(&mut tx, owner, session_id).await?;
        let agent_id = session.active_agent.clone();
        let previous = state_of(&mut *tx, session_id, &agent_id).await?;
        put_state(&mut tx, session_id, &agent_id, state_json).await?;
        session.updated_ms = session.updated_ms.max(now_ms);
        save(&mut tx, &mut session).await?;
        commit(tx).await?;
        Ok(previous)
    }

    async fn close(&self, owner: &Owner, closed: &Closed) -> Result<(Session, bool), StoreError> {
        let mut tx = self.begin().await?;
        let mut session = self.own(&mut tx, owner, &closed.session_id).await?;
        if !session.is_active() {
            return Ok((session, false));
        }
        if !closed.summary.is_empty() {
            session.summary.clone_from(&closed.summary);
        }
        end(&mut tx, &mut session, closed.status, closed.now_ms).await?;
        commit(tx).await?;
        Ok((session, true))
    }

    async fn resume(&self, owner: &Owner, to: &Resumed) -> Result<(Session, bool), StoreError> {
        for _ in 0..RACES_MAX {
            if let Some(resumed) = self.try_resume(owner, to).await? {
                return Ok(resumed);
            }
        }
        Err(StoreError::Contended)
    }
}

impl SqlStore {
    async fn own(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        session_id: &str,
    ) -> Result<Session, StoreError> {
        let session = self.lock(tx, session_id).await?.ok_or(StoreError::NotFound)?;
        if session.owner == *owner { Ok(session) } else { Err(StoreError::NotFound) }
    }

    async fn own_active(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        session_id: &str,
    ) -> Result<Session, StoreError> {
        let session = self.own(tx, owner, session_id).await?;
        if session.is_active() { Ok(session) } else { Err(StoreError::Closed) }
    }

    /// The new session and whether it was made now; nothing when somebody else was faster.
    async fn try_resume(
        &self,
        owner: &Owner,
        to: &Resumed,
    ) -> Result<Option<(Session, bool)>, StoreError> {
        let mut tx = self.begin().await?;
        let mut prior = self.own(&mut tx, owner, &to.prior_session_id).await?;
        if prior.is_active() {
            end(&mut tx, &mut prior, Status::Completed, to.now_ms).await?;
        }
        let name = Reference::Named(prior.session_id.clone());
        if let Some(found) = self.resolve(&mut tx, owner, &name, to.now_ms).await? {
            commit(tx).await?;
            return Ok(Some((found, false)));
        }
        let max = to.limits.max_turns;
        let mut session = prior.resumed(to.session_id.clone(), to.now_ms, max);
        if !to.agents.contains(&session.active_agent) {
            session.active_agent.clear();
            session.brief_json.clear();
        }
        session.touch(to.now_ms, to.limits.ttl_ms);
        let entries = last_entries(&mut *tx, &prior.session_id, i64::MAX, max).await?;
        session.carried = i64::try_from(entries.len()).unwrap_or(max);
        session.entry_count = session.carried;
        if !self.make(&mut tx, &session).await? {
            return Ok(None);
        }
        for entry in &entries {
            add_entry(&mut tx, &session.session_id, &prior.session_id, entry).await?;
        }
        let sql = "INSERT INTO session_states (session_id, agent_id, state_json) \
                   SELECT $1, agent_id, state_json FROM session_states WHERE session_id = $2";
        let copied = sqlx::query(sql).bind(&session.session_id).bind(&prior.session_id);
        copied.execute(&mut *tx).await?;
        commit(tx).await?;
        Ok(Some((session, true)))
    }
}

async fn said_before(tx: &mut Tx, new: &NewEntry) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM session_entries \
               WHERE session_id = $1 AND request_id = $2 AND role = $3";
    let said = sqlx::query_scalar::<_, i64>(sql)
        .bind(&new.session_id)
        .bind(&new.request_id)
        .bind(new.role.name());
    Ok(0 < said.fetch_one(&mut **tx).await?)
}
