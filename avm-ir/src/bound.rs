//! How much gas a program can cost at most, found without running it (K-4).
//!
//! Every instruction has a price that is known, or one that depends on what it measures when it
//! runs: the size of an answer, the units of work of a provider. The dearest path through the code
//! gives a sum of both: so many nanogas, and so many times what certain instructions measure. A loop
//! over a list or a range of known length counts as often as it goes round; any other loop, and
//! recursion, has no bound, and is named.
//!
//! A bound holds for the program as it is: for every input and every answer, whether effects fail or
//! not, under every policy. It says nothing about what a run is granted.
//!
//! Time and memory are linear in the program, but for a logarithm where loops nest. A sum lists at
//! most [`PARTS`] instructions, fewer in programs of many thousand blocks; what does not fit is kept
//! as a number of times that any instruction may count besides ([`Sum::others`]), so the sum stays
//! a bound.

mod amount;
mod calls;
mod fact;
mod infer;
mod paths;
mod price;

use alloc::{string::String, vec::Vec};

pub use amount::{Bound, Cause, Part, Sum};
pub use paths::Rounds;

use crate::{
    Opcode, Value,
    flow::{self, BlockId, Flow},
    gas::{Schedule, Term},
    program::Target,
    verify::{CodePlace, FuncPlace, Verified},
};
use calls::Calls;
use fact::{Span, Types};
use infer::{Known, Operands, State};
use paths::{Costs, Paths};

/// Most instructions that a sum lists.
pub const PARTS: usize = 32;
/// Instructions that all sums of one pass list together.
const ALL_PARTS: usize = 2_000_000;

/// What one instruction costs each time it runs, as far as that is known beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Nanogas that are known, intrinsic minimum included. If nothing is open, no run pays more.
    pub nanogas: u64,
    /// Whether it always pays that for what is known, no less.
    pub exact: bool,
    /// Terms of the formula that are open, by bit; and [`Self::PROVIDER`].
    pub open: u16,
}

impl Step {
    /// The bit that says that a provider may add a price of its own.
    pub const PROVIDER: u16 = 1 << 15;

    /// Whether a provider may add a price of its own.
    pub const fn has_provider_price(self) -> bool {
        self.open & Self::PROVIDER != 0
    }

    /// The terms of the formula whose measures are known only at run time.
    pub fn open_terms(
        self,
        schedule: &Schedule,
        op: Opcode,
    ) -> impl Iterator<Item = &'static Term> {
        let terms = schedule.formulas[op as usize].iter().enumerate();
        terms.filter(move |(at, _)| self.open >> at & 1 == 1).map(|(_, term)| term)
    }
}

/// Bounds of a program and its parts.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// From the first instruction of `main` to the end of the run.
    pub program: Bound,
    /// For each region, from its first instruction until control leaves its body or the run ends.
    /// What other regions that it leads to cost is not in it.
    pub regions: Vec<Bound>,
    /// The functions, by region and place.
    pub functions: Vec<FunctionBound>,
    /// The named labels, by region and place.
    pub labels: Vec<LabelBound>,
    /// The loops, by region and place.
    pub loops: Vec<LoopBound>,
    steps: Vec<Vec<Step>>,
}

/// Bound of a function: one call, from its first instruction until it returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionBound {
    /// The function.
    pub function: FuncPlace,
    /// What one call costs, without the `CALL` itself.
    pub bound: Bound,
}

/// Bounds of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelBound {
    /// Its name.
    pub name: String,
    /// The instruction that it names.
    pub at: CodePlace,
    /// Until control comes to a named label or leaves; `None` if no code leads to the label.
    pub to_next: Option<Bound>,
    /// Until the run ends, or in a function until it returns.
    pub to_end: Option<Bound>,
}

/// Bounds of a loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopBound {
    /// The first instruction of its head.
    pub at: CodePlace,
    /// The last instruction that leads back to the head.
    pub back: CodePlace,
    /// Loops around it.
    pub depth: u32,
    /// How often it goes round each time it is entered, if that is known.
    pub rounds: Option<Rounds>,
    /// One round, loops inside it included.
    pub round: Bound,
    /// All rounds.
    pub total: Bound,
}

