//! What is known of registers at each instruction: a forward analysis over the blocks.
//!
//! It starts out believing that nothing else comes to a block than what was seen so far, and sweeps
//! until nothing changes any more. Parameters are what all calls give, and results what all returns
//! give. Where that takes too long (loops nested deeply) each block is looked at alone. The number of
//! facts kept per block is limited by the number of blocks, so memory and time stay linear.

use alloc::vec::Vec;

use super::fact::{Fact, Span, Types};
use crate::{
    flow::{self, BlockId, Flow, Window},
    info::OpInfo,
    instr::{Instr, NO_REGISTER, Slot},
    opcode::Opcode,
    operand::Kind,
    program::{Func, Region},
    value::Value,
    verify::{CodePlace, FuncPlace, Verified},
};

/// How often a block is looked at, on the average, before each is looked at alone.
const VISITS: usize = 16;
/// How often what calls give, or what returns give, may grow before sizes are forgotten.
const GROWTH: u8 = 3;
/// Most parameters of a function that are followed.
const PARAMETERS: usize = 16;
/// Facts kept in all.
const FACTS: usize = 400_000;
/// Most operands of a row that are looked at.
pub(super) const OPERANDS: usize = 8;

/// Facts about registers, by number; what is unknown is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State<'a>(Vec<(u8, Fact<'a>)>);

impl<'a> State<'a> {
    pub(super) fn get(&self, register: u8) -> Fact<'a> {
        match self.0.binary_search_by_key(&register, |(number, _)| *number) {
            Ok(at) => self.0[at].1,
            Err(_) => Fact::UNKNOWN,
        }
    }

    fn set(&mut self, register: u8, fact: Fact<'a>) {
        match self.0.binary_search_by_key(&register, |(number, _)| *number) {
            Ok(at) if fact.is_unknown() => {
                self.0.remove(at);
            }
            Ok(at) => self.0[at].1 = fact,
            Err(_) if fact.is_unknown() => {}
            Err(at) => self.0.insert(at, (register, fact)),
        }
    }

    fn join(&mut self, other: &Self) {
        self.0.retain_mut(|(register, fact)| {
            *fact = fact.hull(&other.get(*register));
            !fact.is_unknown()
        });
    }

    /// Forgets sizes and counts that grew from round to round.
    fn widen(&mut self, before: &Self) {
        self.0.retain_mut(|(register, fact)| {
            let old = before.get(*register);
            if fact.size != old.size && !fact.types.within(Types::SCALAR) {
                fact.size = Span::ANY;
            }
            if fact.count != old.count {
                fact.count = Span::ANY;
            }
            !fact.is_unknown()
        });
    }
}

/// What is known of a function from its calls and returns.
#[derive(Clone, Debug, Default)]
struct Function<'a> {
    /// Its parameters; `None` as long as no call was seen.
    parameters: Option<State<'a>>,
    /// What it returns; `None` as long as no return was seen.
    result: Option<Fact<'a>>,
    /// Blocks that call it.
    callers: Vec<BlockId>,
    grown: (u8, u8),
}

impl<'a> Function<'a> {
    /// Learns of a call; whether that was new.
    fn call(&mut self, arguments: State<'a>) -> bool {
        let Some(old) = &self.parameters else {
            self.parameters = Some(arguments);
            return true;
        };
        let mut joined = old.clone();
        joined.join(&arguments);
        if self.grown.0 >= GROWTH {
            joined.widen(old);
        }
        let new = joined != *old;
        if new {
            self.grown.0 = self.grown.0.saturating_add(1);
            self.parameters = Some(joined);
        }
        new
    }

    /// Learns of a return; whether that was new.
    fn ret(&mut self, result: Fact<'a>) -> bool {
        let mut state = State(alloc::vec![(0, result)]);
        if let Some(old) = self.result {
            let old = State(alloc::vec![(0, old)]);
            state.join(&old);
            if self.grown.1 >= GROWTH {
                state.widen(&old);
            }
        }
        let joined = Some(state.get(0));
        let new = joined != self.result;
        if new {
            self.grown.1 = self.grown.1.saturating_add(1);
            self.result = joined;
        }
        new
    }
}

