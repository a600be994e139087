use super::*;

fn outcome(label: &str, agent_id: &str, confidence: f64) -> Outcome {
    let rest = 1.0 - confidence;
    let other = if agent_id == "default" { "sales" } else { "default" };
    Outcome {
        label: label.to_owned(),
        agent_id: agent_id.to_owned(),
        confidence,
        ambiguous: false,
        agent_scores: [(agent_id.to_owned(), confidence), (other.to_owned(), rest)].into(),
        action: if confidence < 0.7 { Action::Clarify } else { Action::Route },
    }
}

fn setting() -> Setting {
    Setting {
        default_agent_id: "default".to_owned(),
        asks: [("sales".to_owned(), true), ("support".to_owned(), false)].into(),
        thresholds: [("sales".to_owned(), 0.5), ("default".to_owned(), 0.5)].into(),
        costs: Costs::default(),
    }
}

#[test]
fn a_report_counts_what_was_right() {
    let outcomes = [
        outcome("sales", "sales", 0.9),
        outcome("sales", "support", 0.6),
        outcome("support", "support", 0.8),
        outcome("support", "support", 0.9),
        outcome("oos", "default", 0.9),
        outcome("oos", "sales", 0.5),
    ];
    let report = Report::of(&outcomes, &setting());
    assert_eq!((report.texts, report.outside), (6, 2));
    assert!((report.accuracy - 0.75).abs() < 1e-12, "{}", report.accuracy);
    assert_eq!(report.outside_recall, Some(0.5));
    assert_eq!(report.oos_auroc, Some(1.0));
    assert_eq!(report.oos_fpr_at_95_recall, Some(0.0));
    assert_eq!(report.actions, [(Action::Route, 4), (Action::Clarify, 2)].into());
    assert_eq!(
        report.confusion["sales"],
        [("sales".to_owned(), 1), ("support".to_owned(), 1)].into()
    );
    let support = report.agents.iter().find(|agent| agent.agent_id == "support").unwrap();
    assert_eq!((support.texts, support.recall), (2, Some(1.0)));
    assert_eq!(support.precision, Some(2.0 / 3.0));
}

#[test]
fn the_best_threshold_weighs_wrong_answers_against_questions() {
    let outcomes = [
        outcome("sales", "sales", 0.9),
        outcome("support", "sales", 0.55),
        outcome("oos", "sales", 0.4),
    ];
    let report = Report::of(&outcomes, &setting());
    let sales = report.agents.iter().find(|agent| agent.agent_id == "sales").unwrap();
    assert_eq!(
        (sales.best_threshold, sales.best_cost),
        (Some(0.56), Some(2.0)),
        "two questions cost least"
    );
    assert_eq!((sales.threshold, sales.cost), (Some(0.5), Some(6.0)), "an answer and a question");
    let fallback = [outcome("support", "support", 0.6), outcome("oos", "support", 0.4)];
    let report = Report::of(&fallback, &setting());
    let support = report.agents.iter().find(|agent| agent.agent_id == "support").unwrap();
    assert_eq!((support.best_threshold, support.best_cost), (Some(0.41), Some(0.0)));
    let default = report.agents.iter().find(|agent| agent.agent_id == "default").unwrap();
    assert_eq!(
        (default.threshold, default.best_threshold),
        (None, None),
        "the default agent has no threshold to choose"
    );
}

#[test]
fn calibration_compares_confidence_with_being_right() {
    let honest: Vec<Outcome> =
        (0..10).map(|n| outcome(if n < 8 { "sales" } else { "support" }, "sales", 0.8)).collect();
    assert!(Report::of(&honest, &setting()).calibration_error < 1e-9);
    let boasting: Vec<Outcome> = (0..10).map(|_| outcome("support", "sales", 1.0)).collect();
    assert!((Report::of(&boasting, &setting()).calibration_error - 1.0).abs() < 1e-9);
}

#[test]
fn equal_scores_tell_nothing_apart() {
    let outcomes = [outcome("sales", "sales", 0.5), outcome("oos", "sales", 0.5)];
    let report = Report::of(&outcomes, &setting());
    assert_eq!((report.oos_auroc, report.oos_fpr_at_95_recall), (Some(0.5), Some(1.0)));
}

#[test]
fn a_text_for_the_default_agent_does_not_blur_the_bar() {
    let outcomes = [
        outcome("sales", "sales", 0.9),
        outcome("default", "default", 0.99),
        outcome("oos", "sales", 0.5),
    ];
    let report = Report::of(&outcomes, &setting());
    assert_eq!((report.oos_auroc, report.oos_fpr_at_95_recall), (Some(1.0), Some(0.0)));
    assert!((report.accuracy - 1.0).abs() < 1e-12, "it counts as right all the same");
}

#[test]
fn nothing_is_reported_of_nothing() {
    let report = Report::of(&[], &setting());
    assert_eq!((report.texts, report.oos_auroc, report.outside_recall), (0, None, None));
    assert!(report.agents.is_empty() && report.calibration_error == 0.0);
}
