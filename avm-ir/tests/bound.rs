//! Bounds of programs made by hand: what is exact, what is named, and that hostile programs take
//! neither time nor memory.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use avm_ir::{
    Instr, Opcode, Program, Schedule, Slot, Value, Verified,
    bound::{Bound, Bounds, Cause, Rounds},
    flow::Flow,
    instr::{Layout, NO_REGISTER},
    program::{Func, Label, MAIN, Perms, Region, Target},
    verify,
    verify::{CodePlace, FuncPlace},
};

/// Code as it is written by hand: labels are places, given when they are known.
#[derive(Default)]
struct Code {
    region: Region,
    labels: Vec<u32>,
}

impl Code {
    fn push(&mut self, op: Opcode, a: u8, slots: &[Slot]) -> &mut Self {
        let mut instr = Instr { a, ..Instr::bare(op) };
        if op.info().layout() == Layout::Pool {
            let start = self.region.pool.len();
            instr.b = Slot(slots.len() as u16);
            (instr.c, instr.d) = (Slot(start as u16), Slot((start >> 16) as u16));
            self.region.pool.extend(slots);
        } else {
            for (to, slot) in [&mut instr.b, &mut instr.c, &mut instr.d].into_iter().zip(slots) {
                *to = *slot;
            }
        }
        self.region.code.push(instr);
        self
    }

    fn here(&self) -> u32 {
        self.region.code.len() as u32
    }

    fn constant(&mut self, value: Value) -> Slot {
        self.region.consts.push(value);
        Slot::constant(self.region.consts.len() as u16 - 1)
    }

    /// A label; its slot is right once all labels have their place.
    fn label(&mut self, at: u32) -> Slot {
        self.labels.push(at);
        Slot(self.labels.len() as u16 - 1)
    }

    fn function(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        let entry = self.here();
        body(self);
        let (name, end) = (name.to_owned(), self.here());
        self.region.functions.push(Func { name, entry, end, params: 0, registers: 8 });
    }

    fn import(&mut self, name: &str) -> Slot {
        self.region.imports.push(name.to_owned());
        Slot(self.region.imports.len() as u16 - 1)
    }

    fn finish(mut self) -> Verified {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.sort_by_key(|n| self.labels[*n]);
        let mut numbers = vec![0; order.len()];
        for (number, old) in order.iter().enumerate() {
            numbers[*old] = number as u16;
            let target = Target::Here(self.labels[*old]);
            self.region.labels.push(Label { name: String::new(), target });
        }
        for instr in &mut self.region.code {
            let slot = match instr.op {
                Opcode::JUMP | Opcode::JUMP_IF_TRUE => &mut instr.b,
                Opcode::NEXT => &mut instr.d,
                _ => continue,
            };
            slot.0 = numbers[usize::from(slot.0)];
        }
        let region = Region { name: MAIN.into(), perms: Perms::MAIN, ..self.region };
        verify(Program { regions: vec![region], ..Program::default() }).expect("it verifies")
    }
}

fn bounds(program: &Verified) -> Bounds {
    let start = Instant::now();
    let bounds = Bounds::new(program, &Schedule::v1());
    // Ample even without optimisation on a busy machine; what is not linear takes minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    bounds
}

const fn main(pc: u32) -> CodePlace {
    CodePlace { region: 0, pc }
}

/// `SET cursor 0`, `NEXT`, the body, `JUMP`; the cursor is register 1, the item register 2.
fn for_loop(code: &mut Code, items: Slot, body: impl FnOnce(&mut Code, Slot)) {
    let zero = code.constant(Value::Int(0));
    code.push(Opcode::SET, 1, &[zero]);
    let head = code.here();
    let (top, done) = (code.label(head), code.label(0));
    code.push(Opcode::NEXT, 2, &[Slot::reg(1), items, done]);
    body(code, done);
    code.push(Opcode::JUMP, NO_REGISTER, &[top]);
    let end = code.here();
    code.labels[usize::from(done.0)] = end;
}

