//! Calls whose operand no statement has set on the way to them.
//!
//! Certain are only ways of which the outside decides: the start of the program, and what follows
//! a failed call. So a register is named if nothing has set it on any way to such a fork, or the
//! failed call was to set it, and if on every way from there a call reads it that cannot do with
//! `NULL`. A register that the program compares with `NULL` somewhere is left alone: its author
//! knows.

use std::collections::{BTreeMap, VecDeque};

use avm_ir::{
    DefaultValue, Instr, Kind, Opcode, Slot, Span, Value,
    flow::{self, Block, BlockId},
    instr::NO_REGISTER,
    program::Region,
    verify::CodePlace,
};

use super::{
    Findings, View,
    live::{Failing, failing},
    set::Set,
    solve::{Change, Ways, backward},
};
use crate::messages::{self, Report, diagnostic};

/// The register that holds the agent's state from the start.
const STATE: &str = "R_state";
/// Most blocks that are looked at to find the calls that read registers.
const MAX_STEPS: usize = 1_000_000;

/// A block as far as unset registers matter.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    /// Registers that are written.
    writes: Set,
    /// All named registers are set back to what they were at the start.
    resets: bool,
    /// What a call that failed leaves `NULL`, and where control goes then.
    failed: Option<(Failing, Set)>,
    /// Which way control goes may depend on what an earlier run saved.
    depends: bool,
}

/// Registers by function; the agent's stand under `None`.
type Aware = BTreeMap<Option<(u32, u32)>, Set>;

pub(super) fn run(view: &View<'_>, found: &mut Findings) {
    let flow = &view.flow;
    let regions = &view.source.program.program().regions;
    let all = || regions.iter().flat_map(|region| &region.code);
    if !all().any(|instr| instr.op.info().reach.is_some()) {
        return;
    }
    let loads = all().any(is_load);
    let needs = needed(view);
    let assigned = loads.then(|| assigned(view));
    let blocks = 0..flow.blocks().len() as BlockId;
    let facts: Vec<Facts> = blocks
        .map(|block| facts(view, block, assigned.as_ref().map(|sets| sets[block as usize])))
        .collect();
    let unset = unset(view, &facts);
    let mut search = Search { view, steps: MAX_STEPS, ways: BTreeMap::new() };
    let aware = aware(view);
    if let (Some(start), false) = (main_entry(view), loads) {
        search.way(start, initial(view).and(needs[start as usize]), &aware, None);
    }
    for block in flow.postorder() {
        let facts = &facts[*block as usize];
        let Some((ask, results)) = facts.failed else { continue };
        let before = end(view, facts, unset[*block as usize]);
        let certain = needs[ask.fine as usize];
        let needed = needs[ask.failed as usize];
        // What is read unset either way is the fault of an earlier fork.
        let unset = before.without(certain).or(results);
        search.way(ask.failed, unset.and(needed), &aware, Some((*block, results)));
    }
    search.tell(found);
}

fn is_load(instr: &Instr) -> bool {
    instr.op == Opcode::LOAD_EXECUTION_STATE && instr.a == NO_REGISTER
}

fn main_entry(view: &View<'_>) -> Option<BlockId> {
    Some(view.flow.block_at(CodePlace { region: 0, pc: 0 }))
}

/// The agent's registers that are not set when the program starts.
fn initial(view: &View<'_>) -> Set {
    let program = view.source.program.program();
    let named = Set::first(program.registers.len());
    let inputs: Set = program.inputs.iter().map(|input| input.register).collect();
    let state: Set = program.register(STATE).into_iter().collect();
    named.without(inputs).without(state)
}

/// Registers that on every way onward a call needs before anything sets them, for each block.
fn needed(view: &View<'_>) -> Vec<Set> {
    let change = |block: &Block| {
        if view.is_open(block.region) {
            return Change { adds: Set::EMPTY, takes: Set::FULL };
        }
        let region = view.region(block);
        let mut change = Change::default();
        for instr in view.code(block).iter().rev() {
            let writes: Set = flow::writes(region, instr).collect();
            let reads: Set = required(region, instr).collect();
            change.adds = change.adds.without(writes).or(reads);
            change.takes = change.takes.or(writes);
            if instr.op == Opcode::RESET_EXECUTION_STATE {
                change = Change { adds: Set::EMPTY, takes: Set::FULL };
            }
        }
        change
    };
    let changes: Vec<Change> = view.flow.blocks().iter().map(change).collect();
    backward(&view.flow, &changes, |_| Set::EMPTY, Ways::All)
}

