//! Each rule once.

use avm_vm::ledger::{
    Breaker, Cause, ClauseKind, Error, Kind, Ledger, Limits, List, Money, Order, Owner, Policy,
    Receipt, Settle, Share, Window,
};

const A: [u8; 32] = [1; 32];
const B: [u8; 32] = [2; 32];
const C: [u8; 32] = [3; 32];

const fn agent(id: [u8; 32]) -> Owner {
    Owner::Agent(id)
}

const fn gold(amount: u64) -> Money<'static> {
    Money { token: "GOLD", amount }
}

/// An order of an agent, or of whoever runs the world; its number is its time, too.
fn order(agent: impl Into<Option<[u8; 32]>>, number: u64) -> Order<'static> {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    let cause = Cause { agent: agent.into(), step: number, effect: number };
    Order { cause, key, purpose: "work", time: number }
}

/// A has 100.
fn rich() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.mint(&order(None, 0), agent(A), gold(100)).expect("genesis");
    ledger
}

fn has(ledger: &Ledger, ids: [Owner; 3]) -> [u64; 3] {
    ledger.audit().expect("it adds up");
    ids.map(|owner| ledger.balance(owner, "GOLD"))
}

fn clause(error: &Error) -> Option<ClauseKind> {
    match error {
        Error::Refused(refusal) => Some(refusal.clause),
        Error::NeedsApproval(_) => Some(ClauseKind::Approval),
        _ => None,
    }
}

#[test]
fn a_payment_is_a_record_and_is_made_once() {
    let mut ledger = rich();
    let pay =
        |ledger: &mut Ledger, amount| ledger.pay(&order(A, 1), agent(A), agent(B), gold(amount));
    assert_eq!(pay(&mut ledger, 30), Ok(Receipt { first: 1, count: 1, again: false }));
    assert_eq!(pay(&mut ledger, 30), Ok(Receipt { first: 1, count: 1, again: true }));
    assert_eq!(pay(&mut ledger, 31), Err(Error::Key { first: 1 }));
    assert_eq!(has(&ledger, [agent(A), agent(B), Owner::Genesis]), [70, 30, 100]);
    let record = ledger.record(1).expect("it is kept");
    assert_eq!((record.kind, record.from, record.to), (Kind::Pay, agent(A), agent(B)));
    assert_eq!((record.money, record.purpose, record.time), (gold(30), "work", 1));
    assert_eq!(record.cause, Cause { agent: Some(A), step: 1, effect: 1 });
    assert_eq!(record.link, ledger.head());
}

#[test]
fn what_cannot_be_paid_moves_nothing() {
    let mut ledger = rich();
    let before = ledger.hash();
    let mut pay = |order: Order<'_>, from, to, money| ledger.pay(&order, from, to, money).err();
    let short = Error::Insufficient { balance: 100, wanted: 101 };
    assert_eq!(pay(order(A, 1), agent(A), agent(B), gold(101)), Some(short));
    assert_eq!(pay(order(A, 1), agent(A), agent(B), gold(0)), Some(Error::Zero));
    assert_eq!(pay(order(A, 1), agent(A), agent(A), gold(1)), Some(Error::SameWallet));
    assert_eq!(pay(order(B, 1), agent(A), agent(B), gold(1)), Some(Error::Authority));
    assert_eq!(pay(order(None, 1), agent(A), agent(B), gold(1)), Some(Error::Authority));
    let holds = Owner::Holds;
    assert_eq!(pay(order(A, 1), agent(A), holds, gold(1)), Some(Error::Owner(holds)));
    let tin = Money { token: "TIN", amount: 1 };
    assert_eq!(pay(order(A, 1), agent(A), agent(B), tin), Some(Error::Token));
    let long = Order { purpose: &"x".repeat(65), ..order(A, 1) };
    assert_eq!(ledger.pay(&long, agent(A), agent(B), gold(1)), Err(Error::Name));
    assert_eq!(ledger.mint(&order(A, 1), agent(A), gold(1)), Err(Error::Authority));
    assert_eq!(ledger.mint(&order(None, 1), agent(A), gold(u64::MAX)), Err(Error::Overflow));
    assert_eq!(ledger.hash(), before);
    ledger.expire(5).expect("time goes on");
    let late = ledger.pay(&order(A, 1), agent(A), agent(B), gold(1));
    assert_eq!(late, Err(Error::Time { asked: 1, now: 5 }));
}

