//! Families: agents that start agents, what those get and what comes back, and who is started again.

use avm_ir::gas::GAS;
use avm_vm::{
    Budget, Config, Machine, Meter, Spend, World,
    ledger::{Limits, Money, Policy, UNIT},
    world::{AgentId, CREDITS, Rate, Rules, SECOND, Supervision},
};

use super::support::{identity, image, join, result, run};

const CHILD: &str = ".input n = 0\nSET k = 0\nWHILE k < 100 DO\n  SET k = k + 1\nENDWHILE\n\
    WAIT 1\nRETURN n * 2";

/// A world with a parent that has limits, and code for children.
fn family(parent: &str, config: Config, children: &[(&str, &str)]) -> World {
    let mut world = World::new(Rules::default());
    for (name, source) in children {
        world.know(name, image(source));
    }
    let machine = Machine::new(image(parent), config).expect("it starts");
    let parent = world.join("parent", identity("parent"), machine).expect("the name is free");
    let wallet = world.wallet(parent).expect("it joined");
    world.mint(wallet, Money { token: CREDITS, amount: 100 * UNIT }).expect("it can be made");
    world
}

fn granted(gas: u64) -> Config {
    Config { gas: gas * GAS, ..Config::default() }
}

fn credits(world: &World, agent: AgentId) -> u64 {
    world.ledger().audit().expect("it adds up");
    world.ledger().balance(world.wallet(agent).expect("it joined"), CREDITS)
}

#[test]
fn a_child_is_paid_for_by_its_parent_and_gives_back_what_is_left() {
    let parent = "FORK_AGENT \"work\", gas=30, funds=8, inputs={n: 21} -> child\nSET made = lastTaskFailed\n\
        WAIT 10\nWAIT 1\nCHECK_BALANCE \"AVM_CREDITS\", 100 -> back\nRETURN [made, back]";
    let mut world = family(parent, granted(1000), &[("work", CHILD)]);
    let child = AgentId(1);
    world.settle(&mut ());
    assert_eq!(world.name(child), Some("parent/1"));
    assert_eq!(world.parent(child), Some(AgentId(0)));
    let machine = |world: &World, agent| world.machine(agent).expect("it is there").gas_limit();
    assert_eq!(machine(&world, child), 30 * GAS);
    assert_eq!([credits(&world, AgentId(0)), credits(&world, child)], [92 * UNIT, 8 * UNIT]);
    let before = world.machine(AgentId(0)).expect("it is there").gas_left();
    run(&mut world, 1);
    assert_eq!([result(&world, "parent"), result(&world, "parent/1")], ["[false,true]", "42"]);
    assert_eq!([credits(&world, AgentId(0)), credits(&world, child)], [100 * UNIT, 0]);
    // The parent has what the child did not use, less what it used itself since.
    let (parent, used) = (
        world.machine(AgentId(0)).expect("it is there"),
        world.machine(child).expect("it is there").gas_used(),
    );
    assert!(used > 0 && used < GAS, "{used}");
    let own = before + 30 * GAS - used - parent.gas_left();
    assert!(own < 3 * GAS, "{own}");
}

#[test]
fn a_child_gets_no_more_than_its_parent_has() {
    let spend = Spend { tokens: 1000, ..Spend::UNLIMITED };
    let config = Config { budget: Budget { spend, effects: 100 }, ..granted(200) };
    let parent = "FORK_AGENT \"work\", gas=1000 -> child\nRETURN lastTaskFailed";
    let mut world = family(parent, config.clone(), &[("work", CHILD)]);
    run(&mut world, 1);
    assert_eq!(result(&world, "parent"), "Some(Exhausted(Gas))");
    assert_eq!(world.len(), 1);

    let parent = "FORK_AGENT \"work\" -> a\nFORK_AGENT \"work\" -> b\nWAIT 10\nWAIT 1\nRETURN lastTaskFailed";
    let mut world = family(parent, config, &[("work", CHILD)]);
    world.settle(&mut ());
    let limits = |agent| {
        let machine = world.machine(AgentId(agent)).expect("it is there");
        [Meter::Tokens, Meter::Effects, Meter::Credits].map(|meter| machine.limit(meter))
    };
    assert_eq!([limits(1), limits(2)], [[500, 50, u64::MAX], [250, 24, u64::MAX]]);
    let used = |world: &World, meter| world.machine(AgentId(0)).expect("it is there").used(meter);
    assert_eq!([used(&world, Meter::Tokens), used(&world, Meter::Effects)], [750, 76]);
    run(&mut world, 1);
    // Each child asked one effect; everything else came back.
    assert_eq!([used(&world, Meter::Tokens), used(&world, Meter::Effects)], [0, 6]);
}

