//! What must be true of a balance.

use gateway::Usd;
use proto::v1::{ExplainBalanceResponse, LedgerEntry};
use serde::Serialize;

/// One invariant, and whether it holds.
#[derive(Serialize)]
pub(super) struct Proof {
    pub(super) holds: bool,
    pub(super) says: String,
}

/// The invariants of an account, given all of its entries and what it says of itself.
pub(super) fn proofs(
    entries: &[LedgerEntry],
    last: &ExplainBalanceResponse,
    cap: Option<i64>,
) -> Vec<Proof> {
    let listed: i64 = entries.iter().map(|entry| entry.amount_micros).sum();
    let (spent, reserved) = (last.spent_micros, last.reserved_micros);
    let is_listed = spent == listed && last.ledger_micros == listed;
    let mut proofs = vec![
        Proof {
            holds: is_listed,
            says: format!(
                "{} spent = {} in {} ledger entries",
                Usd(spent),
                Usd(listed),
                entries.len()
            ),
        },
        Proof {
            holds: reserved == last.holds_micros,
            says: format!(
                "{} reserved = {} in {} open reservations",
                Usd(reserved),
                Usd(last.holds_micros),
                last.holds_count
            ),
        },
    ];
    if let Some(cap) = cap {
        let used = spent + reserved;
        // What a call really cost is recorded even when it is more than was held for it.
        let says = if used <= cap {
            format!("{} spent and reserved <= the cap of {}", Usd(used), Usd(cap))
        } else {
            format!("{} over the cap of {}: nothing more is admitted", Usd(used - cap), Usd(cap))
        };
        proofs.push(Proof { holds: true, says });
    }
    proofs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(spent: i64, reserved: i64) -> ExplainBalanceResponse {
        ExplainBalanceResponse {
            spent_micros: spent,
            reserved_micros: reserved,
            ledger_micros: 70,
            ledger_entries: 2,
            holds_micros: 5,
            holds_count: 1,
            ..ExplainBalanceResponse::default()
        }
    }

    #[test]
    fn a_balance_is_what_it_is_made_of() {
        let entry = |amount_micros| LedgerEntry { amount_micros, ..LedgerEntry::default() };
        let entries = [entry(30), entry(40)];
        let hold = |spent, reserved, cap| -> Vec<bool> {
            let proofs = proofs(&entries, &page(spent, reserved), cap);
            proofs.iter().map(|proof| proof.holds).collect()
        };
        assert_eq!(hold(70, 5, None), [true, true]);
        assert_eq!(hold(70, 5, Some(75)), [true, true, true]);
        assert_eq!(hold(71, 5, None), [false, true], "spent is not the ledger");
        assert_eq!(hold(70, 6, None), [true, false], "reserved is not what is held");
        let over = &proofs(&entries, &page(70, 5), Some(60))[2];
        assert!(over.holds && over.says.starts_with("0.000015 over the cap"), "{}", over.says);
    }
}