#[test]
fn a_hold_is_captured_in_parts_released_or_expires() {
    let mut ledger = rich();
    let all = [agent(A), agent(B), Owner::Holds];
    for number in [1, 2, 3] {
        ledger.hold(&order(A, number), agent(A), agent(B), gold(20), 50).expect("held");
    }
    assert_eq!(has(&ledger, all), [40, 0, 60]);
    assert_eq!(ledger.capture(&order(A, 4), 1, 5), Err(Error::Authority));
    ledger.capture(&order(B, 5), 1, 5).expect("captured");
    let more = ledger.capture(&order(B, 6), 1, 16);
    assert_eq!(more, Err(Error::Insufficient { balance: 15, wanted: 16 }));
    ledger.capture(&order(B, 7), 1, 15).expect("captured");
    assert_eq!(ledger.capture(&order(B, 8), 1, 1), Err(Error::Closed(1)));
    assert_eq!(ledger.release(&order(A, 9), 2), Err(Error::Authority));
    ledger.release(&order(B, 10), 2).expect("released");
    assert_eq!(has(&ledger, all), [60, 20, 20]);
    assert_eq!(ledger.capture(&order(B, 50), 3, 1), Err(Error::Expired(3)));
    assert_eq!((ledger.next_expiry(), ledger.expire(50)), (Some(50), Ok(1)));
    assert_eq!(has(&ledger, all), [80, 20, 0]);
}

#[test]
fn an_escrow_pays_the_first_or_the_first_accepted() {
    let mut ledger = rich();
    let first = Settle::First;
    let accepted = Settle::Accepted { verifier: agent(C) };
    ledger.escrow(&order(A, 1), agent(A), gold(10), first, 50).expect("aside");
    ledger.escrow(&order(A, 2), agent(A), gold(10), accepted, 50).expect("aside");
    assert_eq!(ledger.claim(&order(A, 3), 1, agent(A)), Err(Error::SameWallet));
    assert_eq!(ledger.claim(&order(C, 3), 1, agent(B)), Err(Error::Authority));
    ledger.claim(&order(B, 4), 1, agent(B)).expect("the first");
    assert_eq!(ledger.claim(&order(C, 5), 1, agent(C)), Err(Error::Closed(1)));
    assert_eq!(ledger.claim(&order(B, 6), 2, agent(B)), Err(Error::Authority));
    assert_eq!(ledger.refund(&order(A, 6), 2), Err(Error::Authority));
    ledger.claim(&order(C, 7), 2, agent(B)).expect("accepted");
    assert_eq!(has(&ledger, [agent(A), agent(B), agent(C)]), [80, 20, 0]);
}

#[test]
fn an_escrow_is_split_to_the_last_billionth() {
    let mut ledger = rich();
    let settle = Settle::Split { arbiter: agent(A) };
    ledger.escrow(&order(A, 1), agent(A), gold(11), settle, 50).expect("aside");
    let share = |id, weight| Share { to: agent(id), weight };
    let mut split = |number, shares: &[Share]| ledger.split(&order(A, number), 1, shares);
    assert_eq!(split(2, &[]), Err(Error::Shares));
    assert_eq!(split(2, &[share(B, 0)]), Err(Error::Shares));
    assert_eq!(split(2, &[share(B, 1), share(B, 1)]), Err(Error::Shares));
    // 11 · 0/3, 11 · 2/3 and 11 · 1/3 are 0, 7 and 3; the one over goes to the first with a weight.
    let shares = [share([9; 32], 0), share(C, 2), share(B, 1)];
    assert_eq!(split(2, &shares), Ok(Receipt { first: 2, count: 2, again: false }));
    assert_eq!(split(2, &shares), Ok(Receipt { first: 2, count: 2, again: true }));
    assert_eq!(has(&ledger, [agent(A), agent(B), agent(C)]), [89, 3, 8]);
}

