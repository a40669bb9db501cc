//! Loops that come round with nothing changed.
//!
//! Two kinds are found. A loop that asks nothing outside and changes no register that a round
//! finds and reads does in each round what it did in the last. A loop around one call that leads
//! back to it when it failed does so too, as long as the call fails: whether it fails again is the
//! only thing that can end it.

use avm_ir::{
    Instr, Opcode, StatusWord,
    flow::{self, BlockId, Flow, Loops},
    verify::CodePlace,
};

use super::{
    Findings, View,
    live::{Failing, Live, failing},
    set::Set,
};
use crate::messages::{self, Report, diagnostic};

/// What matters of a block, or of all blocks of a loop.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    /// Registers and status words that are read before they are written in the same block.
    reads: Set,
    writes: Set,
    /// A call to the outside, if there is one.
    call: Option<CodePlace>,
    /// Something may change besides registers.
    moves: bool,
    /// The class of a question whether something failed; `moves` if there are several.
    asks: Option<StatusWord>,
}

impl Facts {
    fn and(&mut self, other: &Self) {
        self.moves |= other.moves || self.call.is_some() && other.call.is_some();
        self.moves |= matches!((self.asks, other.asks), (Some(a), Some(b)) if a != b);
        self.reads = self.reads.or(other.reads);
        self.writes = self.writes.or(other.writes);
        self.call = self.call.or(other.call);
        self.asks = self.asks.or(other.asks);
    }
}

pub(super) fn run(view: &View<'_>, live: &Live, found: &mut Findings) {
    let flow = &view.flow;
    if flow.loops().is_empty() {
        return;
    }
    let blocks = 0..flow.blocks().len() as BlockId;
    let facts: Vec<Facts> = blocks.clone().map(|block| facts(view, block)).collect();
    endless(view, live, &facts, found);
    if !facts.iter().any(|facts| facts.call.is_some()) {
        return;
    }
    let asks: Vec<Option<Failing>> = blocks.map(|block| failing(view, block)).collect();
    let failed = |from: BlockId, to: BlockId| {
        !facts[from as usize].moves
            && !facts[to as usize].moves
            && asks[from as usize].is_none_or(|ask| ask.fine != to)
    };
    let every: Vec<BlockId> = flow.postorder().iter().rev().copied().collect();
    let loops = Loops::new(flow, &every, failed);
    let with_asks = |block: BlockId| {
        let mut facts = facts[block as usize];
        facts.asks = asks[block as usize].map(|ask| ask.word);
        facts
    };
    let stuck = stuck(flow, &loops, live, with_asks, |facts| {
        let sets = facts.call.map(|call| view.instr(call).op.info().sets);
        sets.is_some_and(|word| word.is_some() && word == facts.asks)
    });
    for (number, facts) in stuck {
        let Some(call) = facts.call else { continue };
        if found.wants(messages::NO_PROGRESS) {
            retry(view, live, &loops, number, call, &asks, found);
        }
    }
}

fn facts(view: &View<'_>, block: BlockId) -> Facts {
    let place = &view.flow.blocks()[block as usize];
    let region = view.region(place);
    let mut facts = Facts { moves: view.is_open(place.region), ..Facts::default() };
    for (pc, instr) in (place.start..).zip(view.code(place)) {
        let mut reads: Set = flow::reads(region, instr).collect();
        match flow::status_read(region, instr) {
            flow::StatusRead::None => {}
            flow::StatusRead::Word(word) => reads.insert_word(word),
            flow::StatusRead::Any => reads = reads.or(Set::WORDS),
        }
        facts.reads = facts.reads.or(reads.without(facts.writes));
        facts.writes = facts.writes.or(flow::writes(region, instr).collect());
        flow::sets_status(instr.op).for_each(|word| facts.writes.insert_word(word));
        if moves(instr) {
            facts.moves = true;
        } else if instr.op.info().reach.is_some() {
            facts.moves |= facts.call.is_some();
            facts.call = Some(CodePlace { region: place.region, pc });
        }
    }
    facts
}

/// Whether an instruction may change what later ones find, besides registers, or takes time.
fn moves(instr: &Instr) -> bool {
    /// Family of the instructions on what an agent keeps.
    const STATE: &str = "state";
    match instr.op {
        Opcode::LOG => false,
        Opcode::CALL
        | Opcode::RANDOM
        | Opcode::WAIT
        | Opcode::WAIT_FOR_TASK
        | Opcode::WAIT_FOR_RESPONSE => true,
        op => op.info().family == STATE,
    }
}

