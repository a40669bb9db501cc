//! What agents with keys send is vouched for, message by message.

use std::{collections::BTreeMap, sync::Arc};

use avm_ir::{Value, program::public_key, wire::Writer};
use avm_vm::{
    Config, Image, World,
    identity::{
        Lineage, Name, Outbox, Refusal, Registry, Seal, id_of,
        outbox::{MAX_MARKS, Trail, read_seals, write_seals},
    },
    world::{
        AgentId, ChannelRules, Event, Found, JoinError, Joined, Misfit, Other, Payout, Rules,
        Witness,
    },
};
use proptest::prelude::*;

use super::support::{image, result};

/// What stands for the worlds of these tests.
const WORLD: [u8; 32] = [9; 32];

/// Everybody knows these.
fn secret(who: u8) -> [u8; 32] {
    [who; 32]
}

/// A world, and who looks on.
struct Scene {
    world: World,
    codes: BTreeMap<[u8; 32], Arc<Image>>,
    witness: Witness,
}

impl Scene {
    fn new(witness: Witness) -> Self {
        Self { world: World::new(Rules::default()), codes: BTreeMap::new(), witness }
    }

    fn learn(&mut self, source: &str) -> Arc<Image> {
        let image = image(source);
        self.codes.insert(image.program_hash(), image.clone());
        self.world.learn(image.clone());
        image
    }

    fn apply(&mut self, event: &Event) -> Result<(), Misfit> {
        self.world.apply(event, &mut self.witness)
    }

    /// An agent joins; one of key 0 does not sign.
    fn join(&mut self, who: u8, name: &str, source: &str, inputs: &[(&str, Value)]) {
        let program = self.learn(source).program_hash();
        let inputs = { inputs.iter() }.map(|(name, value)| ((*name).to_owned(), value.clone()));
        let config = Config { gas: u64::MAX / 2, inputs: inputs.collect(), ..Config::default() };
        let (name, key, signs) = (name.to_owned(), public_key(&secret(who)), who > 0);
        let joined = Joined { name, key, copy: None, signs, program, config };
        self.apply(&Event::Joined(Box::new(joined))).expect("it fits");
    }

    fn run(&mut self) {
        self.world.run(&mut self.witness);
    }

    fn sent(&self, name: &str) -> Option<u64> {
        let agent = self.world.agent(name).expect("it joined");
        self.world.outbox(agent).map(|outbox| outbox.count)
    }

    fn seal(&self, who: u8) -> Vec<Seal> {
        self.witness.seal(WORLD, &self.world, &public_key(&secret(who)), &secret(who))
    }
}

const ASKER: &str = "\
.uses code \"part2\"
SWARM_CONNECT \"c\"
WAIT 1
SWARM_BROADCAST \"WORK\", [1, 2], reward=1
WAIT_FOR_RESPONSE \"WORK\" -> done
SWARM_FETCH \"news\", \"id\" -> h
SWARM_FETCH \"news\", \"id\" -> h
WAIT_FOR_RESPONSE h, timeout=1
SEND_SWARM_MSG \"nobody\", 1
SEND_SWARM_MSG \"ear\", \"over\"
FORK_AGENT \"part\" -> child
RETURN done";
const ANSWERER: &str = "SWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"WORK\" -> m\n\
    SEND_SWARM_MSG m.request, LEN(m.data)\nRETURN 0";
const JUDGE: &str = "SWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"WORK\" -> heard\n\
    WAIT_FOR_RESPONSE \"WORK\" -> m\nSEND_SWARM_MSG m.request, m.data == 2\n\
    WAIT_FOR_RESPONSE \"*\"\nRETURN m.data";
const PART: &str =
    "SEND_SWARM_MSG \"ear\", 1\nSEND_SWARM_MSG \"ear\", 2\nFORK_AGENT \"part2\" -> c\nRETURN 0";
const PART2: &str = "SEND_SWARM_MSG \"ear\", 3\nRETURN 0";