#[test]
fn a_child_is_funded_and_what_is_left_returns() {
    let mut ledger = rich();
    ledger.fork(&order(A, 1), A, B, &[gold(40)]).expect("a child");
    ledger.fork(&order(B, 2), B, C, &[gold(10)]).expect("a child of it");
    assert_eq!(ledger.fork(&order(C, 3), C, A, &[]), Err(Error::Lineage));
    ledger.hold(&order(C, 4), agent(C), Owner::Fees, gold(4), 50).expect("held");
    ledger.end(&order(B, 5), B).expect("ended");
    ledger.end(&order(C, 6), C).expect("ended");
    assert_eq!(has(&ledger, [agent(A), agent(B), agent(C)]), [96, 0, 0]);
    let late = ledger.pay(&order(A, 7), agent(A), agent(B), gold(1));
    assert_eq!(late, Err(Error::Ended(agent(B))));
    // What comes back to an agent that has ended goes to who is left of its line.
    assert_eq!(ledger.expire(50), Ok(1));
    assert_eq!(has(&ledger, [agent(A), agent(B), agent(C)]), [100, 0, 0]);
}

#[test]
fn only_members_who_may_pay_out_of_a_pool() {
    let mut ledger = rich();
    let pool = Owner::Pool([5; 32]);
    ledger.set_pool([5; 32], [(A, true), (B, false)].into()).expect("a pool");
    ledger.pay(&order(A, 1), agent(A), pool, gold(50)).expect("paid in");
    ledger.pay(&order(A, 2), pool, agent(C), gold(20)).expect("paid out");
    for id in [B, C] {
        assert_eq!(ledger.pay(&order(id, 3), pool, agent(C), gold(1)), Err(Error::Authority));
    }
    // Who acts is bound by its own policy, with whatever wallet.
    let never = [agent(C)].into();
    let policy = Policy { payees: List { only: None, never }, ..Policy::default() };
    ledger.set_policy(agent(A), Some(policy)).expect("a policy");
    let refused = ledger.pay(&order(A, 4), pool, agent(C), gold(1)).expect_err("not to C");
    assert_eq!(clause(&refused), Some(ClauseKind::Payees));
}

