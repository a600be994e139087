//! Calls of `handle_message`, and what is wrong with what comes back.

use std::time::Duration;

use router::dispatch::{Failure, Reply, Settlement};
use serde_json::{Map, Value, json};

use super::direct::{Direct, Said, object};
use super::finding::{Finding, Rule, Verdict};
use super::subject::{Heard, Subject};
use super::tools::TOOL;

/// The longest message that the mesh takes from a customer, in characters.
const INPUT_CHARACTERS_MAX: usize = 10_000;
/// How many calls are made at once.
const CROWD: usize = 8;

const ANSWER: Rule = Rule::must(
    "answer",
    "Answer `handle_message` with `content` (a text) and `workflow_complete`, in at most 1 MiB, with at most 64 KiB of `workflow_state`.",
);
const FORM: Rule = Rule::should(
    "form",
    "Answer as `structuredContent`: plain text is delivered too, but it carries no state, no usage and no handoff.",
);
const FIELDS: Rule = Rule::should(
    "fields",
    "Always send `workflow_complete`; `usage` is {model?, input_tokens?, output_tokens?, cost_usd?}, `handoff` is {reason, target_agent?, required_skills?, summary?}.",
);
const USAGE: Rule = Rule::should(
    "usage",
    "Report tokens or cost_usd in `usage`; without it the customer's budget is charged what was held back.",
);
const STRANGE: Rule =
    Rule::must("unknown argument", "Ignore arguments you do not know: new ones may come.");
const MISSING: Rule = Rule::must(
    "missing argument",
    "Refuse a call without `raw_input` with the JSON-RPC error -32602, or at least with `isError: true`; an answer would reach the customer.",
);
const AGAIN: Rule = Rule::must(
    "same call twice",
    "A call with the same session_id and request_id is the same call: store the reply with its effect, and return it again.",
);
const AT_ONCE: Rule = Rule::must(
    "same call at once",
    "Let the second of two equal calls wait for the first and return its reply, as with a unique key in your store.",
);
const STATE: Rule = Rule::must(
    "foreign state",
    "Treat `workflow_state` as input: begin anew when an older version of your agent wrote it.",
);
const LONG: Rule = Rule::must(
    "long message",
    "Accept 10 000 characters; shorten for your model what is too much for it.",
);
const CROWDED: Rule = Rule::should(
    "many at once",
    "Serve the calls, or refuse those that are too much with 429 or 503 and `Retry-After`.",
);
const PROGRESS: Rule = Rule::should("progress", "");
const PACE: Rule = Rule::should(
    "pace",
    "Stay well below `timeout_ms`: slow counts as a failure, and five open the breaker.",
);

/// Makes the calls.
pub(super) async fn check(subject: &Subject, direct: &Direct) -> Vec<Finding> {
    let first = subject.hear(subject.arguments()).await;
    let mut findings = vec![ANSWER.judge(answered(&first.outcome))];
    let Ok(reply) = &first.outcome else { return findings };
    findings.push(FORM.judge(form(direct.call(TOOL, subject.arguments()).await)));
    findings.push(FIELDS.judge(fields(reply)));
    findings.push(USAGE.judge(usage(reply)));
    findings.push(PROGRESS.judge(progress(&first)));
    let with = |name: &str, value: Value| {
        let mut arguments = subject.arguments();
        arguments.insert(name.to_owned(), value);
        arguments
    };
    let strange = subject.hear(with("from_a_later_version", json!({"n": 1}))).await;
    findings.push(STRANGE.judge(answered(&strange.outcome)));
    findings.push(MISSING.judge(missing(subject, direct).await));
    let state = json!({"version": -1, "written_by": "somebody else", "step": ["x"]});
    let foreign = subject.hear(with("workflow_state", state)).await;
    findings.push(STATE.judge(answered(&foreign.outcome)));
    let long =
        subject.hear(with("raw_input", "lorem ipsum ".repeat(INPUT_CHARACTERS_MAX / 12).into()));
    findings.push(LONG.judge(answered(&long.await.outcome)));
    findings.push(AGAIN.judge(again(subject).await));
    findings.push(AT_ONCE.judge(at_once(subject).await));
    findings.push(CROWDED.judge(crowded(subject).await));
    findings
}

/// Judges how long calls took, once all are made.
pub(super) fn pace(subject: &Subject) -> Finding {
    let (slowest, limit) = (subject.slowest(), subject.limit);
    let seen = format!("the slowest call took {} ms of {}", slowest.as_millis(), limit.as_millis());
    let is_slow = limit / 2 < slowest;
    PACE.judge(match slowest {
        Duration::ZERO => Verdict::Skipped("no call was made".to_owned()),
        _ if is_slow => Verdict::Failed(seen),
        _ => Verdict::Passed(seen),
    })
}

