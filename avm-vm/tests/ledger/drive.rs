//! Random operations on a ledger, with what has to hold whatever they are.

use std::collections::BTreeMap;

use avm_vm::ledger::{
    Breaker, Cause, Error, Key, Ledger, Limits, List, Mark, Money, Order, Owner, Policy, Receipt,
    Settle, Share, Window,
};

pub(crate) const TOKENS: [&str; 2] = ["AVM_CREDITS", "GOLD"];
const POOLS: u8 = 2;

/// What a checkpoint goes back to.
struct Marked {
    mark: Mark,
    hash: [u8; 32],
    supply: [u64; 2],
    agents: usize,
    open: usize,
}

/// A ledger under random operations, and what is known of it from outside.
pub(crate) struct Drive {
    pub(crate) ledger: Ledger,
    random: u64,
    agents: u64,
    time: u64,
    order: u64,
    supply: [u64; 2],
    open: Vec<u64>,
    marks: Vec<Marked>,
    last: Option<(Cause, Key, Owner, Owner, usize, u64, Receipt)>,
    /// Operations by what came of them.
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

fn id(number: u64) -> [u8; 32] {
    *blake3::hash(&number.to_le_bytes()).as_bytes()
}

impl Drive {
    /// So many agents with money.
    pub(crate) fn new(seed: u64, agents: u64) -> Self {
        let mut drive = Self {
            ledger: Ledger::new(),
            random: seed | 1,
            agents,
            time: 0,
            order: 0,
            supply: [0; 2],
            open: Vec::new(),
            marks: Vec::new(),
            last: None,
            counts: BTreeMap::new(),
        };
        for pool in 0..POOLS {
            let members = (0..4).map(|agent| (id(agent), agent % 2 == 0)).collect();
            drive.ledger.set_pool([pool; 32], members).expect("few members");
        }
        for agent in 0..agents {
            for token in 0..2 {
                drive.mint(Owner::Agent(id(agent)), token, 1_000_000);
            }
        }
        drive
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % below.max(1)
    }

    fn agent(&mut self) -> [u8; 32] {
        let agents = self.agents;
        id(self.draw(agents))
    }

    fn wallet(&mut self) -> Owner {
        match self.draw(12) {
            0 => Owner::Fees,
            1 => Owner::Pool([self.draw(u64::from(POOLS)) as u8; 32]),
            _ => Owner::Agent(self.agent()),
        }
    }

    fn cause(&mut self, agent: Option<[u8; 32]>) -> (Cause, Key) {
        self.order += 1;
        let key = *blake3::hash(&(self.order, 7_u8).0.to_be_bytes()).as_bytes();
        (Cause { agent, step: self.order, effect: self.order }, key)
    }

    fn mint(&mut self, to: Owner, token: usize, amount: u64) {
        let (cause, key) = self.cause(None);
        let order = Order { cause, key, purpose: "genesis", time: self.time };
        let money = Money { token: TOKENS[token], amount };
        let done = self.ledger.mint(&order, to, money).map(|_| ());
        if done.is_ok() {
            self.supply[token] += amount;
        }
        self.note("mint", done);
    }

    fn note(&mut self, what: &'static str, done: Result<(), Error>) {
        let what = match done {
            Ok(()) => what,
            Err(Error::Refused(_)) => "refused by policy",
            Err(Error::NeedsApproval(wanted)) => {
                if self.draw(2) == 0 {
                    self.ledger.approve(&wanted).expect("few wait");
                }
                "needs approval"
            }
            Err(Error::Insufficient { .. }) => "insufficient",
            Err(_) => "another error",
        };
        *self.counts.entry(what).or_default() += 1;
    }