/// The registers without whose value a call fails.
fn required<'a>(region: &'a Region, instr: &'a Instr) -> impl Iterator<Item = u8> + 'a {
    let info = instr.op.info();
    let asks = info.reach.is_some();
    flow::operands(region, instr)
        .filter(move |(input, _)| {
            let input = &info.inputs[*input];
            asks && input.default == DefaultValue::Required
                && !matches!(input.kind, Kind::Bool | Kind::Args)
        })
        .filter_map(|(_, slot)| slot.as_reg())
}

/// Registers that are written on every way to a block, with nothing loaded since.
fn assigned(view: &View<'_>) -> Vec<Set> {
    let flow = &view.flow;
    let mut starts = vec![Set::FULL; flow.blocks().len()];
    flow.entries().iter().for_each(|entry| starts[*entry as usize] = Set::EMPTY);
    let after = |block: BlockId, start: Set| {
        let place = &flow.blocks()[block as usize];
        let region = view.region(place);
        view.code(place).iter().fold(start, |set, instr| match instr.op {
            _ if is_load(instr) => Set::EMPTY,
            Opcode::NEXT => set,
            _ => set.or(flow::writes(region, instr).collect()),
        })
    };
    forward(view, &mut starts, |block, start, _| after(block, start));
    starts
}

/// Brings the sets at the start of each block to what holds on all ways to it.
fn forward(view: &View<'_>, starts: &mut [Set], end: impl Fn(BlockId, Set, BlockId) -> Set) {
    let flow = &view.flow;
    let mut waits = vec![true; starts.len()];
    let mut open: VecDeque<BlockId> = flow.postorder().iter().rev().copied().collect();
    while let Some(block) = open.pop_front() {
        waits[block as usize] = false;
        let start = starts[block as usize];
        for next in flow.successors(block) {
            let new = starts[*next as usize].and(end(block, start, *next));
            if core::mem::replace(&mut starts[*next as usize], new) != new
                && !core::mem::replace(&mut waits[*next as usize], true)
            {
                open.push_back(*next);
            }
        }
    }
}

/// Registers that nothing has set on any way to a block, were this the agent's first run.
fn unset(view: &View<'_>, facts: &[Facts]) -> Vec<Set> {
    let flow = &view.flow;
    let mut starts = vec![Set::FULL; flow.blocks().len()];
    for entry in flow.entries() {
        let place = &flow.blocks()[*entry as usize];
        let params = place.function.and_then(|function| {
            let function = view.region(place).functions.get(function as usize)?;
            Some(Set::REGISTERS.without(Set::first(usize::from(function.params))))
        });
        starts[*entry as usize] = params.unwrap_or_default();
    }
    if let Some(entry) = main_entry(view) {
        starts[entry as usize] = initial(view);
    }
    let scheduled = view.source.program.program().regions.iter().flat_map(|region| &region.code);
    if scheduled.into_iter().any(|instr| instr.op == Opcode::SCHEDULE_TASK) {
        // Any named place may be where scheduled code begins.
        for (region, links) in view.source.program.links().iter().enumerate() {
            let labels = &view.source.program.program().regions[region].labels;
            for (label, place) in labels.iter().zip(&links.labels) {
                if !label.name.is_empty() {
                    starts[flow.block_at(*place) as usize] = Set::EMPTY;
                }
            }
        }
    }
    forward(view, &mut starts, |block, start, next| {
        let facts = &facts[block as usize];
        let end = end(view, facts, start);
        match facts.failed {
            Some((ask, results)) if ask.failed == next => end.or(results),
            _ => end,
        }
    });
    starts
}

