//! The definition files of a folder.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::node::{Fault, Place};

/// The most that a file may hold, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How many files a folder may hold.
pub const FILES_MAX: usize = 10_000;
/// Who may read a new file: everybody, as with one that an operator makes.
const NEW_FILE_MODE: u32 = 0o644;

/// A file with what it holds, or with what is wrong with it.
pub struct Source {
    /// Its name within the folder.
    pub name: String,
    /// Its text.
    pub text: Result<String, Fault>,
}

impl Source {
    /// A file that did not come from a folder.
    pub fn of(name: String, text: String) -> Self {
        let is_oversize = FILE_BYTES_MAX < text.len() as u64;
        Self { name, text: if is_oversize { Err(oversize()) } else { Ok(text) } }
    }
}

/// What a folder holds.
#[derive(Default)]
pub struct Folder {
    /// The files in the order of their names.
    pub sources: Vec<Source>,
    /// The names of the files that were passed over because of their size.
    pub oversize: Vec<String>,
}

/// Reads every `*.yaml` and `*.yml` directly in a folder, through symbolic links. Hidden files are passed over, as a
/// shell's pattern does; a mounted ConfigMap keeps its versions in hidden folders.
pub fn read(folder: &Path, skips_oversize: bool) -> io::Result<Folder> {
    let mut found = Folder::default();
    for (name, path) in files(folder)? {
        match text(&path) {
            Ok(Some(text)) => found.sources.push(Source { name, text: Ok(text) }),
            Ok(None) if skips_oversize => found.oversize.push(name),
            Ok(None) => found.sources.push(Source { name, text: Err(oversize()) }),
            Err(fault) => found.sources.push(Source { name, text: Err(fault) }),
        }
    }
    Ok(found)
}

/// Puts a file in its place at once: whoever reads meanwhile sees the old text or the new one, also after a crash. A
/// symbolic link stays, and what it leads to is replaced.
pub fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = match fs::canonicalize(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => folder.join(name),
        path => path?,
    };
    let permissions = match fs::metadata(&path) {
        Ok(metadata) => metadata.permissions(),
        Err(_) => fs::Permissions::from_mode(NEW_FILE_MODE),
    };
    let place = path.parent().unwrap_or(folder);
    // Hidden files are no definitions, so that one left behind by a crash does no harm.
    let mut draft =
        tempfile::Builder::new().prefix(".draft-").permissions(permissions).tempfile_in(place)?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    draft.persist(&path).map_err(|error| error.error)?;
    sync(place)
}

/// Removes a file for good.
pub fn remove(folder: &Path, name: &str) -> io::Result<()> {
    fs::remove_file(folder.join(name))?;
    sync(folder)
}

/// Makes the names in a folder survive a loss of power.
fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let is_definition = name.ends_with(".yaml") || name.ends_with(".yml");
        if name.starts_with('.') || !is_definition || path.is_dir() {
            continue;
        }
        files.push((name.to_owned(), path));
        if FILES_MAX < files.len() {
            return Err(io::Error::other(format!("the folder holds more than {FILES_MAX} files")));
        }
    }
    files.sort();
    Ok(files)
}

/// The text of a file; none when it is too large.
fn text(path: &Path) -> Result<Option<String>, Fault> {
    let unreadable = |error: io::Error| unplaced(format!("the file cannot be read: {error}"));
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if FILE_BYTES_MAX < bytes.len() as u64 {
        return Ok(None);
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Fault::at(end_of(valid), "the file is not UTF-8 from here on")
    })
}

fn end_of(text: &[u8]) -> Place {
    let text = String::from_utf8_lossy(text);
    let last = text.rsplit('\n').next().unwrap_or_default();
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Place { line: count(text.matches('\n').count() + 1), column: count(last.chars().count() + 1) }
}

/// The fault of a file that is too large.
pub fn oversize() -> Fault {
    unplaced(format!("the file is larger than {FILE_BYTES_MAX} bytes"))
}

fn unplaced(message: String) -> Fault {
    Fault::at(Place::default(), message)
}