/// The innermost loops that `fits` and that change nothing a round finds, with their facts.
fn stuck(
    flow: &Flow,
    loops: &Loops,
    live: &Live,
    of: impl Fn(BlockId) -> Facts,
    fits: impl Fn(&Facts) -> bool,
) -> Vec<(u32, Facts)> {
    let mut sums = vec![Facts::default(); loops.all().len()];
    for block in flow.postorder() {
        if let Some(number) = loops.innermost(*block) {
            sums[number as usize].and(&of(*block));
        }
    }
    let mut stuck = Vec::new();
    let mut done = vec![false; sums.len()];
    // Inner loops stand behind those around them.
    for (number, inner) in loops.all().iter().enumerate().rev() {
        let facts = sums[number];
        if let Some(parent) = inner.parent {
            sums[parent as usize].and(&facts);
            done[parent as usize] |= done[number];
        }
        let mut carried = facts.reads.and(facts.writes).and(live.at(inner.head));
        if let Some(word) = facts.asks {
            carried.remove_word(word);
        }
        if !done[number] && !facts.moves && carried.is_empty() && fits(&facts) {
            stuck.push((number as u32, facts));
            done[number] = true;
            if let Some(parent) = inner.parent {
                done[parent as usize] = true;
            }
        }
    }
    stuck.reverse();
    stuck
}

/// Loops that ask nothing outside.
fn endless(view: &View<'_>, live: &Live, facts: &[Facts], found: &mut Findings) {
    let flow = &view.flow;
    let of = |block: BlockId| facts[block as usize];
    for (number, _) in stuck(flow, flow.nest(), live, of, |facts| facts.call.is_none()) {
        if !found.wants(messages::NO_PROGRESS) {
            continue;
        }
        let head = flow.loops()[number as usize].head;
        let at = view.span_at(flow.blocks()[head as usize].place());
        let message = "nothing changes from one round of this loop to the next";
        let report = diagnostic(messages::NO_PROGRESS, at, message)
            .label("once it comes round, it never ends")
            .help("change in it what decides whether it goes on");
        found.push(report);
    }
}

/// A loop that repeats a failed call.
fn retry(
    view: &View<'_>,
    live: &Live,
    loops: &Loops,
    number: u32,
    call: CodePlace,
    asks: &[Option<Failing>],
    found: &mut Findings,
) {
    let blocks = view.flow.blocks();
    let this = &loops.all()[number as usize];
    let Some(back) = this.backs.last() else { return };
    let at = view.span_at(blocks[*back as usize].last());
    let name = view.instr(call).op.mnemonic();
    let message = format!("{name} is repeated as it was when it fails, again and again");
    let mut report = diagnostic(messages::NO_PROGRESS, at, message)
        .label("goes back, and nothing has changed")
        .note(view.span_at(call), "fails, and is repeated with the same operands");
    let inside = |block: &BlockId| loops.contains(number, *block);
    let mut blocks_inside: Vec<BlockId> =
        view.flow.postorder().iter().copied().filter(inside).collect();
    blocks_inside.sort_unstable();
    for block in blocks_inside {
        let place = &blocks[block as usize];
        if asks[block as usize].is_some() {
            let ask = view.span_at(place.last());
            if ask != at {
                report = report.note(ask, "leads to the way back");
            }
        }
        let mut idle = Vec::new();
        live.walk(view, block, |pc, instr, after| {
            if instr.op == Opcode::SET && !after.has(instr.a) {
                idle.extend(view.name(place, instr.a).map(|name| (pc, name)));
            }
        });
        for (pc, name) in idle.into_iter().rev() {
            let text = format!("nothing reads this value of `{name}` before it is overwritten");
            report = report.note(view.span(place.region, pc), text);
        }
    }
    let limit = view.source.symbols.defines.iter().find(|define| {
        let name = define.name.to_ascii_uppercase();
        ["RETR", "TRIES", "ATTEMPT"].iter().any(|word| name.contains(word))
    });
    let help = match limit {
        Some(limit) => format!(
            "count the attempts and leave at a limit such as `{}`, or WAIT before the next one",
            limit.name
        ),
        None => {
            String::from("count the attempts and leave at a limit, or WAIT before the next one")
        }
    };
    found.push(report.help(help));
}