fn end(view: &View<'_>, facts: &Facts, start: Set) -> Set {
    if facts.depends {
        Set::EMPTY
    } else if facts.resets {
        initial(view).without(facts.writes)
    } else {
        start.without(facts.writes)
    }
}

fn facts(view: &View<'_>, block: BlockId, assigned: Option<Set>) -> Facts {
    let place = &view.flow.blocks()[block as usize];
    let region = view.region(place);
    let mut facts = Facts { depends: view.is_open(place.region), ..Facts::default() };
    // Results of the last instruction of each class that still hold them.
    let mut results = [Set::EMPTY; avm_ir::StatusWord::ALL.len()];
    for instr in view.code(place) {
        if instr.op == Opcode::RESET_EXECUTION_STATE {
            facts = Facts { resets: true, writes: Set::EMPTY, ..facts };
        }
        let writes: Set = flow::writes(region, instr).collect();
        facts.writes = facts.writes.or(writes);
        results.iter_mut().for_each(|set| *set = set.without(writes));
        if let Some(word) = instr.op.info().sets {
            results[word as usize] = writes;
        }
    }
    facts.failed = failing(view, block).map(|ask| (ask, results[ask.word as usize]));
    facts.depends |= facts.failed.is_none()
        && assigned.is_some_and(|assigned| depends(view, place, region, assigned));
    facts
}

/// Whether the way onward depends on what the block has not computed from set registers.
fn depends(view: &View<'_>, place: &Block, region: &Region, assigned: Set) -> bool {
    let code = view.code(place);
    let Some((last, before)) = code.split_last() else { return false };
    let mut needs: Set = match last.op {
        Opcode::JUMP_IF | Opcode::JUMP_UNLESS | Opcode::NEXT => flow::reads(region, last).collect(),
        Opcode::JUMP_IF_TRUE | Opcode::JUMP_IF_FALSE => {
            let mut setters = before.iter().rev();
            let setter =
                setters.find(|instr| instr.op.info().sets == Some(avm_ir::StatusWord::Bool));
            return setter.is_none_or(|setter| setter.op.info().reach.is_none());
        }
        _ => return false,
    };
    for instr in before.iter().rev() {
        let writes: Set = flow::writes(region, instr).collect();
        if !writes.and(needs).is_empty() {
            needs = needs.without(writes).or(flow::reads(region, instr).collect());
        }
        if is_load(instr) && !needs.is_empty() {
            return true;
        }
    }
    let open = needs.without(assigned).is_empty();
    !open || needs.registers().any(|register| view.name(place, register).is_none())
}

/// Registers that the program compares with `NULL`, or asks as a bool.
fn aware(view: &View<'_>) -> Aware {
    let mut aware = Aware::new();
    for place in view.flow.blocks() {
        let region = view.region(place);
        let mut set = Set::EMPTY;
        for instr in view.code(place) {
            let null = |slot: Slot| {
                slot.as_const().and_then(|at| region.consts.get(at)) == Some(&Value::Null)
            };
            let compares = match instr.op {
                Opcode::EQ | Opcode::NE => null(instr.b) || null(instr.c),
                Opcode::TYPE_OF | Opcode::GET_OR | Opcode::JUMP_IF | Opcode::JUMP_UNLESS => true,
                Opcode::TEST | Opcode::NOT | Opcode::AND | Opcode::OR => true,
                _ => false,
            };
            if compares {
                set = set.or(flow::reads(region, instr).collect());
            }
        }
        if !set.is_empty() {
            let window = place.function.map(|function| (place.region, function));
            let known = aware.entry(window).or_default();
            *known = known.or(set);
        }
    }
    aware
}

/// A way on which a register is not set: the fork that it begins with, and whether the call that
/// failed there was to set the register. `None` for the start of the program.
type Way = Option<(BlockId, bool)>;

struct Search<'v, 'a> {
    view: &'v View<'a>,
    steps: usize,
    /// The ways to each call, by its place and the register.
    ways: BTreeMap<(u32, u32, u8), Vec<Way>>,
}

