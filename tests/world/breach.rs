//! No way around a spending policy: random agents that pay, offer rewards, start children and replace
//! their own code spend what their policies let them, as the records of the ledger say, and not a
//! billionth more (P-54).

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use avm_asm::patch::patch_text;
use avm_ir::{Opcode, Value, program::Patch};
use avm_vm::{
    Answer, EffectRequest, Image, World,
    ledger::{Kind, Limits, List, Money, Owner, Policy, Record, UNIT, Window},
    world::{AgentId, CREDITS, Idle, Rules, SECOND},
};
use proptest::{prelude::*, sample::select};

use super::support::{agent, identity, image};

/// Something that an agent tries.
#[derive(Clone, Debug)]
enum Act {
    Pay {
        to: &'static str,
        amount: u8,
        purpose: &'static str,
        pool: bool,
    },
    Offer(u8),
    Answer,
    Fork {
        funds: u8,
    },
    /// New code for the region that pays, with another amount, and a call of it.
    Patch(u8),
    Wait(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let to = select(vec!["shop", "friend", "thief", "parent"]);
    prop_oneof![
        4 => (to, 0..12_u8, select(vec!["", "food", "bribe"]), any::<bool>()).prop_map(
            |(to, amount, purpose, pool)| Act::Pay { to, amount, purpose, pool: pool && amount > 6 }
        ),
        2 => (0..12_u8).prop_map(Act::Offer),
        1 => Just(Act::Answer),
        2 => (0..30_u8).prop_map(|funds| Act::Fork { funds }),
        2 => (0..12_u8).prop_map(Act::Patch),
        2 => (0..30_u8).prop_map(Act::Wait),
    ]
}

/// Names that everybody declares, so that rights are not what stops them.
const USES: &str = ".uses agent \"shop\"\n.uses agent \"friend\"\n.uses agent \"thief\"\n.uses agent \"parent\"\n\
    .uses token \"AVM_CREDITS\"\n.uses code \"child\"\n.uses channel \"market\"\n";

fn program(acts: &[Act]) -> String {
    let mut text = format!("{USES}SELF_OBSERVER_MODE true\nSWARM_CONNECT \"market\"\n");
    for act in acts {
        let _ = match act {
            Act::Pay { to, amount, purpose, pool } => writeln!(
                text,
                "PAY_AGENT \"{to}\", {amount}, purpose=\"{purpose}\"{}",
                if *pool { ", wallet=\"treasury\"" } else { "" }
            ),
            Act::Offer(reward) => writeln!(text, "SWARM_BROADCAST \"WORK\", 1, {reward}"),
            Act::Answer => writeln!(
                text,
                "WAIT_FOR_RESPONSE \"*\", timeout=0 -> m\nSEND_SWARM_MSG m.request, 1"
            ),
            Act::Fork { funds } => {
                writeln!(text, "FORK_AGENT \"child\", \"market\", gas=200, funds={funds} -> c")
            }
            Act::Patch(amount) => {
                writeln!(text, "SET n = {amount}\nSELF_MODIFY \"PAYS\", n\nCALL spend")
            }
            Act::Wait(seconds) => writeln!(text, "WAIT {seconds}"),
        };
    }
    text + "RETURN 1\n.region PAYS detached perms=read,modify,execute\n" + &pays(1) + ".endregion\n"
}

fn pays(amount: i64) -> String {
    format!(".func spend()\n  PAY_AGENT \"shop\", {amount}, purpose=\"food\"\n.endfunc\n")
}

/// The policy of whoever is looked at.
#[derive(Clone, Debug)]
struct Bound {
    per_call: u8,
    amount: u8,
    payments: u32,
    length: u8,
}

fn bound() -> impl Strategy<Value = Bound> {
    (1..10_u8, 1..25_u8, 1..6_u32, 1..60_u8).prop_map(|(per_call, amount, payments, length)| {
        Bound { per_call, amount, payments, length }
    })
}

impl Bound {
    fn policy(&self, thief: Owner) -> Policy {
        let window = Window {
            length: u64::from(self.length) * SECOND,
            amount: u64::from(self.amount) * UNIT,
            payments: self.payments,
            trips: false,
        };
        let limits = Limits {
            per_call: Some(u64::from(self.per_call) * UNIT),
            approval: None,
            windows: vec![window],
        };
        Policy {
            payees: List { only: None, never: [thief].into() },
            purposes: List { only: None, never: [String::from("bribe")].into() },
            limits: [(String::from(CREDITS), limits)].into(),
            ..Policy::default()
        }
    }