#[test]
fn a_loop_over_a_literal_is_exact_until_something_else_leaves_it() {
    let mut code = Code::default();
    let three = code.constant(Value::Int(3));
    for_loop(&mut code, three, |code, _| {
        code.push(Opcode::NOP, NO_REGISTER, &[]);
    });
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    let found = bounds(&code.finish());
    // SET, four times NEXT, three times NOP and JUMP, HALT.
    assert!(found.program.is_exact());
    assert_eq!(found.program.evaluate(&BTreeMap::new()), Some(12_000));
    assert_eq!(found.loops[0].rounds, Some(Rounds { least: 3, most: 3 }));
    assert_eq!((found.loops[0].at, found.loops[0].back), (main(1), main(3)));

    // The way back and the way out cost the same.
    let mut code = Code::default();
    let three = code.constant(Value::Int(3));
    let zero = code.constant(Value::Int(0));
    code.push(Opcode::SET, 1, &[zero]);
    let (top, done) = (code.label(1), code.label(3));
    code.push(Opcode::NEXT, 2, &[Slot::reg(1), three, done]);
    code.push(Opcode::JUMP_IF_TRUE, NO_REGISTER, &[top]);
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    let found = bounds(&code.finish());
    assert!(!found.program.is_exact());
    assert_eq!(found.program.evaluate(&BTreeMap::new()), Some(9_000));

    // Something else writes the cursor.
    let mut code = Code::default();
    let three = code.constant(Value::Int(3));
    for_loop(&mut code, three, |code, _| {
        code.push(Opcode::SET, 1, &[three]);
    });
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    let found = bounds(&code.finish());
    assert_eq!(found.program, Bound::Unbounded(Cause::Loop(main(1))));
    assert_eq!(found.loops[0].round.evaluate(&BTreeMap::new()), Some(3_000));
}

/// In a world its function is called again and again, whatever the run of one agent costs.
#[test]
fn a_scheduled_task_has_no_bound() {
    let mut code = Code::default();
    let (name, seconds) = (code.constant(Value::text("f")), code.constant(Value::Int(5)));
    code.push(Opcode::SCHEDULE_TASK, NO_REGISTER, &[name, seconds]);
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    assert_eq!(bounds(&code.finish()).program, Bound::Unbounded(Cause::Task(main(0))));
}

#[test]
fn recursion_is_named() {
    let mut code = Code::default();
    let (f, g, h) = (code.import("f"), code.import("g"), code.import("h"));
    code.push(Opcode::CALL, 0, &[h]).push(Opcode::HALT, NO_REGISTER, &[]);
    let null = code.constant(Value::Null);
    for (name, callee) in [("f", g), ("g", f), ("h", f)] {
        code.function(name, |code| {
            code.push(Opcode::CALL, 0, &[callee]).push(Opcode::RETURN, NO_REGISTER, &[null]);
        });
    }
    let found = bounds(&code.finish());
    let place = |function| FuncPlace { region: 0, function };
    assert_eq!(found.functions[0].bound, Bound::Unbounded(Cause::Recursion(place(0))));
    assert_eq!(found.functions[1].bound, Bound::Unbounded(Cause::Recursion(place(1))));
    // It calls no function that calls it; what it calls has no bound.
    assert_eq!(found.functions[2].bound, Bound::Unbounded(Cause::Recursion(place(0))));
    assert_eq!(found.program, Bound::Unbounded(Cause::Recursion(place(0))));
}

/// `LOG` of a register that is not known.
fn note(code: &mut Code) {
    code.push(Opcode::LOG, NO_REGISTER, &[Slot::reg(7)]);
}

#[test]
fn sums_that_list_not_everything_stay_bounds() {
    let mut code = Code::default();
    let (f, g) = (code.import("f"), code.import("g"));
    let null = code.constant(Value::Null);
    for _ in 0..40 {
        note(&mut code);
    }
    for call in [f, g, f, g, f] {
        code.push(Opcode::CALL, 0, &[call]);
    }
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    for (name, notes) in [("f", 50), ("g", 45)] {
        code.function(name, |code| {
            for _ in 0..notes {
                note(code);
            }
            code.push(Opcode::RETURN, NO_REGISTER, &[null]);
        });
    }
    let program = code.finish();
    let found = bounds(&program);
    // Each note measures something else, one of them very much.
    for dear in 0..200 {
        let cost = |pc: u32| if pc == dear { 1_000_000_000 } else { u64::from(pc) };
        let mut measured = BTreeMap::new();
        let mut real = 0;
        for (pc, instr) in program.program().regions[0].code.iter().enumerate() {
            let pc = pc as u32;
            let function = program.program().regions[0]
                .functions
                .iter()
                .position(|f| (f.entry..f.end).contains(&pc));
            let times = [1, 3, 2][function.map_or(0, |f| f + 1)];
            real += 1_000 * times;
            if instr.op == Opcode::LOG {
                measured.insert(main(pc), cost(pc));
                real += cost(pc) * times;
            }
        }
        let most = found.program.evaluate(&measured).expect("it has a bound");
        assert!(real <= most, "{dear}: {real} > {most}");
    }
}