/// Each way to send something, a child, a child of that, and one who does not sign.
fn each_way(witness: Witness) -> Scene {
    let mut scene = Scene::new(witness);
    for (name, source) in [("part", PART), ("part2", PART2)] {
        let program = scene.learn(source).program_hash();
        scene.apply(&Event::Named { name: name.to_owned(), program }).expect("it is known");
    }
    for (who, name, source) in [
        (1, "asker", ASKER),
        (2, "one", ANSWERER),
        (0, "two", ANSWERER),
        (3, "judge", JUDGE),
        (4, "ear", "WAIT 30\nRETURN 0"),
    ] {
        scene.join(who, name, source, &[]);
    }
    let to = scene.world.wallet(AgentId(0)).expect("it joined");
    let token = "AVM_CREDITS".to_owned();
    scene.apply(&Event::Minted { to, token, amount: 1_000_000_000 }).expect("it can be made");
    let rules =
        ChannelRules { payout: Payout::Accepted("judge".into()), ..ChannelRules::default() };
    scene.apply(&Event::Channel { name: "c".to_owned(), rules }).expect("a channel");
    scene.run();
    scene
}

#[test]
fn every_message_of_who_signs_is_in_its_outbox() {
    let scene = each_way(Witness::default());
    assert_eq!(result(&scene.world, "asker"), "[2]");
    let sent = ["asker", "one", "two", "judge", "asker/1", "asker/1/1", "ear"]
        .map(|name| scene.sent(name));
    // What failed is not sent, and what a world asks a judge is the answer once more.
    assert_eq!(sent, [Some(3), Some(1), None, Some(1), Some(2), Some(1), Some(0)]);
}

/// The bytes of a message are those of `spec/names.md`.
#[test]
fn bytes_of_messages() {
    let mut scene = Scene::new(Witness::default());
    scene.join(1, "a", "WAIT 3\nSEND_SWARM_MSG \"b\", [1]\nSWARM_CONNECT \"c\"\nSWARM_BROADCAST \"n\", 2\nWAIT_FOR_RESPONSE \"n\"\nRETURN 0", &[]);
    scene.join(2, "b", "SWARM_CONNECT \"c\"\nWAIT_FOR_RESPONSE \"n\" -> m\nSEND_SWARM_MSG m.request, TRUE\nRETURN 0", &[]);
    scene.run();
    let (a, b) = (id_of(&public_key(&secret(1))), id_of(&public_key(&secret(2))));
    let message =
        |number: u64, to: &dyn Fn(&mut Writer), name: &str, request: u64, data: &Value| {
            let mut out = Writer::new();
            out.u64(number);
            out.u64(3_000_000_000);
            to(&mut out);
            out.text(name);
            out.u64(request);
            out.raw(&avm_ir::value::encode(data));
            out.finish()
        };
    let mut of_a = Outbox::new(&a);
    let to_b = |out: &mut Writer| {
        out.u8(0);
        out.raw(&b);
    };
    of_a.add(&message(0, &to_b, "", u64::MAX, &Value::list(vec![Value::Int(1)])));
    let to_c = |out: &mut Writer| {
        out.u8(1);
        out.text("c");
    };
    of_a.add(&message(1, &to_c, "n", 1, &Value::Int(2)));
    assert_eq!(scene.world.outbox(AgentId(0)), Some(of_a));
    let mut of_b = Outbox::new(&b);
    let to_asker = |out: &mut Writer| {
        out.u8(2);
        out.raw(&a);
        out.u64(1);
    };
    of_b.add(&message(2, &to_asker, "n", u64::MAX, &Value::Bool(true)));
    assert_eq!(scene.world.outbox(AgentId(1)), Some(of_b));
}

#[test]
fn a_root_seals_all_below_it() {
    let scene = each_way(Witness::default());
    let seals = scene.seal(1);
    let root = Lineage::root(public_key(&secret(1)));
    let child = root.child(0).expect("not too deep");
    let family = [root.clone(), child.clone(), child.child(0).expect("not too deep")];
    assert_eq!(seals.len(), 3);
    for lineage in family {
        let agent = scene.world.agent_of(&lineage.id()).expect("it is there");
        let seal = seals.iter().find(|seal| seal.sender == lineage).expect("it is sealed");
        assert_eq!(Some(seal.outbox), scene.world.outbox(agent));
        assert_eq!(seal.check(&Registry::new([0; 32])), Ok(()));
    }
    let again = each_way(Witness::of(&seals));
    let found = |name: &str| {
        let agent = again.world.agent(name).expect("it joined");
        again.witness.found(agent, &again.world)
    };
    let all = ["asker", "asker/1", "asker/1/1", "one"].map(found);
    assert_eq!(all, [Some(Found::Same), Some(Found::Same), Some(Found::Same), None]);
}

