//! Money as the contract tells it, as simply as it can be told: one thing after the other, and every sum added up anew.

use std::collections::BTreeMap;

/// The scopes of the reference, as `type:key`.
pub(crate) const SCOPES: [&str; 4] = ["org:mesh", "user:a", "user:b", "agent:x"];

/// A limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) limit: i64,
    /// In millionths.
    pub(crate) hard_cap: i64,
    pub(crate) strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Settled,
    Released,
    Expired,
}

#[derive(Clone, Debug)]
struct Charge {
    state: State,
    amount: i64,
    actual: i64,
    /// Scope and number of resets before it.
    places: Vec<(String, usize)>,
    /// What the reserve was answered.
    answer: Option<Answer>,
}

/// One scope of an answer: limit, spent, reserved, remaining, remaining after, denies.
pub(crate) type Seat = (String, i64, i64, i64, i64, i64, bool);

/// What a reserve is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    pub(crate) seats: Vec<Seat>,
}

/// Everything that has happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    rules: BTreeMap<String, Rule>,
    resets: BTreeMap<String, usize>,
    charges: BTreeMap<String, Charge>,
}

impl Rule {
    fn cap(self) -> i64 {
        self.limit * self.hard_cap / 1_000_000
    }
}

impl Reference {
    pub(crate) fn put(&mut self, scope: &str, rule: Rule) -> bool {
        self.rules.insert(scope.to_owned(), rule).is_none()
    }

    pub(crate) fn delete(&mut self, scope: &str) -> bool {
        self.rules.remove(scope).is_some()
    }

    /// The limit of a scope: its own, else that of its kind.
    pub(crate) fn rule(&self, scope: &str) -> Option<Rule> {
        let (kind, _) = scope.split_once(':').unwrap();
        self.rules.get(scope).or_else(|| self.rules.get(&format!("{kind}:*"))).copied()
    }

    fn generation(&self, scope: &str) -> usize {
        self.resets.get(scope).copied().unwrap_or(0)
    }

    /// What was spent and is reserved in a period.
    pub(crate) fn money(&self, scope: &str, generation: usize) -> (i64, i64) {
        let place = (scope.to_owned(), generation);
        let here = self.charges.values().filter(|charge| charge.places.contains(&place));
        here.fold((0, 0), |(spent, reserved), charge| match charge.state {
            State::Open => (spent, reserved + charge.amount),
            State::Settled => (spent + charge.actual, reserved),
            State::Released | State::Expired => (spent, reserved),
        })
    }

    /// What is spent and reserved now.
    pub(crate) fn present(&self, scope: &str) -> (i64, i64) {
        self.money(scope, self.generation(scope))
    }

    /// Every period that ever was.
    pub(crate) fn periods(&self) -> Vec<(String, usize)> {
        let all = |scope: &&str| {
            let scope = (*scope).to_owned();
            (0..=self.generation(&scope)).map(move |generation| (scope.clone(), generation))
        };
        SCOPES.iter().flat_map(all).collect()
    }

    /// Starts a scope anew; gives what was spent.
    pub(crate) fn reset(&mut self, scope: &str) -> Option<i64> {
        self.rule(scope)?;
        let (spent, _) = self.present(scope);
        *self.resets.entry(scope.to_owned()).or_default() += 1;
        Some(spent)
    }

    /// What a reserve would be answered.
    pub(crate) fn check(&self, scopes: &[&str], amount: i64) -> Answer {
        let ruled = || scopes.iter().filter_map(|scope| Some((*scope, self.rule(scope)?)));
        let denies = |scope: &str, rule: Rule| {
            let (spent, reserved) = self.present(scope);
            let (used, cap) = (spent + reserved, rule.cap());
            let over = if rule.strict { cap <= used + amount } else { cap < used + amount };
            cap <= used || over
        };
        let allowed = !ruled().any(|(scope, rule)| denies(scope, rule));
        let seats = ruled().map(|(scope, rule)| {
            let (spent, reserved) = self.present(scope);
            let remaining = (rule.cap() - spent - reserved).max(0);
            let after = if allowed { remaining - amount } else { remaining };
            let (limit, denies) = (rule.limit, denies(scope, rule));
            (scope.to_owned(), limit, spent, reserved, remaining, after, denies)
        });
        Answer { allowed, seats: seats.collect() }
    }

    /// Reserves; gives the answer and whether the charge is new.
    pub(crate) fn reserve(&mut self, charge: &str, scopes: &[&str], amount: i64) -> (Answer, bool) {
        if let Some(first) = self.charges.get(charge).and_then(|known| known.answer.clone()) {
            return (first, false);
        }
        let answer = self.check(scopes, amount);
        if answer.allowed {
            let held = Charge {
                state: State::Open,
                amount,
                actual: 0,
                places: self.places(scopes),
                answer: Some(answer.clone()),
            };
            self.charges.insert(charge.to_owned(), held);
        }
        (answer, true)
    }

    fn places(&self, scopes: &[&str]) -> Vec<(String, usize)> {
        scopes.iter().map(|scope| ((*scope).to_owned(), self.generation(scope))).collect()
    }

    pub(crate) fn expire(&mut self, charge: &str) {
        let held = self.charges.get_mut(charge).unwrap();
        assert_eq!(held.state, State::Open);
        held.state = State::Expired;
    }

    /// Settles; gives the state and the amount, or nothing for a charge that nobody knows.
    pub(crate) fn settle(&mut self, charge: &str, actual: Option<i64>) -> Option<(State, i64)> {
        let held = self.charges.get_mut(charge)?;
        if matches!(held.state, State::Open | State::Expired) {
            held.state = State::Settled;
            held.actual = actual.unwrap_or(held.amount);
        }
        Some((held.state, held.actual))
    }

    /// Charges without a reservation.
    pub(crate) fn bill(&mut self, charge: &str, scopes: &[&str], actual: i64) -> (State, i64) {
        if !self.charges.contains_key(charge) {
            let billed = Charge {
                state: State::Settled,
                amount: 0,
                actual,
                places: self.places(scopes),
                answer: None,
            };
            self.charges.insert(charge.to_owned(), billed);
        }
        self.settle(charge, Some(actual)).unwrap()
    }

    pub(crate) fn release(&mut self, charge: &str) -> Option<State> {
        let held = self.charges.get_mut(charge)?;
        if held.state == State::Open {
            held.state = State::Released;
        }
        Some(held.state)
    }

    /// Whether all scopes of a charge are in the period in which it was made.
    pub(crate) fn is_present(&self, charge: &str) -> bool {
        let known = self.charges.get(charge);
        known.is_some_and(|c| c.places.iter().all(|(s, then)| *then == self.generation(s)))
    }

    /// The scopes that a charge was made in.
    pub(crate) fn scopes_of(&self, charge: &str) -> Vec<String> {
        let known = self.charges.get(charge);
        known.into_iter().flat_map(|c| c.places.iter().map(|(scope, _)| scope.clone())).collect()
    }

    /// The charges that are still open.
    pub(crate) fn open(&self) -> Vec<String> {
        let open = self.charges.iter().filter(|(_, charge)| charge.state == State::Open);
        open.map(|(id, _)| id.clone()).collect()
    }

    /// How many rows the ledger has.
    pub(crate) fn rows(&self) -> usize {
        let settled = self.charges.values().filter(|charge| charge.state == State::Settled);
        settled.map(|charge| charge.places.len()).sum()
    }
}
