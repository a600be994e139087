//! Commands that need no running mesh: `validate`, `classify`, `eval`.

use chassis::testing;
use serde_json::Value;

use crate::program::{Said, mesh, root, run, said};

/// Two agents and a default one; some sentences of the two say the same.
fn rivals() -> std::path::PathBuf {
    let folder = testing::folder();
    let agent = |id: &str, is_default: bool, description: &str, examples: &[&str]| {
        let examples: String = examples.iter().map(|text| format!("  - {text}\n")).collect();
        let threshold = if is_default { 0.0 } else { 0.5 };
        let text = format!(
            "agent_id: {id}\ndisplay_name: {id}\ndescription: {description}\ntype: mcp\n\
             endpoint: \"${{SALES_AGENT_ENDPOINT}}\"\nis_default: {is_default}\n\
             confidence_threshold: {threshold}\nclarification_required: {}\nexamples:\n{examples}",
            !is_default
        );
        std::fs::write(folder.join(format!("{id}.yaml")), text).unwrap();
    };
    agent(
        "billing",
        false,
        "Explains bills and takes payments",
        &[
            "Why is my bill so high",
            "I want to pay my bill",
            "Send me a copy of the invoice",
            "I want to cancel my contract at once",
        ],
    );
    agent(
        "contracts",
        false,
        "Makes, changes and ends contracts",
        &[
            "I want to cancel my contract",
            "I want to cancel my contract now",
            "Please cancel my contract today",
            "Change the name on my contract",
        ],
    );
    agent("hello", true, "Greets", &["Hello", "Good morning"]);
    folder
}

#[tokio::test]
async fn a_folder_of_definitions_can_be_checked() {
    let shipped = root().join("agents").display().to_string();
    let good = run(&["validate", &shipped]).await;
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.out.contains("4 agents: booking, default-agent, sales, support"), "{good:?}");
    let folder = testing::folder();
    std::fs::write(folder.join("one.yaml"), "agent_id: One\nexamples: 7\n").unwrap();
    let bad = run(&["validate", &folder.display().to_string()]).await;
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.out.contains("one.yaml:1:11:") && bad.out.contains("one.yaml:2:"), "{bad:?}");
}

#[tokio::test]
async fn a_check_warns_of_sentences_that_two_agents_claim() {
    let said = run(&["validate", &rivals().display().to_string()]).await;
    assert_eq!(said.code, Some(0), "a warning is no fault: {said:?}");
    let warning = "warning: billing: \"I want to cancel my contract at once\" collides with contracts: \"I want to cancel my contract";
    assert!(said.out.contains(warning), "{said:?}");
    assert_eq!(said.out.matches("collides").count(), 1, "the others are one agent's own: {said:?}");
}

#[tokio::test]
async fn a_text_can_be_classified_from_the_command_line() {
    let agents = root().join("agents").display().to_string();
    let said = run(&["classify", "--agents", &agents, "I need help with my order LL-10001"]).await;
    let found = said.json();
    assert_eq!(found["agent_id"], "support", "{said:?}");
    assert_eq!(found["agent_scores"].as_array().map(Vec::len), Some(4), "{found}");
    assert_eq!(found["entities"]["order_id"], "LL-10001", "{found}");
}

/// Evaluates the shop's labelled texts.
async fn evaluated(more: &[&str]) -> Said {
    let agents = root().join("agents");
    let texts = agents.join("texts.jsonl").display().to_string();
    let agents = agents.display().to_string();
    let mut arguments = vec!["eval", "--agents", &agents, &texts];
    arguments.extend(more);
    run(&arguments).await
}