    /// What of an owner's and its descendants' records it does not allow.
    fn breach(&self, spent: &[Record<'_>], thief: Owner) -> Option<String> {
        let mut window: Vec<(u64, u64)> = Vec::new();
        for record in spent {
            let (amount, time) = (record.money.amount, record.time);
            if record.to == thief || record.purpose == "bribe" {
                return Some(format!("paid to {} for {}", record.to, record.purpose));
            }
            // What comes out of an escrow was counted when it went in.
            if record.kind == Kind::Settle {
                continue;
            }
            window.push((time, amount));
            let since = |at: u64| at + u64::from(self.length) * SECOND > time;
            let now = window.iter().filter(|(at, _)| since(*at));
            let (sum, count) = now.fold((0, 0), |(sum, count), (_, a)| (sum + a, count + 1));
            if amount > u64::from(self.per_call) * UNIT
                || sum > u64::from(self.amount) * UNIT
                || count > self.payments
            {
                return Some(format!("{amount} at {time}: {sum} in {count} payments"));
            }
        }
        None
    }
}

/// The host's part: code for the region, with the amount that the agent says.
fn host(image: &Arc<Image>, request: &EffectRequest) -> Answer {
    let code = request.arg("new_code_ref");
    if let (Opcode::SELF_MODIFY, Some(Value::Int(amount))) = (request.opcode, code) {
        let patched = patch_text(image.program(), "PAYS", &pays(*amount), false).expect("it fits");
        let patch = Patch::of(&patched.program, "PAYS").expect("it has the region");
        return Answer::output(Value::Bytes(patch.to_bytes().into()), 0);
    }
    panic!("{request:?}");
}

fn run(world: &mut World) {
    loop {
        match world.idle() {
            Idle::Not => world.settle(&mut ()),
            Idle::Until(time) => world.pass(time, &mut ()),
            Idle::Over => return,
            Idle::Asks => {
                let asks: Vec<(AgentId, Answer)> = { world.asks() }
                    .map(|(agent, request)| {
                        let image = world.machine(agent).expect("it is there").image();
                        (agent, host(image, request))
                    })
                    .collect();
                for (agent, answer) in asks {
                    assert!(world.answer(agent, answer, &mut ()));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nobody_spends_more_than_a_policy_allows(
        parent in prop::collection::vec(act(), 1..12),
        child in prop::collection::vec(act(), 1..8),
        bounds in prop::collection::vec(bound(), 2),
        seed in any::<u64>(),
    ) {
        let mut world = World::new(Rules { seed, agents: 12, ..Rules::default() });
        world.know("child", image(&program(&child)));
        let mut wallets = BTreeMap::new();
        for name in ["parent", "friend", "shop", "thief"] {
            let source = match name {
                "parent" | "friend" => program(&parent),
                // Whoever is paid answers too, and lives long.
                _ => program(&[Act::Answer, Act::Wait(29), Act::Answer, Act::Wait(29)]),
            };
            let id = world.join(name, identity(name), agent(&image(&source), &[])).expect("free");
            let wallet = world.wallet(id).expect("it joined");
            world.mint(wallet, Money { token: CREDITS, amount: 200 * UNIT }).expect("it can");
            wallets.insert(name, (id, wallet));
        }
        let thief = wallets["thief"].1;
        let members = ["parent", "friend"].map(|name| (identity(name), true));
        let pool = world.set_pool("treasury", members.into()).expect("a pool");
        world.mint(pool, Money { token: CREDITS, amount: 200 * UNIT }).expect("it can");
        // One for an agent with its descendants, one for a pool.
        world.set_spending(wallets["parent"].1, Some(bounds[0].policy(thief))).expect("a policy");
        world.set_spending(pool, Some(bounds[1].policy(thief))).expect("a policy");
        run(&mut world);

        let ledger = world.ledger();
        ledger.audit().expect("it adds up");
        let descends = |owner: Owner| {
            let mut at = Some(owner);
            while let Some(Owner::Agent(id)) = at {
                if Owner::Agent(id) == wallets["parent"].1 {
                    return true;
                }
                at = ledger.parent(id);
            }
            false
        };
        let all: Vec<Record<'_>> = ledger.numbers().filter_map(|n| ledger.record(n)).collect();
        let payer = |record: &Record<'_>| match record.kind {
            Kind::Settle => all[record.reserve.expect("an escrow") as usize].from,
            _ => record.from,
        };
        let spending = |record: &&Record<'_>| {
            matches!(record.kind, Kind::Pay | Kind::Escrow | Kind::Settle)
        };
        let spent: Vec<Record<'_>> = { all.iter().filter(spending) }
            .filter(|record| {
                // Whoever acts is bound too, with whatever wallet it pays; winning is not spending.
                let acts = record.kind != Kind::Settle
                    && record.cause.agent.is_some_and(|id| descends(Owner::Agent(id)));
                acts || descends(payer(record))
            })
            .copied()
            .collect();
        prop_assert_eq!(bounds[0].breach(&spent, thief), None, "{:?}", spent);
        let spent: Vec<Record<'_>> =
            { all.iter().filter(spending) }.filter(|r| payer(r) == pool).copied().collect();
        prop_assert_eq!(bounds[1].breach(&spent, thief), None, "{:?}", spent);
        // Nothing is negative, and nothing was made or lost.
        prop_assert_eq!(ledger.supply(CREDITS), 1000 * UNIT);
    }
}

/// The oracle is not blind: without a policy the same agents do what it forbids.
#[test]
fn the_oracle_sees_breaches() {
    let acts = [Act::Pay { to: "thief", amount: 11, purpose: "bribe", pool: false }];
    let mut world = World::new(Rules::default());
    for name in ["parent", "friend", "shop", "thief"] {
        let id = world.join(name, identity(name), agent(&image(&program(&acts)), &[]));
        let wallet = world.wallet(id.expect("free")).expect("it joined");
        world.mint(wallet, Money { token: CREDITS, amount: 200 * UNIT }).expect("it can");
    }
    run(&mut world);
    let bound = Bound { per_call: 10, amount: 20, payments: 9, length: 9 };
    let thief = world.wallet(AgentId(3)).expect("it joined");
    let ledger = world.ledger();
    let paid: Vec<Record<'_>> = { ledger.numbers() }
        .filter_map(|number| ledger.record(number))
        .filter(|record| record.kind == Kind::Pay)
        .collect();
    assert!(!paid.is_empty());
    assert!(bound.breach(&paid, thief).is_some());
    assert!(bound.breach(&paid, Owner::Fees).is_some());
}
