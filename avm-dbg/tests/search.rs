//! What a search finds is what one finds who looks at every step.

#[path = "support/recording.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod recording;

use std::sync::Arc;

use avm_dbg::{
    Session,
    code::{Code, Register, Scope},
    expr::{Condition, Path},
    search::{Hit, Test, What, Write, is_denial},
};
use avm_ir::{Opcode, Program, Schedule, Value, flow, verify::CodePlace};
use avm_vm::{
    Config, End, Image, Machine,
    journal::{Event, Journal, Player},
};
use recording::{Recording, journal};

/// Calls within calls and between regions, loops on one line, writes of all kinds, failures.
const SOURCE: &str = r#"
.input rounds = 9
.uses model "m"
SET items = [0, 0, 0]
SET done = false
SET k = 0
SET sum = 0
WHILE k < rounds DO
  SAVE_EXECUTION_STATE
  SET sum = walk(k % 4) + far(k)
  SET items[k % 3] = k / 2
  SET done = k > 100
  IF k % 3 == 0 THEN
    GPU_INFER "m", "hello" -> said
  ENDIF
  IF k == 4 THEN
    JUMP aside
  ENDIF
  SET number = FROM_JSON("[1, " + k)
  :on
  SET k = k + 1
ENDWHILE
GPU_INFER "m", "forbidden" -> said
SET sum = sum + walk(2) + walk(3)
RETURN sum
.func walk(n)
  SET below = 0
  IF n > 0 THEN
    SET below = walk(n - 1)
    SET below = below + far(n)
  ENDIF
  RETURN below + n
.endfunc
.region SIDE
:aside
SET sum = near(k)
JUMP on
.func far(n)
  SET n = n * 2
  RETURN near(n)
.endfunc
.func near(n)
  LOAD_EXECUTION_STATE
  SET m = n % 5
  RETURN m
.endfunc
.endregion
"#;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
}

/// A run, step by step.
struct Run {
    code: Code,
    machines: Vec<Machine>,
    /// Steps at which registers were written from outside, and which.
    edits: Vec<(u64, u8)>,
}

impl Run {
    fn new(bytes: &[u8]) -> Self {
        let journal = Journal::read(bytes).expect("a journal");
        let program = Program::from_bytes(&journal.start.program).expect("a program");
        let code = Code::new(&program, &journal).expect("it verifies");
        let verified = avm_ir::verify(program).expect("it verifies");
        let image = Arc::new(Image::new(verified, &Schedule::v1()));
        let mut player = Player::new(&journal, image).expect("it starts");
        let mut machines = vec![player.machine().clone()];
        for step in 1.. {
            player.run_to(&journal, step, &mut ()).expect("the same run");
            if player.machine().steps() < step {
                machines.pop();
                machines.push(player.machine().clone());
                break;
            }
            machines.push(player.machine().clone());
        }
        let edits = journal.records.iter().filter_map(|record| match record.event {
            Event::Edited { register, .. } => Some((record.steps, register)),
            _ => None,
        });
        Self { code, machines, edits: edits.collect() }
    }

    fn last(&self) -> u64 {
        self.machines.len() as u64 - 1
    }

    fn instr(machine: &Machine) -> CodePlace {
        machine.pending().map_or_else(|| machine.at(), |request| request.at)
    }

