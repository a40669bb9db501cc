//! The loop: fetch, charge, dispatch, observe. One file of handlers per family of the table.
//!
//! A plain `match` over the opcode in safe Rust measured as fast as hand-threaded code; what
//! counts is that gas and program counter are locals that no handler can see. So handlers neither
//! charge nor jump: they compute, or say by an [`Exit`] what the loop is to do.

pub(crate) mod arith;
mod code;
mod compare;
mod control;
mod convert;
pub(crate) mod data;
mod effect;
mod introspect;
mod list;
mod state;
mod text;
mod vector;

use alloc::{boxed::Box, vec::Vec};

use avm_ir::{
    Instr, Opcode, Slot, Value,
    gas::{GAS, MICRO, MILLI, Measure::*, base, open, per},
    program::Region,
    verify::{CodePlace, Links},
};

use crate::{
    agent::Agent,
    effect::Failure,
    machine::{Frame, Image, windows_heap},
    observer::{self, Flow, Observer, Seen},
    price::{Operands, Results, RowPrice, slots_of},
    trap::{Fault, TrapCode},
};

/// Registers of a window, with one to spare so that every register byte is an index.
pub(crate) const WINDOW: usize = 256;

/// Why the loop stops looking at the next instruction.
#[derive(Debug)]
pub(crate) enum Exit {
    /// Go on at a label.
    Jump(u16),
    /// Go on in another region.
    Far(CodePlace),
    /// Push a frame for the `CALL` just fetched.
    Call,
    /// Pop a frame for the `RETURN` just fetched.
    Return,
    /// The run is over.
    Halt,
    /// Ask the outside for the instruction just fetched, for which so many nanogas are charged already.
    Effect(u64),
    /// The instruction just fetched costs more gas than is left.
    Exhausted,
    /// The slice is used up.
    Slice,
    /// A note was written; tell the observer and go on.
    Logged,
    /// Code of another region may be replaced now; go on.
    Rewrite,
    /// The program's fault.
    Fault(Box<Fault>),
}

impl From<Fault> for Exit {
    #[cold]
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

/// What a handler gives back.
pub(crate) type Done = Result<(), Exit>;

/// A trap from a handler, with a fixed message.
#[cold]
pub(crate) fn fault(code: TrapCode, message: &str) -> Exit {
    Exit::from(Fault::new(code, message))
}

/// A trap for an operand of the wrong type.
#[cold]
pub(crate) fn type_fault(op: Opcode, wanted: &str, found: &Value) -> Exit {
    let message = alloc::format!("{} wants {wanted}, found {}", op.mnemonic(), found.type_name());
    Exit::from(Fault { code: TrapCode::TypeMismatch, message })
}

/// What handlers see of the machine: one window of registers, the region's constants and pool, and
/// the agent's state. No gas, no program counter.
pub(crate) struct Cpu<'m> {
    pub(crate) regs: &'m mut [Value; WINDOW],
    /// Registers of the callers; the agent's window first. Empty outside functions.
    pub(crate) below: &'m mut [Value],
    /// Registers of the window in use.
    pub(crate) live: usize,
    pub(crate) frames: &'m [Frame],
    /// See [`windows_heap`].
    pub(crate) sums: &'m mut Vec<u64>,
    pub(crate) region: &'m Region,
    pub(crate) consts: &'m [Value],
    pub(crate) links: &'m Links,
    pub(crate) agent: &'m mut Agent,
    pub(crate) image: &'m Image,
    /// Result of an instruction that is priced by it.
    pub(crate) result: Value,
    /// Units of work of an instruction that is priced by them.
    pub(crate) units: u64,
    /// Why an instruction that is priced by its result failed.
    pub(crate) failure: Option<Failure>,
}

