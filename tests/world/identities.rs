//! Every agent of a world has an identity of its own, whoever started it.

use std::collections::BTreeSet;

use avm_vm::{
    Config, World,
    identity::{child_id, id_of},
    world::{AgentId, Event, JoinError, Joined, Rules},
};

use super::support::{agent, identity, image, join, result, run};

const PARENT: &str =
    "FORK_AGENT \"part\" -> child\nSELF_INTROSPECT \"last_failure\" -> why\nRETURN why";

/// A world where agents can start others.
fn world() -> World {
    let mut world = World::new(Rules::default());
    world.know("part", image("RETURN 1"));
    world
}

#[test]
fn nobody_joins_with_the_identity_of_a_child() {
    let mut world = world();
    let parent = join(&mut world, "parent", PARENT);
    run(&mut world, 1);
    let child = child_id(&world.identity(parent).expect("it joined"), 0);
    assert_eq!(world.identity(AgentId(1)), Some(child));
    let late = world.join("late", child, agent(&image("RETURN 1"), &[]));
    assert_eq!(late, Err(JoinError::Known));
}

#[test]
fn nobody_is_started_with_the_identity_of_somebody_else() {
    let mut world = world();
    join(&mut world, "parent", PARENT);
    let taken = child_id(&identity("parent"), 0);
    world.join("first", taken, agent(&image("RETURN 1"), &[])).expect("nobody has it yet");
    run(&mut world, 1);
    insta::assert_snapshot!(result(&world, "parent"));
    assert_eq!(world.len(), 2);
}

/// The first copy of a key is not the first child of its root.
#[test]
fn copies_are_not_children() {
    let (mut world, image) = (world(), image(PARENT));
    world.learn(image.clone());
    for (name, copy) in [("root", None), ("copy-0", Some(0)), ("copy-1", Some(1))] {
        let (name, program) = (name.to_owned(), image.program_hash());
        let config = Config { gas: u64::MAX / 2, ..Config::default() };
        let joined = Joined { name, key: [7; 32], copy, signs: false, program, config };
        world.apply(&Event::Joined(Box::new(joined)), &mut ()).expect("it fits");
    }
    run(&mut world, 1);
    assert_eq!(world.len(), 6, "each started one");
    let all = (0..6).map(|agent| world.identity(AgentId(agent)).expect("it joined"));
    assert_eq!(all.collect::<BTreeSet<_>>().len(), 6);
    assert_eq!(world.identity(AgentId(0)), Some(id_of(&[7; 32])));
}
