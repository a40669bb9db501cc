//! Worlds again from their journals, and journals with a byte changed or cut off.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use avm_ir::{Schedule, Value, program::public_key};
use avm_vm::{
    Config, Image, Meter, World,
    identity::{
        Name,
        outbox::{read_seals, write_seals},
    },
    journal::{JournalError, Tail},
    ledger::{Limits, Owner, Policy},
    world::{
        AgentId, ChannelRules, Event, Found, Idle, Joined, Next, Payout, Price, Rate, Replay, Role,
        Rules, SECOND, StallRule, Stop, Supervision, Then, Witness,
        journal::{Entry, Journal, Mark, Start, Time, Writer},
        pool_id,
    },
};

use crate::{
    Entropy,
    forge::relinked,
    generate::{Shape, program},
    machine::{answer, image},
};

/// Ticks after which a world is left.
pub(crate) const TICKS: u64 = 60;
/// Most memory, gas and instructions of a slice that a forged journal may claim and still be played.
pub(crate) const MEMORY: u64 = 1 << 20;
pub(crate) const GAS: u64 = 1_000 * avm_ir::gas::GAS;
pub(crate) const SLICE: u64 = 500;

/// Programs that have to do with each other.
const TALKERS: [&str; 6] = [
    ".uses channel \"0\"\n.uses channel \"1\"\nSEND_SWARM_MSG \"0\", \"well said\"\n:again\n\
     WAIT_FOR_RESPONSE \"*\", timeout=1 -> m\nJUMP_IF_TASK_FAILED done\nSEND_SWARM_MSG m.from, \"I agree\"\n\
     SEND_SWARM_MSG \"1\", [\"no. 7\", m.data]\nJUMP again\n:done\nRETURN 1",
    "SWARM_CONNECT \"c\"\nWAIT 1\nSWARM_BROADCAST \"Q\", [1]\nWAIT_FOR_RESPONSE \"Q\", timeout=3 -> r\nRETURN r",
    "SWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"*\", timeout=2 -> m\nSEND_SWARM_MSG m.request, 7\n\
     REDUCE_MODEL_CALL \"x\", [m.data] -> r\nRETURN r",
    "SWARM_CONNECT \"c\"\nSWARM_FETCH \"Q\", \"id\" -> h\nWAIT_FOR_RESPONSE h, timeout=2 -> r\nSEND_SWARM_MSG \"0\", r\nRETURN r",
    "WAIT_FOR_RESPONSE \"*\", timeout=1 -> m\nSEND_SWARM_MSG m.from, m\nREAD_FROM_TOOL \"t\", \"q\" -> r\nRETURN r",
    "SWARM_CONNECT \"c\"\nSCHEDULE_TASK \"say\", 0.7\nSCHEDULE_TASK \"nap\", 1.1\nREDUCE_MODEL_CALL \"x\", [1] -> r\n\
     WAIT_FOR_RESPONSE \"Q\", timeout=3 -> m\nWAIT 2\nCANCEL_TASK \"say\"\nWAIT 1\nRETURN m\n.func say()\n\
     SWARM_BROADCAST \"Q\", RANDOM(1, 9)\n.endfunc\n.func nap()\nWAIT 1\n.endfunc",
];

/// Programs that pay each other, and start each other.
const PAYERS: [&str; 4] = [
    "SELF_OBSERVER_MODE true\nFORK_AGENT \"self\", gas=1 -> child\nRETURN tell()\n\
     .region R detached perms=read,execute,fork\n.func tell()\nRETURN 1\n.endfunc\n.endregion",
    ".uses agent \"0\"\nPAY_AGENT \"0\", 2, \"AVM_CREDITS\" -> s\nSWARM_CONNECT \"c\"\n\
     SWARM_BROADCAST \"Q\", 1, reward=3\nWAIT_FOR_RESPONSE \"Q\", timeout=2 -> r\nRETURN [s, r]",
    ".uses code \"code\"\n.uses channel \"c\"\nFORK_AGENT \"code\" -> child\nSEND_SWARM_MSG child, 1, reward=1\n\
     WAIT_FOR_RESPONSE \"*\", timeout=2 -> r\nDIV 1, 0 -> x\nRETURN r",
    "CHECK_BALANCE \"AVM_CREDITS\", 1 -> b\nSWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"*\", timeout=2 -> m\n\
     SEND_SWARM_MSG m.request, TRUE\nWAIT_FOR_RESPONSE \"*\", timeout=2 -> m\nSEND_SWARM_MSG m.request, m.data > 0\nRETURN b",
];

