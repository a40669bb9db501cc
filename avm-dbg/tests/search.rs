//! What a search finds is what one finds who looks at every step.

#[path = "support/recording.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod recording;

use std::sync::Arc;

use avm_dbg::{
    Session,
    code::{Code, Codes, Register, Scope},
    expr::{Condition, Path},
    search::{Hit, Test, What, Write, is_denial},
};
use avm_ir::{Opcode, Program, Schedule, Value, flow, verify::CodePlace};
use avm_vm::{
    Config, End, Image, Machine,
    journal::{Event, Journal, Player},
};
use recording::{Recording, journal, rewriting};

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
    /// The code at each step.
    codes: Vec<Arc<Code>>,
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
        let mut codes = Codes::new(code);
        let codes: Vec<Arc<Code>> =
            machines.iter().map(|machine| codes.of(machine.image())).collect();
        Self { codes, machines, edits: edits.collect() }
    }

    /// The code that each replaced region has; the first one need not be known.
    fn versions(machine: &Machine) -> Vec<(u32, u32)> {
        let is_new = |number| machine.version(number).is_some_and(|version| version.before != 0);
        let current = machine.current_versions().iter().copied();
        current.filter(|(_, number)| is_new(*number)).collect()
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
        let code = &self.codes[step as usize];
        let before = step.checked_sub(1).map(|step| &self.machines[step as usize]);
        let at = Self::instr(now);
        let next = match now.end() {
            None | Some(End::Exhausted(_)) => code.instr(at).map(|instr| instr.op),
            Some(_) => None,
        };
        let trapped = match (now.end(), step == self.last()) {
            (Some(End::Trapped(trap)), true) => Some(trap.code),
            _ => None,
        };
        let failed = before.is_some_and(|before| now.failures() > before.failures());
        let holds = match &test.what {
            What::Places(places) => next.is_some() && places.contains(&at),
            What::Label(name) => next.is_some() && code.label(name) == Some(at),
            What::At(line) => next.is_some() && code.begins(*line).contains(&at),
            What::Rewrite(region) => before.is_some_and(|before| {
                let versions = [Self::versions(before), Self::versions(now)];
                let of = |versions: &[(u32, u32)], wanted: u32| {
                    versions.iter().find(|(region, _)| *region == wanted).map(|(_, n)| *n)
                };
                match region {
                    None => versions[0] != versions[1],
                    Some(region) => of(&versions[0], *region) != of(&versions[1], *region),
                }
            }),
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
                let line = code.line(at);
                next.is_some() && now.depth() <= *depth && line.is_some() && line != *not
            }
            What::Depth(depth) => next.is_some() && now.depth() <= *depth,
            What::Write(write) => before.is_some_and(|before| {
                self.written(before, now, write, &self.codes[step as usize - 1])
            }),
        };
        let value = |name: &str| code.value(now, now.depth(), name);
        holds && test.condition.as_ref().is_none_or(|condition| condition.holds(value))
    }

    fn written(&self, before: &Machine, now: &Machine, write: &Write, code: &Code) -> bool {
        let register = match (&write.function, write.register.scope) {
            (Some(function), Scope::Function(region, _)) => { code.named_scope(region, function) }
                .and_then(|scope| {
                    code.register(scope, &write.path.name).filter(|r| r.scope == scope)
                }),
            _ => Some(write.register),
        };
        let Some(Register { scope, number }) = register else { return false };
        let depths = 0..=before.depth().min(now.depth());
        let mut fits = depths.filter(|depth| write.depth.is_none_or(|wanted| wanted == *depth));
        let value = |machine: &Machine, depth: usize| {
            let window = machine.window(depth)?;
            let value = machine.value(&window, number).and_then(|value| write.path.of(value));
            Some((code.window_scope(&window, depth), value.cloned()))
        };
        if write.changes {
            return fits.any(|depth| {
                let (old, new) = (value(before, depth), value(now, depth));
                old.as_ref().is_some_and(|(s, _)| *s == scope) && old != new
            });
        }
        let own = before.window(before.depth());
        let own = own.map(|window| code.window_scope(&window, before.depth()));
        let here = |depth: usize| write.depth.is_none_or(|wanted| wanted == depth);
        if self.edits.contains(&(now.steps(), number)) && own == Some(scope) && here(before.depth())
        {
            return true;
        }
        // By what the instruction says, and where it was executed.
        let at = Self::instr(before);
        let (Some(region), Some(instr)) = (code.region(at.region), code.instr(at)) else {
            return false;
        };
        match instr.op {
            Opcode::CALL => code.callee(at) == Some(scope) && here(before.depth() + 1),
            Opcode::RETURN => before.depth().checked_sub(1).is_some_and(|depth| {
                let window = before.window(depth).expect("it is open");
                let call = CodePlace { pc: window.at.pc - 1, ..window.at };
                let result = code.instr(call).map(|call| call.a);
                here(depth) && code.window_scope(&window, depth) == scope && result == Some(number)
            }),
            _ => {
                let own = code.scope(at) == scope && here(before.depth());
                let all = flow::window(instr) == flow::Window::Written;
                own && code.writes(region, instr, number) || scope == Scope::Agent && here(0) && all
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
    let code = random.pick(&run.codes);
    let places: Vec<CodePlace> = code.all().map(|(at, ..)| at).collect();
    let ops: Vec<Opcode> = code.all().map(|(.., instr)| instr.op).collect();
    let scopes: Vec<Scope> = places.iter().map(|at| code.scope(*at)).collect();
    let gas = run.machines.last().map_or(0, Machine::gas_used) as usize;
    let what = match random.below(15) {
        0 => What::Places((0..1 + random.below(3)).map(|_| random.pick(&places)).collect()),
        1 => What::Opcode(random.pick(&ops)),
        2 => What::Enters(random.below(2) as u32),
        3 => What::Effect(None),
        4 => What::Gas(random.below(gas + 2) as u64),
        5 => random.pick(&[What::Failure, What::Denial]),
        6 => {
            let not = code.line(random.pick(&places));
            What::Line { not, depth: random.pick(&[0, 1, 2, 3, usize::MAX]) }
        }
        7 => What::Depth(random.below(4)),
        8 => {
            let labels: Vec<String> = code.labels().map(|(name, _)| name.to_owned()).collect();
            What::Label(random.pick(&labels))
        }
        9 => {
            let lines: Vec<_> = places.iter().filter_map(|at| code.line(*at)).collect();
            What::At(random.pick(&lines))
        }
        10 => What::Rewrite(random.pick(&[None, Some(0), Some(1)])),
        _ => {
            let name = random.pick(&["k", "sum", "done", "items", "n", "below", "number", "m"]);
            let scope = random.pick(&scopes);
            let register = code.register(scope, name);
            let register = register.unwrap_or(Register { scope, number: 0 });
            let part = if random.below(2) == 0 { "items[1]" } else { "items" };
            let path = if name == "items" { part } else { name };
            let function = code.function_name(register.scope).map(str::to_owned);
            What::Write(Write {
                register,
                function,
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

#[test]
fn and_in_runs_that_change_their_code() {
    let whole = journal(&rewriting(0));
    let run = Run::new(&whole);
    let swaps = run.machines.windows(2).filter(|w| Run::versions(&w[0]) != Run::versions(&w[1]));
    assert!(swaps.count() >= 5);
    for seed in 1..6 {
        compare(&whole, seed * 0x9E37_79B9);
    }
    let mut recording = Recording::new(&rewriting(0), Config::default());
    for (turn, at) in [20_u64, 21, 60, 130, 131, 132].into_iter().enumerate() {
        recording.go(at.saturating_sub(recording.machine.steps()));
        let number = recording.machine.image().program().register("sum").expect("it is there");
        recording.recorder.edit(&mut recording.machine, number, Value::Int(turn as i64));
    }
    recording.go(u64::MAX);
    let whole = recording.bytes();
    for seed in 6..9 {
        compare(&whole, seed * 0x9E37_79B9);
    }
}
