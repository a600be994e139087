//! Where the files of a model wait and where they go.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::fs;

use super::{Error, Pinned};

/// What the folder is called in which files wait until all are there.
const WAITING: &str = ".part";

/// Whether the folder holds all of these files as they should be.
pub(super) async fn holds_all(folder: &Path, files: &[Pinned]) -> bool {
    for file in files {
        if !holds(folder, file).await {
            return false;
        }
    }
    true
}

/// Whether the folder holds this file as it should be.
pub(super) async fn holds(folder: &Path, file: &Pinned) -> bool {
    let path = folder.join(&file.name);
    if fs::metadata(&path).await.map_or(true, |found| found.len() != file.bytes) {
        return false;
    }
    let hashing = tokio::task::spawn_blocking(move || {
        let mut hash = Sha256::new();
        std::io::copy(&mut std::fs::File::open(path)?, &mut Hashing(&mut hash))?;
        std::io::Result::Ok(hex(&hash.finalize()))
    });
    matches!(hashing.await, Ok(Ok(found)) if found == file.sha256)
}

/// A folder beside the one that is meant, so that files can move from the one into the other in one step.
pub(super) async fn waiting_room(folder: &Path) -> Result<PathBuf, Error> {
    let mut name = folder.file_name().map_or_else(OsString::new, OsString::from);
    name.push(WAITING);
    let waiting = folder.with_file_name(name);
    let made = fs::create_dir_all(&waiting).await;
    made.map_err(|source| Error::Place { path: waiting.clone(), source })?;
    Ok(waiting)
}

/// Puts all files in their place: as a folder where there is none yet, else each over the one that is there.
pub(super) async fn move_in(waiting: &Path, folder: &Path, files: &[Pinned]) -> Result<(), Error> {
    let unwritable = |path: PathBuf| |source| Error::Place { path, source };
    if !fs::try_exists(folder).await.unwrap_or(true) {
        return fs::rename(waiting, folder).await.map_err(unwritable(folder.to_owned()));
    }
    for file in files {
        let path = folder.join(&file.name);
        fs::rename(waiting.join(&file.name), &path).await.map_err(unwritable(path))?;
    }
    fs::remove_dir_all(waiting).await.map_err(unwritable(waiting.to_owned()))
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A writer that only hashes.
struct Hashing<'a>(&'a mut Sha256);

impl std::io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