/// What is heard of a function.
enum News<'a> {
    /// A call with these arguments.
    Call(FuncPlace, State<'a>),
    /// It returns this.
    Return(FuncPlace, Fact<'a>),
}

/// What a program's code is analysed with.
pub(super) struct Known<'a> {
    program: &'a Verified,
    flow: &'a Flow,
    /// Facts behind each block.
    out: Vec<Option<State<'a>>>,
    /// The register that a `NEXT` at the end of a block writes only if it falls through.
    fall: Vec<Option<(u8, Fact<'a>)>>,
    /// Whether functions write the agent's registers as a whole.
    functions_restore: bool,
    most: usize,
    functions: Vec<Vec<Function<'a>>>,
    /// Whether a block is an entry.
    is_entry: Vec<bool>,
    /// Whether facts hold at the start of blocks.
    across: bool,
}

impl<'a> Known<'a> {
    pub(super) fn new(program: &'a Verified, flow: &'a Flow) -> Self {
        let blocks = flow.blocks().len();
        let functions_restore = program.program().regions.iter().any(|region| {
            region.code[region.body_end()..].iter().any(|i| flow::window(i) == Window::Written)
        });
        let mut known = Self {
            program,
            flow,
            out: alloc::vec![None; blocks],
            fall: alloc::vec![None; blocks],
            functions_restore,
            most: (FACTS / blocks.max(1)).clamp(4, 255),
            functions: Self::functions(program, flow),
            is_entry: alloc::vec![false; blocks],
            across: true,
        };
        for entry in flow.entries() {
            known.is_entry[*entry as usize] = true;
        }
        known.across = !flow.nest().is_tangled() && known.sweep();
        known
    }

    fn functions(program: &Verified, flow: &Flow) -> Vec<Vec<Function<'a>>> {
        let regions = &program.program().regions;
        let mut functions: Vec<Vec<Function<'_>>> =
            regions.iter().map(|r| alloc::vec![Function::default(); r.functions.len()]).collect();
        for block in flow.postorder() {
            let place = flow.blocks()[*block as usize];
            let code = &regions[place.region as usize].code;
            for pc in place.start..place.end {
                let at = CodePlace { region: place.region, pc };
                if code[pc as usize].op == Opcode::CALL
                    && let Some(callee) = flow::callee(program, at)
                {
                    let callers =
                        &mut functions[callee.region as usize][callee.function as usize].callers;
                    if callers.last() != Some(block) {
                        callers.push(*block);
                    }
                }
            }
        }
        functions
    }

    /// Whether facts settled.
    fn sweep(&mut self) -> bool {
        let mut open = alloc::vec![true; self.out.len()];
        let mut patience = VISITS * self.out.len() + 4096;
        loop {
            let mut changed = false;
            for block in self.flow.postorder().iter().rev().copied() {
                if !core::mem::replace(&mut open[block as usize], false) {
                    continue;
                }
                // What nothing was seen to lead to may never be reached.
                let Some(mut state) = self.start(block) else { continue };
                patience = match patience.checked_sub(1) {
                    Some(left) => left,
                    None => return false,
                };
                let mut news = Vec::new();
                let place = self.flow.blocks()[block as usize];
                let region: &'a Region = &self.program.program().regions[place.region as usize];
                let fall = self.through(block, &mut state, |pc, instr, state| {
                    let at = CodePlace { region: place.region, pc };
                    news.extend(self.news(region, place.function, at, instr, state));
                });
                for new in news {
                    changed |= self.tell(new, &mut open);
                }
                state.0.truncate(self.most);
                let at = block as usize;
                if self.out[at].as_ref() != Some(&state) || self.fall[at] != fall {
                    changed = true;
                    self.out[at] = Some(state);
                    self.fall[at] = fall;
                    for next in self.flow.successors(block) {
                        open[*next as usize] = true;
                    }
                }
            }
            if !changed {
                return true;
            }
        }
    }

    /// What an instruction says about a function.
    fn news(
        &self,
        region: &'a Region,
        inside: Option<u32>,
        at: CodePlace,
        instr: &Instr,
        state: &State<'a>,
    ) -> Option<News<'a>> {
        match instr.op {
            Opcode::RETURN => {
                let function = FuncPlace { region: at.region, function: inside? };
                Some(News::Return(function, fact_of(region, instr.b, state)))
            }
            Opcode::CALL => {
                let callee = flow::callee(self.program, at)?;
                let slots = instr.slots(&region.pool)?;
                let mut arguments = State::default();
                for parameter in 0..usize::from(self.function(callee).params).min(PARAMETERS) {
                    // The first slot is the function; what is missing is `NULL`.
                    let slot = slots.get(parameter + 1).copied().unwrap_or(Slot::ABSENT);
                    arguments.set(parameter as u8, fact_of(region, slot, state));
                }
                Some(News::Call(callee, arguments))
            }
            _ => None,
        }
    }

    fn function(&self, place: FuncPlace) -> &'a Func {
        let region = &self.program.program().regions[place.region as usize];
        &region.functions[place.function as usize]
    }

    /// Tells a function its news and opens what depends on them; whether they were any.
    fn tell(&mut self, news: News<'a>, open: &mut [bool]) -> bool {
        let (News::Call(place, _) | News::Return(place, _)) = news;
        let entry = CodePlace { region: place.region, pc: self.function(place).entry };
        let function = &mut self.functions[place.region as usize][place.function as usize];
        match news {
            News::Call(_, arguments) => {
                let new = function.call(arguments);
                if new {
                    open[self.flow.block_at(entry) as usize] = true;
                }
                new
            }
            News::Return(_, result) => {
                let new = function.ret(result);
                if new {
                    for caller in &function.callers {
                        open[*caller as usize] = true;
                    }
                }
                new
            }
        }
    }

    /// What holds at the start of a block.
    pub(super) fn before(&self, block: BlockId) -> State<'a> {
        if !self.across {
            return State::default();
        }
        self.start(block).unwrap_or_default()
    }

    /// What holds at the start of a block by what was seen; `None` if nothing was seen to lead there.
    fn start(&self, block: BlockId) -> Option<State<'a>> {
        let mut outside = None;
        if self.is_entry[block as usize] {
            let place = self.flow.blocks()[block as usize];
            let Some(function) = place.function else { return Some(State::default()) };
            let function = &self.functions[place.region as usize][function as usize];
            outside = Some(function.parameters.clone()?);
        }
        let nest = self.flow.nest();
        let own = nest.innermost(block).filter(|l| nest.all()[*l as usize].head == block);
        let backs = own.map(|number| &*nest.all()[number as usize].backs).unwrap_or_default();
        let mut all = outside.clone();
        for from in self.flow.predecessors(block) {
            let Some(state) = self.along(*from, block) else { continue };
            let is_back = backs.binary_search(from).is_ok();
            for (wanted, to) in [(true, &mut all), (!is_back, &mut outside)] {
                match to {
                    _ if !wanted => {}
                    None => *to = Some(state.clone()),
                    Some(joined) => State::join(joined, &state),
                }
            }
        }
        if let (Some(_), Some(all), Some(outside)) = (own, &mut all, &outside) {
            all.widen(outside);
        }
        all
    }

    /// What holds where a loop is entered; `None` if nothing leads there.
    pub(super) fn outside(&self, head: BlockId) -> Option<State<'a>> {
        if !self.across || self.is_entry[head as usize] {
            return None;
        }
        let nest = self.flow.nest();
        let number = nest.innermost(head)?;
        let backs = &nest.all()[number as usize].backs;
        let outside = self.flow.predecessors(head).iter();
        let outside = outside.filter(|from| backs.binary_search(from).is_err());
        outside.filter_map(|from| self.along(*from, head)).reduce(|mut joined, state| {
            joined.join(&state);
            joined
        })
    }

    /// What a call brings back.
    fn returned(&self, at: CodePlace) -> Fact<'a> {
        let callee = flow::callee(self.program, at).filter(|_| self.across);
        let function =
            callee.map(|callee| &self.functions[callee.region as usize][callee.function as usize]);
        match function {
            // Nothing goes on behind a call that was not seen to return.
            Some(function) => function.result.unwrap_or(Fact::NOTHING),
            None => Fact::UNKNOWN,
        }
    }

    /// Whether an instruction writes the named registers of the window as a whole.
    pub(super) fn restores(&self, instr: &Instr, in_function: bool) -> bool {
        let restores = flow::window(instr) == Window::Written
            || (instr.op == Opcode::CALL && self.functions_restore);
        restores && !in_function
    }

    /// What holds on the way from one block to another, if the first was looked at.
    fn along(&self, from: BlockId, to: BlockId) -> Option<State<'a>> {
        let mut state = self.out[from as usize].clone()?;
        if let Some((register, fact)) = self.fall[from as usize] {
            let last = self.flow.blocks()[from as usize].last();
            let exits = flow::exits(self.program, last);
            let jump = exits.jumps.map(|place| self.flow.block_at(place));
            let fall = self.flow.block_at(CodePlace { pc: last.pc + 1, ..last });
            match (fall == to, jump == Some(to)) {
                (true, false) => state.set(register, fact),
                (true, true) => state.set(register, Fact::UNKNOWN),
                _ => {}
            }
        }
        Some(state)
    }

    /// Shows each instruction of a block with what holds before it, and what a `NEXT` at its end
    /// writes where it falls through.
    pub(super) fn through(
        &self,
        block: BlockId,
        state: &mut State<'a>,
        mut visit: impl FnMut(u32, &Instr, &State<'a>),
    ) -> Option<(u8, Fact<'a>)> {
        let block = self.flow.blocks()[block as usize];
        let region: &'a Region = &self.program.program().regions[block.region as usize];
        let mut fall = None;
        for pc in block.start..block.end {
            let instr = &region.code[pc as usize];
            visit(pc, instr, state);
            fall = self.step(
                region,
                CodePlace { region: block.region, pc },
                instr,
                block.function.is_some(),
                state,
            );
        }
        fall
    }

    fn step(
        &self,
        region: &'a Region,
        at: CodePlace,
        instr: &Instr,
        in_function: bool,
        state: &mut State<'a>,
    ) -> Option<(u8, Fact<'a>)> {
        let operands = Operands::new(region, instr, state);
        let result = match instr.op {
            Opcode::CALL => self.returned(at),
            _ => result(instr, &operands),
        };
        if instr.op == Opcode::NEXT {
            let cursor = instr.b.as_reg().filter(|cursor| *cursor != instr.a);
            if let Some(cursor) = cursor {
                state.set(cursor, Fact::typed(Types::INT));
            }
            return Some((instr.a, result));
        }
        for register in flow::writes(region, instr) {
            state.set(register, Fact::UNKNOWN);
        }
        // An effect that fails writes `NULL`, and what a provider brings may be anything.
        if !instr.op.info().outputs.is_empty() && instr.a != NO_REGISTER {
            let place = flow::operands(region, instr).any(|(input, slot)| {
                instr.op.info().inputs[input].kind == Kind::Place && slot.as_reg() == Some(instr.a)
            });
            state.set(instr.a, if place { Fact::UNKNOWN } else { result });
        }
        if self.restores(instr, in_function) {
            let named = self.program.program().registers.len();
            state.0.retain(|(register, _)| usize::from(*register) >= named);
        }
        None
    }
}

