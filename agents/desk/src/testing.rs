//! The shipped shop, for tests.

use std::path::Path;

use crate::business::Business;

/// The shop whose files ship with the program.
pub(crate) fn business() -> Business {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../business");
    Business::load(&folder).expect("the shipped files are valid")
}
