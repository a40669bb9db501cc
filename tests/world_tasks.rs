//! Tasks of agents: functions that their world calls again and again (O-3, X-35, H8).

use std::{collections::BTreeMap, sync::Arc, thread};

use avm_ir::{Schedule, Value, value::to_json};
use avm_vm::{
    Answer, Config, End, Image, InterruptError, Machine, Meter, TrapCode, World,
    journal::{Event, Journal, Player, Recorder, Start, Stop, Writer},
    world::{AgentId, Idle, Keep, Rules, SECOND},
};

/// Notes when it runs.
const TICK: &str = "
.func tick()
  GET_CURRENT_TIME -> now
  KV_FETCH \"times\" -> times
  IF times == NULL THEN
  SET times = []
  ENDIF
  PUSH times, now
  KV_STORE \"times\", times
.endfunc
";

fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    let program =
        assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics));
    Arc::new(Image::new(avm_ir::verify(program).expect("it verifies"), &Schedule::v1()))
}

fn config() -> Config {
    Config { gas: u64::MAX / 2, ..Config::default() }
}

fn join(world: &mut World, name: &str, image: &Arc<Image>) -> AgentId {
    let machine = Machine::new(image.clone(), config()).expect("it starts");
    world.join(name, *blake3::hash(name.as_bytes()).as_bytes(), machine).expect("the name is free")
}

/// A world of one agent, at its end; and what it returned.
fn alone(main: &str) -> (World, String) {
    let mut world = World::new(Rules::default());
    let agent = join(&mut world, "a", &image(&format!("{main}{TICK}")));
    world.run(&mut ());
    let shown = match world.end(agent) {
        Some(End::Halted(value)) => to_json(value),
        other => format!("{other:?}"),
    };
    (world, shown)
}

