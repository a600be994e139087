//! Reading the owner's folder. The only place of the crate that reads it.

use std::path::{Path, PathBuf};

use super::fault::Faults;
use super::{Sources, catalogue, offers, orders, services, shop};

/// The folder of the pages.
const PAGES: &str = "pages";
/// The most that one file may hold.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most pages that are read.
const PAGES_MAX: usize = 1_000;

/// Reads all files of a business.
pub(crate) fn read(folder: &Path, faults: &mut Faults) -> Sources {
    let mut file = |name: &str| text(folder, name, faults);
    let sources = Sources {
        shop: file(shop::FILE),
        services: file(services::FILE),
        catalogue: file(catalogue::FILE),
        offers: file(offers::FILE),
        orders: file(orders::FILE),
        pages: Vec::new(),
    };
    Sources { pages: pages(folder, faults), ..sources }
}

fn pages(folder: &Path, faults: &mut Faults) -> Vec<(String, String)> {
    let mut names = match names(&folder.join(PAGES)) {
        Ok(names) => names,
        Err(error) => {
            faults.add(PAGES, 0, format!("cannot be read: {error}"));
            return Vec::new();
        }
    };
    names.sort();
    if PAGES_MAX < names.len() {
        faults.add(PAGES, 0, format!("has {} pages, at most {PAGES_MAX} are read", names.len()));
        names.truncate(PAGES_MAX);
    }
    let named = names.into_iter().map(|name| format!("{PAGES}/{name}"));
    named.map(|name| (name.clone(), text(folder, &name, faults))).collect()
}

fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = PathBuf::from(entry?.file_name());
        if path.extension().is_some_and(|extension| extension == "md") {
            names.extend(path.to_str().map(str::to_owned));
        }
    }
    Ok(names)
}

fn text(folder: &Path, name: &str, faults: &mut Faults) -> String {
    let path = folder.join(name);
    let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    if FILE_BYTES_MAX < size {
        faults.add(name, 0, format!("has {size} bytes, at most {FILE_BYTES_MAX} are read"));
        return String::new();
    }
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        faults.add(name, 0, format!("cannot be read: {error}"));
        String::new()
    })
}