/// The operands of one instruction, as far as they are known.
pub(super) struct Operands<'a> {
    pub(super) facts: [Option<Fact<'a>>; OPERANDS],
    /// Values of an operand of many.
    pub(super) many: u32,
    /// Types and sizes of those values.
    pub(super) items: Types,
    pub(super) items_size: Span,
}

impl<'a> Operands<'a> {
    pub(super) fn new(region: &'a Region, instr: &Instr, state: &State<'a>) -> Self {
        let mut operands = Self {
            facts: [None; OPERANDS],
            many: 0,
            items: Types::NONE,
            items_size: Span::exactly(0),
        };
        let info = instr.op.info();
        for (input, slot) in flow::operands(region, instr) {
            let fact = fact_of(region, slot, state);
            if info.inputs[input].kind == Kind::Args {
                operands.many += 1;
                operands.items = operands.items.or(fact.types);
                // In a container a text or bytes have five bytes of their own.
                let own = match fact.types {
                    types if types.within(Types::TEXT.or(Types::BYTES)) => Span::exactly(5),
                    types if types.meets(Types::TEXT.or(Types::BYTES)) => Span::to(5),
                    _ => Span::exactly(0),
                };
                operands.items_size = operands.items_size.plus(fact.size).plus(own);
            } else if let Some(to) = operands.facts.get_mut(input) {
                *to = Some(fact);
            }
        }
        operands
    }