const SAYS: &str = "\
.input what = []
SET at = 0
WHILE at < LEN(what) DO
  SEND_SWARM_MSG \"hears\", what[at]
  WAIT_FOR_RESPONSE \"*\"
  SET at = at + 1
ENDWHILE
RETURN at";
const HEARS: &str = "loop:\nWAIT_FOR_RESPONSE \"*\", timeout=1 -> m\nJUMP_IF_TASK_FAILED end\n\
    SEND_SWARM_MSG m.from, 0\nJUMP loop\nend:\nRETURN 0";

/// Somebody says these, one after the other.
fn says(what: &[i64], witness: Witness) -> Scene {
    let mut scene = Scene::new(witness);
    let what = Value::list(what.iter().copied().map(Value::Int).collect());
    scene.join(1, "says", SAYS, &[("what", what)]);
    scene.join(0, "hears", HEARS, &[]);
    scene.run();
    scene
}

fn found(what: &[i64], seals: &[Seal]) -> Option<Found> {
    let scene = says(what, Witness::of(seals));
    assert_eq!(scene.sent("says"), Some(what.len() as u64));
    assert_eq!(
        scene.witness.strangers().count(),
        usize::from(scene.witness.seal_of(AgentId(0)).is_none())
    );
    scene.witness.found(AgentId(0), &scene.world)
}

#[test]
fn the_first_message_that_is_another_one_is_found() {
    let seals = says(&[1, 2, 3, 4], Witness::default()).seal(1);
    // Two messages a turn: one there, one back.
    let other = |at| Found::Other(Other { first: at, last: at, message: 2 * at });
    let found = |what: &[i64], seals| found(what, seals).expect("it was sealed");
    assert_eq!(found(&[1, 2, 3, 4], &seals), Found::Same);
    assert_eq!(found(&[1, 2, 3, 4, 5], &seals), Found::More(1));
    assert_eq!(found(&[1, 2], &seals), Found::Fewer(2));
    assert_eq!(found(&[], &seals), Found::Fewer(4));
    assert_eq!(found(&[1, 2, 0, 4], &seals), other(2));
    assert_eq!(found(&[2, 3, 4], &seals), other(0));
    assert_eq!(found(&[1, 1, 2, 3, 4], &seals), other(1));
    assert_eq!(found(&[1, 2, 4, 3], &seals), other(2));
}

#[test]
fn two_stories_of_one_world_contradict_each_other() {
    let seals =
        [&[1, 2][..], &[1, 3], &[1]].map(|what| says(what, Witness::default()).seal(1).remove(0));
    assert!(seals[0].contradicts(&seals[1]) && !seals[0].contradicts(&seals[2]));
    let elsewhere = Seal { world: [8; 32], ..seals[1].clone() };
    assert!(!seals[0].contradicts(&elsewhere));
    // A seal is one of its world alone.
    assert_eq!(elsewhere.check(&Registry::new([0; 32])), Err(Refusal::Forged));
}

#[test]
fn a_long_way_has_fewer_marks() {
    let mut outbox = Outbox::new(&[1; 32]);
    let (mut trail, mut heads) = (Trail::default(), Vec::new());
    for number in 0..3 * MAX_MARKS {
        outbox.add(&number.to_le_bytes());
        trail.add(&outbox);
        heads.push(outbox.head[..8].to_vec());
        if outbox.count.is_multiple_of(1000) || outbox.count.abs_diff(MAX_MARKS) < 3 {
            let stride = Trail::stride(outbox.count) as usize;
            let expected = heads.iter().skip(stride - 1).step_by(stride).map(Vec::as_slice);
            assert!(trail.marks().iter().map(|mark| &mark[..]).eq(expected), "{}", outbox.count);
        }
    }
    assert_eq!((Trail::stride(outbox.count), trail.marks().len()), (4, 3 * 1024));
    let sender = Lineage::root(public_key(&secret(1)));
    let seal = Seal::new(WORLD, sender, outbox, trail, &secret(1));
    let bytes = write_seals(&WORLD, std::slice::from_ref(&seal));
    assert_eq!(read_seals(&bytes), Ok((WORLD, vec![seal])));
}

