//! Static gas bounds against runs: no run costs more than its program's bound, a call no more than
//! its function's, a step no more than its price; and what is said to be exact is.

use std::{collections::BTreeMap, sync::Arc};

use avm_asm::{NoSources, Options, assemble};
use avm_fuzz::{
    Entropy,
    generate::{Shape, program},
};
use avm_ir::{
    Opcode, Program, Schedule, Value, Verified,
    bound::{Bound, Bounds, Sum},
    gas::GAS,
    verify,
    verify::CodePlace,
};
use avm_vm::{Answer, Config, End, FailureCode, Image, Limits, Machine, Observer, Pause};

/// Steps after which a run is cut short; a bound holds for every part of a run too.
const STEPS: u64 = 3_000;

/// What runs showed, to see that the test tests something.
#[derive(Debug, Default)]
struct Seen {
    runs: u64,
    whole: u64,
    exact: u64,
    finite: u64,
    symbolic: u64,
    calls: u64,
    labels: u64,
}

/// Holds each step against its price, and adds up calls and stretches from label to label.
struct Watch<'a> {
    program: &'a Verified,
    bounds: &'a Bounds,
    /// Most that each instruction cost beyond what was known.
    measured: BTreeMap<CodePlace, u64>,
    total: u64,
    /// Function called and gas used when it was entered.
    calls: Vec<(CodePlace, u64)>,
    done_calls: Vec<(CodePlace, u64)>,
    /// Label passed last and gas used then.
    label: Option<(CodePlace, u64)>,
    done_labels: Vec<(CodePlace, u64)>,
}

impl Observer for Watch<'_> {
    fn step(&mut self, at: CodePlace, op: Opcode, gas: u64) {
        let step = self.bounds.step(at);
        let local = op.info().reach.is_none();
        if step.open == 0 {
            assert!(gas <= step.nanogas, "{op:?} {at:?}: {gas} > {step:?}");
            assert!(!step.exact || gas == step.nanogas, "{op:?} {at:?}: {gas} != {step:?}");
        } else {
            assert!(!step.exact || !local || gas >= step.nanogas, "{op:?} {at:?}: {gas} {step:?}");
            let most = self.measured.entry(at).or_default();
            *most = (*most).max(gas.saturating_sub(step.nanogas));
        }
        if self.bounds.labels.iter().any(|label| label.at == at) {
            self.end_label();
            self.label = Some((at, self.total));
        }
        self.total += gas;
        match op {
            Opcode::CALL => {
                let callee = avm_ir::flow::callee(self.program, at).expect("a function");
                let region = &self.program.program().regions[callee.region as usize];
                let pc = region.functions[callee.function as usize].entry;
                self.calls.push((CodePlace { region: callee.region, pc }, self.total));
            }
            Opcode::RETURN => {
                if let Some((function, start)) = self.calls.pop() {
                    self.done_calls.push((function, self.total - start));
                }
            }
            _ => {}
        }
    }
}

impl Watch<'_> {
    fn end_label(&mut self) {
        if let Some((at, start)) = self.label.take() {
            self.done_labels.push((at, self.total - start));
        }
    }
}

fn answer(entropy: &mut Entropy<'_>) -> Answer {
    let value = match entropy.below(7) {
        0 => Value::Null,
        1 => Value::text("an answer"),
        2 => Value::Int(entropy.below(9) as i64),
        3 => Value::list(vec![Value::text("x"); entropy.below(300)]),
        4 => Value::Bool(entropy.once_in(2)),
        5 => Value::vector(vec![0.5; entropy.below(300)]),
        _ => Value::from("y".repeat(entropy.below(3_000))),
    };
    match entropy.below(4) {
        0 => Answer::failed(*entropy.pick(FailureCode::ALL), "no"),
        1 => Answer {
            cost: entropy.below(1_000_000) as u64,
            units: entropy.below(10_000) as u64,
            ..Answer::outputs(vec![value])
        },
        _ => Answer::output(value, entropy.below(1000) as u64),
    }
}

