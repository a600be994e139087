//! `mesh budget …`: the money of a running mesh from the command line.

use std::path::Path;

use chassis::{Database, testing};
use serde_json::{Value, json};

use crate::client::Client;
use crate::program::{Running, Said, mesh, run, said};

/// What one answer of the shipped agents costs.
const ANSWER_USD: f64 = 0.0005;

/// Runs a command of the budget of this mesh.
async fn budget(mesh: &Running, arguments: &[&str]) -> Said {
    let address = mesh.budget();
    let mut all = vec!["budget", arguments[0], "--address", &address];
    all.extend(&arguments[1..]);
    run(&all).await
}

/// The same, for programs.
async fn json(mesh: &Running, arguments: &[&str]) -> (Option<i32>, Value) {
    let said = budget(mesh, &[arguments, &["--json"]].concat()).await;
    (said.code, said.json())
}

/// Lets the shop answer so many messages of a user.
async fn answers(mesh: &Running, user: &str, count: usize) {
    for _ in 0..count {
        let body = json!({"input": "I need help with my order", "user_id": user}).to_string();
        let headers = [("x-api-key", "dev-key"), ("content-type", "application/json")];
        let client = Client::new(mesh.http, user);
        let answer = client.raw("/v1/request", &headers, body.into_bytes()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_budget_is_set_checked_spent_explained_and_reset() {
    let mesh = Running::start(testing::folder()).await;
    let page = budget(&mesh, &["list"]).await;
    assert!(
        page.code == Some(0) && page.out.contains("user:*     10  none"),
        "the built-in one: {page:?}"
    );

    let limit = ["set", "user:ada", "--limit", "0.01", "--period", "monthly", "--soft-cap", "0.5"];
    let (code, set) = json(&mesh, &limit).await;
    assert_eq!((code, &set["budgets"][0]["limit_usd"]), (Some(0), &json!(0.01)), "{set}");
    let (_, set) = json(&mesh, &["set", "user:ada", "--limit", "0.002"]).await;
    let kept = &set["budgets"][0];
    assert_eq!((&kept["period"], &kept["policy"]["soft_cap"]), (&json!("monthly"), &json!(0.5)));
    let (code, again) = json(&mesh, &["set", "user:ada", "--limit", "1", "--create-only"]).await;
    assert_eq!(code, Some(1), "there is one already: {again}");

    answers(&mesh, "ada", 2).await;
    let (code, checked) = json(&mesh, &["check", "user:ada", "--estimate-usd", "0.0001"]).await;
    assert_eq!((code, &checked["action"]), (Some(0), &json!("warn")), "{checked}");
    assert_eq!(checked["scopes"][0]["spent_usd"], json!(2.0 * ANSWER_USD), "{checked}");
    let denied = budget(&mesh, &["check", "user:ada", "--estimate-usd", "0.0011"]).await;
    assert_eq!(denied.code, Some(1), "{denied:?}");
    assert!(denied.out.starts_with("hard-stop: Hard cap exceeded"), "{denied:?}");

    let (code, explained) = json(&mesh, &["explain", "user:ada"]).await;
    assert_eq!(code, Some(0), "{explained}");
    let entries = explained["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{explained}");
    assert!(entries.iter().all(|entry| entry["agent_id"] == "support"), "{explained}");
    assert!(explained["proofs"].as_array().unwrap().iter().all(|proof| proof["holds"] == true));
    let page = budget(&mesh, &["explain", "user:ada"]).await.out;
    assert!(page.contains("holds  0.001 spent = 0.001 in 2 ledger entries"), "{page}");

    let (code, reset) = json(&mesh, &["reset", "user:ada"]).await;
    assert_eq!((code, &reset["previous_spent_usd"]), (Some(0), &json!(0.001)), "{reset}");
    let one = budget(&mesh, &["list", "user:ada"]).await.out;
    assert!(one.lines().nth(1).unwrap().contains("  0.002  active"), "all of it is left: {one}");
    let (code, report) = json(&mesh, &["report", "--group-by", "agent"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(report["rows"][0]["spent_usd"], json!(0.001), "what was spent stays: {report}");
    let page = budget(&mesh, &["report", "--scope", "user:ada", "--from", "2020-01-01"]).await.out;
    assert!(page.contains("user:ada") && page.contains("0.001"), "{page}");
}

#[tokio::test]
async fn calls_are_simulated_by_present_and_by_new_budgets_without_effect() {
    let mesh = Running::start(testing::folder()).await;
    let calls = ["simulate", "user:ada", "--estimate-usd", "0.5", "--model", "gpt-4o"];
    let (code, built_in) = json(&mesh, &[&calls[..], &["--calls", "21"]].concat()).await;
    assert_eq!((code, &built_in["denied"]), (Some(1), &json!(1)), "{built_in}");
    let actions = |simulated: &Value| -> Vec<String> {
        let calls = simulated["calls"].as_array().unwrap().iter();
        calls.map(|call| call["action"].as_str().unwrap().to_owned()).collect()
    };
    let told = actions(&built_in);
    assert_eq!(told[14], "allow");
    assert_eq!((told[15].as_str(), told[20].as_str()), ("degrade", "hard-stop"), "{told:?}");
    let file = mesh.folder.join("budgets.yaml");
    std::fs::write(&file, "budgets:\n  - {scope: \"user:*\", limit_usd: 100}\n").unwrap();
    let file = file.display().to_string();
    let more = [&calls[..], &["--calls", "21", "--budgets", &file]].concat();
    let page = budget(&mesh, &more).await;
    assert_eq!(page.code, Some(0), "{page:?}");
    assert!(page.out.contains("1 to 21  allow") && page.out.contains("0 of 21 calls denied"));
    let (_, report) = json(&mesh, &["report"]).await;
    assert_eq!(report["rows"], json!([]), "nothing was written");
}

#[tokio::test]
async fn a_ledger_that_does_not_add_up_is_found() {
    let mut mesh = Running::start(testing::folder()).await;
    answers(&mesh, "ada", 3).await;
    let (code, verified) = json(&mesh, &["verify"]).await;
    assert_eq!((code, &verified["differences"]), (Some(0), &json!([])), "{verified}");
    assert!(3 <= verified["ledger_entries"].as_i64().unwrap(), "{verified}");

    mesh.child.kill().await.unwrap();
    tamper(&mesh.folder.join("mesh.db")).await;
    let mesh = mesh.again().await;
    let (code, verified) = json(&mesh, &["verify"]).await;
    assert_eq!(code, Some(1), "{verified}");
    let found = &verified["differences"][0];
    assert_eq!((&found["scope"], &found["spent_usd"]), (&json!("user:ada"), &json!(1.0015)));
    assert_eq!(found["ledger_usd"], json!(0.0015), "{verified}");
    let page = budget(&mesh, &["explain", "user:ada"]).await;
    assert_eq!(page.code, Some(1), "{page:?}");
    assert!(page.out.contains("FAILS  1.0015 spent = 0.0015 in 3 ledger entries"), "{page:?}");
}

/// Makes a balance say a dollar more than its ledger.
async fn tamper(path: &Path) {
    let database = Database::sqlite(path).await.unwrap();
    let text =
        "UPDATE budget_accounts SET spent_micros = spent_micros + 1000000 WHERE scope LIKE '%ada'";
    let changed = sqlx::query(text).execute(&database.pool).await.unwrap().rows_affected();
    assert_eq!(changed, 1);
}

#[tokio::test]
async fn the_files_of_a_budget_are_checked_without_a_mesh() {
    let folder = testing::folder();
    let good = "budgets:\n  - {scope: \"user:*\", limit_usd: 5, policy: {auto_downgrade: [{from: [a], to: tiny}]}}\n";
    let prices = "prices:\n  - {provider: house, model: small, input: 1, output: 2}\naliases: {fast: small, odd: none}\n";
    std::fs::write(folder.join("budgets.yaml"), good).unwrap();
    std::fs::write(folder.join("prices.yaml"), prices).unwrap();
    let check = ["budget", "validate-config", "budgets.yaml", "--pricing", "prices.yaml"];
    let fine = said(mesh(&folder).args(check)).await;
    assert_eq!(fine.code, Some(0), "{fine:?}");
    for line in [
        "warning: odd stands for none, which has no price",
        "warning: user:* downgrades to tiny, which has no price",
        "1 budgets: user:*",
        "1 prices, 2 aliases",
    ] {
        assert!(fine.out.contains(line), "{line} is missing: {fine:?}");
    }
    let wrong = "budgets:\n  - {scope: \"team:a\", limit_usd: 0}\n  - {scope: \"user:*\", limit_usd: 1, period: dayly}\n";
    std::fs::write(folder.join("budgets.yaml"), wrong).unwrap();
    let mut command = mesh(&folder);
    let bad = said(command.env("BUDGETS_FILE", "budgets.yaml").args(&check[..2])).await;
    assert_eq!(bad.code, Some(1), "{bad:?}");
    for line in [
        "budgets.yaml:2: team:a: scope: the type is none of",
        "budgets.yaml:2: team:a: limit_usd: must be more than 0",
        "budgets.yaml:3: user:*: period: 'dayly'",
        "3 faults",
    ] {
        assert!(bad.out.contains(line), "{line} is missing: {bad:?}");
    }
    let nothing = run(&check[..2]).await;
    assert!(nothing.code == Some(1) && nothing.err.contains("nothing to check"), "{nothing:?}");
}

#[tokio::test]
async fn a_budget_that_cannot_be_reached_is_an_error_for_people_and_for_programs() {
    let nobody = crate::program::free(1);
    let address = format!("http://{nobody}");
    let plain = run(&["budget", "list", "--address", &address]).await;
    assert_eq!((plain.code, plain.out.as_str()), (Some(1), ""), "{plain:?}");
    assert!(plain.err.starts_with("dependency_unavailable: "), "{plain:?}");
    let programs = run(&["budget", "list", "--address", &address, "--json"]).await;
    assert_eq!(programs.code, Some(1));
    assert_eq!(programs.json()["code"], "dependency_unavailable");
    let odd = run(&["budget", "check", "ada"]).await;
    assert!(odd.code == Some(2) && odd.err.contains("'ada' is not type:key"), "{odd:?}");
}
