//! Random interleavings of everything that changes money, each step held against the reference.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::Database;
use proptest::test_runner::{Config, TestRunner};
use proto::v1::{Decision, Scope, ScopeState, SettleRequest};
use tokio::runtime::Runtime;

use crate::audit::{audit, state_of};
use crate::reference::{Reference, Rule, SCOPES, Seat, State};
use crate::till::{Till, plain, scope};

mod step;

use step::{RULED, Step, step};

const CASES: u32 = 24;
const STEPS_MAX: usize = 40;
const SETTINGS: [(&str, &str); 1] = [("BUDGET_SWEEP_INTERVAL_MS", "10")];
const PATIENCE: Duration = Duration::from_secs(20);

/// A tenant and what it should look like.
struct Game<'a> {
    database: &'a Database,
    till: Till,
    reference: Reference,
    /// The periods by their names, in the order in which they were opened.
    opened: BTreeMap<String, Vec<String>>,
}

fn wire(name: &str) -> Scope {
    let (kind, key) = name.split_once(':').unwrap();
    scope(kind, key)
}

fn name(scope: &Option<Scope>) -> String {
    let scope = scope.as_ref().unwrap();
    format!("{}:{}", scope.r#type, scope.key)
}

fn chosen(mask: u8) -> Vec<&'static str> {
    let is_chosen = |(place, _): &(usize, &&str)| mask & (1 << place) != 0;
    SCOPES.iter().enumerate().filter(is_chosen).map(|(_, scope)| *scope).collect()
}

fn wires(names: &[&str]) -> Vec<Scope> {
    names.iter().map(|name| wire(name)).collect()
}

fn seats(scopes: &[ScopeState]) -> Vec<Seat> {
    let seat = |s: &ScopeState| {
        let (limit, spent, reserved) = (s.limit_micros, s.spent_micros, s.reserved_micros);
        let (left, after) = (s.remaining_micros, s.remaining_after_micros);
        (name(&s.scope), limit, spent, reserved, left, after, s.denies)
    };
    scopes.iter().map(seat).collect()
}

fn state(name: &str) -> State {
    match name {
        "settled" => State::Settled,
        "released" => State::Released,
        "expired" => State::Expired,
        other => panic!("{other} is no state of a charge that was closed"),
    }
}

