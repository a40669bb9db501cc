//! Agents that start others from their own code, as it is after they rewrote it.

use std::{collections::BTreeMap, sync::Arc};

use avm_ir::{Value, program::Patch};
use avm_vm::{
    Answer, Config, Machine, World,
    world::{AgentId, Idle, Rules, WorldError},
};

use super::support::{identity, image, result};

/// Takes new code for its skill, starts a child that shows its own, and one of that child's.
fn parent(perms: &str, number: i64) -> String {
    format!(
        ".input depth = 0\n.input rewrites = true\nSELF_OBSERVER_MODE true\nIF rewrites THEN\n  \
         SELF_MODIFY \"SKILL\", \"new\" -> s\nENDIF\nSET failed = false\nIF depth < 2 THEN\n  \
         FORK_AGENT \"self\", gas=10000 / (1 + 9 * depth), inputs={{depth: depth + 1, rewrites: depth == 0}} -> child\n  \
         SET failed = lastTaskFailed\nENDIF\nWAIT 1\nRETURN [depth, skill(), failed]\n\
         .region SKILL detached perms={perms}\n.func skill()\n  RETURN {number}\n.endfunc\n.endregion\n"
    )
}

/// A world with one agent, run with its code answered by skills of rising numbers; through bytes after every
/// tick where wanted. How many programs its agents made.
fn run(perms: &str, through_bytes: bool) -> World {
    let origin = image(&parent(perms, 1));
    let mut world = World::new(Rules::default());
    let codes: BTreeMap<_, _> = [(origin.program_hash(), Arc::clone(&origin))].into();
    world.learn(origin.clone());
    let config = Config { gas: u64::MAX / 2, ..Config::default() };
    let machine = Machine::new(origin, config).expect("it starts");
    world.join("root", identity("root"), machine).expect("the name is free");
    let mut number = 1;
    loop {
        if through_bytes {
            let bytes = world.to_bytes().expect("no turn is out");
            let again = World::from_bytes(&bytes, &codes).expect("it was just written");
            assert_eq!((again.hash(), again.to_bytes()), (world.hash(), Some(bytes)));
            world = again;
        }
        match world.idle() {
            Idle::Not => world.round(&mut ()),
            Idle::Asks => {
                let asking: Vec<AgentId> = world.asks().map(|(agent, _)| agent).collect();
                for agent in asking {
                    number += 1;
                    let new = image(&parent(perms, number));
                    let patch = Patch::of(new.program(), "SKILL").expect("it has the region");
                    let answer = Answer::output(Value::Bytes(patch.to_bytes().into()), 0);
                    assert!(world.answer(agent, answer, &mut ()));
                }
            }
            Idle::Until(time) => world.pass(time, &mut ()),
            Idle::Over => return world,
        }
    }
}

/// What an agent made of itself goes along, and what its child makes of that does, too. A snapshot holds it:
/// nobody else has it.
#[test]
fn a_child_begins_with_what_its_parent_became() {
    for through_bytes in [false, true] {
        let world = run("read,modify,execute,fork", through_bytes);
        let results = ["root", "root/1", "root/1/1"].map(|name| result(&world, name));
        assert_eq!(results, ["[0,2,false]", "[1,3,false]", "[2,3,false]"]);
        let origin = |agent| world.machine(AgentId(agent)).expect("it is there").image().origin();
        assert_ne!(origin(0), origin(1));
        assert_ne!(origin(1), origin(2));
    }
}

/// A region without the permission stays where it is, and so does the code that needs it.
#[test]
fn code_that_may_not_go_along_does_not() {
    for perms in ["read,modify,execute", "modify,execute,breed"] {
        let world = run(perms, true);
        assert_eq!((result(&world, "root").as_str(), world.len()), ("[0,2,true]", 1));
    }
    // What the world knows of that name is started as any other code.
    let mut world = World::new(Rules::default());
    world.know("self", image("RETURN 7"));
    super::support::join(&mut world, "root", "FORK_AGENT \"self\" -> c\nRETURN lastTaskFailed");
    world.run(&mut ());
    assert_eq!([result(&world, "root"), result(&world, "root/1")], ["false", "7"]);
}

/// Code that agents made is as it was written, and made from something.
#[test]
fn made_code_in_a_snapshot_is_looked_at() {
    let world = run("read,modify,execute,fork", false);
    let bytes = world.to_bytes().expect("no turn is out");
    let none = World::from_bytes(&bytes, &BTreeMap::new());
    assert!(matches!(none, Err(WorldError::State(_) | WorldError::Program(_))), "{none:?}");
}
