use std::path::{Path, PathBuf};

use desk::Config;
use tempfile::TempDir;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// A copy of the shipped shop with some files changed.
fn shop(changes: &[(&str, &dyn Fn(String) -> String)]) -> (TempDir, Config) {
    let folder = tempfile::tempdir().expect("a folder");
    let business_dir: PathBuf = folder.path().join("business");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../business"), &business_dir);
    for (name, change) in changes {
        let path = business_dir.join(name);
        let text = std::fs::read_to_string(&path).expect("a file");
        std::fs::write(&path, change(text)).expect("it is written");
    }
    let config =
        Config { business_dir, data_path: folder.path().join("desk.db"), ..Config::default() };
    (folder, config)
}

#[tokio::test]
async fn every_mistake_in_the_files_is_told_by_file_and_line() {
    let (_folder, config) = shop(&[
        ("shop.toml", &|text| text.replace("\"09:30-20:00\"", "\"9-20\"")),
        ("services.toml", &|text| {
            text.replace("minutes = 45", "minutes = 50")
                .replace("place = \"counter\"", "place = \"attic\"")
        }),
        ("catalogue.csv", &|text| {
            text.replace("799.00", "about 800")
                .replace(",229.00,standard,6", ",229.00,standard,six")
        }),
        ("offers.csv", &|text| text.replace("2026-12-06", "soon")),
        ("orders.csv", &|text| text.replace("1 x GRI-HAND", "one GRI-HAND")),
        ("pages/care.md", &|text| text.replace("# Caring for your machine", "Caring")),
    ]);
    let error = format!("{:#}", desk::build(&config).await.expect_err("the files are wrong"));
    let expected = [
        "shop.toml:25: `9-20` is not a span of hours such as 09:30-18:00",
        "services.toml:30: service `grinder-service`: minutes must be 15, 30 and so on up to 480",
        "services.toml:48: service `tasting`: there is no place `attic`",
        "catalogue.csv:3: `about 800` is not a price such as 28.00",
        "catalogue.csv:7: stock: not a whole number",
        "offers.csv:4: `soon` is not a day such as 2026-12-24",
        "orders.csv:7: item `one GRI-HAND` is not such as `2 x ACC-JUG`",
        "pages/care.md:1: the page must start with its `# Title`",
    ];
    for text in expected {
        assert!(error.contains(text), "{text}\n{error}");
    }
    assert!(error.contains("have 8 mistakes"), "{error}");
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let (_folder, config) = shop(&[]);
    std::fs::remove_file(config.business_dir.join("catalogue.csv")).expect("it is removed");
    std::fs::remove_dir_all(config.business_dir.join("pages")).expect("it is removed");
    let error = format!("{:#}", desk::build(&config).await.expect_err("files are missing"));
    assert!(error.contains("catalogue.csv: cannot be read"), "{error}");
    assert!(error.contains("pages: cannot be read"), "{error}");
}
