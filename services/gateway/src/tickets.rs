//! Tickets: a connection's worth of a key, for pages that cannot set headers.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::{Redis, clock};
use lru::LruCache;
use redis::AsyncCommands as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::{Digest, Principal, Scope};
use crate::config::Rate;
use crate::identity::Identity;

/// How long a ticket is good.
pub(crate) const LIFE_S: i64 = 30;
const OPEN_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not zero");
const REDIS_LIMIT: Duration = Duration::from_secs(1);

/// What a ticket stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    tenant: String,
    key_id: String,
    scopes: Vec<String>,
    rate: Option<(i64, i64)>,
    user_id: String,
    is_anonymous: bool,
    /// The session that it is for, if it is for one.
    pub(crate) session: Option<String>,
}

impl Ticket {
    pub(crate) fn new(principal: &Principal, identity: &Identity, session: Option<String>) -> Self {
        Self {
            tenant: principal.tenant.clone(),
            key_id: principal.key_id.clone(),
            scopes: principal.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            rate: principal.rate.map(|rate| (rate.max, rate.window_ms)),
            user_id: identity.user_id.clone(),
            is_anonymous: identity.is_anonymous,
            session,
        }
    }

    /// The key that it was made with, bound to its user.
    pub(crate) fn principal(&self) -> Arc<Principal> {
        Arc::new(Principal {
            key_id: self.key_id.clone(),
            tenant: self.tenant.clone(),
            bound_user: Some(self.user_id.clone()),
            scopes: self.scopes.iter().filter_map(|name| Scope::from_name(name)).collect(),
            rate: self.rate.map(|(max, window_ms)| Rate { max, window_ms }),
        })
    }

    /// The user that it was made for.
    pub(crate) fn identity(&self) -> Identity {
        Identity { user_id: self.user_id.clone(), is_anonymous: self.is_anonymous }
    }
}

/// The tickets that are open: in Redis for all replicas, or in this process.
pub(crate) struct Tickets {
    redis: Option<Redis>,
    open: Mutex<LruCache<String, (Ticket, i64)>>,
}

impl Tickets {
    pub(crate) fn new(redis: Option<Redis>) -> Self {
        Self { redis, open: Mutex::new(LruCache::new(OPEN_MAX)) }
    }

    /// Makes the text that opens one connection.
    pub(crate) async fn issue(&self, ticket: Ticket) -> String {
        let text = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let digest = Digest::of(&text).to_hex();
        if !self.share(&digest, &ticket).await {
            let expires_ms = clock::now_ms() + LIFE_S * 1_000;
            self.open().put(digest, (ticket, expires_ms));
        }
        text
    }

    /// What the ticket stands for; it is spent thereby.
    pub(crate) async fn redeem(&self, digest: &Digest) -> Option<Ticket> {
        let digest = digest.to_hex();
        let own = self.open().pop(&digest);
        if let Some((ticket, expires_ms)) = own {
            return (clock::now_ms() < expires_ms).then_some(ticket);
        }
        let redis = self.redis.as_ref()?;
        let mut connection = redis.connection();
        let taken = connection.get_del::<_, Option<String>>(key(redis, &digest));
        match tokio::time::timeout(REDIS_LIMIT, taken).await {
            Ok(Ok(text)) => serde_json::from_str(&text?).ok(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a ticket cannot be looked up");
                None
            }
            Err(_) => None,
        }
    }

    /// Whether the ticket is in Redis now. If not, it is good on this replica alone.
    async fn share(&self, digest: &str, ticket: &Ticket) -> bool {
        let Some(redis) = &self.redis else { return false };
        let text = serde_json::to_string(ticket).expect("a ticket is JSON");
        let mut connection = redis.connection();
        let set = connection.set_ex::<_, _, ()>(key(redis, digest), text, LIFE_S.unsigned_abs());
        match tokio::time::timeout(REDIS_LIMIT, set).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a ticket is good on this replica alone");
                false
            }
            Err(_) => false,
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, LruCache<String, (Ticket, i64)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(redis: &Redis, digest: &str) -> String {
    redis.key(&format!("gateway:ticket:{digest}"))
}

#[cfg(test)]
mod tests {
    use chassis::testing;

    use super::*;

    fn ticket() -> Ticket {
        let principal = Principal {
            key_id: "web".to_owned(),
            tenant: "shop".to_owned(),
            bound_user: None,
            scopes: vec![Scope::Chat],
            rate: Some(Rate { max: 5, window_ms: 1_000 }),
        };
        let identity = Identity { user_id: "anna".to_owned(), is_anonymous: false };
        Ticket::new(&principal, &identity, Some("s-1".to_owned()))
    }

    async fn is_good_once(issuer: &Tickets, redeemer: &Tickets) {
        let text = issuer.issue(ticket()).await;
        assert_eq!(redeemer.redeem(&Digest::of(&text)).await, Some(ticket()));
        assert_eq!(redeemer.redeem(&Digest::of(&text)).await, None, "a ticket is good once");
        assert_eq!(issuer.redeem(&Digest::of(&text)).await, None);
        assert_eq!(issuer.redeem(&Digest::of("made up")).await, None);
    }

    #[tokio::test]
    async fn a_ticket_is_good_once_in_this_process() {
        let tickets = Tickets::new(None);
        is_good_once(&tickets, &tickets).await;
    }

    #[tokio::test]
    async fn a_ticket_is_good_once_on_any_replica() {
        let redis = testing::redis().await;
        is_good_once(&Tickets::new(Some(redis.clone())), &Tickets::new(Some(redis))).await;
    }

    #[tokio::test]
    async fn without_redis_a_ticket_is_good_on_its_own_replica() {
        let nowhere = Redis::open(&"redis://127.0.0.1:1".parse().unwrap(), "").unwrap();
        let tickets = Tickets::new(Some(nowhere));
        is_good_once(&tickets, &tickets).await;
    }

    #[tokio::test]
    async fn an_old_ticket_is_worth_nothing() {
        let tickets = Tickets::new(None);
        let text = tickets.issue(ticket()).await;
        for (_, (_, expires_ms)) in tickets.open().iter_mut() {
            *expires_ms -= LIFE_S * 1_000;
        }
        assert_eq!(tickets.redeem(&Digest::of(&text)).await, None);
    }

    #[test]
    fn who_comes_with_a_ticket_is_bound_to_its_user() {
        let principal = ticket().principal();
        assert_eq!(principal.bound_user.as_deref(), Some("anna"));
        assert!(principal.may(Scope::Chat) && !principal.may(Scope::Read));
        assert_eq!(principal.rate, Some(Rate { max: 5, window_ms: 1_000 }));
    }
}
