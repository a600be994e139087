//! The keys that are known right now.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chassis::{Life, Mode, clock};
use tokio::signal::unix::{SignalKind, signal};

use super::{Digest, Principal, Scope, file};
use crate::config::{Config, KEY_CHARACTERS_MIN, KeySource};

/// The id of the plain key.
pub(super) const MAIN: &str = "main";
/// How often an unreadable source is read again.
const RETRY_MS: i64 = 1_000;

/// Why a caller is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The key is not known.
    Unknown,
    /// Nobody can say whether it is known.
    Unavailable,
}

/// The known keys.
pub(crate) struct Keys {
    sources: Sources,
    known: RwLock<Option<Arc<Vec<Known>>>>,
    retry_at_ms: AtomicI64,
}

struct Known {
    digest: Digest,
    principal: Arc<Principal>,
}

struct Sources {
    key: KeySource,
    file: Option<PathBuf>,
    mode: Mode,
}

impl Keys {
    /// Reads the keys. What is wrong with them is an error; a file that cannot be read is tried again later.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let sources =
            Sources { key: config.key.clone(), file: config.keys_file.clone(), mode: config.mode };
        if config.uses_development_key() {
            tracing::warn!("API_KEY is not set: callers get in with dev-key, on this machine only");
        }
        let known = match sources.read() {
            Ok(known) => Some(Arc::new(known)),
            Err(Fault::Unreadable(cause)) => {
                tracing::error!(cause, "the keys cannot be read: nobody is let in");
                None
            }
            Err(Fault::Invalid(cause)) => anyhow::bail!(cause),
        };
        Ok(Self { sources, known: RwLock::new(known), retry_at_ms: AtomicI64::new(0) })
    }

    /// Whose key it is.
    pub(crate) fn principal_of(&self, key: &Digest) -> Result<Arc<Principal>, Refused> {
        let known = self.known().ok_or(Refused::Unavailable)?;
        let mut found = None;
        // All are compared, so that the time tells nothing of the place.
        for one in known.iter() {
            if one.digest.equals(key) {
                found = Some(&one.principal);
            }
        }
        found.cloned().ok_or(Refused::Unknown)
    }

    /// Reads the keys again: all or nothing.
    pub(crate) fn reload(&self) {
        match self.sources.read() {
            Ok(known) => {
                tracing::info!(keys = known.len(), "the keys were read");
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(known));
            }
            Err(Fault::Unreadable(cause) | Fault::Invalid(cause)) => {
                tracing::error!(cause, "the keys stay as they were");
            }
        }
    }

    fn known(&self) -> Option<Arc<Vec<Known>>> {
        let read = || self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = read() {
            return Some(known);
        }
        let now_ms = clock::now_ms();
        let due_ms = self.retry_at_ms.load(Ordering::Relaxed);
        let claim = |next_ms| {
            let (set, got) = (Ordering::Relaxed, Ordering::Relaxed);
            self.retry_at_ms.compare_exchange(due_ms, next_ms, set, got).is_ok()
        };
        if due_ms <= now_ms && claim(now_ms + RETRY_MS) {
            self.reload();
        }
        read()
    }
}

/// Reads the keys again whenever the process is told to by SIGHUP.
pub(crate) fn reread(keys: &Arc<Keys>, life: &Life) -> anyhow::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    let (keys, stop) = (keys.clone(), life.token());
    life.spawn("keys", async move {
        while stop.run_until_cancelled(hangups.recv()).await.flatten().is_some() {
            keys.reload();
        }
    });
    Ok(())
}

enum Fault {
    Unreadable(String),
    Invalid(String),
}

impl Sources {
    fn read(&self) -> Result<Vec<Known>, Fault> {
        let mut known = Vec::new();
        if let Some(text) = self.plain()? {
            let principal = Principal {
                key_id: MAIN.to_owned(),
                tenant: "default".to_owned(),
                bound_user: None,
                scopes: vec![Scope::Admin],
                rate: None,
            };
            known.push(Known { digest: Digest::of(&text), principal: Arc::new(principal) });
        }
        if let Some(path) = &self.file {
            let text = read(path)?;
            let keys = file::parse(&text)
                .map_err(|fault| Fault::Invalid(format!("{}: {fault}", path.display())))?;
            known.extend(
                keys.into_iter()
                    .map(|(digest, principal)| Known { digest, principal: Arc::new(principal) }),
            );
        }
        Ok(known)
    }