#[tokio::test]
async fn the_shops_texts_are_evaluated_with_a_line_of_prediction_each() {
    let out = testing::folder().join("out.jsonl");
    let said = evaluated(&["--json", "--predictions", out.to_str().unwrap()]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let report = said.json();
    let lines: Vec<Value> = std::fs::read_to_string(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(report["texts"], lines.len(), "{report}");
    let (outside, inside): (Vec<&Value>, Vec<&Value>) =
        lines.iter().partition(|line| line["label"] == "oos");
    assert_eq!(report["outside"], outside.len());
    let right = inside.iter().filter(|line| line["label"] == line["agent_id"]).count();
    let accuracy = report["accuracy"].as_f64().unwrap();
    assert!((accuracy - right as f64 / inside.len() as f64).abs() < 1e-9, "{report}");
    assert!(0.8 <= accuracy, "the shop's own definitions are good: {report}");
    assert!(0.8 <= report["oos_auroc"].as_f64().unwrap(), "{report}");
    for action in ["route", "clarify", "fallback"] {
        let count = lines.iter().filter(|line| line["action"] == action).count();
        assert_eq!(
            report["actions"][action].as_u64().unwrap_or_default(),
            count as u64,
            "{action}"
        );
    }
    let names: Vec<&str> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["text", "label", "agent_id", "confidence", "ambiguous", "agent_scores", "action"];
    assert!(wanted.iter().all(|name| names.contains(name)) && names.len() == wanted.len());
    let scores = lines[0]["agent_scores"].as_array().unwrap();
    let sum: f64 = scores.iter().map(|score| score["score"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-6 && scores.len() == 4, "{scores:?}");
}

#[tokio::test]
async fn a_report_is_a_page_to_read_and_its_thresholds_follow_the_costs() {
    let said = evaluated(&[]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    for line in ["46 texts, 8 of them for no agent; decided: 46 by static", "accuracy", "AUROC"] {
        assert!(said.out.contains(line), "{line} is missing: {}", said.out);
    }
    assert!(!said.out.contains('\u{1b}'), "no colours where there is no terminal");
    let threshold = |report: &Value| -> f64 {
        let agents = report["agents"].as_array().unwrap();
        agents.iter().filter_map(|agent| agent["best_threshold"].as_f64()).sum()
    };
    let free = evaluated(&["--json", "--question-cost", "0"]).await.json();
    let dear = evaluated(&["--json", "--question-cost", "100"]).await.json();
    assert_eq!(dear["costs"]["question"], 100.0);
    assert!(threshold(&dear) < threshold(&free), "who pays for questions asks less");
}

#[tokio::test]
async fn an_evaluation_reports_overlaps() {
    let (agents, texts) = (rivals(), testing::folder().join("texts.jsonl"));
    std::fs::write(&texts, "{\"text\":\"pay a bill\",\"label\":\"billing\"}\n").unwrap();
    let (agents, texts) = (agents.display().to_string(), texts.display().to_string());
    let report = run(&["eval", "--agents", &agents, &texts, "--json"]).await.json();
    assert_eq!(report["overlaps"][0]["agent_id"], "billing", "{report}");
    assert_eq!(report["overlaps"][0]["other_agent_id"], "contracts", "{report}");
    let page = run(&["eval", "--agents", &agents, &texts]).await.out;
    assert!(page.contains("overlapping examples\n  billing: \"I want to cancel"), "{page}");
}

#[tokio::test]
async fn a_bad_line_of_texts_is_named() {
    let (folder, agents) = (testing::folder(), root().join("agents").display().to_string());
    let texts = "{\"text\":\"Hi\",\"label\":\"oos\"}\n\n{\"text\":\"Hi\",\"label\":\"shop\"}\nHi\n";
    std::fs::write(folder.join("texts.jsonl"), texts).unwrap();
    let mut command = mesh(&folder);
    let said = said(command.args(["eval", "--agents", &agents, "texts.jsonl"])).await;
    assert_eq!(said.code, Some(1));
    let label =
        "texts.jsonl:3: label 'shop' is none of booking, default-agent, sales, support, oos";
    assert!(said.err.contains(label) && said.err.contains("texts.jsonl:4:"), "{}", said.err);
    let missing = run(&["eval", "--agents", &agents, "nowhere.jsonl"]).await;
    assert!(missing.code == Some(1) && missing.err.contains("nowhere.jsonl"), "{missing:?}");
}