fn talkers() -> &'static [Arc<Image>] {
    static IMAGES: OnceLock<Vec<Arc<Image>>> = OnceLock::new();
    IMAGES.get_or_init(|| {
        let assembled = TALKERS.iter().chain(&PAYERS).map(|text| {
            let options = avm_asm::Options::default();
            let assembly = avm_asm::assemble("a.avm", text, &mut avm_asm::NoSources, &options);
            image(&assembly.program.unwrap_or_else(|| panic!("{text}: {:?}", assembly.diagnostics)))
        });
        assembled.collect()
    })
}

/// What is done about conversations that come to nothing.
fn stall(entropy: &mut Entropy<'_>) -> StallRule {
    let then = *entropy.pick(&[Then::Off, Then::Note, Then::End]);
    StallRule { turns: entropy.below(4) as u32, then }
}

/// What whoever runs a world may do with money, channels and agents.
fn order(world: &World, entropy: &mut Entropy<'_>) -> Event {
    let agent = AgentId(entropy.below(4) as u32);
    let mut owner = || match entropy.below(4) {
        0 => Owner::Pool(pool_id("p")),
        1 => Owner::Fees,
        _ => Owner::Agent(world.identity(AgentId(entropy.below(4) as u32)).unwrap_or_default()),
    };
    let (owner, other) = (owner(), owner());
    let rate = Rate { most: entropy.below(4) as u32, window: entropy.below(3) as u64 * SECOND };
    match entropy.below(9) {
        0 | 1 => {
            let amount = entropy.below(8) as u64 * SECOND;
            Event::Minted { to: owner, token: "AVM_CREDITS".to_owned(), amount }
        }
        2 => {
            let limits = Limits {
                per_call: entropy.once_in(3).then_some(SECOND),
                approval: entropy.once_in(2).then_some(SECOND),
                windows: Vec::new(),
            };
            let limits = [("AVM_CREDITS".to_owned(), limits)].into();
            let mut policy = Policy { limits, ..Policy::default() };
            if entropy.once_in(3) {
                policy.payees.never.insert(other);
            }
            Event::Spending { owner, policy: entropy.once_in(2).then(|| Box::new(policy)) }
        }
        3 => {
            let members = (0..3).filter_map(|number| world.identity(AgentId(number)));
            let members = members.map(|member| (member, entropy.once_in(2))).collect();
            Event::Pooled { name: "p".to_owned(), members }
        }
        4 => {
            let roles = [Role::Member, Role::Listener, Role::Speaker].into_iter().zip(0..);
            let roles = roles.map(|(role, number)| (number.to_string().as_str().into(), role));
            let rules = ChannelRules {
                roles: entropy.once_in(3).then(|| roles.collect()),
                quota: entropy.once_in(3).then_some(rate),
                price: entropy.once_in(3).then_some(Price { free: 1, window: SECOND, base: 7 }),
                payout: match entropy.below(3) {
                    0 => Payout::First,
                    1 => Payout::Split,
                    _ => Payout::Accepted("1".into()),
                },
                stall: entropy.once_in(3).then(|| stall(entropy)),
            };
            let name = if entropy.once_in(4) { "" } else { "c" };
            Event::Channel { name: name.to_owned(), rules }
        }
        5 => {
            let program = entropy.pick(talkers()).program_hash();
            Event::Named { name: "code".to_owned(), program }
        }
        6 => {
            let (meter, amount) = (*entropy.pick(Meter::ALL), entropy.below(1000) as u64);
            let event = avm_vm::journal::Event::ToppedUp { meter, amount };
            Event::Changed { agent, event }
        }
        7 => {
            let name = *entropy.pick(&["a.avm.net", "b.avm.net"]);
            Event::Domain { agent, name: Name::parse(name).expect("it is one") }
        }
        _ => Event::Supervised { agent, rules: Supervision { restarts: rate } },
    }
}

