use std::fs;
use std::os::unix::fs::symlink;

use chassis::testing::Names;

use super::*;

mod audit;

pub(super) const SALES: &str = "\
agent_id: sales
display_name: Sales
description: Sells things.
type: mcp
endpoint: https://8.8.8.8/mcp
is_default: false
confidence_threshold: 0.7
clarification_required: true
examples: [What does it cost?]
";

pub(super) const DEFAULT: &str = "\
agent_id: default-agent
display_name: Reception
description: Greets.
type: mcp
endpoint: https://8.8.8.8/default
is_default: true
confidence_threshold: 0
clarification_required: false
examples: [Hello]
";

pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(chassis::testing::folder());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a temporary folder takes files");
    }

    pub(super) fn loader(&self, skips_oversize: bool) -> Loader {
        Loader { skips_oversize, ..self.knowing(&Names::default()) }
    }

    fn knowing(&self, names: &Names) -> Loader {
        let (folder, resolver) = (self.0.clone(), Arc::new(names.clone()));
        Loader { folder, skips_oversize: false, rules: Arc::default(), resolver }
    }

    async fn load(&self) -> Outcome {
        self.loader(false).load().await
    }

    async fn errors(&self) -> Vec<String> {
        self.load().await.errors.iter().map(line).collect()
    }
}

/// Files, and what is wrong with them.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

fn ids(outcome: &Outcome) -> Vec<&str> {
    let set = outcome.set.as_ref().unwrap_or_else(|| panic!("{:?}", outcome.errors));
    set.agents.iter().map(|agent| agent.agent_id.as_str()).collect()
}

#[tokio::test]
async fn a_folder_of_definitions_becomes_a_sorted_set() {
    let folder = Folder::with(&[("z.yml", SALES), ("a.yaml", DEFAULT)]);
    folder.write("notes.txt", "not a definition");
    folder.write(".hidden.yaml", "not: [a definition");
    folder.write("UPPER.YAML", "not: [a definition");
    fs::create_dir(folder.0.join("sub.yaml")).expect("a temporary folder takes folders");
    fs::write(folder.0.join("sub.yaml/x.yaml"), "not: [read").expect("so do they");
    let outcome = folder.load().await;
    assert_eq!(ids(&outcome), ["default-agent", "sales"]);
    assert_eq!(outcome.warnings, Vec::<String>::new());
    let result = outcome.result(7);
    assert!(result.success);
    assert_eq!((result.generation, result.agent_count), (7, 2));
    assert_eq!(result.agent_ids, ["default-agent", "sales"]);
    assert_eq!(result.default_agent_id, "default-agent");
}

#[tokio::test]
async fn links_are_followed_as_a_mounted_config_map_needs() {
    let folder = Folder::with(&[]);
    let version = folder.0.join("..2026_01_01");
    fs::create_dir(&version).expect("a temporary folder takes folders");
    fs::write(version.join("sales.yaml"), SALES).expect("and files");
    fs::write(version.join("default.yaml"), DEFAULT).expect("and files");
    symlink("..2026_01_01", folder.0.join("..data")).expect("and links");
    for name in ["sales.yaml", "default.yaml"] {
        symlink(format!("..data/{name}"), folder.0.join(name)).expect("and links");
    }
    assert_eq!(ids(&folder.load().await), ["default-agent", "sales"]);
    symlink("nowhere.yaml", folder.0.join("broken.yaml")).expect("and links");
    let errors = folder.errors().await;
    assert!(errors[0].starts_with("broken.yaml: the file cannot be read"), "{errors:?}");
}

#[tokio::test]
async fn every_broken_file_is_reported_with_its_places() {
    let wrong = SALES.replace("0.7", "\"${T:-0.7}\"").replace("true", "maybe") + "colour: red\n";
    let folder = Folder::with(&[
        ("a.yaml", DEFAULT),
        ("b.yaml", &wrong),
        ("c.yaml", "agent_id: [x\nbroken"),
        ("d.yaml", "agent_id: d\nagent_id: e\n"),
        ("e.yaml", ""),
        ("f.yaml", &SALES.replace("https://8.8.8.8/mcp", "http://0x7f.1/mcp")),
    ]);
    folder.write("g.yaml", "");
    fs::write(folder.0.join("g.yaml"), b"agent_id: g\nname: \xff").expect("it takes bytes too");
    let errors = folder.errors().await;
    let expected = [
        "b.yaml:7:23: confidence_threshold: must be a number, is a string",
        "b.yaml:8:25: clarification_required: must be a boolean, is a string",
        "b.yaml:10:1: unknown key `colour`",
        "c.yaml:1:11: unclosed bracket",
        "d.yaml:2:1: ",
        "e.yaml:1:1: must be an object, is nothing",
        "f.yaml:5:11: endpoint: address 127.0.0.1 is not public: loopback",
        "g.yaml:2:7: the file is not UTF-8 from here on",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error} is not {expected}");
    }
    let outcome = folder.load().await;
    assert!(outcome.set.is_none());
    assert_eq!(Broken(outcome.errors).to_string().lines().count(), errors.len() + 1);
}

