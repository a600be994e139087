//! What a choice among many agents and the compression of a long history cost, beside the plain loop over the same data.
#![allow(missing_docs, reason = "criterion writes an entry point")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use handoff::compress::{Limits, Method, Story, compress};
use handoff::decision::{Policy, Question, Rules, select};
use handoff::roster::Roster;
use handoff::score::Metric;
use handoff::wish::Kind;
use proto::v1::{Agent, AgentState, Entry, Snapshot, Trigger};

const TERMS: [&str; 12] = [
    "refunds", "billing", "shipping", "returns", "booking", "calendar", "pricing", "quotes",
    "orders", "tracking", "warranty", "repairs",
];

fn agents(count: usize) -> Snapshot {
    let terms = |from: usize, count: usize| {
        (from..from + count).map(|index| TERMS[index % TERMS.len()].to_owned()).collect()
    };
    let agent = |index: usize| Agent {
        agent_id: format!("agent-{index:04}"),
        skills: terms(index, 4),
        domains: terms(index * 5, 2),
        languages: vec!["en".to_owned(), "de-AT".to_owned()],
        max_concurrent_sessions: Some(50),
        accepts_handoff: true,
        ..Agent::default()
    };
    let state = |index: usize| AgentState {
        agent: Some(agent(index)),
        availability: "available".to_owned(),
        load: (index % 50) as i64,
    };
    let agents = (0..count).map(state).collect();
    Snapshot { generation: 1, default_agent_id: "agent-0000".to_owned(), agents }
}

/// The same choice as one would write it down first: sets of texts, made for each agent.
fn plainly<'a>(snapshot: &'a Snapshot, wanted: &[String]) -> Option<&'a str> {
    use std::collections::HashSet;
    let lower =
        |texts: &[String]| texts.iter().map(|text| text.to_lowercase()).collect::<HashSet<_>>();
    let score = |state: &AgentState| {
        let agent = state.agent.as_ref()?;
        let (skills, domains, wanted) =
            (lower(&agent.skills), lower(&agent.domains), lower(wanted));
        let overlap = |own: &HashSet<String>| {
            own.intersection(&wanted).count() as f64 / own.union(&wanted).count() as f64
        };
        let load = 1.0 - state.load as f64 / agent.max_concurrent_sessions? as f64;
        Some(0.4 * overlap(&skills) + 0.3 * overlap(&domains) + 0.2 * load)
    };
    let best = snapshot.agents.iter().max_by(|one, other| {
        score(one).unwrap_or_default().total_cmp(&score(other).unwrap_or_default())
    });
    best?.agent.as_ref().map(|agent| agent.agent_id.as_str())
}

fn selection(criterion: &mut Criterion) {
    let rules = Rules {
        policy: Policy::BestEffort,
        metric: Metric::Jaccard,
        confidence_min: 700_000,
        ambiguity: 150_000,
        alternatives_max: 3,
        may_ask: true,
    };
    let wanted = vec!["refunds".to_owned(), "billing".to_owned()];
    let trigger = Trigger {
        r#type: "specialist_required".to_owned(),
        required_skills: wanted.clone(),
        ..Trigger::default()
    };
    let exclude = ["agent-0001", "agent-0002"].map(str::to_owned);
    let mut group = criterion.benchmark_group("selection");
    for count in [10, 100, 1_000] {
        let snapshot = agents(count);
        let roster = Roster::of(Arc::new(snapshot.clone()));
        let question = Question {
            source: "agent-0000",
            trigger: &trigger,
            kind: Kind::Specialist,
            language: "de",
            exclude: &exclude,
            breaker_refused: &[],
        };
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("select", count), |bencher| {
            bencher.iter(|| select(black_box(&roster), &question, &rules));
        });
        group.bench_function(BenchmarkId::new("plain loop", count), |bencher| {
            bencher.iter(|| plainly(black_box(&snapshot), &wanted).map(str::len));
        });
    }
    group.finish();
}

/// Messages of about a hundred tokens each.
fn history(count: usize) -> Vec<Entry> {
    let texts = [
        "Hi, I ordered a lamp last week and it arrived broken. The order was ORD-48213.",
        "I am sorry to hear that. Could you tell me when exactly it was delivered to you?",
        "It came on March 12, 2026, in the morning. I paid $149.90 for it with my card.",
        "Thank you. I will check with the warehouse and get back to you about a new one.",
        "Please write to anna.lopez@example.com, I do not read the other address any more.",
        "Ich habe das notiert, und der neue Versand kostet Sie natürlich nichts.",
    ];
    let entry = |index: usize| Entry {
        role: if index.is_multiple_of(2) { "user" } else { "agent" }.to_owned(),
        content: (0..4).map(|line| format!("{} ({index}) ", texts[(index + line) % 6])).collect(),
        position: index as i64 + 1,
        ..Entry::default()
    };
    (0..count).map(entry).collect()
}

fn compression(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compression");
    for count in [200, 1_000] {
        let messages = history(count);
        let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
        let story = Story { messages: &messages, source_summary: "" };
        group.throughput(Throughput::Bytes(bytes as u64));
        for method in [Method::Hybrid, Method::Summary, Method::SlidingWindow] {
            let limits = Limits { method, tokens_max: 2_000, recent_kept: 3, is_masked: false };
            group.bench_function(BenchmarkId::new(method.name(), count), |bencher| {
                bencher.iter(|| compress(black_box(&story), &limits));
            });
        }
        group.bench_function(BenchmarkId::new("plain loop", count), |bencher| {
            bencher.iter(|| {
                messages
                    .iter()
                    .map(|message| black_box(message).content.chars().count())
                    .sum::<usize>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, selection, compression);
criterion_main!(benches);
