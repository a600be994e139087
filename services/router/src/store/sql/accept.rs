//! Accepting a turn: one transaction, tried again when somebody else was faster.

use std::sync::Arc;

use super::{SqlStore, Tx, add_entry, commit, last_entries, save, state_of};
use crate::session::{Busy, Owner, Session, position};
use crate::store::{Acceptance, Accepted, Known, Lease, Limits, Place, Scene, StoreError, Verdict};

/// How often an acceptance is tried when others are faster.
const RACES_MAX: usize = 20;

/// How one try went.
enum Tried {
    /// It is stored.
    Done(Box<Accepted>),
    /// The request id is taken, or the session appeared or changed meanwhile.
    Raced,
}

impl SqlStore {
    pub(super) async fn accept_turn(&self, a: &Acceptance) -> Result<Verdict, StoreError> {
        let mut earlier = None;
        for _ in 0..RACES_MAX {
            let refusal = match self.try_accept(a, earlier.as_ref()).await {
                Ok(Tried::Done(accepted)) => return Ok(Verdict::Accepted(accepted)),
                Ok(Tried::Raced) | Err(StoreError::Contended) => None,
                Err(error @ (StoreError::Busy | StoreError::NotFound | StoreError::Closed)) => {
                    Some(error)
                }
                Err(error) => return Err(error),
            };
            // What is known already is answered whatever the session says to something new.
            let known = self.find_known(&a.owner, &a.request_id).await?;
            earlier = match known {
                Some(known) if known.fingerprint != a.fingerprint => return Ok(Verdict::Mismatch),
                Some(known) if !known.is_to_run_again() => {
                    return Ok(Verdict::Known(Box::new(known)));
                }
                known => known,
            };
            if let Some(refusal) = refusal {
                return Err(refusal);
            }
        }
        Err(StoreError::Contended)
    }

    async fn try_accept(
        &self,
        a: &Acceptance,
        earlier: Option<&Known>,
    ) -> Result<Tried, StoreError> {
        let mut tx = self.begin().await?;
        if let Place::Nowhere(label) = &a.place {
            return self.accept_nowhere(tx, a, label, earlier).await;
        }
        let Some((mut session, is_made)) = self.place(&mut tx, a, earlier).await? else {
            return Ok(Tried::Raced);
        };
        let session_new = is_made || earlier.is_some_and(|known| known.session_new);
        let is_first = session.open_turns == 0;
        let seq = session.admit(a.limits.queue_max).map_err(|Busy| StoreError::Busy)?;
        let mut lease = Lease {
            turn_id: earlier.map_or(&a.turn_id, |known| &known.lease.turn_id).clone(),
            session_id: session.session_id.clone(),
            is_anonymous: false,
            fence: 1,
            seq,
            attempt: 1,
        };
        let started = Started { lease: &mut lease, session_new, is_first };
        if !self.start(&mut tx, a, started, earlier).await? {
            return Ok(Tried::Raced);
        }
        if !a.input.is_empty() {
            self.say(&mut tx, a, &mut session, &lease).await?;
        }
        let scene = match (is_first, is_made) {
            (true, true) => Some(Scene::default()),
            (true, false) => Some(self.scene(&mut tx, &session, &lease, a.limits).await?),
            (false, _) => None,
        };
        session.touch(a.now_ms, a.limits.ttl_ms);
        save(&mut tx, &mut session).await?;
        commit(tx).await?;
        Ok(Tried::Done(Box::new(Accepted { lease, session, session_new, scene })))
    }

    async fn accept_nowhere(
        &self,
        mut tx: Tx,
        a: &Acceptance,
        label: &str,
        earlier: Option<&Known>,
    ) -> Result<Tried, StoreError> {
        let mut lease = Lease {
            turn_id: earlier.map_or(&a.turn_id, |known| &known.lease.turn_id).clone(),
            session_id: label.to_owned(),
            is_anonymous: true,
            fence: 1,
            seq: 1,
            attempt: 1,
        };
        let started = Started { lease: &mut lease, session_new: true, is_first: true };
        if !self.start(&mut tx, a, started, earlier).await? {
            return Ok(Tried::Raced);
        }
        commit(tx).await?;
        let session = Session {
            session_id: label.to_owned(),
            owner: a.owner.clone(),
            profile: a.profile.clone(),
            ..Session::default()
        };
        let scene = Some(Scene::default());
        Ok(Tried::Done(Box::new(Accepted { lease, session, session_new: true, scene })))
    }

    /// The session, locked, and whether it is new; nothing when somebody else made it first.
    async fn place(
        &self,
        tx: &mut Tx,
        a: &Acceptance,
        earlier: Option<&Known>,
    ) -> Result<Option<(Session, bool)>, StoreError> {
        // A further attempt stays in its session while that lives.
        if let Some(known) = earlier
            && let Some(session) = self.lock(tx, &known.lease.session_id).await?
            && session.is_active()
        {
            return Ok(Some((session, false)));
        }
        let reference = match &a.place {
            Place::Session(reference) => reference,
            Place::Only(session_id) => return self.only(tx, &a.owner, session_id).await,
            Place::Nowhere(_) => unreachable!("a turn without a session is accepted elsewhere"),
        };
        if let Some(session) = self.resolve(tx, &a.owner, reference, a.now_ms).await? {
            return Ok(Some((session, false)));
        }
        let session = a.session(reference);
        Ok(self.make(tx, &session).await?.then_some((session, true)))
    }