    fn plain(&self) -> Result<Option<String>, Fault> {
        match &self.key {
            KeySource::Text(text) => Ok(Some(text.clone())),
            KeySource::Development => Ok(Some(Config::development_key().to_owned())),
            KeySource::Missing => Ok(None),
            KeySource::File(path) => {
                let text = read(path)?.trim().to_owned();
                let shortest = if self.mode == Mode::Production { KEY_CHARACTERS_MIN } else { 1 };
                if text.chars().count() < shortest {
                    let path = path.display();
                    return Err(Fault::Invalid(format!(
                        "{path}: a key of at least {shortest} characters is needed"
                    )));
                }
                Ok(Some(text))
            }
        }
    }
}

fn read(path: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(path)
        .map_err(|error| Fault::Unreadable(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use chassis::config::Environment;
    use chassis::testing;

    use super::*;

    fn open(pairs: &[(&str, &str)]) -> anyhow::Result<Keys> {
        Keys::open(&Config::read(&mut Environment::of(pairs.iter().copied())))
    }

    fn id(keys: &Keys, key: &str) -> Result<String, Refused> {
        keys.principal_of(&Digest::of(key)).map(|principal| principal.key_id.clone())
    }

    fn entry(id: &str, key: &str) -> String {
        let digest = Digest::of(key).to_hex();
        format!("keys: [{{id: {id}, sha256: \"{digest}\", tenant: shop, scopes: [chat]}}]")
    }

    #[test]
    fn the_plain_key_may_do_everything() {
        let keys = open(&[("API_KEY", "abc")]).unwrap();
        let main = keys.principal_of(&Digest::of("abc")).unwrap();
        assert_eq!((main.key_id.as_str(), main.tenant.as_str()), ("main", "default"));
        assert!([Scope::Chat, Scope::Read, Scope::Admin].iter().all(|scope| main.may(*scope)));
        assert_eq!(id(&keys, "abd"), Err(Refused::Unknown));
        assert_eq!(id(&keys, "dev-key"), Err(Refused::Unknown), "only when no key is set");
        assert_eq!(id(&open(&[]).unwrap(), "dev-key"), Ok("main".to_owned()));
    }

    #[test]
    fn a_file_is_read_again_all_or_nothing() {
        let path = testing::folder().join("keys.yaml");
        std::fs::write(&path, entry("one", "first")).unwrap();
        let keys = open(&[("API_KEY", "abc"), ("API_KEYS_FILE", path.to_str().unwrap())]).unwrap();
        assert_eq!(id(&keys, "first"), Ok("one".to_owned()));
        std::fs::write(&path, entry("two", "second")).unwrap();
        keys.reload();
        assert_eq!(id(&keys, "first"), Err(Refused::Unknown));
        assert_eq!(id(&keys, "second"), Ok("two".to_owned()));
        std::fs::write(&path, "keys: [{id: three}]").unwrap();
        keys.reload();
        assert_eq!(id(&keys, "second"), Ok("two".to_owned()), "a broken file changes nothing");
        assert_eq!(id(&keys, "abc"), Ok("main".to_owned()));
    }

    #[test]
    fn a_source_that_comes_later_lets_people_in_then() {
        let path = testing::folder().join("key");
        let keys = open(&[("API_KEY_FILE", path.to_str().unwrap())]).unwrap();
        assert_eq!(id(&keys, "abc"), Err(Refused::Unavailable));
        std::fs::write(&path, "abc\n").unwrap();
        keys.retry_at_ms.store(0, Ordering::Relaxed);
        assert_eq!(id(&keys, "abc"), Ok("main".to_owned()));
    }

    #[test]
    fn a_short_key_in_a_file_is_refused_in_production() {
        let path = testing::folder().join("key");
        std::fs::write(&path, "short").unwrap();
        let pairs = [("MESH_ENV", "production"), ("API_KEY_FILE", path.to_str().unwrap())];
        assert!(open(&pairs).is_err());
    }
}