    /// One operation.
    pub(crate) fn step(&mut self) {
        if self.draw(4) == 0 {
            self.time += self.draw(50);
        }
        let token = self.draw(2) as usize;
        let amount = self.draw(2_000);
        let money = Money { token: TOKENS[token], amount };
        let agent = self.agent();
        let from = match self.draw(16) {
            0 => self.wallet(),
            _ => Owner::Agent(agent),
        };
        let to = self.wallet();
        let what = self.draw(40);
        // What is aside is mostly settled by whoever runs the world.
        let operator = self.draw(8) < if (7..=14).contains(&what) { 6 } else { 1 };
        let (cause, key) = self.cause(Some(agent).filter(|_| !operator));
        let purpose = ["work", "data", "model"][self.draw(3) as usize];
        let order = Order { cause, key, purpose, time: self.time };
        let recent = self.open.len() - self.draw(self.open.len().min(8) as u64) as usize;
        let number = self.open.get(recent.wrapping_sub(1)).copied().unwrap_or(0);
        let expires = self.time + 1 + self.draw(400);
        match what {
            0 => self.mint(to, token, amount),
            1 => {
                let done = self.ledger.burn(
                    &Order { cause: Cause { agent: None, ..cause }, ..order },
                    to,
                    money,
                );
                if done.is_ok() {
                    self.supply[token] -= amount;
                }
                self.note("burn", done.map(|_| ()));
            }
            2..=4 => {
                let done = self.ledger.hold(&order, from, to, money, expires);
                self.opened("hold", done);
            }
            5..=6 => {
                let settle = match self.draw(3) {
                    0 => Settle::First,
                    1 => Settle::Accepted { verifier: Owner::Agent(self.agent()) },
                    _ => Settle::Split { arbiter: from },
                };
                let done = self.ledger.escrow(&order, from, money, settle, expires);
                self.opened("escrow", done);
            }
            7..=9 => {
                let done = self.ledger.capture(&order, number, amount / 2).map(|_| ());
                self.note("capture", done);
            }
            10 => {
                let done = self.ledger.release(&order, number).map(|_| ());
                self.note("release", done);
            }
            11..=12 => {
                let done = self.ledger.claim(&order, number, to).map(|_| ());
                self.note("claim", done);
            }
            13 => {
                let count = 1 + self.draw(4);
                let shares: Vec<Share> = (0..count)
                    .map(|_| Share { to: Owner::Agent(self.agent()), weight: self.draw(5) })
                    .collect();
                let order = Order { cause: Cause { agent: None, ..cause }, ..order };
                let done = self.ledger.split(&order, number, &shares).map(|_| ());
                self.note("split", done);
            }
            14 => {
                let done = self.ledger.refund(&order, number).map(|_| ());
                self.note("refund", done);
            }
            15 => {
                let child = id(self.agents);
                let funds = [money, Money { token: TOKENS[1 - token], amount: 5 }];
                let done = self.ledger.fork(&order, agent, child, &funds).map(|_| ());
                if done.is_ok() {
                    self.agents += 1;
                }
                self.note("fork", done);
            }
            16 if self.draw(32) == 0 => {
                let done = self.ledger.end(&order, agent).map(|_| ());
                self.note("end", done);
            }
            17 => {
                self.ledger.expire(self.time).expect("time goes on");
            }
            18 => self.again(),
            19 if self.marks.len() < 4 => {
                let hash = self.ledger.hash();
                let mark = self.ledger.checkpoint();
                let (agents, open) = (self.agents as usize, self.open.len());
                self.marks.push(Marked { mark, hash, supply: self.supply, agents, open });
            }
            20 => self.give_back(),
            21 if self.draw(8) == 0 => {
                let policy = self.policy();
                self.ledger.set_policy(Owner::Agent(agent), policy).expect("a right policy");
            }
            22 => self.ledger.reset_breaker(Owner::Agent(agent)),
            _ => {
                let done = self.ledger.pay(&order, from, to, money);
                if let Ok(receipt) = done {
                    self.last = Some((cause, key, from, to, token, amount, receipt));
                }
                self.note("pay", done.map(|_| ()));
            }
        }
    }

