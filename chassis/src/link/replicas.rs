//! The replicas of one peer: found by its name, connected to, and taken in turn by how busy they are.
//!
//! A connection to a name alone would stay with one replica for ever. Nothing runs while nobody calls: a call that finds
//! the picture old starts a look in the background and goes on with what is known.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use rand::Rng as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::lookup::Place;
use super::replica::{Replica, Setback};
use super::{Request, Response};

/// How old the picture may be when a call uses it.
const FRESH: Duration = Duration::from_secs(1);
/// How long after a look the next one begins, when the peer is down and callers press.
const PACE: Duration = Duration::from_millis(50);
/// How long a look at a name may take.
const LOOKUP_LIMIT: Duration = Duration::from_secs(2);
/// How many replicas of a peer get calls from one process.
const REPLICAS_MAX: usize = 64;
/// How many looks one call waits for. The first may have begun before the peer was there.
const LOOKS_MAX: usize = 2;
/// How many replicas one call is offered to before it was sent to any.
const OFFERS_MAX: usize = 3;

/// All ways to one peer.
pub(super) struct Replicas {
    place: Place,
    picture: watch::Sender<Picture>,
    is_looking: AtomicBool,
}

/// What the last look has found.
struct Picture {
    open: Vec<Arc<Replica>>,
    looks: u64,
    began: Option<Instant>,
    fault: Option<io::Error>,
}

impl Replicas {
    pub(super) fn new(place: Place) -> Arc<Self> {
        let picture = Picture { open: Vec::new(), looks: 0, began: None, fault: None };
        Arc::new(Self {
            place,
            picture: watch::Sender::new(picture),
            is_looking: AtomicBool::new(false),
        })
    }

    /// Sends a call to one of two replicas drawn at random, to the less busy one. What was not sent is offered again.
    pub(super) async fn send(self: &Arc<Self>, mut request: Request) -> Result<Response, String> {
        for _ in 0..OFFERS_MAX {
            let replica = self.pick().await?;
            match replica.send(request).await {
                Ok(response) => return Ok(response),
                Err(Setback::Unsent(again)) => request = *again,
                Err(Setback::Lost(error)) => return Err(error.to_string()),
            }
        }
        Err("every connection was lost before the call went out".to_owned())
    }

    async fn pick(self: &Arc<Self>) -> Result<Arc<Replica>, String> {
        for _ in 0..LOOKS_MAX {
            let mut picture = self.picture.subscribe();
            let looks = picture.borrow().looks;
            if let Some(replica) = self.less_busy() {
                return Ok(replica);
            }
            self.look();
            let is_settled = |now: &Picture| {
                looks < now.looks || now.open.iter().any(|replica| replica.is_open())
            };
            // The sender lives as long as `self`.
            let _ = picture.wait_for(is_settled).await;
        }
        if let Some(replica) = self.less_busy() {
            return Ok(replica);
        }
        let picture = self.picture.borrow();
        Err(picture.fault.as_ref().map_or_else(|| "no address".to_owned(), io::Error::to_string))
    }

    fn less_busy(self: &Arc<Self>) -> Option<Arc<Replica>> {
        let picture = self.picture.borrow();
        let open = || picture.open.iter().filter(|replica| replica.is_open());
        let count = open().count();
        let is_old = || picture.began.is_none_or(|began| FRESH < began.elapsed());
        if count < picture.open.len() || (self.place.may_change() && is_old()) {
            self.look();
        }
        if count < 2 {
            return open().next().cloned();
        }
        let first = rand::rng().random_range(0..count);
        let second = (first + rand::rng().random_range(1..count)) % count;
        [first, second]
            .into_iter()
            .filter_map(|at| open().nth(at))
            .min_by_key(|replica| replica.running())
            .cloned()
    }

    /// Begins a look, unless one is under way.
    fn look(self: &Arc<Self>) {
        if self.is_looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let replicas = self.clone();
        tokio::spawn(async move {
            let looking = Looking(&replicas.is_looking);
            let fault = replicas.renew().await;
            // Who is woken by the end of this look may begin the next.
            drop(looking);
            replicas.picture.send_modify(|picture| {
                picture.looks += 1;
                picture.fault = fault;
            });
        });
    }

    /// Leaves replicas that are gone and connects to new ones. Gives what went wrong last.
    async fn renew(&self) -> Option<io::Error> {
        let began = self.picture.borrow().began;
        if let Some(began) = began {
            tokio::time::sleep_until(began + PACE).await;
        }
        self.picture.send_modify(|picture| picture.began = Some(Instant::now()));
        let found = tokio::time::timeout(LOOKUP_LIMIT, self.place.addresses()).await;
        let found = match found.map_err(io::Error::from).flatten() {
            Ok(found) => found,
            // A resolver that is down for a moment takes no replica away.
            Err(error) => return Some(error),
        };
        self.picture.send_modify(|picture| {
            picture.open.retain(|replica| replica.is_open() && found.contains(&replica.address));
        });
        let mut attempts: FuturesUnordered<_> = {
            let open = &self.picture.borrow().open;
            let is_new = |address: &_| !open.iter().any(|replica| replica.address == *address);
            let room = REPLICAS_MAX.saturating_sub(open.len());
            found.into_iter().filter(is_new).take(room).map(Replica::connect).collect()
        };
        let mut fault = None;
        while let Some(attempt) = attempts.next().await {
            match attempt {
                Ok(replica) => {
                    self.picture.send_modify(|picture| picture.open.push(Arc::new(replica)));
                }
                Err(error) => fault = Some(error),
            }
        }
        fault
    }
}

/// The right to look, given back also by a panic.
struct Looking<'a>(&'a AtomicBool);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