#[tokio::test]
async fn a_set_has_unique_ids_and_exactly_one_default() {
    let cases: [Case; 4] = [
        (&[], &["there is no definition: at least one `*.yaml` or `*.yml` file is needed"]),
        (&[("a.yaml", SALES)], &["no definition says `is_default: true`, and exactly one must"]),
        (
            &[("a.yaml", DEFAULT), ("b.yaml", SALES), ("c.yaml", SALES)],
            &["c.yaml:1:11: agent_id: `sales` is defined in `b.yaml` already"],
        ),
        (
            &[("a.yaml", DEFAULT), ("b.yaml", DEFAULT)],
            &[
                "b.yaml:1:11: agent_id: `default-agent` is defined in `a.yaml` already",
                "b.yaml:6:13: is_default: `a.yaml` is the default already",
            ],
        ),
    ];
    for (files, expected) in cases {
        assert_eq!(Folder::with(files).errors().await, expected);
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_or_passed_over() {
    let padding = "#".repeat(1024 * 1024);
    let limit = 1024 * 1024 - DEFAULT.len();
    let folder = Folder::with(&[("a.yaml", &format!("{DEFAULT}{}", &padding[..limit]))]);
    assert_eq!(ids(&folder.load().await), ["default-agent"], "exactly 1 MiB is allowed");

    folder.write("b.yaml", &format!("{SALES}{padding}"));
    assert_eq!(folder.errors().await, ["b.yaml: the file is larger than 1048576 bytes"]);
    let outcome = folder.loader(true).load().await;
    assert_eq!(ids(&outcome), ["default-agent"]);
    assert_eq!(outcome.warnings, ["b.yaml: skipped, it is larger than 1048576 bytes"]);
}

#[tokio::test]
async fn a_missing_folder_is_an_error_with_its_name() {
    let loader = Loader {
        folder: PathBuf::from("/nowhere/agents"),
        skips_oversize: false,
        rules: Arc::default(),
        resolver: system(),
    };
    let errors = loader.load().await.errors;
    assert!(line(&errors[0]).starts_with("/nowhere/agents: the folder cannot be read: "));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_warning() {
    let folder = Folder::with(&[
        ("a.yaml", DEFAULT),
        ("b.yaml", &SALES.replace("8.8.8.8", "nobody.invalid")),
    ]);
    let outcome = folder.load().await;
    assert_eq!(ids(&outcome), ["default-agent", "sales"]);
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
    assert!(outcome.warnings[0].starts_with("b.yaml: the name `nobody.invalid` does not resolve"));
}

#[tokio::test]
async fn a_name_is_refused_when_one_of_its_addresses_is_not_public() {
    let names = Names::default();
    let sales = SALES.replace("8.8.8.8", "desk.example");
    let folder = Folder::with(&[("a.yaml", DEFAULT), ("b.yaml", &sales)]);
    names.point("desk.example", &["93.184.215.14", "2606:4700::1"]);
    assert_eq!(folder.knowing(&names).load().await.errors, []);
    names.point("desk.example", &["93.184.215.14", "10.0.0.1"]);
    let outcome = folder.knowing(&names).load().await;
    assert_eq!(
        outcome.errors.iter().map(line).collect::<Vec<_>>(),
        ["b.yaml:5:11: `desk.example` may not be called: address 10.0.0.1 is not public: private"]
    );
}

#[tokio::test]
async fn a_sentence_that_two_agents_have_as_an_example_is_a_warning() {
    let greeting = SALES.replace("[What does it cost?]", "[\"  HELLO \", What does it cost?]");
    let folder = Folder::with(&[("a.yaml", DEFAULT), ("b.yaml", &greeting)]);
    let outcome = folder.load().await;
    assert_eq!(outcome.warnings, ["sales: \"  HELLO \" is an example of default-agent too"]);
    assert_eq!(outcome.errors, []);
}

#[tokio::test]
async fn a_bomb_of_aliases_is_refused_within_bounds() {
    let mut text = String::from("metadata:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let alias = format!("*a{}", level - 1);
        let aliases = vec![alias; 10].join(", ");
        text.push_str(&format!("  a{level}: &a{level} [{aliases}]\n"));
    }
    let deep = format!("metadata: {}{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let folder = Folder::with(&[("a.yaml", DEFAULT), ("b.yaml", &text), ("c.yaml", &deep)]);
    let errors = folder.errors().await;
    assert_eq!(errors.len(), 2, "{errors:?}");
}

#[tokio::test]
async fn a_folder_can_be_validated_without_serving_it() {
    let text = SALES.replace("https://8.8.8.8", "http://${SALES_HOST}:4100");
    let folder = Folder::with(&[("a.yaml", DEFAULT), ("b.yaml", &text)]);
    let config = |allowlist: &[&str]| Config {
        folder: folder.0.clone(),
        variables: [("SALES_HOST".to_owned(), "127.0.0.1".to_owned())].into(),
        allowlist: allowlist.iter().map(|&entry| entry.to_owned()).collect(),
        ..Config::default()
    };
    let result = validate_dir(&config(&["127.0.0.1:4100"])).await;
    assert_eq!(result.map(|result| (result.success, result.agent_count)), Ok((true, 2)));
    let result = validate_dir(&config(&[])).await.expect("the list is well formed");
    assert_eq!(
        result.errors.iter().map(line).collect::<Vec<_>>(),
        ["b.yaml:5:11: endpoint: address 127.0.0.1 is not public: loopback"]
    );
    assert!(validate_dir(&config(&["a b"])).await.is_err());
}

#[tokio::test]
async fn the_definitions_that_ship_are_valid() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents");
    let names = ["SALES", "SUPPORT", "BOOKING", "DEFAULT"];
    let endpoint = |name: &str| {
        let path = name.to_lowercase();
        (format!("{name}_AGENT_ENDPOINT"), format!("http://127.0.0.1:4100/{path}"))
    };
    let allowlist = vec!["127.0.0.1:4100".to_owned()];
    let variables = names.map(endpoint).into();
    let config = Config { folder, variables, allowlist, ..Config::default() };
    let result = validate_dir(&config).await;
    let result = result.expect("the list is well formed");
    assert_eq!(result.errors, []);
    assert_eq!(result.agent_ids, ["booking", "default-agent", "sales", "support"]);
    assert_eq!(result.default_agent_id, "default-agent");
}
