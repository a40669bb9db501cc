//! Worlds as bytes. The fuzzer sends random ones through them; here one with something of everything
//! goes through them between all ticks.

use std::{collections::BTreeMap, sync::Arc};

use avm_ir::gas::GAS;
use avm_vm::{
    Config, Image, Machine, World,
    ledger::{Limits, Money, Policy, UNIT},
    world::{
        AgentId, CREDITS, ChannelRules, Idle, Payout, Price, Rate, Rules, SECOND, Supervision,
        WorldError,
    },
};

use super::support::{identity, image, model, result};

/// Asks for a reward, has a task, starts a child, pays what wants approval.
const ASKER: &str = "\
.uses agent \"server\"
.uses code \"part\"
SWARM_CONNECT \"c\"
SCHEDULE_TASK \"tick\", 0.4
WAIT 1
FORK_AGENT \"part\", funds=2 -> child
SEND_SWARM_MSG child, 7
SWARM_BROADCAST \"WORK\", [1, 2], reward=3
WAIT_FOR_RESPONSE \"WORK\", timeout=9 -> r
PAY_AGENT \"server\", 4
REDUCE_MODEL_CALL \"average\", [1, 2] -> mean
WAIT_FOR_RESPONSE child, timeout=9 -> got
RETURN [r, mean, got.data, RANDOM(1, 1000)]
.func tick()
KV_STORE \"ticked\", 1
.endfunc
";
const PART: &str =
    "WAIT_FOR_RESPONSE \"*\" -> m\nWAIT 2\nSEND_SWARM_MSG m.from, m.data * 2\nRETURN 1";
const ANSWERER: &str = "SWARM_CONNECT \"c\"\nWAIT 3\nWAIT_FOR_RESPONSE \"WORK\" -> m\n\
    SEND_SWARM_MSG m.request, LEN(m.data)\nRETURN lastTaskFailed";
const JUDGE: &str = "SWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"WORK\" -> heard\nWAIT_FOR_RESPONSE \"WORK\" -> m\n\
    SEND_SWARM_MSG m.request, m.data == 2\nRETURN m.data";
const SERVER: &str = "WAIT 1\nSWARM_CONNECT \"c\"\nSET x = 1 / RANDOM(0, 1)\nWAIT 1\nWAIT_FOR_RESPONSE \"nothing\", timeout=4 -> m\n\
    RETURN x";

type Codes = BTreeMap<[u8; 32], Arc<Image>>;

fn something_of_everything() -> (World, Codes) {
    let rules = Rules { seed: 5, slice: 3, jitter: true, ..Rules::default() };
    let (mut world, mut codes) = (World::new(rules), Codes::new());
    let mut known = |source: &str| {
        let image = image(source);
        codes.insert(image.program_hash(), image.clone());
        image
    };
    world.know("part", known(PART));
    for (name, source) in [
        ("asker", ASKER),
        ("one", ANSWERER),
        ("two", ANSWERER),
        ("judge", JUDGE),
        ("server", SERVER),
    ] {
        let config = Config { gas: 5000 * GAS, ..Config::default() };
        let image = known(source);
        world.learn(image.clone());
        let machine = Machine::new(image, config).expect("it starts");
        world.join(name, identity(name), machine).expect("the name is free");
    }
    let wallet = world.wallet(AgentId(0)).expect("it joined");
    world.mint(wallet, Money { token: CREDITS, amount: 20 * UNIT }).expect("it can be made");
    let limits = Limits { approval: Some(3 * UNIT), ..Limits::default() };
    let limits = [(CREDITS.to_owned(), limits)].into();
    let policy = Policy { limits, ..Policy::default() };
    world.set_spending(wallet, Some(policy)).expect("a policy");
    let price = Some(Price { free: 0, window: SECOND, base: UNIT / 10 });
    let payout = Payout::Accepted("judge".into());
    world.set_channel("c", ChannelRules { price, payout, ..ChannelRules::default() });
    world.set_pool("pool", [(identity("one"), true)].into()).expect("a pool");
    let restarts = Rate { most: 5, window: 100 * SECOND };
    assert!(world.supervise(AgentId(4), Supervision { restarts }));
    (world, codes)
}

/// One tick on; `false` at the end.
fn tick(world: &mut World) -> bool {
    let asks: Vec<_> = world.asks().map(|(agent, asked)| (agent, model(&asked.args))).collect();
    for (agent, answer) in asks {
        assert!(world.answer(agent, answer, &mut ()));
    }
    match world.idle() {
        Idle::Not => {
            let turns = world.turns();
            world.commit(turns, &mut ());
        }
        Idle::Asks => {
            let waits: Vec<AgentId> = world.approvals().map(|(agent, _)| agent).collect();
            waits.into_iter().for_each(|agent| assert!(world.approve(agent, true, &mut ())));
        }
        Idle::Until(time) => world.pass(time, &mut ()),
        Idle::Over => return false,
    }
    true
}

#[test]
fn a_world_goes_on_from_its_bytes_at_any_tick() {
    let (mut world, codes) = something_of_everything();
    let (mut other, _) = something_of_everything();
    let (mut approvals, mut tasks, mut inboxes) = (0, 0, 0);
    loop {
        let bytes = other.to_bytes().expect("no turn is out");
        other = World::from_bytes(&bytes, &codes).expect("it was just written");
        assert_eq!(other.hash(), world.hash(), "tick {}", world.ticks());
        assert_eq!(other.to_bytes(), Some(bytes));
        assert_eq!((other.ticks(), other.deadlocks()), (world.ticks(), world.deadlocks()));
        approvals += other.approvals().count();
        tasks += other.tasks(AgentId(0)).len();
        inboxes += other.restarts(AgentId(4));
        other.ledger().audit().expect("it adds up");
        if !tick(&mut world) {
            break;
        }
        assert!(tick(&mut other));
    }
    assert!(approvals > 0 && tasks > 0 && inboxes > 0, "{approvals} {tasks} {inboxes}");
    insta::assert_snapshot!(result(&world, "asker"));
}

#[test]
fn bytes_are_not_believed() {
    let (mut world, codes) = something_of_everything();
    while world.ticks() < 12 {
        assert!(tick(&mut world));
    }
    let bytes = world.to_bytes().expect("no turn is out");
    let read = |bytes: &[u8]| World::from_bytes(bytes, &codes).expect_err("it is changed");
    assert_eq!(read(b"AVMW"), WorldError::Magic);
    let mut other = bytes.clone();
    other[4] = 9;
    assert_eq!(read(&other), WorldError::Version(9));
    for at in [6, bytes.len() / 2, bytes.len() - 1] {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert_eq!(read(&other), WorldError::Hash);
    }
    assert_eq!(read(&bytes[..bytes.len() - 1]), WorldError::Hash);
    let none = World::from_bytes(&bytes, &Codes::new()).expect_err("there are no programs");
    assert!(matches!(none, WorldError::Program(_)));
    let turns = world.turns();
    assert!(turns.is_empty() || world.to_bytes().is_none());
    world.commit(turns, &mut ());
}
