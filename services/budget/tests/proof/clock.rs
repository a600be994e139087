//! A clock that is set forward and back between calls: no admission passes a cap, and every sum stays right.

use std::collections::BTreeMap;

use budget::Unknown;
use budget::account::{Charge, Owner, State};
use budget::fold::{self, Sheet};
use budget::operation::{Answer, Operation, Put, Reserve, Settle};
use budget::policy::{Definition, Policy, Scope};
use budget::pricing::Prices;
use budget::rules::Rules;
use proptest::prelude::*;

const LIMIT: i64 = 300;
const HOUR_MS: i64 = 3_600_000;

fn rules() -> Rules {
    Rules {
        prices: Prices::default(),
        unknown: Unknown::MaxKnownPrice,
        default_estimate_micros: 0,
        output_ratio: 0,
        max_actual_micros: 1_000_000,
    }
}

fn user() -> Scope {
    Scope { kind: "user".to_owned(), key: "ann".to_owned() }
}

fn charge(number: u8) -> Charge {
    Charge { tenant: "t".to_owned(), id: number.to_string() }
}

fn reserve(number: u8, micros: i64) -> Operation {
    Operation::Reserve(Reserve {
        charge: charge(number),
        scopes: vec![user()],
        model: String::new(),
        input_tokens: 0,
        max_output_tokens: None,
        per_call_micros: None,
        estimate_micros: Some(micros),
        tools: Vec::new(),
        ttl_ms: HOUR_MS / 2,
        user_id: String::new(),
        agent_id: String::new(),
    })
}

/// The agent may bill three times what was held.
fn settle(number: u8, micros: i64) -> Operation {
    Operation::Settle(Settle {
        charge: charge(number),
        actual_micros: Some(micros * 3),
        usage: None,
        estimated: false,
        unreserved: false,
        scopes: Vec::new(),
        per_call_micros: None,
        user_id: String::new(),
        agent_id: String::new(),
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let of = || (0..12_u8, 0..=150_i64);
    prop_oneof![
        5 => of().prop_map(|(number, micros)| reserve(number, micros)),
        3 => of().prop_map(|(number, micros)| settle(number, micros)),
        1 => (0..12_u8).prop_map(|number| Operation::Release(charge(number))),
        2 => (0..12_u8).prop_map(|number| Operation::Expire(charge(number))),
    ]
}

/// Every balance is what it is made of.
fn count(sheet: &Sheet) {
    let mut expected: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for entry in &sheet.changes.entries {
        expected.entry(&entry.period_id).or_default().0 += entry.amount_micros;
    }
    let open = sheet.reservations.values().filter(|held| held.state == State::Open);
    for (held, (_, period)) in open.flat_map(|held| held.scopes.iter().map(move |at| (held, at))) {
        expected.entry(period).or_default().1 += held.amount_micros;
    }
    for ((_, period), account) in &sheet.accounts {
        let made_of = expected.remove(period.as_str()).unwrap_or_default();
        assert_eq!((account.spent_micros, account.reserved_micros), made_of, "in {period}");
    }
    assert!(expected.is_empty(), "{expected:?} is in no account");
}

proptest! {
    #[test]
    fn a_clock_that_jumps_neither_admits_beyond_a_cap_nor_loses_a_cent(
        steps in proptest::collection::vec((operation(), -3 * HOUR_MS..=3 * HOUR_MS), 1..80),
    ) {
        let (rules, mut sheet, mut now_ms) = (rules(), Sheet::default(), 1_000 * HOUR_MS);
        let definition = Definition {
            scope: user(),
            limit_micros: LIMIT,
            period: "hourly".to_owned(),
            policy: Policy::default(),
            version: 0,
        };
        let owner = Owner { tenant: "t".to_owned(), scope: user() };
        let put = Operation::Put(Put { owner, definition, create_only: true });
        fold::apply(&mut sheet, &put, &rules, now_ms).unwrap();
        for (operation, jump_ms) in steps {
            now_ms += jump_ms;
            let known = operation.charge().is_some_and(|c| sheet.reservations.contains_key(c));
            let answer = fold::apply(&mut sheet, &operation, &rules, now_ms);
            if let Ok(Answer::Verdict(verdict)) = answer
                && verdict.ruling.is_allowed()
                && !known
            {
                let seat = &verdict.scopes[0];
                let after = seat.spent_micros + seat.reserved_micros + verdict.ruling.reserved_micros;
                prop_assert!(after <= LIMIT, "{verdict:?}");
            }
            count(&sheet);
        }
        let open: Vec<Charge> = sheet.reservations.keys().cloned().collect();
        for charge in open {
            fold::apply(&mut sheet, &Operation::Expire(charge), &rules, i64::MAX).unwrap();
        }
        count(&sheet);
        prop_assert!(sheet.accounts.values().all(|account| account.reserved_micros == 0));
    }
}