impl Cpu<'_> {
    /// The value of an operand; `NULL` if it was left out.
    #[inline(always)]
    pub(crate) fn get(&self, slot: Slot) -> &Value {
        let number = usize::from(slot.0);
        if number < WINDOW {
            &self.regs[number]
        } else {
            // The number that means "absent" is no constant's.
            self.consts.get(number & 0x7FFF).unwrap_or(&Value::Null)
        }
    }

    /// The value of an operand, unless it was left out.
    pub(crate) fn opt(&self, slot: Slot) -> Option<&Value> {
        if slot == Slot::ABSENT { None } else { Some(self.get(slot)) }
    }

    /// The operands of an instruction whose slots lie in the pool.
    pub(crate) fn slots(&self, instr: Instr) -> avm_ir::instr::Slots<'_> {
        slots_of(&instr, &self.region.pool)
    }

    /// Writes a result and counts its memory.
    #[inline(always)]
    pub(crate) fn write(&mut self, register: u8, value: Value) -> Done {
        if value.is_heap() {
            self.made(value.heap())?;
        }
        self.put(register, value);
        Ok(())
    }

    /// Writes a result without counting its memory.
    #[inline(always)]
    pub(crate) fn put(&mut self, register: u8, value: Value) {
        let slot = &mut self.regs[usize::from(register)];
        if slot.is_heap() {
            *slot = value;
        } else {
            // A scalar needs no destructor; saying so saves a call on every write.
            core::mem::forget(core::mem::replace(slot, value));
        }
    }

    /// Writes a comparison's result to its register and the bool word.
    #[inline(always)]
    pub(crate) fn put_bool(&mut self, register: u8, value: bool) -> Done {
        self.agent.status.bool = value;
        self.put(register, Value::Bool(value));
        Ok(())
    }

    /// Counts memory as made.
    #[inline]
    pub(crate) fn made(&mut self, bytes: u64) -> Done {
        if self.agent.memory.make(bytes) { Ok(()) } else { self.measure(bytes) }
    }

    /// Makes sure that so much memory may be made, before it is.
    #[inline]
    pub(crate) fn reserve(&mut self, bytes: u64) -> Done {
        if self.agent.memory.has_room(bytes) { Ok(()) } else { self.measure(bytes) }
    }

    #[cold]
    fn measure(&mut self, about: u64) -> Done {
        let reachable = self.reachable();
        Ok(self.agent.memory.measure(reachable, about)?)
    }

    /// Memory of everything that the agent holds, in bytes.
    fn reachable(&mut self) -> u64 {
        let current = &self.regs[..self.live.min(WINDOW)];
        let unused = &self.image.unused;
        let windows = windows_heap(unused, self.below, current, self.frames, self.sums);
        windows + self.agent.heap()
    }

    /// What observers see of it.
    #[inline(always)]
    fn seen(&self) -> Seen<'_> {
        Seen { registers: &self.regs[..], consts: self.consts, status: &self.agent.status }
    }

    /// The agent's own window, wherever it is.
    pub(crate) fn agent_window(&mut self) -> &mut [Value] {
        if self.below.is_empty() { &mut self.regs[..] } else { &mut self.below[..WINDOW] }
    }

    /// What an instruction costs before it runs, besides the intrinsic minimum.
    fn price_before(&self, instr: Instr) -> u64 {
        let slots = self.slots(instr);
        let operands = Operands {
            a: &self.regs[usize::from(instr.a)],
            slots: &slots,
            value: &|s| self.get(s),
        };
        self.image.prices.before(instr.op, &operands)
    }

    /// What an instruction costs by its results.
    pub(crate) fn price_after(&self, instr: Instr, outputs: &[Value], units: u64) -> u64 {
        let slots = self.slots(instr);
        let operands = Operands {
            a: &self.regs[usize::from(instr.a)],
            slots: &slots,
            value: &|s| self.get(s),
        };
        self.image.prices.after(instr.op, &operands, &Results { outputs: Some(outputs), units })
    }
}

/// Counters that the loop keeps in locals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    /// Index of the next instruction; behind the one at fault where the loop exits with one.
    pub(crate) pc: usize,
    /// Nanogas left.
    pub(crate) gas: u64,
    /// Executed instructions.
    pub(crate) steps: u64,
}

