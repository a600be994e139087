//! Against a server of one's own that hands out what it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Path as Segment, State};
use axum::http::StatusCode as Code;
use axum::routing::get;
use tempfile::TempDir;

use super::*;

const FILES: [(&str, &[u8]); 3] =
    [(CONFIG, b"{}"), (TOKENIZER, b"words"), (WEIGHTS, &[7; 300_000])];

/// A hub that counts what is asked of it.
struct Hub {
    source: Source,
    asked: Arc<AtomicUsize>,
}

impl Hub {
    /// What the hub hands out need not be what is pinned.
    async fn handing_out(files: [(&'static str, &'static [u8]); 3]) -> Self {
        let asked = Arc::<AtomicUsize>::default();
        let hand_out = move |State(asked): State<Arc<AtomicUsize>>,
                             Segment(name): Segment<String>| async move {
            asked.fetch_add(1, Ordering::Relaxed);
            let found = files.iter().find(|(known, _)| *known == name);
            found.map(|(_, content)| *content).ok_or(Code::NOT_FOUND)
        };
        let routes = Router::new().route("/model/{name}", get(hand_out)).with_state(asked.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/model/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { source: pinned(&base), asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn pinned(base: &str) -> Source {
    let file = |(name, content): (&str, &[u8])| Pinned {
        name: name.to_owned(),
        bytes: content.len() as u64,
        sha256: place::hex(&Sha256::digest(content)),
    };
    chassis::telemetry::choose_tls();
    Source { base: base.parse().unwrap(), files: FILES.into_iter().map(file).collect() }
}

fn place(parent: &TempDir) -> PathBuf {
    parent.path().join("models").join("sentence")
}

fn assert_whole(folder: &Path) {
    for (name, content) in FILES {
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), content, "{name}");
    }
    assert!(!folder.with_file_name("sentence.part").exists(), "nothing is left waiting");
}

#[tokio::test]
async fn a_model_is_fetched_once_and_kept() {
    let (hub, parent) = (Hub::handing_out(FILES).await, TempDir::new().unwrap());
    let mut told = Vec::new();
    let tell = |progress: Progress<'_>| told.push((progress.done, progress.total));
    let folder = place(&parent);
    assert_eq!(pull(&hub.source, &folder, tell).await.unwrap(), Pulled::Fetched);
    assert_whole(&folder);
    let total = hub.source.total();
    assert!(told.is_sorted() && told.last() == Some(&(total, total)), "{told:?}");
    assert_eq!(pull(&hub.source, &folder, |_| ()).await.unwrap(), Pulled::Kept);
    assert_eq!(hub.asked(), FILES.len(), "what is there is not asked for again");
}

#[tokio::test]
async fn a_damaged_file_is_replaced_and_others_in_the_folder_stay() {
    let (hub, parent) = (Hub::handing_out(FILES).await, TempDir::new().unwrap());
    let folder = place(&parent);
    pull(&hub.source, &folder, |_| ()).await.unwrap();
    std::fs::write(folder.join(WEIGHTS), [8; 300_000]).unwrap();
    std::fs::write(folder.join("note.txt"), "mine").unwrap();
    assert_eq!(pull(&hub.source, &folder, |_| ()).await.unwrap(), Pulled::Fetched);
    assert_whole(&folder);
    assert_eq!(std::fs::read_to_string(folder.join("note.txt")).unwrap(), "mine");
}

#[tokio::test]
async fn what_is_not_the_pinned_file_is_never_put_in_place() {
    let foreign: [[(&str, &[u8]); 3]; 3] = [
        [FILES[0], FILES[1], (WEIGHTS, &[8; 300_000])],
        [FILES[0], FILES[1], (WEIGHTS, &[7; 300_001])],
        [FILES[0], FILES[1], ("another", b"")],
    ];
    let expected = ["is not the pinned file", "is longer than the 300000 bytes", "answers 404"];
    for (files, expected) in foreign.into_iter().zip(expected) {
        let (hub, parent) = (Hub::handing_out(files).await, TempDir::new().unwrap());
        let folder = place(&parent);
        let error = pull(&hub.source, &folder, |_| ()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!folder.exists(), "{expected}: nothing is put in place");
    }
}

#[tokio::test]
async fn a_broken_transfer_goes_on_with_the_next_file() {
    let (mut hub, parent) = (Hub::handing_out(FILES).await, TempDir::new().unwrap());
    let folder = place(&parent);
    let wanted = hub.source.files[2].clone();
    hub.source.files[2].name = "missing".to_owned();
    pull(&hub.source, &folder, |_| ()).await.unwrap_err();
    hub.source.files[2] = wanted;
    assert_eq!(pull(&hub.source, &folder, |_| ()).await.unwrap(), Pulled::Fetched);
    assert_eq!(hub.asked(), 4, "two files, the missing one, and the last");
    assert_whole(&folder);
}

#[tokio::test]
async fn without_a_hub_it_says_what_to_do_instead() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = pinned(&format!("http://{}/model/", listener.local_addr().unwrap()));
    drop(listener);
    let parent = TempDir::new().unwrap();
    let error = pull(&source, &place(&parent), |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let advice = otherwise(Path::new("models/x"));
    for part in [REVISION, PACKAGE, "models/x", "HTTPS_PROXY", "--from", "static tier"] {
        assert!(advice.contains(part), "{part} is missing in {advice}");
    }
}

#[test]
fn the_pinned_files_are_those_of_the_tests() {
    let sums = include_str!("../../tests/model/SHA256SUMS");
    let source = Source::of(&HUB.parse().unwrap()).unwrap();
    assert_eq!(source.base.as_str(), format!("https://huggingface.co/{MODEL}/resolve/{REVISION}/"));
    for file in source.files {
        assert!(sums.contains(&format!("{}  {}", file.sha256, file.name)), "{}", file.name);
    }
}