/// An agent that goes by a name of a registry is reached by it, before and after it went through bytes.
#[test]
fn names_of_a_registry_in_a_world() {
    let mut scene = Scene::new(Witness::default());
    scene.join(1, "bob", "WAIT_FOR_RESPONSE \"*\" -> m\nRETURN m.data", &[]);
    scene.join(0, "asks", "WAIT 1\nSEND_SWARM_MSG \"bob.avm.net\", 5\nRETURN 0", &[]);
    let domain = |agent, name: &str| {
        let name = Name::parse(name).expect("it is one");
        Event::Domain { agent: AgentId(agent), name }
    };
    let before = scene.world.hash();
    scene.apply(&domain(0, "bob.avm.net")).expect("nobody has it");
    assert_ne!(scene.world.hash(), before);
    let taken = scene.apply(&domain(1, "bob.avm.net"));
    assert_eq!(taken, Err(Misfit::Join(JoinError::Taken)));
    assert_eq!(scene.apply(&domain(2, "no.avm.net")), Err(Misfit::Agent));
    scene.world.settle(&mut scene.witness);
    let bytes = scene.world.to_bytes().expect("no turn is out");
    let world = World::from_bytes(&bytes, &scene.codes).expect("it was just written");
    assert_eq!((world.hash(), world.to_bytes()), (scene.world.hash(), Some(bytes)));
    scene.world = world;
    scene.run();
    assert_eq!(result(&scene.world, "bob.avm.net"), "5");
}

/// A world goes on from its bytes with the outboxes that it had.
#[test]
fn outboxes_go_through_bytes() {
    let whole = says(&[1, 2, 3], Witness::default());
    let mut scene = Scene::new(Witness::default());
    let what = Value::list((1..4).map(Value::Int).collect());
    scene.join(1, "says", SAYS, &[("what", what)]);
    scene.join(0, "hears", HEARS, &[]);
    loop {
        let bytes = scene.world.to_bytes().expect("no turn is out");
        scene.world = World::from_bytes(&bytes, &scene.codes).expect("it was just written");
        assert_eq!(scene.world.to_bytes(), Some(bytes));
        match scene.world.idle() {
            avm_vm::world::Idle::Not => scene.world.round(&mut ()),
            avm_vm::world::Idle::Until(time) => scene.world.pass(time, &mut ()),
            _ => break,
        }
    }
    assert_eq!(scene.sent("says"), Some(3));
    assert_eq!((scene.world.hash(), scene.seal(1).len()), (whole.world.hash(), 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is changed, added, taken away or moved of what was said is found.
    #[test]
    fn any_other_message_is_found(
        said in prop::collection::vec(0..4_i64, 0..8),
        others in prop::collection::vec(0..4_i64, 0..8),
    ) {
        let seals = says(&said, Witness::default()).seal(1);
        let found = found(&others, &seals).expect("it was sealed");
        prop_assert_eq!(found == Found::Same, said == others);
        let same = said.iter().zip(&others).take_while(|(one, other)| one == other).count();
        match found {
            Found::Same => {}
            Found::More(more) => prop_assert_eq!(more as usize, others.len() - said.len()),
            Found::Fewer(fewer) => prop_assert_eq!(fewer as usize, said.len() - others.len()),
            Found::Other(other) => prop_assert_eq!(other.first as usize, same),
        }
    }

    /// A changed byte of seals is found, whatever it is: they are not read, or one is not right any more.
    #[test]
    fn any_changed_byte_of_seals_is_found(at: prop::sample::Index, by in 1..=255_u8) {
        let scene = says(&[1, 2, 3], Witness::default());
        let mut bytes = write_seals(&WORLD, &scene.seal(1));
        *at.get_mut(&mut bytes) ^= by;
        if let Ok((world, seals)) = read_seals(&bytes) {
            let registry = Registry::new([0; 32]);
            let stands = seals.len() == 1 && world == WORLD && seals[0].check(&registry).is_ok();
            let found = seals.first().and_then(|_| found(&[1, 2, 3], &seals));
            prop_assert!(!stands || found != Some(Found::Same));
        }
    }
}
