//! What keeps the code easy to see and to change: short files and functions, pure rules, and crates that look only where
//! they may.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

const FILE_LINES_MAX: usize = 300;
const FUNCTION_LINES_MAX: usize = 70;
const FOLDERS: [&str; 6] = ["agents", "chassis", "proto", "services", "src", "tests"];
const SERVICES: [&str; 6] = ["gateway", "classifier", "registry", "budget", "router", "handoff"];

/// Rules without input and output: each stands for its file and for the folder of the same name.
const PURE: [&str; 51] = [
    "chassis/src/address",
    "chassis/src/backoff",
    "chassis/src/redact",
    "chassis/src/screen",
    "chassis/src/tokens",
    "services/budget/src/account",
    "services/budget/src/analytics",
    "services/budget/src/event",
    "services/budget/src/fold",
    "services/budget/src/ledger",
    "services/budget/src/operation",
    "services/budget/src/period",
    "services/budget/src/policy",
    "services/budget/src/pricing",
    "services/budget/src/proof",
    "services/budget/src/rules",
    "services/budget/src/simulation",
    "services/classifier/src/breaker",
    "services/classifier/src/calibration",
    "services/classifier/src/entities",
    "services/classifier/src/eval",
    "services/classifier/src/features",
    "services/classifier/src/index",
    "services/classifier/src/model",
    "services/classifier/src/ridge",
    "services/classifier/src/summary",
    "services/classifier/src/tier",
    "services/classifier/src/vectors",
    "services/classifier/src/words",
    "services/gateway/src/limit/bucket",
    "services/handoff/src/compress",
    "services/handoff/src/decision",
    "services/handoff/src/eligibility",
    "services/handoff/src/roster",
    "services/handoff/src/score",
    "services/handoff/src/transfer",
    "services/handoff/src/wish",
    "services/registry/src/availability",
    "services/registry/src/definition",
    "services/registry/src/node",
    "services/registry/src/slots",
    "services/router/src/breaker",
    "services/router/src/clarification",
    "services/router/src/dispatch/message",
    "services/router/src/dispatch/reply",
    "services/router/src/dispatch/setback",
    "services/router/src/dispatch/usage",
    "services/router/src/gate",
    "services/router/src/reception",
    "services/router/src/session",
    "services/router/src/trigger",
];

/// What a pure file may not name.
const IMPURE: [&str; 10] = [
    "tokio",
    "tonic",
    "prost",
    "sqlx",
    "redis",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "SystemTime::now",
    "Instant::now",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the project with its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn files_are_short() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .collect();
    assert!(long.is_empty(), "files over {FILE_LINES_MAX} lines; split them by noun: {long:#?}");
}

/// Collects the functions that are too long.
struct Functions {
    file: String,
    long: Vec<String>,
}

impl Functions {
    fn measure(&mut self, name: &syn::Ident, block: &syn::Block) {
        let span = block.span();
        let lines = span.end().line - span.start().line + 1;
        if lines > FUNCTION_LINES_MAX {
            self.long.push(format!("{} {name}: {lines} lines", self.file));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig.ident, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for (file, text) in sources() {
        let tree = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut functions = Functions { file, long: Vec::new() };
        functions.visit_file(&tree);
        long.append(&mut functions.long);
    }
    assert!(long.is_empty(), "functions over {FUNCTION_LINES_MAX} lines: {long:#?}");
}

#[test]
fn pure_files_do_no_input_or_output() {
    let sources = sources();
    for pure in PURE {
        let file = format!("{pure}.rs");
        let folder = format!("{pure}/");
        let mut found = false;
        for (name, text) in
            sources.iter().filter(|(name, _)| *name == file || name.starts_with(&folder))
        {
            found = true;
            if name.contains("/tests") {
                continue;
            }
            for word in IMPURE {
                let used = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .any(|line| names(line, word));
                assert!(!used, "{name} is pure and names {word}");
            }
        }
        assert!(found, "{pure} is listed as pure and is not there");
    }
}

/// Whether a line of code names the word as a whole.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn no_crate_looks_where_it_may_not() {
    let dependencies = |folder: &str| {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let names = text.lines().filter_map(|line| line.split_once(['.', ' ', '=']));
        names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    let sees = |folder: &str, other: &str| dependencies(folder).iter().any(|name| name == other);
    for service in SERVICES {
        let folder = format!("services/{service}");
        for other in SERVICES.into_iter().filter(|other| *other != service) {
            assert!(!sees(&folder, other), "{service} sees the crate of {other}");
            assert!(!sees("chassis", other) && !sees("proto", other), "a support sees {other}");
        }
    }
    assert!(!sees("proto", "chassis") && !sees("chassis", "proto"), "the supports see each other");
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "XX".to_owned() + "X"];
    for (name, text) in sources() {
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{name} has a {mark}: do it, or file it");
        }
    }
}

#[test]
fn every_setting_is_in_the_example() {
    let example = fs::read_to_string(root().join(".env.example")).unwrap();
    let listed = |name: &str| {
        example.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{name}=")))
    };
    let calls =
        ["text", "text_or", "path", "boolean", "integer", "millis", "number", "micros", "list"];
    let calls = calls.into_iter().chain(["choice", "url", "url_or", "address"]);
    let calls: Vec<_> = calls.map(|call| format!(".{call}(\"")).collect();
    let mut missing = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| !name.contains("test")) {
        for call in &calls {
            for (at, _) in text.match_indices(call.as_str()) {
                let variable: String =
                    text[at + call.len()..].chars().take_while(|c| *c != '"').collect();
                let is_variable = variable.chars().all(|c| c.is_ascii_uppercase() || c == '_')
                    && !variable.is_empty();
                if is_variable && !listed(&variable) {
                    missing.push(format!("{variable} ({name})"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "settings that .env.example does not show: {missing:#?}");
}
