use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::super::line;
use super::super::tests::{DEFAULT, Folder, SALES};
use super::*;

const SALES_JSON: &str = r#"{"agent_id": "sales", "display_name": "Sales", "description": "Sells more.",
    "type": "mcp", "endpoint": "https://8.8.8.8/mcp", "is_default": false, "confidence_threshold": 0.5,
    "clarification_required": true, "examples": ["What does it cost?"]}"#;

fn json(text: &str) -> Text {
    Text::Json(text.to_owned())
}

impl Folder {
    async fn put(&self, agent_id: &str, text: Text) -> Result<Changed, ChangeError> {
        self.loader(false).put(agent_id, text).await
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("the file is there")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the folder is there");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn ids(changed: &Changed) -> Vec<&str> {
    let set = changed.outcome.set.as_ref().expect("a change brings a set");
    set.agents.iter().map(|agent| agent.agent_id.as_str()).collect()
}

fn refused(outcome: Result<Changed, ChangeError>) -> Vec<(String, String)> {
    match outcome {
        Err(ChangeError::Refused(errors)) => {
            errors.iter().map(|error| (error.path.clone(), line(error))).collect()
        }
        other => panic!("it is not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_new_agent_gets_a_file_of_its_name() {
    let folder = Folder::with(&[("a.yaml", DEFAULT)]);
    let put = folder.put("sales", json(SALES_JSON)).await.expect("it is valid");
    assert_eq!((ids(&put), put.is_new), (vec!["default-agent", "sales"], true));
    assert_eq!(folder.names(), ["a.yaml", "sales.yaml"], "no draft is left");
    assert!(folder.text("sales.yaml").starts_with("agent_id: sales\n"));
    let mode = fs::metadata(folder.0.join("sales.yaml")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o444, 0o444, "others may read it as any file of the folder");
    assert_eq!(folder.loader(false).load().await.set, put.outcome.set, "a reload sees the same");
}

#[tokio::test]
async fn a_known_agent_stays_in_its_file_with_its_placeholders_and_its_mode() {
    let text = SALES.replace("https://8.8.8.8/mcp", "${SALES_URL:-https://8.8.8.8/mcp}");
    let text = format!("# Ours.\n{text}version: \"${{SALES_VERSION:-1}}\"\n");
    let folder = Folder::with(&[("a.yaml", DEFAULT), ("shop.yml", &text)]);
    let path = folder.0.join("shop.yml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
    let put = folder.put("sales", json(SALES_JSON)).await.expect("it is valid");
    assert!(!put.is_new);
    let stored = folder.text("shop.yml");
    assert!(stored.contains("endpoint: ${SALES_URL:-https://8.8.8.8/mcp}\n"), "{stored}");
    assert!(stored.contains("description: Sells more.\n"), "{stored}");
    let lost = "shop.yml: version: the placeholder in `${SALES_VERSION:-1}` is gone";
    assert_eq!(put.outcome.warnings, [lost]);
    assert_eq!(fs::metadata(path).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert_eq!(folder.names(), ["a.yaml", "shop.yml"]);
}

#[tokio::test]
async fn a_file_behind_a_link_is_replaced_and_the_link_stays() {
    let elsewhere = Folder::with(&[("real.yaml", SALES)]);
    let folder = Folder::with(&[("a.yaml", DEFAULT)]);
    symlink(elsewhere.0.join("real.yaml"), folder.0.join("sales.yaml")).expect("it takes links");
    folder.put("sales", json(SALES_JSON)).await.expect("it is valid");
    assert!(folder.0.join("sales.yaml").is_symlink());
    assert!(elsewhere.text("real.yaml").contains("Sells more."));
    folder.loader(false).delete("sales").await.expect("it is there");
    assert_eq!(
        (folder.names(), elsewhere.names()),
        (vec!["a.yaml".into()], vec!["real.yaml".into()])
    );
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_nothing_is_written() {
    let folder = Folder::with(&[
        ("a.yaml", DEFAULT),
        ("b.yaml", SALES),
        ("x.yaml", &SALES.replace("sales", "y")),
    ]);
    let second_default = SALES.replace("is_default: false", "is_default: true").replace("0.7", "0");
    let lone = DEFAULT.replace("is_default: true", "is_default: false");
    let cases: [(&str, Text, &str, &str); 8] = [
        ("sales", json("{"), "", "b.yaml:1:"),
        ("sales", json("[]"), "", "b.yaml:1:1: must be an object, is a list"),
        ("sales", json(&SALES_JSON.replace("0.5", "7")), "confidence_threshold", "b.yaml:2:"),
        ("sales", json(&SALES_JSON.replace("8.8.8.8", "10.0.0.1")), "endpoint", "b.yaml:2:"),
        ("other", json(SALES_JSON), "agent_id", "other.yaml:1:14: agent_id: must be `other`"),
        ("sales", Text::Yaml(second_default), "is_default", "b.yaml:6:13: is_default: `a.yaml` is"),
        ("default-agent", Text::Yaml(lone), "is_default", "no definition says `is_default: true`"),
        (
            "x",
            json(&SALES_JSON.replace("\"sales\"", "\"x\"")),
            "agent_id",
            "x.yaml:1:14: agent_id: the file",
        ),
    ];
    for (agent_id, text, path, start) in cases {
        let told = refused(folder.put(agent_id, text.clone()).await);
        assert!(told[0].0 == path && told[0].1.starts_with(start), "{text:?}: {told:?}");
    }
    let big = format!("{SALES_JSON}{}", " ".repeat(1 << 20));
    assert!(refused(folder.put("sales", json(&big)).await)[0].1.contains("larger than"));
    assert_eq!(folder.names(), ["a.yaml", "b.yaml", "x.yaml"]);
    assert_eq!(folder.text("b.yaml"), SALES);
}

#[tokio::test]
async fn an_agent_is_deleted_with_its_file_unless_it_is_the_default() {
    let folder = Folder::with(&[("a.yaml", DEFAULT), ("b.yaml", SALES)]);
    let loader = folder.loader(false);
    let told = refused(loader.delete("default-agent").await);
    assert_eq!(told[0].0, "is_default");
    for unknown in ["nobody", "", "../a", "b"] {
        let outcome = loader.delete(unknown).await;
        assert!(matches!(outcome, Err(ChangeError::Unknown(id)) if id == unknown));
    }
    let deleted = loader.delete("sales").await.expect("it is there");
    assert_eq!((ids(&deleted), folder.names()), (vec!["default-agent"], vec!["a.yaml".to_owned()]));
}

#[tokio::test]
async fn a_broken_file_can_be_replaced_or_removed_under_its_name() {
    let folder = Folder::with(&[("a.yaml", DEFAULT), ("sales.yml", "agent_id: [")]);
    folder.put("sales", json(SALES_JSON)).await.expect("it is valid");
    assert_eq!(folder.names(), ["a.yaml", "sales.yml"]);
    folder.write("sales.yml", "agent_id: [");
    folder.write("other.yaml", "agent_id: [");
    let told = refused(folder.loader(false).delete("sales").await);
    assert_eq!(told[0].1.split(':').next(), Some("other.yaml"), "{told:?}");
    fs::remove_file(folder.0.join("other.yaml")).expect("it is there");
    folder.loader(false).delete("sales").await.expect("it is there");
    assert_eq!(folder.names(), ["a.yaml"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_may_not_be_written_is_told_apart() {
    let folder = Folder::with(&[("a.yaml", DEFAULT), ("b.yaml", SALES)]);
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o555)).expect("it is ours");
    // Whoever may do everything may write anywhere; threads that start from here on inherit the loss.
    caps::drop(None, caps::CapSet::Effective, caps::Capability::CAP_DAC_OVERRIDE)
        .expect("a right can always be given up");
    let put = folder.put("sales", json(SALES_JSON)).await;
    let deleted = folder.loader(false).delete("sales").await;
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).expect("it is ours");
    assert!(matches!(put, Err(ChangeError::ReadOnly(_))), "{put:?}");
    assert!(matches!(deleted, Err(ChangeError::ReadOnly(_))), "{deleted:?}");
    assert_eq!((folder.text("b.yaml"), folder.names().len()), (SALES.to_owned(), 2));
}