fn check(program: &Program, entropy: &mut Entropy<'_>, seen: &mut Seen) {
    let verified = verify(program.clone()).expect("it verifies");
    let schedule = Schedule::v1();
    let bounds = Bounds::new(&verified, &schedule);
    let image = Arc::new(Image::new(verified.clone(), &schedule));
    let limits = Limits { memory: 1 << 20, call_depth: 60, log_entries: 5 };
    let config = Config { gas: 1_000_000_000 * GAS, limits, ..Config::default() };
    let Ok(mut machine) = Machine::new(image, config) else { return };
    let mut watch = Watch {
        program: &verified,
        bounds: &bounds,
        measured: BTreeMap::new(),
        total: 0,
        calls: Vec::new(),
        done_calls: Vec::new(),
        label: None,
        done_labels: Vec::new(),
    };
    let end = loop {
        let left = STEPS.saturating_sub(machine.steps());
        if left == 0 {
            break None;
        }
        match machine.run(left, &mut watch) {
            Pause::Slice => {}
            Pause::Effect(request) => {
                machine.answer(request.id, answer(entropy), &mut watch).expect("it waits");
            }
            Pause::End(end) => break Some(end),
        }
    };
    let used = machine.gas_used();
    assert_eq!(used, watch.total, "the observer saw everything");
    watch.end_label();
    let text = || avm_asm::disassemble(program).unwrap_or_default();
    seen.runs += 1;
    let whole = matches!(end, Some(End::Halted(_)));
    seen.whole += u64::from(whole);
    if let Some(most) = bounds.program.evaluate(&watch.measured) {
        assert!(used <= most, "{used} > {most}: {:?}\n{}", bounds.program, text());
        seen.finite += 1;
        // What ran once cost what it measured; so did the whole.
        let once = |sum: &Sum| sum.others == 0 && sum.parts.iter().all(|part| part.times == 1);
        if whole && bounds.program.sum().is_some_and(|sum| sum.exact && once(sum)) {
            assert_eq!(used, most, "{:?}\n{}", bounds.program, text());
            seen.exact += 1;
        }
        seen.symbolic += u64::from(bounds.program.sum().is_some_and(|sum| !sum.is_number()));
    }
    for (entry, gas) in &watch.done_calls {
        let function = bounds.functions.iter().find(|f| {
            let region = &program.regions[f.function.region as usize];
            let pc = region.functions[f.function.function as usize].entry;
            CodePlace { region: f.function.region, pc } == *entry
        });
        let bound = &function.expect("a function").bound;
        if let Some(most) = bound.evaluate(&watch.measured) {
            assert!(*gas <= most, "call of {entry:?}: {gas} > {most}\n{}", text());
            assert!(!bound.is_exact() || *gas == most, "{entry:?}: {gas} != {most}\n{}", text());
            seen.calls += 1;
        }
    }
    for (at, gas) in &watch.done_labels {
        let label = bounds.labels.iter().find(|label| label.at == *at).expect("a label");
        let bound = label.to_next.as_ref().expect("it was reached");
        if let Some(most) = bound.evaluate(&watch.measured) {
            assert!(*gas <= most, "{}: {gas} > {most}\n{}", label.name, text());
            seen.labels += 1;
        }
    }
    if let Some(Bound::Unbounded(_)) = bounds.labels.iter().find_map(|l| l.to_end.as_ref()) {
        assert!(
            bounds.loops.iter().any(|l| l.total.sum().is_none()) || !bounds.functions.is_empty()
        );
    }
}

#[test]
fn random_bytecode_stays_below_its_bound() {
    let mut seen = Seen::default();
    for seed in 0..6_000_u64 {
        let bytes = seed.to_le_bytes();
        let mut entropy = Entropy::new(&bytes);
        entropy.u64();
        let block = [4, 12, 40][entropy.below(3)];
        let program = program(&mut entropy, Shape { block, ..Shape::ANY });
        check(&program, &mut entropy, &mut seen);
    }
    assert!(seen.finite > 1_000 && seen.symbolic > 300 && seen.exact > 50, "{seen:?}");
}

/// A random text of statements, loops that end, functions and labels.
struct Writer<'a, 'e> {
    entropy: &'a mut Entropy<'e>,
    out: String,
    names: u32,
    functions: usize,
}

