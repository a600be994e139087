use super::*;
use crate::account::Account;
use crate::policy::{Definition, Policy, Scope};
use std::sync::Arc;

fn owner(key: &str) -> Owner {
    let scope = Scope { kind: "user".to_owned(), key: key.to_owned() };
    Owner { tenant: "t".to_owned(), scope }
}

fn definition(period: &str) -> Definition {
    Definition {
        scope: owner("a").scope,
        limit_micros: 1,
        period: period.to_owned(),
        policy: Policy::default(),
        version: 0,
    }
}

fn put(period: &str) -> Operation {
    let definition = definition(period);
    Operation::Put(Put { owner: owner("a"), definition, create_only: false })
}

fn periods(need: &Need) -> Vec<&str> {
    need.accounts.iter().map(|(_, period)| period.as_str()).collect()
}

#[test]
fn definitions_come_first_for_they_say_which_account_is_the_present_one() {
    let mut sheet = Sheet::default();
    let operations = [Operation::Look(owner("a"))];
    let first = sheet.need(&operations, 0, |_| true);
    assert!(first.tenants.contains("t") && first.accounts.is_empty(), "{first:?}");
    sheet.definitions.insert(owner("*"), Arc::new(definition("daily")));
    sheet.assume_absent(first);
    assert_eq!(periods(&sheet.need(&operations, 0, |_| true)), ["1970-01-01"]);
    // It turns out to have been reset.
    sheet.resets.insert(owner("a"), 2);
    let last = sheet.need(&operations, 0, |_| true);
    assert_eq!(periods(&last), ["1970-01-01#2"]);
    sheet.assume_absent(last);
    assert!(sheet.need(&operations, 0, |_| true).is_empty());
}

#[test]
fn a_put_needs_the_account_that_it_makes_the_present_one() {
    let mut sheet = Sheet::default();
    sheet.assume_absent(sheet.need(&[put("hourly")], 0, |_| true));
    assert_eq!(periods(&sheet.need(&[put("hourly")], 0, |_| true)), ["none"]);
    sheet.accounts.insert((owner("a"), "none".to_owned()), Account::default());
    assert!(sheet.need(&[put("hourly")], 0, |_| true).is_empty(), "the hour was read before");
}

#[test]
fn what_was_written_is_forgotten_when_it_is_over_or_too_much() {
    let mut sheet = Sheet::default();
    sheet.tenants.insert("t".to_owned());
    for key in ["a", "b", "c"] {
        sheet.accounts.entry((owner(key), "none".to_owned())).or_default();
    }
    sheet.changes.moved.insert((owner("a"), "none".to_owned()));
    sheet.written(3);
    assert_eq!((sheet.accounts.len(), sheet.changes.is_empty()), (3, true));
    sheet.written(2);
    assert!(sheet.accounts.is_empty() && sheet.tenants.contains("t"));
}
