//! Which registers and status words are still read.

use avm_ir::{
    Instr, Kind, Opcode, Slot, StatusWord,
    flow::{self, BlockId, StatusRead},
    instr::NO_REGISTER,
    program::Region,
    verify::CodePlace,
};

use super::{
    View,
    set::Set,
    solve::{Change, Ways, backward, behind},
};

/// Rounds after which functions are taken to read every status word, so that time stays linear.
const MAX_ROUNDS: usize = 8;

/// Which registers and status words may be read before they are written again.
///
/// Saving the agent's registers does not count as reading one, unless a program that loads them again reads it then.
pub(super) struct Live {
    starts: Vec<Set>,
    /// What saving all registers reads.
    saved: Set,
    /// What counts as read where the agent's run ends.
    kept: Set,
    /// Scheduled code runs at any time: everything counts as read.
    any_time: bool,
    named: Set,
    /// For each region and function the status words that are read behind its calls.
    returns: Vec<Vec<Set>>,
    /// The same for those that it reads itself before it sets them.
    enters: Vec<Vec<Set>>,
}

impl Live {
    pub(super) fn new(view: &View<'_>) -> Self {
        let program = view.source.program.program();
        let mut kept = Set::EMPTY;
        for region in &program.regions {
            kept = kept.or(region.outputs.iter().copied().collect());
        }
        for test in &program.tests {
            for instr in &test.expect.code {
                kept = kept.or(flow::reads(&test.expect, instr).collect());
            }
        }
        let all = || program.regions.iter().flat_map(|region| &region.code);
        let named = Set::first(program.registers.len());
        let mut live = Self {
            starts: Vec::new(),
            saved: Set::EMPTY,
            kept,
            any_time: all().any(|instr| instr.op == Opcode::SCHEDULE_TASK),
            named,
            returns: Vec::new(),
            enters: Vec::new(),
        };
        live.solve_calls(view);
        let loads = |instr: &Instr| instr.op == Opcode::LOAD_EXECUTION_STATE;
        if all().any(|instr| loads(instr) && instr.a != NO_REGISTER) {
            live.saved = named;
        } else if all().any(loads) {
            let mut saved = Set::EMPTY;
            for block in view.flow.postorder() {
                live.walk(view, *block, |_, instr, after| {
                    if loads(instr) {
                        saved = saved.or(after);
                    }
                });
            }
            live.saved = saved.and(named);
        }
        if !live.saved.is_empty() {
            live.solve(view);
        }
        live
    }

    /// Solves with what functions read of the status words, and what is read behind their calls.
    fn solve_calls(&mut self, view: &View<'_>) {
        let regions = &view.source.program.program().regions;
        let all = |set: Set| -> Vec<Vec<Set>> {
            regions.iter().map(|region| vec![set; region.functions.len()]).collect()
        };
        // Code that is put in later may call any function.
        if !(0..regions.len() as u32).any(|region| view.is_open(region)) {
            (self.returns, self.enters) = (all(Set::EMPTY), all(Set::EMPTY));
            for _ in 0..MAX_ROUNDS {
                self.solve(view);
                if !self.next_round(view) {
                    return;
                }
            }
        }
        (self.returns, self.enters) = (all(Set::WORDS), all(Set::WORDS));
        self.solve(view);
    }

    /// Brings what is known of functions up to date; tells whether anything was new.
    fn next_round(&mut self, view: &View<'_>) -> bool {
        let mut returns = self.returns.clone();
        let mut enters = self.enters.clone();
        for block in view.flow.postorder() {
            let place = view.flow.blocks()[*block as usize];
            if !view.code(&place).iter().any(|instr| instr.op == Opcode::CALL) {
                continue;
            }
            self.walk(view, *block, |pc, _, after| {
                let at = CodePlace { region: place.region, pc };
                if let Some(called) = flow::callee(view.source.program, at) {
                    let words = &mut returns[called.region as usize][called.function as usize];
                    *words = words.or(after.and(Set::WORDS));
                }
            });
        }
        for (region, functions) in view.source.program.program().regions.iter().enumerate() {
            for (number, function) in functions.functions.iter().enumerate() {
                let at = CodePlace { region: region as u32, pc: function.entry };
                let entry = view.flow.block_at(at);
                enters[region][number] = self.starts[entry as usize].and(Set::WORDS);
            }
        }
        let new = returns != self.returns || enters != self.enters;
        (self.returns, self.enters) = (returns, enters);
        new
    }

    fn solve(&mut self, view: &View<'_>) {
        let blocks = view.flow.blocks();
        let change = |block: &flow::Block| {
            // New code in its place may read anything.
            if view.is_open(block.region) {
                return Change { adds: Set::FULL, takes: Set::EMPTY };
            }
            let region = view.region(block);
            let mut change = Change::default();
            for (pc, instr) in (block.start..block.end).zip(view.code(block)).rev() {
                let at = CodePlace { region: block.region, pc };
                let (reads, writes) = (self.reads(view, at, instr), self.writes(region, instr));
                change.adds = change.adds.without(writes).or(reads);
                change.takes = change.takes.or(writes);
            }
            change
        };
        let changes: Vec<Change> = blocks.iter().map(change).collect();
        let exit = |block: BlockId| self.exit(view, block);
        self.starts = backward(&view.flow, &changes, exit, Ways::Some);
    }