impl Bounds {
    /// Finds the bounds of a program under a schedule.
    pub fn new(program: &Verified, schedule: &Schedule) -> Self {
        let flow = Flow::new(program);
        let regions = &program.program().regions;
        let unpriced =
            |region: &crate::program::Region| alloc::vec![Step::default(); region.code.len()];
        let mut priced = Priced {
            program,
            flow: &flow,
            steps: regions.iter().map(unpriced).collect(),
            rounds: alloc::vec![None; flow.blocks().len()],
            functions: regions.iter().map(|r| alloc::vec![None; r.functions.len()]).collect(),
            most: (ALL_PARTS / flow.blocks().len().max(1)).clamp(4, PARTS),
        };
        priced.price(schedule);
        let most = priced.most;

        let entries = priced.entries();
        let ends = Paths::new(&flow, &mut priced, &entries, most, |_, _| true);
        let start = flow.block_at(CodePlace { region: 0, pc: 0 });
        let bound = ends.from(start).unwrap_or(Bound::ZERO);
        let loops = priced.loops(&ends);
        let mut labels = priced.labels(&ends);
        drop(ends);

        let firsts: Vec<BlockId> = (0..regions.len() as u32)
            .map(|region| flow.block_at(CodePlace { region, pc: 0 }))
            .collect();
        let region = |block: BlockId| flow.blocks()[block as usize].region;
        let within =
            Paths::new(&flow, &mut priced, &firsts, most, |from, to| region(from) == region(to));
        let in_regions = firsts.iter().map(|first| within.from(*first).unwrap_or(Bound::ZERO));
        let in_regions = in_regions.collect();
        drop(within);

        if !labels.is_empty() {
            let mut named = alloc::vec![false; flow.blocks().len()];
            let starts: Vec<BlockId> = labels.iter().map(|label| flow.block_at(label.at)).collect();
            for start in &starts {
                named[*start as usize] = true;
            }
            let next = Paths::new(&flow, &mut priced, &starts, most, |_, to| !named[to as usize]);
            for (label, start) in labels.iter_mut().zip(&starts) {
                label.to_next = next.from(*start).filter(|_| label.to_end.is_some());
            }
        }
        let functions = core::mem::take(&mut priced.functions).into_iter().enumerate();
        let functions = functions.flat_map(|(region, bounds)| {
            bounds.into_iter().enumerate().map(move |(function, bound)| FunctionBound {
                function: FuncPlace { region: region as u32, function: function as u32 },
                bound: bound.unwrap_or(Bound::ZERO),
            })
        });
        Self {
            program: bound,
            regions: in_regions,
            functions: functions.collect(),
            labels,
            loops,
            steps: priced.steps,
        }
    }

    /// What an instruction costs each time it runs. Code that nothing leads to has no price.
    pub fn step(&self, at: CodePlace) -> Step {
        let step = self.steps.get(at.region as usize).and_then(|steps| steps.get(at.pc as usize));
        step.copied().unwrap_or_default()
    }
}

/// A program with a price at each instruction.
struct Priced<'a> {
    program: &'a Verified,
    flow: &'a Flow,
    steps: Vec<Vec<Step>>,
    /// For the head of each loop, how often it goes round.
    rounds: Vec<Option<Rounds>>,
    /// For each region and function, what a call costs.
    functions: Vec<Vec<Option<Bound>>>,
    most: usize,
}

/// Registers that a loop writes: at one instruction at least, and at more than one.
#[derive(Clone, Copy, Default)]
struct Writes {
    once: [u64; 4],
    again: [u64; 4],
}

impl Writes {
    fn add(&mut self, register: u8) {
        let (word, bit) = (usize::from(register >> 6), 1 << (register & 63));
        self.again[word] |= self.once[word] & bit;
        self.once[word] |= bit;
    }

