use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::past::Line;
use super::{Settlement, StoreError};
use crate::ending::Ending;
use crate::session::{Change, Owner, Profile, Reference, Session, position};

/// Turns: accepted once, run in order, written to by whoever holds them.
#[async_trait]
pub trait Turns: Send + Sync {
    /// Resolves or makes the session and stores the turn with the user's entry, or says what the request id already
    /// stands for. A turn that nobody is before runs from here on.
    async fn accept(&self, acceptance: &Acceptance) -> Result<Verdict, StoreError>;

    /// Lets a queued turn run when no earlier turn of its session is open.
    async fn promote(
        &self,
        lease: &Lease,
        limits: &Limits,
        now_ms: i64,
    ) -> Result<Option<(Session, Scene)>, StoreError>;

    /// Writes what a turn brought about, unless somebody else holds it by now.
    async fn write(&self, page: &Page) -> Result<Session, StoreError>;

    /// What a request id stands for.
    async fn known(&self, owner: &Owner, request_id: &str) -> Result<Option<Known>, StoreError>;

    /// Holds turns until a time; says what became of each.
    async fn renew(&self, leases: &[Lease], until_ms: i64) -> Result<Vec<Renewal>, StoreError>;

    /// Notes that a turn under way is to stop; whether there was one.
    async fn cancel(&self, owner: &Owner, request_id: &str) -> Result<bool, StoreError>;

    /// The turns under way that are to stop.
    async fn cancelled(&self) -> Result<Vec<String>, StoreError>;

    /// The state that an agent keeps of a session; empty when it keeps none.
    async fn state(&self, session_id: &str, agent_id: &str) -> Result<String, StoreError>;

    /// The decision record of a request; of any owner in the tenant when the user is not given.
    async fn record(
        &self,
        tenant: &str,
        user_id: Option<&str>,
        request_id: &str,
    ) -> Result<Option<String>, StoreError>;
}

/// A request that wants to become a turn.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// Whose it is.
    pub owner: Owner,
    /// The owner's id of it.
    pub request_id: String,
    /// Our id of it, should it be new.
    pub turn_id: String,
    /// What it says, as a digest.
    pub fingerprint: String,
    /// Where it belongs.
    pub place: Place,
    /// Who the user is.
    pub profile: Profile,
    /// The user's words; empty when the turn has none.
    pub input: String,
    /// The client's metadata, one JSON object.
    pub metadata_json: String,
    /// The time.
    pub now_ms: i64,
    /// The bounds.
    pub limits: Limits,
}

impl Acceptance {
    /// The session that begins with it.
    pub(super) fn session(&self, reference: &Reference) -> Session {
        Session {
            session_id: Uuid::new_v4().to_string(),
            owner: self.owner.clone(),
            external_key: reference.key().to_owned(),
            profile: self.profile.clone(),
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
            metadata_json: self.metadata_json.clone(),
            ..Session::default()
        }
    }

    /// The user's words, as the entry that opens the turn of this number.
    pub(super) fn words(&self, seq: i64) -> Entry {
        Entry {
            position: position(seq, 0),
            request_id: self.request_id.clone(),
            role: Role::User,
            agent_id: String::new(),
            content: self.input.clone(),
            intent_summary: String::new(),
            timestamp_ms: self.now_ms,
        }
    }
}

/// Where a turn belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the session that the client means, or in a new one.
    Session(Reference),
    /// In exactly this session, and only while it lives.
    Only(String),
    /// In no session; the label is shown instead.
    Nowhere(String),
}

/// The bounds of sessions and turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a session lives without a message.
    pub ttl_ms: i64,
    /// How many turns may wait.
    pub queue_max: i64,
    /// How long a turn is held without a sign of life.
    pub lease_ms: i64,
    /// How many entries are visible.
    pub max_turns: i64,
}

/// What became of an acceptance.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is a turn now.
    Accepted(Box<Accepted>),
    /// The request id was known.
    Known(Box<Known>),
    /// The request id was known, and said something else then.
    Mismatch,
}

/// A turn that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The right to write to it.
    pub lease: Lease,
    /// Its session.
    pub session: Session,
    /// Whether the session began with it.
    pub session_new: bool,
    /// What it needs to run; absent while it waits for its turn.
    pub scene: Option<Scene>,
}

/// What a turn reads when it begins to run.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The visible entries before its own, oldest first.
    pub history: Vec<Arc<Line>>,
    /// The state that the active agent keeps; empty when it keeps none.
    pub state_json: String,
}

/// The right to write to a turn, while nobody else has taken it over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The turn.
    pub turn_id: String,
    /// Its session, or the label that stands for none.
    pub session_id: String,
    /// Whether it has no session.
    pub is_anonymous: bool,
    /// The fencing token.
    pub fence: i64,
    /// The turn's number in its session.
    pub seq: i64,
    /// Which attempt of the turn this is, from 1.
    pub attempt: i64,
}

/// What is stored under a request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The turn.
    pub lease: Lease,
    /// Whether its session began with it.
    pub session_new: bool,
    /// What it said, as a digest.
    pub fingerprint: String,
    /// How it ended; absent while it is under way.
    pub ending: Option<Ending>,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The customer.
    User,
    /// An agent, or the mesh itself when it asks.
    Agent,
}

impl Role {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Agent].into_iter().find(|role| role.name() == name)
    }
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands in the session.
    pub position: i64,
    /// The request in whose course it was said.
    pub request_id: String,
    /// By whom.
    pub role: Role,
    /// By which agent; empty for the user.
    pub agent_id: String,
    /// What.
    pub content: String,
    /// What the user wanted.
    pub intent_summary: String,
    /// When.
    pub timestamp_ms: i64,
}

/// What a turn writes in one step.
#[derive(Clone, Debug)]
pub struct Page {
    /// The right to write.
    pub lease: Lease,
    /// The time.
    pub now_ms: i64,
    /// The bounds.
    pub limits: Limits,
    /// What was said.
    pub entry: Option<Entry>,
    /// The state that an agent keeps from now on: its id and one JSON object.
    pub state: Option<(String, String)>,
    /// What becomes of the session.
    pub change: Change,
    /// What becomes of the turn.
    pub mark: Mark,
    /// Charges that the budget service has not confirmed.
    pub settlements: Vec<Settlement>,
}

/// What becomes of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It goes on, and ends like this should its router die.
    Provisional(Ending),
    /// It is over; the second is its decision record.
    Final(Ending, String),
}

/// What became of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It holds.
    Held,
    /// It holds, and the turn is to stop.
    Cancelled,
    /// Somebody else has taken the turn over.
    Lost,
}