#[test]
fn hostile_programs() {
    // A hundred thousand instructions whose price is open.
    let mut code = Code::default();
    for _ in 0..100_000 {
        note(&mut code);
    }
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    let found = bounds(&code.finish());
    let sum = found.program.sum().expect("a bound");
    assert_eq!((sum.parts.len(), sum.others, sum.nanogas), (32, 1, 100_001_000));

    // Branches in branches, each with an open price, all ending far away.
    let mut code = Code::default();
    let depth = 30_000;
    for n in 0..depth {
        let end = code.label(2 * depth + (depth - n));
        code.push(Opcode::JUMP_IF_TRUE, NO_REGISTER, &[end]);
        note(&mut code);
    }
    for _ in 0..=depth {
        note(&mut code);
    }
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    assert!(bounds(&code.finish()).program.sum().is_some_and(|sum| sum.others == 1));

    // Counted loops in counted loops. The cursors share a register, so they count for nothing but
    // the innermost.
    let mut code = Code::default();
    let three = code.constant(Value::Int(3));
    let depth = 15_000;
    for n in 0..depth {
        let done = code.label(4 * depth - n);
        code.push(Opcode::NEXT, 2, &[Slot::reg((n % 100) as u8 + 10), three, done]);
        note(&mut code);
    }
    code.push(Opcode::NOP, NO_REGISTER, &[]);
    for n in (0..depth).rev() {
        let top = code.label(2 * n);
        code.push(Opcode::JUMP, NO_REGISTER, &[top]);
        code.push(Opcode::NOP, NO_REGISTER, &[]);
    }
    let end = code.here();
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    for (n, at) in code.labels.iter_mut().enumerate().take(depth as usize) {
        *at = end - 2 * n as u32 - 1;
    }
    let found = bounds(&code.finish());
    assert_eq!(found.loops.len(), depth as usize);
    assert!(found.loops.last().is_some_and(|l| l.rounds.is_some()));

    // Functions that each call the next one twice.
    let mut code = Code::default();
    let null = code.constant(Value::Null);
    let count = 2_000;
    let calls: Vec<Slot> = (0..count).map(|n| code.import(&format!("f{n}"))).collect();
    code.push(Opcode::CALL, 0, &[calls[0]]).push(Opcode::HALT, NO_REGISTER, &[]);
    for n in 0..count {
        let next = calls.get(n + 1).copied();
        code.function(&format!("f{n}"), |code| {
            for callee in next.into_iter().chain(next) {
                code.push(Opcode::CALL, 0, &[callee]);
            }
            note(code);
            code.push(Opcode::RETURN, NO_REGISTER, &[null]);
        });
    }
    let found = bounds(&code.finish());
    assert_eq!(found.program.sum().map(|sum| sum.nanogas), Some(u64::MAX));
}

#[test]
fn loops_that_cannot_be_told_apart_have_no_bound() {
    let (before, depth) = (20_000, 30_000);
    let mut code = Code::default();
    for _ in 0..before {
        let middle = code.label(before + depth);
        code.push(Opcode::JUMP_IF_TRUE, NO_REGISTER, &[middle]);
    }
    for _ in 0..=depth {
        code.push(Opcode::NOP, NO_REGISTER, &[]);
    }
    for n in (0..depth).rev() {
        let top = code.label(before + n);
        code.push(Opcode::JUMP_IF_TRUE, NO_REGISTER, &[top]);
    }
    code.push(Opcode::HALT, NO_REGISTER, &[]);
    let program = code.finish();
    assert!(Flow::new(&program).nest().is_tangled());
    assert_eq!(bounds(&program).program.sum(), None);
}