#[test]
fn every_clause_refuses_by_name() {
    let mut ledger = rich();
    let window = Window { length: 10, amount: 12, payments: 3, trips: false };
    let limits = Limits { per_call: Some(9), approval: Some(7), windows: vec![window] };
    let only = |name: &str| Some([name.to_owned()].into());
    let policy = Policy {
        tokens: List { only: only("GOLD"), ..List::default() },
        payees: List { never: [agent(C)].into(), ..List::default() },
        purposes: List { only: only("work"), ..List::default() },
        limits: [("GOLD".to_owned(), limits)].into(),
        breaker: Some(Breaker { refusals: 5, within: 1_000 }),
    };
    ledger.set_policy(agent(A), Some(policy)).expect("a policy");
    let tin = Money { token: "TIN", amount: 1 };
    let play = Order { purpose: "play", ..order(A, 1) };
    let mut said = Vec::new();
    let mut pay = |ledger: &mut Ledger, order: Order<'_>, to, money| {
        let done = ledger.pay(&order, agent(A), to, money);
        said.push(done.as_ref().map_or_else(ToString::to_string, |_| "paid".to_owned()));
        done.err()
    };
    pay(&mut ledger, order(A, 1), agent(B), tin);
    pay(&mut ledger, order(A, 1), agent(C), gold(1));
    pay(&mut ledger, play, agent(B), gold(1));
    pay(&mut ledger, order(A, 1), agent(B), gold(10));
    let Some(Error::NeedsApproval(wanted)) = pay(&mut ledger, order(A, 1), agent(B), gold(8))
    else {
        panic!("it needs approval");
    };
    ledger.approve(&wanted).expect("approved");
    pay(&mut ledger, order(A, 1), agent(B), gold(8));
    pay(&mut ledger, order(A, 2), agent(B), gold(4));
    // Two are in the window, which is full to the last; that is the fifth refusal.
    pay(&mut ledger, order(A, 3), agent(B), gold(1));
    pay(&mut ledger, order(A, 11), agent(B), gold(1));
    ledger.reset_breaker(agent(A));
    // The first has left the window.
    pay(&mut ledger, order(A, 11), agent(B), gold(7));
    let expected = [
        "spending clause tokens of agent 010101010101: no TIN",
        "spending clause payees of agent 010101010101: not to agent 030303030303",
        "spending clause purposes of agent 010101010101: not for \"play\"",
        "spending clause per_call of agent 010101010101: 0.00000001 GOLD is more than 0.000000009 \
         at once",
        "spending clause approval of agent 010101010101: 0.000000008 GOLD to agent 020202020202 \
         is over 0.000000007",
        "paid",
        "paid",
        "spending clause window of agent 010101010101: 0.000000001 GOLD more than 0.000000012 in \
         2 payments within 10 ns, of 0.000000012 in 3",
        "spending clause breaker of agent 010101010101: it is open until it is reset",
        "paid",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_child_spends_within_what_its_parent_may() {
    let mut ledger = rich();
    let window = Window { length: 100, amount: 10, payments: 9, trips: true };
    let limits = Limits { windows: vec![window], ..Limits::default() };
    let limits = [("GOLD".to_owned(), limits)].into();
    let policy = Policy { limits, ..Policy::default() };
    ledger.set_policy(agent(A), Some(policy)).expect("a policy");
    ledger.fork(&order(A, 1), A, B, &[gold(50)]).expect("a child");
    ledger.pay(&order(B, 2), agent(B), agent(C), gold(6)).expect("within");
    let over = ledger.pay(&order(B, 3), agent(B), agent(C), gold(5)).expect_err("not within");
    assert_eq!(clause(&over), Some(ClauseKind::Window));
    assert!(ledger.is_open(agent(A)), "the window trips the breaker");
    for id in [A, B] {
        let refused = ledger.pay(&order(id, 200), agent(id), agent(C), gold(1)).expect_err("open");
        assert_eq!(clause(&refused), Some(ClauseKind::Breaker));
    }
    ledger.reset_breaker(agent(A));
    ledger.pay(&order(B, 201), agent(B), agent(C), gold(10)).expect("the window moved on");
}

#[test]
fn statements_have_pages_with_a_running_balance() {
    let mut ledger = rich();
    for number in 1..6 {
        ledger.pay(&order(A, number), agent(A), agent(B), gold(number)).expect("paid");
    }
    ledger.pay(&order(B, 6), agent(B), agent(A), gold(2)).expect("paid back");
    let mut lines = Vec::new();
    let mut at = None;
    loop {
        let (rows, next) = ledger.statement(agent(A), "GOLD", at, 3);
        let line = |row: &avm_vm::ledger::Row<'_>| (row.record.number, row.gains, row.balance);
        lines.extend(rows.iter().map(line));
        match next {
            Some(next) => at = Some(next),
            None => break,
        }
    }
    let expected = [
        (6, true, 87),
        (5, false, 85),
        (4, false, 90),
        (3, false, 94),
        (2, false, 97),
        (1, false, 99),
        (0, true, 100),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn old_records_go_and_are_not_paid_again() {
    let mut ledger = rich();
    for number in 1..6 {
        ledger.pay(&order(A, number), agent(A), agent(B), gold(1)).expect("paid");
    }
    ledger.hold(&order(A, 6), agent(A), agent(B), gold(5), 50).expect("held");
    let (head, dropped) = (ledger.head(), ledger.drop_before(7).expect("no checkpoint"));
    assert_eq!((dropped.first, ledger.numbers(), ledger.head()), (7, 7..7, head));
    let old = ledger.pay(&Order { time: 9, ..order(A, 3) }, agent(A), agent(B), gold(1));
    assert_eq!(old, Err(Error::Forgotten));
    let mut ledger = Ledger::from_bytes(&ledger.to_bytes()).expect("its own bytes");
    ledger.capture(&order(B, 9), 6, 5).expect("the hold is known");
    assert_eq!(has(&ledger, [agent(A), agent(B), Owner::Holds]), [90, 10, 0]);
}

#[test]
fn checkpoints_nest() {
    let mut ledger = rich();
    let outer = ledger.checkpoint();
    ledger.pay(&order(A, 1), agent(A), agent(B), gold(1)).expect("paid");
    let (hash, inner) = (ledger.hash(), ledger.checkpoint());
    ledger.hold(&order(A, 2), agent(A), agent(C), gold(1), 9).expect("held");
    assert_eq!(ledger.revert(outer), Err(Error::Checkpoint));
    assert_eq!(ledger.drop_before(1), Err(Error::Checkpoint));
    ledger.revert(inner).expect("the newest");
    assert_eq!(ledger.hash(), hash);
    ledger.revert(outer).expect("the newest");
    assert_eq!(ledger.hash(), rich().hash());
    ledger.pay(&order(A, 1), agent(A), agent(C), gold(2)).expect("nobody knows the key");
}