    fn merge(&mut self, other: &Self) {
        for word in 0..4 {
            self.again[word] |= other.again[word] | (self.once[word] & other.once[word]);
            self.once[word] |= other.once[word];
        }
    }

    const fn again(&self, register: u8) -> bool {
        self.again[(register >> 6) as usize] >> (register & 63) & 1 == 1
    }
}

impl<'a> Priced<'a> {
    /// Prices every instruction, and finds out how often loops go round.
    fn price(&mut self, schedule: &Schedule) {
        let known = Known::new(self.program, self.flow);
        let writes = self.writes(&known);
        for block in self.flow.postorder() {
            let mut state = known.before(*block);
            let place = self.flow.blocks()[*block as usize];
            let region = &self.program.program().regions[place.region as usize];
            let (mut items, last) = (None, place.last().pc);
            let steps = &mut self.steps[place.region as usize];
            known.through(*block, &mut state, |pc, instr, state| {
                let operands = Operands::new(region, instr, state);
                steps[pc as usize] = price::step(schedule, instr, &operands);
                if pc == last && instr.op == Opcode::NEXT {
                    items = operands.facts[1];
                }
            });
            let Some(number) = self.flow.nest().innermost(*block) else { continue };
            let head = self.flow.loops()[number as usize].head == *block;
            if let (true, Some(items)) = (head, items) {
                let writes = &writes[number as usize];
                self.rounds[*block as usize] = self.count(*block, number, &items, writes, &known);
            }
        }
    }

    fn writes(&self, known: &Known<'_>) -> Vec<Writes> {
        let nest = self.flow.nest();
        let mut writes = alloc::vec![Writes::default(); nest.all().len()];
        for block in self.flow.postorder() {
            let Some(number) = nest.innermost(*block) else { continue };
            let place = self.flow.blocks()[*block as usize];
            let region = &self.program.program().regions[place.region as usize];
            let writes = &mut writes[number as usize];
            for instr in &region.code[place.start as usize..place.end as usize] {
                for register in flow::writes(region, instr) {
                    writes.add(register);
                }
                if known.restores(instr, place.function.is_some()) {
                    for register in 0..self.program.program().registers.len() {
                        writes.add(register as u8);
                        writes.add(register as u8);
                    }
                }
            }
        }
        for number in (0..nest.all().len()).rev() {
            if let Some(around) = nest.all()[number].parent {
                let inner = writes[number];
                writes[around as usize].merge(&inner);
            }
        }
        writes
    }