/// Records a random world and plays it again; then what is left of it when a byte changes, and when a
/// part of it is missing.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    let Tape { world, writer, bytes, kept, .. } = recorded(&mut entropy);

    let journal = &Journal::read(&bytes).expect("it was just written");
    assert_eq!((journal.link(), journal.tail), (writer.link(), Tail::Whole));
    let mut replay = Replay::new(journal, Schedule::v1()).expect("the same schedule");
    // What each of those who sign sent is sealed, and the same again.
    let mut witness = Witness::default();
    assert_eq!(replay.run(&mut witness), Ok(Stop::Rested));
    assert_eq!(replay.world().hash(), world.hash());
    let secret = [7; 32];
    let seals = witness.seal([0; 32], &world, &public_key(&secret), &secret);
    assert_eq!(read_seals(&write_seals(&[0; 32], &seals)), Ok(([0; 32], seals.clone())));
    let (mut again, mut witness) =
        (Replay::new(journal, Schedule::v1()).expect("the same schedule"), Witness::of(&seals));
    assert_eq!(again.run(&mut witness), Ok(Stop::Rested));
    assert_eq!((witness.agents().count(), witness.strangers().count()), (seals.len(), 0));
    for (agent, lineage) in witness.agents() {
        assert_eq!(world.identity(agent), Some(lineage.id()));
        assert_eq!(witness.found(agent, &world), Some(Found::Same));
    }
    let named = |entry: &Entry| matches!(entry, Entry::Snapshot { .. });
    let records = (0..).zip(&journal.records).filter(|(_, record)| named(&record.entry));
    for ((record, _), snapshot) in records.zip(&kept) {
        let replay = Replay::behind(journal, record, snapshot, Schedule::v1());
        let mut replay = replay.expect("it was kept there");
        assert_eq!(replay.run(&mut ()), Ok(Stop::Rested));
        assert_eq!(replay.world().to_bytes(), world.to_bytes());
    }

    forge(&bytes, &mut entropy);
    let at = entropy.below(bytes.len());
    let mut changed = bytes.clone();
    changed[at] ^= 1 << entropy.below(8);
    match Journal::read(&changed) {
        Err(JournalError::Magic | JournalError::Version(_)) => assert!(at < 6),
        Err(_) => {}
        // Only a length that points behind the end looks like a crash.
        Ok(journal) => assert!(matches!(journal.tail, Tail::Torn { whole, .. } if whole <= at)),
    }
    match Journal::read(&bytes[..at]) {
        Ok(part) => {
            let mut replay = Replay::new(&part, Schedule::v1()).expect("the same schedule");
            replay.run(&mut ()).expect("the same world, as far as it is known");
        }
        Err(error) => assert!(matches!(error, JournalError::Magic | JournalError::NoStart)),
    }
}

/// A random world as far as it came, which went through bytes on its way, and its journal.
pub(crate) fn recorded(entropy: &mut Entropy<'_>) -> Tape {
    let rules = Rules {
        seed: entropy.u64(),
        slice: 1 + entropy.below(200) as u64,
        jitter: entropy.once_in(2),
        patience: entropy.below(5) as u64 * SECOND,
        inbox_share: entropy.below(4) as u32,
        requests: entropy.below(3) as u32,
        message_bytes: entropy.below(200) as u64,
        tasks: entropy.below(4) as u32,
        stall: stall(entropy),
        ..Rules::default()
    };
    let time = *entropy.pick(&[Time::Simulated, Time::Given]);
    let start = Start { rules, time, schedule: Schedule::v1().hash() };
    let (writer, bytes) = Writer::new(&start);
    let mut tape = Tape {
        world: World::new(start.rules),
        codes: BTreeMap::new(),
        writer,
        bytes,
        kept: Vec::new(),
    };
    talkers().iter().for_each(|image| tape.learn(image));
    for number in 0..=entropy.below(4) {
        let image = match entropy.once_in(4) {
            true => image(&program(entropy, Shape { block: 20, ..Shape::ANY })),
            false => entropy.pick(talkers()).clone(),
        };
        tape.join(&number.to_string(), image, entropy.u64());
    }
    while entropy.once_in(2) {
        let order = order(&tape.world, entropy);
        tape.apply(order);
    }
    tape.run(time, entropy);
    tape
}

/// A world that is written down as it goes.
pub(crate) struct Tape {
    pub(crate) world: World,
    /// Its programs.
    pub(crate) codes: BTreeMap<[u8; 32], Arc<Image>>,
    writer: Writer,
    bytes: Vec<u8>,
    /// Its snapshots, as the journal names them.
    kept: Vec<Vec<u8>>,
}

impl Tape {
    fn note(&mut self, entry: &Entry) {
        self.bytes.extend(self.writer.record(self.world.ticks(), entry));
    }

    fn apply(&mut self, event: Event) {
        // What does not fit changes nothing.
        let tick = self.world.ticks();
        if self.world.apply(&event, &mut ()).is_ok() {
            self.bytes.extend(self.writer.record(tick, &Entry::Event(event)));
        }
    }