    /// Whether a test holds at a step.
    fn holds(&self, step: u64, test: &Test) -> bool {
        let now = &self.machines[step as usize];
        let before = step.checked_sub(1).map(|step| &self.machines[step as usize]);
        let at = Self::instr(now);
        let next = match now.end() {
            None | Some(End::Exhausted(_)) => self.code.instr(at).map(|instr| instr.op),
            Some(_) => None,
        };
        let trapped = match (now.end(), step == self.last()) {
            (Some(End::Trapped(trap)), true) => Some(trap.code),
            _ => None,
        };
        let failed = before.is_some_and(|before| now.failures() > before.failures());
        let holds = match &test.what {
            What::Places(places) => next.is_some() && places.contains(&at),
            What::Opcode(opcode) => next == Some(*opcode),
            What::Effect(wanted) => {
                next.is_some_and(|op| op.info().reach.is_some() && wanted.is_none_or(|w| w == op))
            }
            What::Enters(region) => {
                before.is_some_and(|b| Self::instr(b).region != *region) && at.region == *region
            }
            What::Gas(limit) => {
                before.is_some_and(|b| b.gas_used() < *limit) && now.gas_used() >= *limit
            }
            What::Failure => failed || trapped.is_some(),
            What::Denial => failed && now.last_failure().is_some_and(|f| is_denial(f.code)),
            What::Line { not, depth } => {
                let line = self.code.line(at);
                next.is_some() && now.depth() <= *depth && line.is_some() && line != *not
            }
            What::Depth(depth) => next.is_some() && now.depth() <= *depth,
            What::Write(write) => before.is_some_and(|before| self.written(before, now, write)),
        };
        let value = |name: &str| self.code.value(now, now.depth(), name);
        holds && test.condition.as_ref().is_none_or(|condition| condition.holds(value))
    }

    fn written(&self, before: &Machine, now: &Machine, write: &Write) -> bool {
        let Register { scope, number } = write.register;
        let depths = 0..=before.depth().min(now.depth());
        let mut fits = depths.filter(|depth| write.depth.is_none_or(|wanted| wanted == *depth));
        let value = |machine: &Machine, depth: usize| {
            let window = machine.window(depth)?;
            let value = machine.value(&window, number).and_then(|value| write.path.of(value));
            Some((self.code.window_scope(&window, depth), value.cloned()))
        };
        if write.changes {
            return fits.any(|depth| {
                let (old, new) = (value(before, depth), value(now, depth));
                old.as_ref().is_some_and(|(s, _)| *s == scope) && old != new
            });
        }
        let own = before.window(before.depth());
        let own = own.map(|window| self.code.window_scope(&window, before.depth()));
        let here = |depth: usize| write.depth.is_none_or(|wanted| wanted == depth);
        if self.edits.contains(&(now.steps(), number)) && own == Some(scope) && here(before.depth())
        {
            return true;
        }
        // By what the instruction says, and where it was executed.
        let at = Self::instr(before);
        let (Some(region), Some(instr)) = (self.code.region(at.region), self.code.instr(at)) else {
            return false;
        };
        match instr.op {
            Opcode::CALL => self.code.callee(at) == Some(scope) && here(before.depth() + 1),
            Opcode::RETURN => before.depth().checked_sub(1).is_some_and(|depth| {
                let window = before.window(depth).expect("it is open");
                let call = CodePlace { pc: window.at.pc - 1, ..window.at };
                let result = self.code.instr(call).map(|call| call.a);
                here(depth)
                    && self.code.window_scope(&window, depth) == scope
                    && result == Some(number)
            }),
            _ => {
                let own = self.code.scope(at) == scope && here(before.depth());
                let all = flow::window(instr) == flow::Window::Written;
                own && self.code.writes(region, instr, number)
                    || scope == Scope::Agent && here(0) && all
            }
        }
    }

    fn hit(&self, step: u64, tests: &[Test]) -> Option<Hit> {
        let holding: Vec<usize> =
            (0..tests.len()).filter(|test| self.holds(step, &tests[*test])).collect();
        (!holding.is_empty()).then_some(Hit { step, tests: holding })
    }
}

