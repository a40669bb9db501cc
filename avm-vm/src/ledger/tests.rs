//! What only the inside can do: change what nobody outside can reach, and see it found.

use super::*;

const A: [u8; 32] = [1; 32];
const B: [u8; 32] = [2; 32];

fn order(agent: Option<[u8; 32]>, number: u64) -> Order<'static> {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    Order { cause: Cause { agent, step: number, effect: number }, key, purpose: "x", time: number }
}

fn ledger() -> Ledger {
    let mut ledger = Ledger::new();
    let gold = |amount| Money { token: "GOLD", amount };
    ledger.mint(&order(None, 1), Owner::Agent(A), gold(100)).expect("genesis");
    ledger.pay(&order(Some(A), 2), Owner::Agent(A), Owner::Agent(B), gold(10)).expect("paid");
    ledger.hold(&order(Some(A), 3), Owner::Agent(A), Owner::Agent(B), gold(5), 99).expect("held");
    ledger.pay(&order(Some(B), 4), Owner::Agent(B), Owner::Fees, gold(1)).expect("paid");
    ledger
}

/// The same records with one of them changed by hand.
fn changed(ledger: &Ledger, number: u64, change: impl Fn(&mut records::Stored)) -> Ledger {
    let mut ledger = ledger.clone();
    let mut records = Records::default();
    for (at, record) in ledger.records.iter() {
        let mut record = record.clone();
        if at == number {
            change(&mut record);
        }
        records.push(record);
    }
    ledger.records = records;
    ledger
}

#[test]
fn a_changed_record_is_found() {
    let ledger = ledger();
    assert!(ledger.audit().is_ok());
    for number in 0..4 {
        let found = |change: fn(&mut records::Stored)| changed(&ledger, number, change).audit();
        let link = Err(Fault::Link(number));
        assert_eq!(found(|record| record.amount += 1), link);
        assert_eq!(found(|record| record.time += 1), link);
        assert_eq!(found(|record| record.step += 1), link);
        assert_eq!(found(|record| record.key[0] ^= 1), link);
        assert_eq!(found(|record| record.terms[0] ^= 1), link);
        assert_eq!(found(|record| record.link[0] ^= 1), link);
    }
}

#[test]
fn a_missing_record_is_found() {
    let mut ledger = ledger();
    ledger.records.pop();
    assert_eq!(ledger.audit(), Err(Fault::Head));
}

#[test]
fn a_changed_name_is_found() {
    let mut ledger = ledger();
    ledger.names.log.remove(0);
    assert!(ledger.audit().is_err());
}

#[test]
fn changed_sums_are_found() {
    let good = ledger();
    let mut ledger = good.clone();
    ledger.accounts[1].balance += 1;
    assert!(matches!(ledger.audit(), Err(Fault::Balance(..))));
    let mut ledger = good.clone();
    ledger.reserves.get_mut(&2).expect("it is open").left += 1;
    assert_eq!(ledger.audit(), Err(Fault::Reserve(2)));
    let mut ledger = good;
    ledger.reserves.clear();
    assert_eq!(ledger.audit(), Err(Fault::Reserve(2)));
}

#[test]
fn a_clone_shares_records_and_goes_its_own_way() {
    let mut ledger = ledger();
    let before = ledger.clone();
    let gold = Money { token: "GOLD", amount: 1 };
    ledger.pay(&order(Some(B), 5), Owner::Agent(B), Owner::Fees, gold).expect("paid");
    assert_eq!(before.numbers(), 0..4);
    assert!(before.audit().is_ok() && ledger.audit().is_ok());
}