/// Runs until something happens that the loop cannot do, at most until `stop_at` steps.
///
/// On [`Exit::Exhausted`] the counters are those before the instruction. On [`Exit::Effect`] the
/// price known beforehand is charged and the step not yet counted.
pub(crate) fn run<O: Observer>(
    cpu: &mut Cpu<'_>,
    counters: Counters,
    region: u32,
    stop_at: u64,
    observer: &mut O,
) -> (Exit, Counters) {
    let Counters { mut pc, mut gas, mut steps } = counters;
    let code: &[Instr] = &cpu.region.code;
    let intrinsic = cpu.image.prices.intrinsic;
    'step: loop {
        if steps >= stop_at {
            return (Exit::Slice, Counters { pc, gas, steps });
        }
        // A verified program's flow never runs off the end of its code.
        let Some(&instr) = code.get(pc) else {
            return (Exit::Halt, Counters { pc, gas, steps });
        };
        let here = pc;
        let gas_before = gas;
        if gas < intrinsic {
            return (Exit::Exhausted, Counters { pc, gas, steps });
        }
        gas -= intrinsic;
        pc += 1;
        let unpaid = Counters { pc: here, gas: gas_before, steps };
        if O::VALUES {
            observer.before(CodePlace { region, pc: here as u32 }, instr, &cpu.seen());
        }

        let exit = 'exit: {
            let label: u16 = 'jump: {
                // One arm per row of the table. Whether a row has a price, and whether only containers
                // make it cost more than the minimum, is known when this is compiled. Every arm leaves by a
                // jump of its own, so that no result is carried through memory.
                macro_rules! arms {
                    ($(
                        $(#[doc = $doc:literal])+
                        $byte:literal $name:ident => $family:ident :: $handler:ident also [$($alias:literal),*]
                        in { $($input:ident $([$($ia:ident),+])? : $ik:ident = $id:tt $idoc:literal),* }
                        out { $($output:ident $([$($oa:ident),+])? : $ok:ident = $opt:ident $odoc:literal),* }
                        gas [$($term:expr),*] sets $sets:ident reach $reach:ident
                        $(unread $unread:ident)? sem $sem:literal
                        source $source:literal since $since:literal;
                    )*) => {
                        match instr.op {
                            $(Opcode::$name => {
                                const PRICE: RowPrice = RowPrice::of(&[$(stringify!($input)),*], &[$($term),*]);
                                let scalars = || !cpu.get(instr.b).is_heap() && !cpu.get(instr.c).is_heap();
                                if PRICE.before && !(PRICE.only_weights && scalars()) {
                                    let price = cpu.price_before(instr);
                                    if price > gas {
                                        return (Exit::Exhausted, unpaid);
                                    }
                                    gas -= price;
                                }
                                const OWN: bool = matches!(stringify!($family).as_bytes(), b"code");
                                if PRICE.after || OWN {
                                    // Such rows may look at the meters.
                                    (cpu.agent.gas, cpu.agent.steps) = (gas_before, steps);
                                }
                                let mut done = $family::$handler(cpu, instr);
                                if PRICE.after && done.is_ok() {
                                    done = settle(cpu, instr, &mut gas);
                                }
                                match done {
                                    Ok(()) => {
                                        steps += 1;
                                        let at = CodePlace { region, pc: here as u32 };
                                        observe(observer, cpu, at, instr, gas_before - gas, Flow::On);
                                        continue 'step;
                                    }
                                    Err(Exit::Jump(label)) => break 'jump label,
                                    Err(exit) => break 'exit exit,
                                }
                            })*
                        }
                    };
                }

                avm_ir::for_each_op!(arms)
            };
            match cpu.links.labels.get(usize::from(label)) {
                Some(place) if place.region == region => {
                    pc = place.pc as usize;
                    steps += 1;
                    let at = CodePlace { region, pc: here as u32 };
                    observe(observer, cpu, at, instr, gas_before - gas, Flow::Jumped);
                    continue 'step;
                }
                Some(place) => Exit::Far(*place),
                // A verified program's labels exist.
                None => Exit::Halt,
            }
        };
        if matches!(exit, Exit::Exhausted) {
            return (exit, unpaid);
        }
        if matches!(exit, Exit::Effect(_)) {
            return (Exit::Effect(gas_before - gas), Counters { pc, gas, steps });
        }
        steps += 1;
        let at = CodePlace { region, pc: here as u32 };
        observe(observer, cpu, at, instr, gas_before - gas, flow_of(&exit));
        if !matches!(exit, Exit::Logged) {
            return (exit, Counters { pc, gas, steps });
        }
        if let Some(entry) = cpu.agent.log.own().back_mut() {
            entry.step = steps;
            observer.log(&entry.note);
        }
    }
}

#[inline(always)]
fn observe<O: Observer>(
    observer: &mut O,
    cpu: &Cpu<'_>,
    at: CodePlace,
    instr: Instr,
    gas: u64,
    flow: Flow,
) {
    if O::STEPS {
        observer.step(at, instr.op, gas);
    }
    if O::VALUES {
        observer.after(&observer::Done { at, instr, gas, flow, seen: cpu.seen() });
    }
}

/// Where flow goes by an exit, for observers.
#[inline(always)]
const fn flow_of(exit: &Exit) -> Flow {
    match exit {
        Exit::Far(_) | Exit::Jump(_) => Flow::Jumped,
        Exit::Fault(_) => Flow::Trapped,
        Exit::Logged | Exit::Rewrite => Flow::On,
        _ => Flow::Left,
    }
}

/// Charges what a local instruction's result costs, and only then writes the result and its status.
#[cold]
fn settle(cpu: &mut Cpu<'_>, instr: Instr, gas: &mut u64) -> Done {
    let result = core::mem::take(&mut cpu.result);
    let units = core::mem::take(&mut cpu.units);
    let price = cpu.price_after(instr, core::slice::from_ref(&result), units);
    let failure = cpu.failure.take();
    *gas = gas.checked_sub(price).ok_or(Exit::Exhausted)?;
    cpu.agent.status.set_failed(instr.op.info().sets, failure.is_some());
    if let Some(failure) = failure {
        cpu.agent.note_failure(failure);
    }
    if instr.a == avm_ir::instr::NO_REGISTER { Ok(()) } else { cpu.write(instr.a, result) }
}