/// Whether the mesh would deliver it.
pub(super) fn answered(outcome: &Result<Reply, Failure>) -> Verdict {
    match outcome {
        Ok(reply) => Verdict::Passed(format!("{} characters", reply.content.chars().count())),
        Err(failure) => Verdict::Failed(failure.to_string()),
    }
}

fn form(said: Said) -> Verdict {
    let result = match said {
        Said::Result(result) => result,
        Said::Fault(code) => return Verdict::Failed(format!("JSON-RPC error {code}")),
        Said::Nothing(why) => return Verdict::Failed(why),
    };
    let has_content = |value: &Value| value.get("content").is_some();
    if result.structured_content.as_ref().is_some_and(has_content) {
        Verdict::Passed("structuredContent".to_owned())
    } else if object(&result).is_some_and(|object| has_content(&object)) {
        Verdict::Passed("JSON in a text block".to_owned())
    } else {
        Verdict::Failed("plain text".to_owned())
    }
}

fn fields(reply: &Reply) -> Verdict {
    if reply.violations.is_empty() {
        return Verdict::Passed("all are as the contract has them".to_owned());
    }
    Verdict::Failed(reply.violations.join(", "))
}

fn usage(reply: &Reply) -> Verdict {
    let Some(usage) = &reply.usage else {
        return Verdict::Failed("not reported".to_owned());
    };
    let cost = usage.cost_micros.map(|micros| format!(", {micros} millionths of a dollar"));
    let tokens = format!("{} + {} tokens", usage.input_tokens, usage.output_tokens);
    Verdict::Passed(format!("{tokens}{}", cost.unwrap_or_default()))
}

fn progress(heard: &Heard) -> Verdict {
    match heard.parts.len() {
        0 => Verdict::Skipped("the answer comes in one piece".to_owned()),
        parts => Verdict::Passed(format!("{parts} parts before the answer")),
    }
}

/// What is no call may not be answered.
async fn missing(subject: &Subject, direct: &Direct) -> Verdict {
    let mut arguments = subject.arguments();
    arguments.remove("raw_input");
    match direct.call(TOOL, arguments).await {
        Said::Fault(code) => Verdict::Passed(format!("JSON-RPC error {code}")),
        Said::Result(result) if result.is_error == Some(true) => {
            Verdict::Passed("isError".to_owned())
        }
        Said::Result(_) => Verdict::Failed("the call is answered".to_owned()),
        Said::Nothing(why) => Verdict::Failed(why),
    }
}

async fn again(subject: &Subject) -> Verdict {
    let arguments = subject.arguments();
    let first = subject.hear(arguments.clone()).await;
    let second = subject.hear(arguments).await;
    alike(&first, &second)
}

async fn at_once(subject: &Subject) -> Verdict {
    let arguments = subject.arguments();
    let (first, second) =
        tokio::join!(subject.hear(arguments.clone()), subject.hear(arguments.clone()));
    alike(&first, &second)
}

fn alike(first: &Heard, second: &Heard) -> Verdict {
    let (first, second) = match (&first.outcome, &second.outcome) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(failure), _) | (_, Err(failure)) => return Verdict::Failed(failure.to_string()),
    };
    let differ = [
        ("content", first.content == second.content),
        ("workflow_complete", first.workflow_complete == second.workflow_complete),
        ("workflow_state", value(first) == value(second)),
        ("handoff", first.handoff == second.handoff),
    ];
    let differ: Vec<_> =
        differ.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect();
    if differ.is_empty() {
        return Verdict::Passed("the same reply".to_owned());
    }
    Verdict::Failed(format!("the replies differ in {}", differ.join(", ")))
}

/// The state as a value: its keys may come in any order.
fn value(reply: &Reply) -> Option<Map<String, Value>> {
    serde_json::from_str(reply.workflow_state.as_ref()?).ok()
}

async fn crowded(subject: &Subject) -> Verdict {
    let calls = (0..CROWD).map(|_| subject.hear(subject.arguments()));
    let heard = futures::future::join_all(calls).await;
    let (mut served, mut refused) = (0, 0);
    for Heard { outcome, .. } in heard {
        match outcome {
            Ok(_) => served += 1,
            // What provably never ran is tried again later.
            Err(Failure { settlement: Settlement::Release, .. }) => refused += 1,
            Err(failure) => return Verdict::Failed(failure.to_string()),
        }
    }
    Verdict::Passed(format!("of {CROWD} calls {served} answered, {refused} refused for the moment"))
}