impl Writer<'_, '_> {
    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&"    ".repeat(depth));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn atom(&mut self) -> String {
        let n = self.entropy.below(12);
        match self.entropy.below(5) {
            0 => format!("{n}"),
            1 => format!("\"{}\"", "t".repeat(n)),
            _ => format!("R{}", n % 4),
        }
    }

    fn statement(&mut self, depth: usize, in_loop: bool, top: bool) {
        let (a, b) = (self.atom(), self.atom());
        let r = format!("R{}", self.entropy.below(4));
        self.names += 1;
        let name = self.names;
        match self.entropy.below(16) {
            0 => self.line(depth, &format!("LOG {a}")),
            1 => self.line(depth, &format!("SET {r} = {a}")),
            2 => self.line(depth, &format!("SET {r} = TO_TEXT({a}) + TO_TEXT({b})")),
            3 => self.line(depth, &format!("SET {r} = TYPE_OF({a})")),
            4 => self.line(depth, &format!("SET {r} = [{a}, {b}]")),
            5 => self.line(depth, &format!("READ_FROM_TOOL(\"t\", {a}) -> {r}")),
            6 => self.line(depth, &format!("GPU_INFER(\"m\", {a}, gas_limit=11) -> {r}")),
            7 if self.functions > 0 => {
                let f = self.entropy.below(self.functions);
                self.line(depth, &format!("SET {r} = f{f}({a})"));
            }
            8 if top => self.line(depth, &format!("label{name}:")),
            9 if in_loop => {
                let word = if self.entropy.once_in(2) { "BREAK" } else { "CONTINUE" };
                self.line(depth, &format!("IF RANDOM(0, 3) == 0 THEN {word}"));
            }
            10 | 11 if depth < 5 => {
                self.line(depth, "IF RANDOM(0, 1) == 0 THEN");
                self.block(depth + 1, in_loop);
                if self.entropy.once_in(2) {
                    self.line(depth, "ELSE");
                    self.block(depth + 1, in_loop);
                }
                self.line(depth, "ENDIF");
            }
            12..=14 if depth < 4 => {
                let n = self.entropy.below(5);
                let items = match self.entropy.below(4) {
                    0 => format!("RANGE(1, {n}, 1)"),
                    1 => "[1, \"two\", [3]]".to_owned(),
                    2 => format!("{n}"),
                    _ => format!("[{a}, {b}]"),
                };
                self.line(depth, &format!("FOR i{name} IN {items} DO"));
                self.block(depth + 1, true);
                self.line(depth, "ENDFOR");
            }
            15 if self.entropy.once_in(4) => self.line(depth, "HALT"),
            _ => self.line(depth, &format!("SET {r} = HASH({a})")),
        }
    }

    fn block(&mut self, depth: usize, in_loop: bool) {
        for _ in 0..1 + self.entropy.below(3) {
            self.statement(depth, in_loop, false);
        }
    }
}

fn structured(entropy: &mut Entropy<'_>) -> String {
    let mut writer = Writer { entropy, out: String::new(), names: 0, functions: 0 };
    let count = writer.entropy.below(3);
    for n in 0..count {
        writer.functions = n;
        writer.line(0, &format!(".func f{n}(R0)"));
        for set in 1..4 {
            writer.line(1, &format!("SET R{set} = R0"));
        }
        writer.block(1, false);
        writer.line(1, "RETURN R0");
        writer.line(0, ".endfunc");
    }
    writer.functions = count;
    for set in 0..4 {
        let atom = format!("{}", writer.entropy.below(9));
        writer.line(0, &format!("SET R{set} = {atom}"));
    }
    for _ in 0..1 + writer.entropy.below(8) {
        writer.statement(0, false, true);
    }
    writer.out
}

#[test]
fn structured_programs_have_bounds_and_stay_below_them() {
    let mut seen = Seen::default();
    for seed in 0..4_000_u64 {
        let bytes = (seed + 1_000_000).to_le_bytes();
        let mut entropy = Entropy::new(&bytes);
        entropy.u64();
        let text = structured(&mut entropy);
        let assembly = assemble("random.avm", &text, &mut NoSources, &Options::default());
        let program = assembly.program.unwrap_or_else(|| {
            panic!("{text}\n{:?}", assembly.diagnostics);
        });
        let before = seen.finite;
        check(&program, &mut entropy, &mut seen);
        assert!(seen.finite > before, "every loop of it ends:\n{text}");
    }
    assert!(seen.exact > 300 && seen.calls > 300 && seen.labels > 300, "{seen:?}");
}