    /// What is read behind the end of the agent's code or of a function.
    fn exit(&self, view: &View<'_>, block: BlockId) -> Set {
        let place = &view.flow.blocks()[block as usize];
        match place.function {
            None => self.kept,
            Some(function) => self.returns[place.region as usize][function as usize],
        }
    }

    fn reads(&self, view: &View<'_>, at: CodePlace, instr: &Instr) -> Set {
        let region = &view.source.program.program().regions[at.region as usize];
        let mut reads: Set = flow::reads(region, instr).collect();
        match flow::status_read(region, instr) {
            StatusRead::None => {}
            StatusRead::Word(word) => reads.insert_word(word),
            StatusRead::Any => reads = reads.or(Set::WORDS),
        }
        match instr.op {
            Opcode::CALL => match flow::callee(view.source.program, at) {
                Some(called) => {
                    reads.or(self.enters[called.region as usize][called.function as usize])
                }
                None => reads.or(Set::WORDS),
            },
            Opcode::SAVE_EXECUTION_STATE if instr.b == Slot::ABSENT => reads.or(self.saved),
            Opcode::CREATE_SYSTEM_CHECKPOINT => reads.or(self.saved),
            _ => reads,
        }
    }

    /// What an instruction writes for sure. A place is read as well and so stays read.
    fn writes(&self, region: &Region, instr: &Instr) -> Set {
        // At the end of its list `NEXT` leaves its item as it was.
        let mut writes: Set = match instr.op {
            Opcode::NEXT => Set::EMPTY,
            _ => flow::writes(region, instr).collect(),
        };
        flow::sets_status(instr.op).for_each(|word| writes.insert_word(word));
        if instr.op == Opcode::RESET_EXECUTION_STATE { writes.or(self.named) } else { writes }
    }

    /// What is still read in front of a block.
    pub(super) fn at(&self, block: BlockId) -> Set {
        if self.any_time { Set::FULL } else { self.starts[block as usize] }
    }

    /// Goes through a block from its end: place, instruction, and what is still read behind it.
    pub(super) fn walk(
        &self,
        view: &View<'_>,
        block: BlockId,
        mut each: impl FnMut(u32, &Instr, Set),
    ) {
        let place = &view.flow.blocks()[block as usize];
        let region = view.region(place);
        let everything = self.any_time || view.is_open(place.region);
        let exit = self.exit(view, block);
        let mut live = behind(&view.flow, &self.starts, block, exit, Ways::Some);
        for (pc, instr) in (place.start..place.end).zip(view.code(place)).rev() {
            each(pc, instr, if everything { Set::FULL } else { live });
            let at = CodePlace { region: place.region, pc };
            live = live.without(self.writes(region, instr)).or(self.reads(view, at, instr));
        }
    }
}

/// The classes whose word says that the last instruction failed.
pub(super) const FAILURES: [StatusWord; 3] =
    [StatusWord::Plugin, StatusWord::Task, StatusWord::Rewrite];

/// The jump at the end of a block that asks whether something failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failing {
    pub(super) word: StatusWord,
    /// Where control goes after a failure.
    pub(super) failed: BlockId,
    /// Where it goes after a success.
    pub(super) fine: BlockId,
}

/// The question whether something failed, at the end of a block: a jump of the class, or `IF` with its word.
pub(super) fn failing(view: &View<'_>, block: BlockId) -> Option<Failing> {
    let place = &view.flow.blocks()[block as usize];
    let region = view.region(place);
    let (last, before) = view.code(place).split_last()?;
    let (word, jumps_if_failed) = match (last.op, flow::status_read(region, last)) {
        (_, StatusRead::Word(word)) if jumps(last) => (word, true),
        (Opcode::JUMP_IF | Opcode::JUMP_UNLESS, _) => {
            let status = before.last().filter(|status| status.op == Opcode::STATUS)?;
            if last.b.as_reg() != Some(status.a) {
                return None;
            }
            match flow::status_read(region, status) {
                StatusRead::Word(word) => (word, last.op == Opcode::JUMP_IF),
                _ => return None,
            }
        }
        _ => return None,
    };
    if !FAILURES.contains(&word) {
        return None;
    }
    let exits = flow::exits(view.source.program, place.last());
    let target = view.flow.block_at(exits.jumps?);
    let next = CodePlace { region: place.region, pc: place.end };
    let next = view.flow.block_at(next);
    let (failed, fine) = if jumps_if_failed { (target, next) } else { (next, target) };
    (failed != fine).then_some(Failing { word, failed, fine })
}

fn jumps(instr: &Instr) -> bool {
    instr.op.info().inputs.iter().any(|input| input.kind == Kind::Label)
}