    /// How often a loop goes round that begins with a `NEXT` over `items`.
    fn count(
        &self,
        head: BlockId,
        number: u32,
        items: &fact::Fact<'_>,
        writes: &Writes,
        known: &Known<'_>,
    ) -> Option<Rounds> {
        let last = self.flow.blocks()[head as usize].last();
        let instr = self.program.program().regions[last.region as usize].code[last.pc as usize];
        let cursor = instr.b.as_reg().filter(|cursor| !writes.again(*cursor))?;
        let done = self.flow.block_at(flow::exits(self.program, last).jumps?);
        if self.flow.nest().contains(number, done) {
            return None;
        }
        let (least, most) = match items.literal {
            Some(Value::Int(end)) => {
                let count = u64::try_from(*end).unwrap_or(0);
                (count, count)
            }
            _ if items.types.within(Types::LIST) && items.count.most != Span::NO_LIMIT => {
                (u64::from(items.count.least), u64::from(items.count.most))
            }
            _ => return None,
        };
        let from_start = known.outside(head).is_some_and(|state: State<'_>| {
            matches!(state.get(cursor).literal, Some(Value::Int(0)))
        });
        Some(Rounds { least: if from_start { least } else { 0 }, most })
    }

    /// Functions before those that call them, then the entries of bodies.
    fn entries(&mut self) -> Vec<BlockId> {
        let calls = Calls::new(self.program);
        let regions = &self.program.program().regions;
        let mut entries: Vec<BlockId> = Vec::new();
        for place in &calls.order {
            let (region, function) = (place.region as usize, place.function as usize);
            if calls.recursive[region][function] {
                self.functions[region][function] = Some(Bound::Unbounded(Cause::Recursion(*place)));
            }
            let pc = regions[region].functions[function].entry;
            entries.push(self.flow.block_at(CodePlace { region: place.region, pc }));
        }
        let bodies = self.flow.entries().iter().copied();
        entries.extend(bodies.filter(|b| self.flow.blocks()[*b as usize].function.is_none()));
        entries
    }

    fn loops(&self, ends: &Paths) -> Vec<LoopBound> {
        let all = ends.nest().all();
        let mut loops: Vec<LoopBound> = (0..all.len() as u32)
            .filter_map(|number| {
                let this = &all[number as usize];
                let back = this.backs.iter().map(|back| self.flow.blocks()[*back as usize].last());
                let rounds = self.rounds[this.head as usize].filter(|_| !this.irreducible);
                Some(LoopBound {
                    at: self.flow.blocks()[this.head as usize].place(),
                    back: back.max()?,
                    depth: this.depth,
                    rounds,
                    round: ends.round(number)?,
                    total: ends.total(number)?.clone(),
                })
            })
            .collect();
        loops.sort_by_key(|l| l.at);
        loops
    }

    fn labels(&self, ends: &Paths) -> Vec<LabelBound> {
        let mut labels = Vec::new();
        for (region, of) in self.program.program().regions.iter().enumerate() {
            for label in &of.labels {
                let Target::Here(pc) = label.target else { continue };
                // Those that begin with an at sign are the assembler's own.
                if label.name.is_empty() || label.name.starts_with('@') {
                    continue;
                }
                let at = CodePlace { region: region as u32, pc };
                let to_end = ends.from(self.flow.block_at(at));
                labels.push(LabelBound { name: label.name.clone(), at, to_next: None, to_end });
            }
        }
        labels
    }
}

impl Costs for Priced<'_> {
    fn block(&self, block: BlockId) -> (Bound, bool) {
        let place = self.flow.blocks()[block as usize];
        let region = &self.program.program().regions[place.region as usize];
        let mut sum = Sum::ZERO;
        let (mut callees, mut task) = (Vec::new(), None);
        for pc in place.start..place.end {
            let step = self.steps[place.region as usize][pc as usize];
            sum.nanogas = sum.nanogas.saturating_add(step.nanogas);
            sum.exact &= step.exact;
            let at = CodePlace { region: place.region, pc };
            if step.open != 0 {
                sum.parts.push(Part { at, times: 1 });
            }
            if region.code[pc as usize].op == Opcode::SCHEDULE_TASK {
                task = task.or(Some(at));
            }
            if region.code[pc as usize].op == Opcode::CALL {
                callees.extend(flow::callee(self.program, at));
            }
        }
        let calls = !callees.is_empty();
        let mut bound = Bound::ZERO;
        bound.add(&Bound::Finite(sum), true, self.most);
        if let Some(task) = task {
            bound.add(&Bound::Unbounded(Cause::Task(task)), false, self.most);
        }
        for callee in callees {
            let known = &self.functions[callee.region as usize][callee.function as usize];
            let unknown = Bound::Unbounded(Cause::Recursion(callee));
            bound.add(known.as_ref().unwrap_or(&unknown), false, self.most);
        }
        (bound, calls)
    }

    fn rounds(&self, head: BlockId) -> Option<Rounds> {
        self.rounds[head as usize]
    }

    fn ends_run(&self, block: BlockId) -> bool {
        let block = self.flow.blocks()[block as usize];
        let region = &self.program.program().regions[block.region as usize];
        let last = region.code[block.end as usize - 1].op;
        block.function.is_some() && matches!(last, Opcode::HALT | Opcode::RAISE)
    }

    fn entered(&mut self, block: BlockId, bound: Bound) {
        let block = self.flow.blocks()[block as usize];
        let Some(function) = block.function else { return };
        let known = &mut self.functions[block.region as usize][function as usize];
        known.get_or_insert(bound);
    }
}