impl Game<'_> {
    async fn play(&mut self, step: &Step) {
        match step {
            Step::Reserve { charge, scopes, amount } => {
                self.reserve(&format!("c{charge}"), &chosen(*scopes), *amount, 3_600_000).await;
            }
            Step::Lapse { charge, scopes, amount } => {
                let id = format!("c{charge}");
                if self.reserve(&id, &chosen(*scopes), *amount, 1).await {
                    self.lapse(&id).await;
                }
            }
            Step::Abandon { charge, scopes, amount } => {
                let id = format!("c{charge}");
                let request = self.till.ask(&id, &wires(&chosen(*scopes)), *amount);
                let _ = futures::poll!(std::pin::pin!(self.till.reserve(request)));
                self.reserve(&id, &chosen(*scopes), *amount, 3_600_000).await;
            }
            Step::Check { scopes, amount } => self.check(&chosen(*scopes), *amount).await,
            Step::Settle { charge, actual } => self.settle(&format!("c{charge}"), *actual).await,
            Step::Bill { charge, scopes, actual } => {
                self.bill(&format!("b{charge}"), &chosen(*scopes), *actual).await;
            }
            Step::Release { charge } => self.release(&format!("c{charge}")).await,
            Step::Limit { ruled, limit, hard_cap, strict } => {
                let rule = Rule { limit: *limit, hard_cap: *hard_cap, strict: *strict };
                self.limit(RULED[*ruled], rule).await;
            }
            Step::Delete { ruled } => {
                let deleted = self.till.delete(wire(RULED[*ruled])).await.is_ok();
                assert_eq!(deleted, self.reference.delete(RULED[*ruled]));
            }
            Step::Reset { scope } => self.reset(SCOPES[*scope]).await,
            Step::Restart => {
                self.till.life.close();
                let again = Till::open(self.database, &SETTINGS).await;
                self.till = again.of(&self.till.tenant);
            }
        }
    }

    /// Whether money was newly reserved.
    async fn reserve(&mut self, charge: &str, names: &[&str], amount: i64, ttl_ms: i64) -> bool {
        let mut request = self.till.ask(charge, &wires(names), amount);
        request.ttl_ms = ttl_ms;
        let decision = self.till.reserve(request).await.unwrap();
        let (answer, is_new) = self.reference.reserve(charge, names, amount);
        assert_eq!((decision.allowed, seats(&decision.scopes)), (answer.allowed, answer.seats));
        self.note(&decision.scopes);
        never_beyond_the_cap(&decision);
        is_new && answer.allowed
    }

    async fn lapse(&mut self, charge: &str) {
        let lapsed = async {
            while state_of(self.database, &self.till.tenant, charge).await != "expired" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, lapsed).await.expect("the sweeper ends it");
        self.reference.expire(charge);
    }

    async fn check(&self, names: &[&str], amount: i64) {
        let request = self.till.ask("", &wires(names), amount);
        let decision = self.till.check(request).await.unwrap();
        let answer = self.reference.check(names, amount);
        assert_eq!((decision.allowed, seats(&decision.scopes)), (answer.allowed, answer.seats));
    }

    async fn settle(&mut self, charge: &str, actual: Option<i64>) {
        let said = self.till.settle(self.till.bill(charge, actual)).await;
        match self.reference.settle(charge, actual) {
            None => assert_eq!(said.unwrap_err(), "not_found"),
            Some(expected) => {
                let said = said.unwrap();
                assert_eq!((state(&said.state), said.actual_micros), expected);
                self.stands(charge, &said.scopes);
            }
        }
    }

    async fn bill(&mut self, charge: &str, names: &[&str], actual: i64) {
        let request = SettleRequest {
            unreserved: true,
            scopes: wires(names),
            ..self.till.bill(charge, Some(actual))
        };
        let said = self.till.settle(request).await.unwrap();
        let expected = self.reference.bill(charge, names, actual);
        assert_eq!((state(&said.state), said.actual_micros), expected);
        self.stands(charge, &said.scopes);
    }

    async fn release(&mut self, charge: &str) {
        let said = self.till.release(charge).await;
        if let Some(expected) = self.reference.release(charge) {
            let said = said.unwrap();
            assert_eq!(state(&said.state), expected);
            self.stands(charge, &said.scopes);
        }
    }

    /// The answer to a charge shows its budgets as they are after it.
    fn stands(&mut self, charge: &str, scopes: &[ScopeState]) {
        self.note(scopes);
        if !self.reference.is_present(charge) {
            return;
        }
        let shown: Vec<_> = scopes
            .iter()
            .map(|s| (name(&s.scope), s.spent_micros, s.reserved_micros, s.remaining_micros))
            .collect();
        let ruled = self.reference.scopes_of(charge).into_iter();
        let ruled = ruled.filter_map(|scope| {
            let rule = self.reference.rule(&scope)?;
            let (spent, reserved) = self.reference.present(&scope);
            let cap = rule.limit * rule.hard_cap / 1_000_000;
            Some((scope, spent, reserved, (cap - spent - reserved).max(0)))
        });
        assert_eq!(shown, ruled.collect::<Vec<_>>());
    }

    async fn limit(&mut self, ruled: &str, rule: Rule) {
        let mut policy = plain();
        policy.soft_cap = 0.5;
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        let hard_cap = rule.hard_cap as f64 / 1e6;
        (policy.hard_cap, policy.strict_projection) = (hard_cap, rule.strict);
        let created = self.till.put(wire(ruled), rule.limit, policy).await.unwrap();
        assert_eq!(created, self.reference.put(ruled, rule));
    }

    async fn reset(&mut self, scope: &str) {
        let said = self.till.reset(wire(scope)).await;
        match self.reference.reset(scope) {
            None => assert_eq!(said.unwrap_err(), "budget_not_found"),
            Some(spent) => {
                let said = said.unwrap();
                assert_eq!(said.previous_spent_micros, spent);
                let opened = self.opened.entry(scope.to_owned()).or_default();
                assert!(!opened.contains(&said.period_id), "{} was there already", said.period_id);
            }
        }
    }

    fn note(&mut self, scopes: &[ScopeState]) {
        for shown in scopes {
            let opened = self.opened.entry(name(&shown.scope)).or_default();
            if !opened.contains(&shown.period_id) {
                opened.push(shown.period_id.clone());
            }
        }
    }

    /// Every balance of every period is what the reference has, and what the ledger adds up to.
    async fn count(&self) {
        let standing = audit(self.database, &self.till.tenant).await;
        let mut stored: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
        for ((scope, _), money) in standing.iter().filter(|(_, money)| **money != (0, 0)) {
            stored.entry(scope).or_default().push(*money);
        }
        let mut expected: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        for (scope, generation) in self.reference.periods() {
            let money = self.reference.money(&scope, generation);
            if money != (0, 0) {
                expected.entry(scope.replace(':', "/")).or_default().push(money);
            }
        }
        stored.values_mut().chain(expected.values_mut()).for_each(|periods| periods.sort());
        let expected: BTreeMap<_, _> =
            expected.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        assert_eq!(stored, expected);
        assert_eq!(self.till.ledger(7).await.len(), self.reference.rows());
    }
}

fn never_beyond_the_cap(decision: &Decision) {
    for scope in &decision.scopes {
        let after = scope.spent_micros + scope.reserved_micros + decision.reserved_micros;
        assert!(!decision.allowed || after <= scope.limit_micros, "{decision:?}");
    }
}

async fn game(database: &Database, steps: &[Step]) {
    let till = Till::open(database, &SETTINGS).await;
    let tenant = till.tenant.clone();
    let (reference, opened) = (Reference::default(), BTreeMap::new());
    let mut game = Game { database, till, reference, opened };
    for step in steps {
        game.play(step).await;
    }
    game.count().await;
    for charge in game.reference.open() {
        game.settle(&charge, None).await;
    }
    game.count().await;
    let standing = audit(database, &tenant).await;
    assert!(standing.values().all(|(_, reserved)| *reserved == 0), "{standing:?}");
    game.till.life.close();
}

fn prove(runtime: &Runtime, database: &Database) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let strategy = proptest::collection::vec(step(), 1..STEPS_MAX);
    let played = TestRunner::new(config).run(&strategy, |steps| {
        runtime.block_on(game(database, &steps));
        Ok(())
    });
    played.unwrap();
}

#[test]
fn any_order_of_steps_on_sqlite_gives_what_the_reference_gives() {
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(chassis::testing::sqlite());
    prove(&runtime, &database);
}

#[test]
fn any_order_of_steps_on_postgres_gives_what_the_reference_gives() {
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(chassis::testing::postgres());
    prove(&runtime, &database);
}