    fn opened(&mut self, what: &'static str, done: Result<Receipt, Error>) {
        if let Ok(receipt) = &done {
            if self.open.len() > 64 {
                self.open.swap_remove(0);
            }
            self.open.push(receipt.first);
        }
        self.note(what, done.map(|_| ()));
    }

    /// A random policy.
    fn policy(&mut self) -> Option<Policy> {
        if self.draw(4) == 0 {
            return None;
        }
        let window = |length, amount, trips| Window { length, amount, payments: 16, trips };
        let limits = Limits {
            per_call: Some(1_000 + self.draw(1_000)),
            approval: Some(1_500),
            windows: vec![window(100, 3_000, false), window(1_000, 9_000, self.draw(4) == 0)],
        };
        let never = [Owner::Agent(self.agent())].into();
        Some(Policy {
            payees: List { only: None, never },
            limits: [(TOKENS[0].to_owned(), limits)].into(),
            breaker: Some(Breaker { refusals: 5, within: 200 }),
            ..Policy::default()
        })
    }

    /// The last payment once more, and another under its key.
    fn again(&mut self) {
        let Some((cause, key, from, to, token, amount, receipt)) = self.last else { return };
        if !self.ledger.numbers().contains(&receipt.first) {
            return;
        }
        let purpose = self.ledger.record(receipt.first).expect("it is kept").purpose.to_owned();
        let order = Order { cause, key, purpose: &purpose, time: 0 };
        let (before, money) = (self.ledger.hash(), Money { token: TOKENS[token], amount });
        let done = self.ledger.pay(&order, from, to, money);
        assert_eq!(done, Ok(Receipt { again: true, ..receipt }));
        let more = Money { amount: amount + 1, ..money };
        let other = self.ledger.pay(&order, from, to, more);
        assert_eq!(other, Err(Error::Key { first: receipt.first }));
        assert_eq!(self.ledger.hash(), before, "nothing is done twice");
    }

    fn give_back(&mut self) {
        let Some(marked) = self.marks.pop() else { return };
        if self.draw(2) == 0 {
            self.ledger.commit(marked.mark).expect("the newest");
            return;
        }
        self.ledger.revert(marked.mark).expect("the newest");
        assert_eq!(self.ledger.hash(), marked.hash, "as it was");
        self.supply = marked.supply;
        self.agents = marked.agents as u64;
        self.open.truncate(marked.open);
        self.time = self.time.max(self.ledger.time());
        self.last = None;
        *self.counts.entry("revert").or_default() += 1;
    }

    /// Gives all checkpoints back, and goes on from bytes.
    pub(crate) fn restart(&mut self) {
        while !self.marks.is_empty() {
            self.give_back();
        }
        let bytes = self.ledger.to_bytes();
        let read = Ledger::from_bytes(&bytes).expect("its own bytes");
        assert_eq!(read.hash(), self.ledger.hash());
        assert!(read.to_bytes() == bytes, "one encoding");
        self.ledger = read;
    }

    /// Drops all but so many records.
    pub(crate) fn keep(&mut self, most: u64) {
        while !self.marks.is_empty() {
            self.give_back();
        }
        let end = self.ledger.numbers().end;
        self.ledger.drop_before(end.saturating_sub(most)).expect("no checkpoint is open");
        self.last = None;
    }

    /// What has to hold.
    pub(crate) fn check(&self) {
        let audit = self.ledger.audit().expect("it adds up");
        assert_eq!(audit.head, self.ledger.head());
        for (token, supply) in TOKENS.into_iter().zip(self.supply) {
            let agents = (0..self.agents).map(|agent| Owner::Agent(id(agent)));
            let pools = (0..POOLS).map(|pool| Owner::Pool([pool; 32]));
            let others = [Owner::Fees, Owner::Holds, Owner::Escrows];
            let all = agents.chain(pools).chain(others);
            let sum: u64 = all.map(|owner| self.ledger.balance(owner, token)).sum();
            assert_eq!((sum, self.ledger.supply(token)), (supply, supply), "{token}");
        }
    }
}