    /// An operand by its name in the table.
    pub(super) fn named(&self, info: &OpInfo, name: &str) -> Option<Fact<'a>> {
        let input = info.inputs.iter().position(|operand| operand.name == name)?;
        self.facts.get(input).copied().flatten()
    }

    fn at(&self, input: usize) -> Fact<'a> {
        self.facts.get(input).copied().flatten().unwrap_or_else(|| Fact::typed(Types::NULL))
    }
}

fn fact_of<'a>(region: &'a Region, slot: Slot, state: &State<'a>) -> Fact<'a> {
    match (slot.as_reg(), slot.as_const()) {
        (Some(register), _) => state.get(register),
        (None, Some(constant)) => region.consts.get(constant).map_or(Fact::UNKNOWN, Fact::of),
        (None, None) => Fact::typed(Types::NULL),
    }
}

/// What is known of the first result of an instruction that did not trap.
fn result<'a>(instr: &Instr, operands: &Operands<'a>) -> Fact<'a> {
    let info = instr.op.info();
    let Some(output) = info.outputs.first() else { return Fact::UNKNOWN };
    if info.reach.is_some() {
        return Fact::UNKNOWN;
    }
    let (left, right) = (operands.at(0), operands.at(1));
    let numbers = || {
        // Two scalars that are no numbers trap.
        let ints = left.types.within(Types::INT) && right.types.within(Types::INT);
        Fact::typed(if ints { Types::INT } else { Types::NUMBER })
    };
    let scalars = left.types.within(Types::SCALAR) && right.types.within(Types::SCALAR);
    match instr.op {
        Opcode::SET => left,
        Opcode::LIST => {
            let size = operands.items_size.plus(Span::exactly(5));
            let count = Span::exactly(u64::from(operands.many));
            Fact { size, ..Fact::list(operands.items, count) }
        }
        Opcode::ADD if scalars => numbers(),
        Opcode::ADD if left.types == Types::TEXT && right.types == Types::TEXT => {
            Fact::sized(Types::TEXT, left.size.plus(right.size))
        }
        Opcode::ADD if left.types == Types::TEXT => Fact::typed(Types::TEXT),
        Opcode::SUB | Opcode::MUL if scalars => numbers(),
        Opcode::DIV | Opcode::MOD => numbers(),
        Opcode::NEG | Opcode::ABS if left.types.within(Types::INT) => Fact::typed(Types::INT),
        Opcode::MIN | Opcode::MAX => Fact { literal: None, ..left.hull(&right) },
        Opcode::RANGE => {
            let ends = [left.literal, right.literal, operands.at(2).literal];
            let count = match ends {
                [Some(Value::Int(start)), Some(Value::Int(end)), Some(Value::Int(step))] => {
                    Span::exactly(range(*start, *end, *step))
                }
                _ => Span::ANY,
            };
            let list = Fact::list(Types::INT, count);
            let least = count.least.saturating_mul(9).saturating_add(5);
            Fact { size: Span { least, ..list.size }, ..list }
        }
        Opcode::FILL => {
            let count = match left.literal {
                Some(Value::Int(count)) => Span::exactly(u64::try_from(*count).unwrap_or(0)),
                _ => Span::ANY,
            };
            Fact::list(right.types, count)
        }
        Opcode::NEXT => {
            let (items, count) = (operands.at(1), Types::INT);
            match (items.types.meets(Types::LIST), items.types.meets(Types::INT)) {
                (false, _) => Fact::typed(count),
                (true, false) => item_of(&items),
                (true, true) => item_of(&items).hull(&Fact::typed(count)),
            }
        }
        Opcode::SORT | Opcode::REVERSE if left.types == Types::LIST => {
            Fact { literal: None, ..left }
        }
        Opcode::TRIM => Fact::sized(Types::TEXT, Span::to(left.size.most)),
        Opcode::HASH => Fact::sized(Types::TEXT, Span::exactly(64)),
        Opcode::TYPE_OF => Fact::sized(Types::TEXT, Span::to(6)),
        Opcode::CHR => Fact::sized(Types::TEXT, Span { least: 1, most: 4 }),
        Opcode::TO_INT | Opcode::TO_FLOAT => {
            Fact::typed(Types::of_kind(output.kind).or(Types::NULL))
        }
        Opcode::TO_TEXT if left.types == Types::TEXT => left,
        // What a status word holds is not followed.
        Opcode::STATUS => Fact::UNKNOWN,
        _ => Fact::typed(Types::of_kind(output.kind)),
    }
}

fn item_of<'a>(list: &Fact<'a>) -> Fact<'a> {
    Fact::typed(list.items)
}

/// Items of a `RANGE`.
pub(super) fn range(start: i64, end: i64, step: i64) -> u64 {
    let ahead = if step > 0 { start < end } else { start > end };
    match step.unsigned_abs() {
        0 => 0,
        step if ahead => start.abs_diff(end).div_ceil(step),
        _ => 0,
    }
}