    fn learn(&mut self, image: &Arc<Image>) {
        if self.world.code(&image.program_hash()).is_none() {
            self.note(&Entry::Code(image.program().to_bytes()));
            self.codes.insert(image.program_hash(), image.clone());
            self.world.learn(image.clone());
        }
    }

    fn join(&mut self, name: &str, image: Arc<Image>, seed: u64) {
        let program = image.program_hash();
        self.learn(&image);
        let limits = avm_vm::Limits { memory: MEMORY, call_depth: 20, log_entries: 4 };
        // Most can pay for messages and children, some run out.
        let gas = if seed.is_multiple_of(8) { GAS / 100 } else { GAS };
        let config = Config { gas, limits, seed, ..Config::default() };
        let (name, key) = (name.to_owned(), public_key(&[7; 32]));
        let joined =
            Joined { name, key, copy: Some(seed), signs: seed.is_multiple_of(2), program, config };
        self.apply(Event::Joined(Box::new(joined)));
    }

    fn run(&mut self, time: Time, entropy: &mut Entropy<'_>) {
        while self.world.ticks() < TICKS {
            if entropy.once_in(10) {
                self.note(&Entry::Mark(Mark::of(&self.world)));
            }
            if entropy.once_in(4) {
                self.through_bytes();
            }
            let asking: Vec<AgentId> = self.world.asks().map(|(agent, _)| agent).collect();
            for agent in asking {
                let event = Event::answered(&self.world, agent, answer(entropy));
                self.apply(event.expect("it asks"));
            }
            let waiting: Vec<AgentId> = self.world.approvals().map(|(agent, _)| agent).collect();
            for agent in waiting {
                self.apply(Event::Approved { agent, yes: entropy.once_in(2) });
            }
            if entropy.once_in(20) {
                let order = order(&self.world, entropy);
                self.apply(order);
            }
            match self.world.idle() {
                Idle::Not => {
                    let turns = self.world.turns();
                    self.world.commit(turns, &mut ());
                }
                Idle::Asks => {}
                Idle::Until(until) if time == Time::Simulated => self.world.pass(until, &mut ()),
                Idle::Until(_) => {
                    let until = self.world.now() + entropy.below(2_000) as u64 * (SECOND / 1000);
                    self.pass(until);
                }
                Idle::Over => break,
            }
        }
        self.note(&Entry::Rested(Mark::of(&self.world)));
    }

    /// The world goes on as what comes back of its bytes, which are kept.
    fn through_bytes(&mut self) {
        let bytes = self.world.to_bytes().expect("no turn is out");
        let again = World::from_bytes(&bytes, &self.codes).expect("it was just written");
        assert_eq!(again.hash(), self.world.hash());
        assert_eq!(again.to_bytes().as_ref(), Some(&bytes), "a world has one form");
        self.world = again;
        let (mark, world) = (Mark::of(&self.world), *blake3::hash(&bytes).as_bytes());
        self.note(&Entry::Snapshot { mark, world, host: [0; 32] });
        self.kept.push(bytes);
    }

    /// It is a tick, so it is noted before.
    fn pass(&mut self, until: u64) {
        let event = Event::Passed { until };
        self.note(&Entry::Event(event.clone()));
        self.world.apply(&event, &mut ()).expect("time may always pass");
    }
}

/// Changes a byte of a record and makes the links fit again: what is accepted then is not what was
/// written, and must do no harm.
fn forge(bytes: &[u8], entropy: &mut Entropy<'_>) {
    let forged = relinked(bytes, "aither avm world journal v1", 8, entropy);
    let Ok(journal) = Journal::read(&forged) else { return };
    let modest = journal.records.iter().all(|record| match &record.entry {
        Entry::Event(Event::Joined(joined)) => {
            let Config { gas, limits, inputs, .. } = &joined.config;
            *gas <= GAS && limits.memory <= MEMORY && inputs.iter().all(|(_, v)| *v == Value::Null)
        }
        _ => true,
    });
    if !modest || journal.start.rules.slice > SLICE {
        return;
    }
    let Ok(mut replay) = Replay::new(&journal, Schedule::v1()) else { return };
    // It differs, stands still or ends, and does not panic.
    for _ in 0..2 * TICKS {
        match replay.next(&mut ()) {
            Ok(Next::Turns(turns)) => replay.commit(turns, &mut ()),
            Ok(Next::Passed) => {}
            Ok(Next::Stop(_)) | Err(_) => break,
        }
    }
}