fn test(run: &Run, random: &mut Random) -> Test {
    let places: Vec<CodePlace> = run.code.all().map(|(at, ..)| at).collect();
    let ops: Vec<Opcode> = run.code.all().map(|(.., instr)| instr.op).collect();
    let scopes: Vec<Scope> = places.iter().map(|at| run.code.scope(*at)).collect();
    let gas = run.machines.last().map_or(0, Machine::gas_used) as usize;
    let what = match random.below(12) {
        0 => What::Places((0..1 + random.below(3)).map(|_| random.pick(&places)).collect()),
        1 => What::Opcode(random.pick(&ops)),
        2 => What::Enters(random.below(2) as u32),
        3 => What::Effect(None),
        4 => What::Gas(random.below(gas + 2) as u64),
        5 => random.pick(&[What::Failure, What::Denial]),
        6 => {
            let not = run.code.line(random.pick(&places));
            What::Line { not, depth: random.pick(&[0, 1, 2, 3, usize::MAX]) }
        }
        7 => What::Depth(random.below(4)),
        _ => {
            let name = random.pick(&["k", "sum", "done", "items", "n", "below", "number", "m"]);
            let scope = random.pick(&scopes);
            let register = run.code.register(scope, name);
            let register = register.unwrap_or(Register { scope, number: 0 });
            let part = if random.below(2) == 0 { "items[1]" } else { "items" };
            let path = if name == "items" { part } else { name };
            What::Write(Write {
                register,
                path: Path::read(path).expect("a path"),
                depth: random.pick(&[None, None, Some(0), Some(1), Some(2)]),
                changes: random.below(3) > 0,
            })
        }
    };
    let conditions = ["k == 3", "k > 5", "n == 2", "below > 3 or done == true", "sum != 0"];
    let condition = (random.below(3) == 0).then(|| random.pick(&conditions));
    let condition = condition.map(|text| Condition::read(text).expect("a condition"));
    Test { what, condition }
}

fn compare(bytes: &[u8], seed: u64) {
    let run = Run::new(bytes);
    let last = run.last();
    let mut session = Session::open(bytes).expect("it opens");
    let mut random = Random(seed);
    let mut found = 0;
    for _ in 0..300 {
        let count = if random.below(4) == 0 { 3 } else { 1 };
        let tests: Vec<Test> = (0..count).map(|_| test(&run, &mut random)).collect();
        let from = random.below(last as usize + 1) as u64;
        session.seek(from);
        assert_eq!(session.step(), from);
        let forward = session.forward(&tests).expect("nobody interrupts");
        let expected = (from + 1..=last).find_map(|step| run.hit(step, &tests));
        assert_eq!(forward, expected, "from {from} on: {tests:?}");
        let before = random.below(last as usize + 1) as u64;
        let floor = random.below(before as usize + 1) as u64 * random.below(2) as u64;
        let backward = session.backward(before, floor, &tests).expect("nobody interrupts");
        let expected = (floor..before).rev().find_map(|step| run.hit(step, &tests));
        assert_eq!(backward, expected, "from {before} back to {floor}: {tests:?}");
        found += usize::from(forward.is_some()) + usize::from(backward.is_some());
    }
    assert!(found > 100, "{found}");
}

#[test]
fn searches_find_what_looking_at_every_step_finds() {
    let whole = journal(SOURCE);
    for seed in 1..5 {
        compare(&whole, seed * 0x9E37_79B9);
    }
}

#[test]
fn in_runs_that_were_edited_or_cut_off() {
    let mut recording = Recording::new(SOURCE, Config::default());
    let registers = ["k", "sum", "done"];
    let numbers = registers.map(|name| recording.machine.image().program().register(name));
    for (turn, at) in [40_u64, 41, 90, 300].into_iter().enumerate() {
        recording.go(at.saturating_sub(recording.machine.steps()));
        let number = numbers[turn % 3].expect("it is there");
        recording.recorder.edit(&mut recording.machine, number, Value::Int(turn as i64));
    }
    recording.go(u64::MAX);
    let whole = recording.bytes();
    for seed in 1..4 {
        compare(&whole, seed * 0x9E37_79B9);
    }
    let records = Journal::read(&whole).expect("a journal").records;
    for (seed, record) in (1..).zip(records.iter().rev().skip(1).step_by(3).take(3)) {
        compare(&whole[..record.offset], seed * 0x9E37_79B9);
    }
}

#[test]
fn and_in_runs_that_ran_out_of_gas() {
    let config = Config { gas: 400_000, ..Config::default() };
    let mut recording = Recording::new(SOURCE, config);
    recording.go(u64::MAX);
    compare(&recording.bytes(), 0x9E37_79B9);
}