    async fn only(
        &self,
        tx: &mut Tx,
        owner: &Owner,
        session_id: &str,
    ) -> Result<Option<(Session, bool)>, StoreError> {
        let session = self.lock(tx, session_id).await?.ok_or(StoreError::NotFound)?;
        if session.owner != *owner {
            return Err(StoreError::NotFound);
        }
        if !session.is_active() {
            return Err(StoreError::Closed);
        }
        Ok(Some((session, false)))
    }

    /// Stores the turn, or a further attempt of it; whether nobody was faster.
    async fn start(
        &self,
        tx: &mut Tx,
        a: &Acceptance,
        started: Started<'_>,
        earlier: Option<&Known>,
    ) -> Result<bool, StoreError> {
        let state = if started.is_first { "running" } else { "queued" };
        let until_ms = a.now_ms.saturating_add(a.limits.lease_ms);
        let lease = started.lease;
        if let Some(known) = earlier {
            lease.attempt = known.lease.attempt + 1;
            lease.fence = known.lease.fence + 1;
            let sql = "UPDATE turns SET session_id = $1, session_new = $2, seq = $3, state = $4, \
                       attempt = $5, fence = $6, lease_until_ms = $7, is_cancelled = 0, \
                       provisional_json = '', ending_json = '', finished_ms = NULL \
                       WHERE turn_id = $8 AND state = 'done' AND attempt = $9";
            let again = sqlx::query(sql)
                .bind(&lease.session_id)
                .bind(i64::from(started.session_new))
                .bind(lease.seq)
                .bind(state)
                .bind(lease.attempt)
                .bind(lease.fence)
                .bind(until_ms)
                .bind(&lease.turn_id)
                .bind(known.lease.attempt);
            return Ok(again.execute(&mut **tx).await?.rows_affected() == 1);
        }
        let sql = "INSERT INTO turns (turn_id, tenant, user_id, request_id, session_id, \
                   is_anonymous, session_new, fingerprint, seq, state, attempt, fence, \
                   lease_until_ms, is_cancelled, provisional_json, ending_json, record_json, \
                   created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, 1, $11, 0, \
                   '', '', '', $12) ON CONFLICT DO NOTHING";
        let new = sqlx::query(sql)
            .bind(&lease.turn_id)
            .bind(&a.owner.tenant)
            .bind(&a.owner.user_id)
            .bind(&a.request_id)
            .bind(&lease.session_id)
            .bind(i64::from(lease.is_anonymous))
            .bind(i64::from(started.session_new))
            .bind(&a.fingerprint)
            .bind(lease.seq)
            .bind(state)
            .bind(until_ms)
            .bind(a.now_ms);
        Ok(new.execute(&mut **tx).await?.rows_affected() == 1)
    }

    /// Stores the user's words, in the place of those of an earlier attempt.
    async fn say(
        &self,
        tx: &mut Tx,
        a: &Acceptance,
        session: &mut Session,
        lease: &Lease,
    ) -> Result<(), StoreError> {
        if 1 < lease.attempt {
            let sql = "DELETE FROM session_entries WHERE turn_id = $1 RETURNING session_id";
            let gone = sqlx::query_scalar::<_, String>(sql).bind(&lease.turn_id);
            let gone = gone.fetch_all(&mut **tx).await?;
            let here = gone.iter().filter(|id| **id == session.session_id).count();
            session.entry_count -= i64::try_from(here).unwrap_or_default();
        }
        let entry = a.words(lease.seq);
        session.entry_count += 1;
        add_entry(tx, &session.session_id, &lease.turn_id, &entry).await
    }

    pub(super) async fn scene(
        &self,
        tx: &mut Tx,
        session: &Session,
        lease: &Lease,
        limits: Limits,
    ) -> Result<Scene, StoreError> {
        let (id, before) = (&session.session_id, position(lease.seq, 0));
        let history = last_entries(&mut **tx, id, before, limits.max_turns).await?;
        let history = history.into_iter().map(|entry| Arc::new(entry.into())).collect();
        let state_json = match session.active_agent.as_str() {
            "" => String::new(),
            agent_id => state_of(&mut **tx, &session.session_id, agent_id).await?,
        };
        Ok(Scene { history, state_json })
    }
}

struct Started<'a> {
    lease: &'a mut Lease,
    session_new: bool,
    is_first: bool,
}

impl Known {
    fn is_to_run_again(&self) -> bool {
        self.ending.as_ref().is_some_and(crate::ending::Ending::is_retryable)
    }
}