#[test]
fn what_a_child_may_not() {
    let parent = "FORK_AGENT \"none\" -> c\nSELF_INTROSPECT \"last_failure\" -> none\n\
        FORK_AGENT \"pays\" -> c\nSELF_INTROSPECT \"last_failure\" -> rights\n\
        FORK_AGENT \"work\", funds=1000 -> c\nSELF_INTROSPECT \"last_failure\" -> funds\n\
        FORK_AGENT \"work\", inputs={x: 1} -> c\nSELF_INTROSPECT \"last_failure\" -> inputs\n\
        FORK_AGENT \"work\", world=\"microvm\" -> c\nSELF_INTROSPECT \"last_failure\" -> class\n\
        RETURN [none, rights, funds, inputs, class]";
    let pays = ".uses agent \"thief\"\nPAY_AGENT \"thief\", 1\nRETURN 1";
    let mut world = family(parent, granted(1000), &[("work", CHILD), ("pays", pays)]);
    run(&mut world, 1);
    insta::assert_snapshot!(result(&world, "parent").replace("\",\"", "\"\n\""));
    assert_eq!(world.len(), 1);
}

/// Many children in turn and at once, and children of children, within what the world allows.
#[test]
fn limits_of_families() {
    let forks = ".uses code \"forks\"\nFORK_AGENT \"forks\", gas=60 -> a\nSET one = lastTaskFailed\nFORK_AGENT \"forks\" -> b\n\
        RETURN [one, lastTaskFailed]";
    let rules = Rules { children: 1, agents: 3, ..Rules::default() };
    let mut world = World::new(rules);
    world.know("forks", image(forks));
    let machine = Machine::new(image(forks), granted(1000)).expect("it starts");
    world.join("root", identity("root"), machine).expect("the name is free");
    run(&mut world, 1);
    assert_eq!(result(&world, "root"), "[false,true]");
    assert!(world.len() <= 4, "{}", world.len());

    let bomb = ".uses code \"bomb\"\nSET k = 0\nWHILE k < 10 DO\n  FORK_AGENT \"bomb\", gas=60 -> c\n  SET k = k + 1\nENDWHILE\nRETURN k";
    let rate = Some(Rate { most: 2, window: SECOND });
    let mut world = World::new(Rules { forks: rate, ..Rules::default() });
    world.know("bomb", image(bomb));
    let machine = Machine::new(image(bomb), granted(1000)).expect("it starts");
    world.join("root", identity("root"), machine).expect("the name is free");
    run(&mut world, 1);
    assert_eq!(result(&world, "root"), "10");
    assert_eq!(world.len(), 3);
}

/// A parent's spending policy holds for its children and counts what they spend.
#[test]
fn a_child_spends_no_more_than_its_parent_could() {
    let child = ".uses agent \"shop\"\nPAY_AGENT \"shop\", 3\nSET one = lastPluginFailed\nPAY_AGENT \"shop\", 3\n\
        RETURN [one, lastPluginFailed]";
    let parent = ".uses agent \"shop\"\nFORK_AGENT \"buys\", funds=50 -> child\nWAIT 1\nPAY_AGENT \"shop\", 2\n\
        RETURN lastPluginFailed";
    let mut world = family(parent, granted(1000), &[("buys", child)]);
    join(&mut world, "shop", "WAIT 100\nRETURN 1");
    let window = avm_vm::ledger::Window {
        length: 100 * SECOND,
        amount: 4 * UNIT,
        payments: 10,
        trips: false,
    };
    let limits = Limits { windows: vec![window], ..Limits::default() };
    let policy = Policy { limits: [(String::from(CREDITS), limits)].into(), ..Policy::default() };
    let wallet = world.wallet(AgentId(0)).expect("it joined");
    world.set_spending(wallet, Some(policy)).expect("a policy");
    run(&mut world, 1);
    assert_eq!([result(&world, "parent"), result(&world, "parent/1")], ["true", "[false,true]"]);
    assert_eq!(credits(&world, world.agent("shop").expect("it joined")), 3 * UNIT);
}

/// An agent that traps at a message goes on with the next one, but not more often than it may.
#[test]
fn an_agent_that_is_looked_after_is_started_again() {
    let server = "SET served = 0\nWHILE TRUE DO\n  WAIT_FOR_RESPONSE \"*\", timeout=100 -> m\n  IF lastTaskFailed THEN\n    RETURN served\n  ENDIF\n\
        SET r = 10 / m.data\n  SET served = served + 1\nENDWHILE";
    let client = ".uses channel \"server\"\n.input n = 1\nSET k = 0\nWHILE k < n DO\n  SEND_SWARM_MSG \"server\", k - k / 2 * 2\n  WAIT 1\n  SET k = k + 1\nENDWHILE\nRETURN k";
    for (most, sent, end) in [(3, 6, "3"), (3, 7, "trapped"), (0, 2, "trapped")] {
        let mut world = World::new(Rules::default());
        let agent = join(&mut world, "server", server);
        assert!(
            world.supervise(
                agent,
                Supervision { restarts: Rate { most, window: 1_000_000 * SECOND } }
            )
        );
        let inputs = vec![(String::from("n"), avm_ir::Value::Int(sent))];
        let config = Config { inputs, ..granted(1000) };
        let machine = Machine::new(image(client), config).expect("it starts");
        world.join("client", identity("client"), machine).expect("the name is free");
        run(&mut world, 1);
        let got = result(&world, "server");
        assert!(got == end || end == "trapped" && got.contains("Trapped"), "{got}");
        assert_eq!(world.restarts(agent), most);
    }
}
