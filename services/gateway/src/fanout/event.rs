use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::frame::Frame;

/// To whom sessions belong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) tenant: Arc<str>,
    pub(crate) user: Arc<str>,
}

impl Owner {
    pub(crate) fn new(tenant: &str, user: &str) -> Self {
        Self { tenant: Arc::from(tenant), user: Arc::from(user) }
    }

    /// A name of the owner as a key; neither tenant nor user can hold a line break.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}\n{}\n{name}", self.tenant, self.user)
    }
}

/// Something that happened in a session and is to be told.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) owner: Owner,
    pub(crate) session_id: String,
    /// Another name by which a client has just called the session.
    pub(crate) alias: Option<String>,
    /// What listeners see; without it only the alias is made known.
    pub(crate) frame: Option<Arc<Frame>>,
    /// The subscriber that hears it anyway.
    pub(crate) origin: Option<u64>,
}

/// Where an event comes from: the events of a replica are numbered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) replica: Arc<str>,
    pub(super) number: u64,
}

/// A publication with its place.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) stamp: Stamp,
    pub(super) at_ms: i64,
    pub(super) publication: Publication,
}

/// An event on its way between replicas.
#[derive(Serialize, Deserialize)]
struct Wire {
    stamp: Stamp,
    at_ms: i64,
    owner: Owner,
    session_id: String,
    alias: Option<String>,
    frame: Option<WireFrame>,
}

#[derive(Serialize, Deserialize)]
struct WireFrame {
    kind: String,
    request_id: Option<String>,
    seq: Option<u64>,
    text: String,
}

impl Event {
    /// As text for other replicas.
    pub(super) fn encode(&self) -> String {
        let Publication { owner, session_id, alias, frame, .. } = &self.publication;
        let frame = frame.as_ref().map(|frame| WireFrame {
            kind: frame.kind.clone(),
            request_id: frame.request_id.clone(),
            seq: frame.seq,
            text: frame.text.to_string(),
        });
        let wire = Wire {
            stamp: self.stamp.clone(),
            at_ms: self.at_ms,
            owner: owner.clone(),
            session_id: session_id.clone(),
            alias: alias.clone(),
            frame,
        };
        serde_json::to_string(&wire).expect("an event is JSON")
    }

    /// From the text of another replica.
    pub(super) fn decode(text: &[u8]) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(text).ok()?;
        let frame = wire.frame.map(|WireFrame { kind, request_id, seq, text }| {
            Arc::new(Frame { kind, request_id, seq, text: text.into() })
        });
        let publication = Publication {
            owner: wire.owner,
            session_id: wire.session_id,
            alias: wire.alias,
            frame,
            origin: None,
        };
        Some(Self { stamp: wire.stamp, at_ms: wire.at_ms, publication })
    }

    /// Roughly the memory that it takes.
    pub(super) fn size(&self) -> usize {
        const OVERHEAD: usize = 256;
        OVERHEAD + self.publication.frame.as_ref().map_or(0, |frame| frame.text.len())
    }
}