#[test]
fn a_task_is_called_whenever_it_is_due() {
    let (world, shown) = alone(
        "SCHEDULE_TASK \"tick\", 10 -> status\nWAIT 25\nSCHEDULE_TASK \"tick\", 2.5\nWAIT 6\n\
         CANCEL_TASK \"tick\" -> gone\nWAIT 100\nKV_FETCH \"times\" -> times\n\
         RETURN [status, gone, times]",
    );
    assert_eq!(shown, r#"["OK","OK",[10,20,27.5,30]]"#);
    assert_eq!(world.now(), 131 * SECOND);
    assert!(world.tasks(AgentId(0)).is_empty(), "they end with their agent");
    assert_eq!(world.idle(), Idle::Over);
}

#[test]
fn a_wait_ends_when_it_would_have() {
    let (world, shown) = alone(
        "SCHEDULE_TASK \"tick\", 3\nWAIT 10\nGET_CURRENT_TIME -> first\n\
         WAIT_FOR_RESPONSE \"nothing\", timeout=10 -> r\nGET_CURRENT_TIME -> second\n\
         RETURN [first, lastTaskFailed, second, LEN(KV_KEYS())]",
    );
    assert_eq!((&*shown, world.now()), ("[10,true,20,1]", 20 * SECOND));
}

/// A task that waits itself is interrupted by none; what waits below ends in time all the same.
#[test]
fn tasks_do_not_nest_and_do_not_starve() {
    let (world, shown) = alone(
        "SCHEDULE_TASK \"slow\", 1\nSCHEDULE_TASK \"tick\", 2\nWAIT 10\nGET_CURRENT_TIME -> now\n\
         CANCEL_TASK \"slow\"\nWAIT 1\nKV_FETCH \"times\" -> times\nRETURN [now, times]\n\
         .func slow()\n  WAIT 4\n.endfunc",
    );
    // Slow from 1 to 5 and, since it was due as early as tick and scheduled before, to 9; then tick,
    // and slow to 13. By then the wait is over, so tick waits for the next one.
    assert_eq!(shown, "[13,[9,13,14]]");
    assert_eq!(world.now(), 14 * SECOND);
}

#[test]
fn messages_that_come_meanwhile_are_there_afterwards() {
    let mut world = World::new(Rules::default());
    let waiter = join(
        &mut world,
        "waiter",
        &image(
            "SCHEDULE_TASK \"nap\", 2\nWAIT_FOR_RESPONSE \"*\", timeout=60 -> m\n\
             GET_CURRENT_TIME -> now\nRETURN [m.data, now]\n.func nap()\n  WAIT 5\n.endfunc",
        ),
    );
    let sender = ".uses agent \"waiter\"\nWAIT 3\nSEND_SWARM_MSG \"waiter\", \"hello\"";
    let sender = sender.replace(".uses agent", ".uses channel");
    join(&mut world, "sender", &image(&sender));
    world.run(&mut ());
    let Some(End::Halted(value)) = world.end(waiter) else { panic!("{:?}", world.end(waiter)) };
    assert_eq!(to_json(value), r#"["hello",7]"#);
}

/// Whoever cannot be called when it is due is called once when it can, and what was missed is counted.
#[test]
fn what_is_missed_is_not_made_up_for() {
    let mut world = World::new(Rules::default());
    let agent = join(
        &mut world,
        "a",
        &image(&format!(
            "SCHEDULE_TASK \"tick\", 10\nREDUCE_MODEL_CALL \"average\", [1, 2] -> r\nWAIT 1000\n{TICK}"
        )),
    );
    world.settle(&mut ());
    assert_eq!(world.idle(), Idle::Asks);
    for time in [9, 10, 15, 34] {
        world.pass(time * SECOND, &mut ());
        let task = &world.tasks(agent)[0];
        assert_eq!((task.called, task.missed, task.next), (0, 0, 10 * SECOND));
    }
    assert!(world.answer(agent, Answer::output(Value::Int(1), 0), &mut ()));
    world.settle(&mut ());
    let task = &world.tasks(agent)[0];
    assert_eq!((task.called, task.missed, task.next), (1, 2, 40 * SECOND));
    // One long step of time is one call, too, and one that is due behind it.
    world.pass(95 * SECOND, &mut ());
    world.settle(&mut ());
    let task = &world.tasks(agent)[0];
    assert_eq!((task.called, task.missed, task.next), (3, 6, 100 * SECOND));
    // A year of nanoseconds is no work.
    let mut world = World::new(Rules::default());
    let quick = "SCHEDULE_TASK \"nothing\", 0.000000001\nWAIT 31000000\n.func nothing()\n.endfunc";
    let agent = join(&mut world, "quick", &image(quick));
    world.settle(&mut ());
    world.pass(30_000_000 * SECOND, &mut ());
    world.settle(&mut ());
    let task = &world.tasks(agent)[0];
    assert_eq!(task.called + task.missed, task.next - 1);
}

#[test]
fn what_cannot_be_scheduled_says_why() {
    let mut world = World::new(Rules { tasks: 1, ..Rules::default() });
    let tries = [
        "SCHEDULE_TASK \"tock\", 5",
        "SCHEDULE_TASK \"takes\", 5",
        "SCHEDULE_TASK \"hidden\", 5",
        "SCHEDULE_TASK \"tick\", 0",
        "SCHEDULE_TASK \"tick\", -1",
        "SCHEDULE_TASK \"tick\", 0.0000000001",
        "SCHEDULE_TASK \"tick\", 31622401",
        "CANCEL_TASK \"tick\"",
        "SCHEDULE_TASK \"tick\", 31622400",
        "SCHEDULE_TASK \"tick\", 1",
        "SCHEDULE_TASK \"other\", 1",
        "CANCEL_TASK \"other\"",
        "CANCEL_TASK \"tick\"",
        "SCHEDULE_TASK \"other\", 1",
    ];
    let tries = tries.map(|line| {
        format!(
            "{line}\nSET said = \"OK\"\nIF lastTaskFailed THEN\nSELF_INTROSPECT \"last_failure\" -> said\nENDIF\n\
             LOG said\n"
        )
    });
    let rest = ".func takes(x)\n.endfunc\n.func other()\n.endfunc\n\
                .region shut detached perms=read\nHALT\n.func hidden()\n.endfunc\n.endregion\n";
    let agent = join(&mut world, "a", &image(&format!("{}HALT\n{rest}{TICK}", tries.concat())));
    world.run(&mut ());
    let machine = world.machine(agent).expect("it is here");
    let shown: Vec<String> =
        machine.log().map(|entry| avm_ir::value::to_text(&entry.note)).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_task_can_end_its_agent() {
    let (world, _) =
        alone("SCHEDULE_TASK \"bad\", 5\nWAIT 100\n.func bad()\n  RAISE \"no\"\n.endfunc");
    let end = world.end(AgentId(0));
    assert!(matches!(end, Some(End::Trapped(trap)) if trap.code == TrapCode::Raised), "{end:?}");
    assert_eq!(world.now(), 5 * SECOND);
    let (world, _) = alone("SCHEDULE_TASK \"last\", 5\nWAIT 100\n.func last()\n  HALT\n.endfunc");
    assert_eq!(world.end(AgentId(0)), Some(&End::Halted(Value::Null)));
    // Gas counts as everywhere.
    let mut world = World::new(Rules::default());
    let endless = "SCHEDULE_TASK \"endless\", 5\nWAIT 100\n.func endless()\n  SET n = 0\n  WHILE n >= 0 DO\n  SET n = n + 1\n  ENDWHILE\n.endfunc";
    let config = Config { gas: 1_000_000, ..Config::default() };
    let machine = Machine::new(image(endless), config).expect("it starts");
    world.join("a", [0; 32], machine).expect("the name is free");
    world.run(&mut ());
    assert_eq!(world.end(AgentId(0)), Some(&End::Exhausted(Meter::Gas)));
    let used = world.machine(AgentId(0)).expect("it is here").gas_used();
    assert!(used <= 1_000_000 && used > 990_000, "{used}");
}

/// A task that has no room to run stays due and is no end of its agent.
#[test]
fn a_task_without_room_waits_for_its_turn() {
    let mut world = World::new(Rules::default());
    let source = format!(
        "SCHEDULE_TASK \"tick\", 5\nSET r = deep(2)\nWAIT 1\nRETURN KV_FETCH(\"times\")\n\
         .func deep(n)\n  IF n == 0 THEN\n  WAIT 20\n  RETURN 0\n  ENDIF\n  SET r = deep(n - 1)\n  RETURN r\n.endfunc{TICK}"
    );
    let mut config = config();
    config.limits.call_depth = 3;
    let machine = Machine::new(image(&source), config).expect("it starts");
    world.join("a", [0; 32], machine).expect("the name is free");
    world.run(&mut ());
    let Some(End::Halted(value)) = world.end(AgentId(0)) else {
        panic!("{:?}", world.end(AgentId(0)))
    };
    assert_eq!((to_json(value).as_str(), world.now()), ("[20]", 21 * SECOND));
}

/// Agents with tasks that talk to each other.
const TALKER: &str = "
.input period = 1
SWARM_CONNECT \"c\"
SCHEDULE_TASK \"say\", period
SCHEDULE_TASK \"tick\", period * 2
SET heard = 0
WHILE heard < 20 DO
  WAIT_FOR_RESPONSE \"news\", timeout=10 -> m
  SET heard = heard + 1
ENDWHILE
KV_FETCH \"times\" -> times
RETURN [m.data, times]
.func say()
  SWARM_BROADCAST \"news\", RANDOM(1, 1000)
.endfunc
";

fn talkers(threads: usize, keep: &mut impl Keep) -> (World, Arc<Image>) {
    let rules = Rules { seed: 5, slice: 7, jitter: true, ..Rules::default() };
    let mut world = World::new(rules);
    let image = image(&format!("{TALKER}{TICK}"));
    for number in 0..8 {
        let machine = Machine::new(image.clone(), start(number)).expect("it starts");
        world
            .join(&format!("talker {number}"), [number as u8; 32], machine)
            .expect("the name is free");
    }
    loop {
        match world.idle() {
            Idle::Not => {
                let mut turns = world.turns();
                let size = turns.len().div_ceil(threads).max(1);
                thread::scope(|scope| {
                    for part in turns.chunks_mut(size) {
                        scope.spawn(|| part.iter_mut().for_each(|turn| turn.run(&mut ())));
                    }
                });
                world.commit(turns, keep);
            }
            Idle::Until(time) => world.pass(time, keep),
            Idle::Asks | Idle::Over => return (world, image),
        }
    }
}

fn start(number: u32) -> Config {
    let inputs = vec![("period".to_owned(), Value::float(1.0 + f64::from(number) / 4.0))];
    Config { inputs, seed: u64::from(number), ..config() }
}

#[test]
fn threads_change_nothing() {
    let hash = |threads| talkers(threads, &mut ()).0.hash();
    let one = hash(1);
    assert_eq!([hash(2), hash(8)], [one; 2]);
}

/// A journal for each agent.
#[derive(Default)]
struct Journals(BTreeMap<AgentId, Recorder>);

impl Journals {
    fn of(&mut self, agent: AgentId, machine: &Machine) -> &mut Recorder {
        self.0.entry(agent).or_insert_with(|| {
            let start = Start::of(machine.image(), start(agent.0));
            let (writer, bytes) = Writer::new(&start);
            Recorder::new(writer, bytes)
        })
    }
}

impl Keep for Journals {
    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        self.of(agent, machine).answer(machine, answer, &mut ()).expect("it waits");
    }

    fn call(
        &mut self,
        agent: AgentId,
        machine: &mut Machine,
        function: &str,
    ) -> Result<(), InterruptError> {
        self.of(agent, machine).call(machine, function)
    }
}

#[test]
fn journals_of_agents_with_tasks_replay() {
    let mut journals = Journals::default();
    let (world, image) = talkers(2, &mut (&mut journals, ()));
    assert_eq!(world.hash(), talkers(1, &mut ()).0.hash(), "keeping journals changes nothing");
    for (agent, mut recorder) in journals.0 {
        let machine = world.machine(agent).expect("it is here");
        recorder.rest(machine);
        let journal = Journal::read(&recorder.take()).expect("it was just written");
        let called = |event: &Event| matches!(event, Event::Called { .. });
        assert!(journal.records.iter().filter(|record| called(&record.event)).count() > 5);
        let mut player = Player::new(&journal, image.clone()).expect("it starts");
        assert_eq!(player.run(&journal, &mut ()), Ok(Stop::Rested));
        assert_eq!(player.machine().state_hash(), machine.state_hash());
    }
}

/// An agent that its own task can help is in no deadlock.
#[test]
fn who_has_a_task_is_in_no_deadlock() {
    let mut world = World::new(Rules::default());
    let waits = |for_whom: &str, task: &str| {
        format!(
            ".uses channel \"c\"\nSWARM_CONNECT \"c\"\n{task}WAIT 1\nSWARM_BROADCAST \"{for_whom}\"\n\
             WAIT_FOR_RESPONSE \"{for_whom}\" -> r\nRETURN r{TICK}"
        )
    };
    join(&mut world, "a", &image(&waits("b, tell me", "SCHEDULE_TASK \"tick\", 50\n")));
    join(&mut world, "b", &image(&waits("a, tell me", "")));
    world.run(&mut ());
    assert!(world.deadlocks().is_empty(), "{:?}", world.deadlocks());
}

/// A month of a task a minute, in two agents, is a moment.
#[test]
fn a_month_passes() {
    const MONTH: u64 = 30 * 24 * 60 * 60;
    let mut world = World::new(Rules::default());
    let source = format!(
        "KV_STORE \"n\", 0\nSCHEDULE_TASK \"count\", 60\nWAIT {MONTH}\nRETURN KV_FETCH(\"n\")\n\
         .func count()\n  KV_FETCH \"n\" -> n\n  KV_STORE \"n\", n + 1\n.endfunc"
    );
    let image = image(&source);
    join(&mut world, "a", &image);
    join(&mut world, "b", &image);
    world.run(&mut ());
    assert_eq!(world.now(), MONTH * SECOND);
    for agent in [AgentId(0), AgentId(1)] {
        assert_eq!(world.end(agent), Some(&End::Halted(Value::Int(MONTH as i64 / 60))));
    }
}