impl Search<'_, '_> {
    /// Notes the calls that read registers which are unset where a way begins.
    fn way(&mut self, start: BlockId, unset: Set, aware: &Aware, fork: Option<(BlockId, Set)>) {
        if unset.is_empty() {
            return;
        }
        let place = &self.view.flow.blocks()[start as usize];
        let window = place.function.map(|function| (place.region, function));
        let known = aware.get(&window).copied().unwrap_or_default();
        for register in unset.without(known).registers() {
            if self.view.name(place, register).is_some()
                && let Some(call) = self.reader(start, register)
            {
                let way = fork.map(|(block, results)| (block, results.has(register)));
                let ways = self.ways.entry((call.region, call.pc, register)).or_default();
                ways.push(way);
            }
        }
    }

    /// The nearest call that reads a register before anything sets it.
    fn reader(&mut self, start: BlockId, register: u8) -> Option<CodePlace> {
        let flow = &self.view.flow;
        let mut seen = std::collections::BTreeSet::from([start]);
        let mut open = VecDeque::from([start]);
        while let Some(block) = open.pop_front() {
            self.steps = self.steps.checked_sub(1)?;
            let place = &flow.blocks()[block as usize];
            let region = self.view.region(place);
            let mut set = false;
            for (pc, instr) in (place.start..).zip(self.view.code(place)) {
                if required(region, instr).any(|read| read == register) {
                    return Some(CodePlace { region: place.region, pc });
                }
                set = flow::writes(region, instr).any(|written| written == register);
                if set {
                    break;
                }
            }
            if !set {
                let next = flow.successors(block).iter().copied();
                open.extend(next.filter(|next| seen.insert(*next)));
            }
        }
        None
    }

    fn tell(self, found: &mut Findings) {
        let view = self.view;
        for ((region, pc, register), mut ways) in self.ways {
            if !found.wants(messages::NEVER_SET) {
                continue;
            }
            ways.sort_unstable();
            let call = view.instr(CodePlace { region, pc }).op.mnemonic();
            let block = view.flow.block_at(CodePlace { region, pc });
            let name = view.name(&view.flow.blocks()[block as usize], register).unwrap_or_default();
            let named: Vec<String> = ways.iter().map(|way| self::name(view, *way)).collect();
            let message =
                format!("`{name}` is not set when {call} reads it, {}", named.join(" and "));
            let span = view.span(region, pc);
            let mut report = diagnostic(messages::NEVER_SET, span, message)
                .label("fails, since its operand is `NULL`");
            for (fork, result) in ways.into_iter().flatten() {
                let text = if result {
                    format!("leads there when the call failed that was to set `{name}`")
                } else {
                    format!("leads there before anything has set `{name}`")
                };
                report = report.note(fork_span(view, fork), text);
            }
            found.push(report.help(format!("set `{name}` on the way, or leave {call} out there")));
        }
    }
}

fn fork_span(view: &View<'_>, fork: BlockId) -> Span {
    view.span_at(view.flow.blocks()[fork as usize].last())
}

/// A way in words, with the line where its label stands.
fn name(view: &View<'_>, way: Way) -> String {
    let Some((fork, _)) = way else { return String::from("from the start of the program") };
    let last = view.flow.blocks()[fork as usize].last();
    let region = &view.source.program.program().regions[last.region as usize];
    let instr = view.instr(last);
    let label = instr.slots(&region.pool).and_then(|slots| {
        let info = instr.op.info();
        let roles = info.slot_roles();
        let at = roles.into_iter().position(|role| match role {
            avm_ir::instr::Role::Input(input) => info.inputs[input].kind == Kind::Label,
            avm_ir::instr::Role::Output(_) => false,
        })?;
        region.labels.get(usize::from(slots.get(at)?.0))
    });
    let symbols = view.source.symbols;
    let label = label.filter(|label| !label.name.is_empty());
    match label.and_then(|label| Some((&label.name, symbols.labels.get(label.name.as_str())?))) {
        Some((name, symbol)) => format!("via `{name}` (line {})", view.line(symbol.span)),
        None => format!("by way of line {}", view.line(fork_span(view, fork))),
    }
}
