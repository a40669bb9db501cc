//! The table of a world that stands still, at terminals of several widths.

use std::sync::Arc;

use avm_ir::Schedule;
use avm_vm::{
    Answer, Config, Image, Machine, Spend, World,
    world::{Keep, Rules},
};

use super::Table;

/// Agents that did something, by name: one with a name that is long, one with a name that would move the
/// cursor, and more than there are rows.
fn world(table: &mut Table) -> World {
    let source = ".uses channel \"ping\"\n.input turns = 0\nREDUCE_MODEL_CALL \"m\", [1] -> r\n\
                  FOR turn IN turns DO\nSEND_SWARM_MSG \"ping\", turn\nENDFOR\n\
                  WAIT_FOR_RESPONSE \"*\", timeout=1 -> m\nWAIT 2.5\nWAIT_FOR_RESPONSE \"never\" -> m";
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program = avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
    let image = Arc::new(Image::new(program, &Schedule::v1()));
    let mut world = World::new(Rules::default());
    let others = (0..15).map(|number| format!("other-{number}"));
    let names =
        ["ping", "the negotiator for everything that is bought in the south", "bad\u{1b}[2J"];
    let names = names.into_iter().map(str::to_owned).chain(others);
    for (number, name) in names.enumerate() {
        let turns = if number == 1 { 12 } else { number % 3 };
        let inputs = vec![("turns".to_owned(), avm_ir::Value::Int(turns as i64))];
        let config = Config { gas: u64::MAX / 2, inputs, ..Config::default() };
        let id = *blake3::hash(name.as_bytes()).as_bytes();
        let machine = Machine::new(image.clone(), config).expect("it starts");
        world.join(&name, id, machine).expect("it is new");
    }
    world.settle(table);
    let asking: Vec<_> = world.asks().map(|(agent, _)| agent).collect();
    for agent in asking.into_iter().filter(|agent| agent.0 != 4) {
        let spent = Spend { credits: 1_234_000_000 * u64::from(agent.0), ..Spend::NONE };
        let answer = Answer { spent, ..Answer::output(avm_ir::Value::Int(1), 0) };
        assert!(world.answer(agent, answer, table));
    }
    world.settle(table);
    world
}

#[test]
fn a_table_fits_its_terminal() {
    let mut table = Table::new(false);
    table.shown = true;
    let world = world(&mut table);
    let mut all = String::new();
    for width in [120, 80, 60, 40, 12, 0] {
        let picture = table.picture(&world, width);
        // A line that breaks would be counted as one and drawn over in part.
        assert!(picture.lines().all(|line| line.chars().count() <= width), "{width}: {picture}");
        assert_eq!(picture.lines().count(), 19, "{width}: {picture}");
        assert!(!picture.contains('\u{1b}'));
        all += &format!("{width} columns\n{picture}\n");
    }
    insta::assert_snapshot!(all);
}

/// Nobody looks: nothing is counted and nothing drawn.
#[test]
fn nothing_is_counted_where_nobody_looks() {
    let mut table = Table::new(false);
    world(&mut table);
    assert!(table.counts.is_empty() && table.lines == 0);
    table.saw(
        0,
        &avm_vm::world::Happened::Took { agent: avm_vm::world::AgentId(3), step: 0, message: 0 },
    );
    assert!(table.counts.is_empty());
}
