//! Whether a balance is what it is made of.

use crate::account::{Account, Charge, Entry, Owner, Reservation};

/// A number of amounts and what they add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Their sum.
    pub micros: i64,
    /// How many they are.
    pub count: i64,
}

/// A balance beside what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// The balance as it is kept.
    pub account: Account,
    /// Its ledger.
    pub ledger: Sum,
    /// Its open holds.
    pub holds: Sum,
}

impl Proof {
    /// Whether spent is the sum of the ledger, and reserved the sum of the open holds.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let Account { spent_micros, reserved_micros, .. } = self.account;
        (spent_micros, reserved_micros) == (self.ledger.micros, self.holds.micros)
    }
}

/// Which part of a tenant's accounts to add up.
#[derive(Clone, Debug)]
pub struct Page {
    /// Whose.
    pub tenant: String,
    /// After which account; empty for the first page.
    pub after: Option<(Owner, String)>,
    /// How many accounts.
    pub limit: i64,
}

/// A page of accounts, added up.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// How many accounts.
    pub accounts: i64,
    /// How many ledger rows.
    pub entries: i64,
    /// What does not add up: account, period, and what was found.
    pub differences: Vec<(Owner, String, Proof)>,
    /// The last account of the page, when there are more.
    pub last: Option<(Owner, String)>,
}

/// What one balance is made of.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Its sums.
    pub proof: Proof,
    /// A page of its ledger.
    pub entries: Vec<Entry>,
    /// Open holds, those that end first.
    pub holds: Vec<(Charge, Reservation)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_adds_up_only_if_both_of_its_parts_do() {
        let sum = |micros| Sum { micros, count: 1 };
        for (ledger, holds, adds_up) in [(5, 7, true), (4, 7, false), (5, 8, false)] {
            let account = Account { spent_micros: 5, reserved_micros: 7, ..Account::default() };
            let proof = Proof { account, ledger: sum(ledger), holds: sum(holds) };
            assert_eq!(proof.adds_up(), adds_up, "{proof:?}");
        }
    }
}
