//! What is written, paid or sent, and then not looked at.

use avm_ir::{
    Instr, Kind, Opcode, Unread,
    flow::{self, Block, BlockId},
    instr::NO_REGISTER,
};

use super::{
    Findings, View,
    live::Live,
    set::Set,
    solve::{Change, Ways, backward, behind},
};
use crate::messages::{self, Report, diagnostic};

pub(super) fn run(view: &View<'_>, live: &Live, found: &mut Findings) {
    let blocks = view.flow.blocks();
    for block in view.flow.postorder() {
        let place = &blocks[*block as usize];
        if view.code(place).iter().any(|instr| instr.op.info().unread != Unread::Fine) {
            failures(view, live, *block, found);
            twice(view, place, found);
        }
    }
    overwritten(view, live, found);
}

/// Calls of which nobody reads whether they failed.
fn failures(view: &View<'_>, live: &Live, block: BlockId, found: &mut Findings) {
    let place = &view.flow.blocks()[block as usize];
    let region = view.region(place);
    live.walk(view, block, |pc, instr, after| {
        let info = instr.op.info();
        let Some(word) = info.sets.filter(|_| info.unread != Unread::Fine) else { return };
        let mut results = flow::writes(region, instr);
        let traps = info.unread == Unread::Trap && instr.a == NO_REGISTER;
        let read = after.has_word(word) || results.any(|register| after.has(register));
        if read && !traps || !found.wants(messages::UNREAD_FAILURE) {
            return;
        }
        let name = info.mnemonic;
        let span = view.span(place.region, pc);
        let message = format!("nothing reads whether {name} failed");
        let mut report = diagnostic(messages::UNREAD_FAILURE, span, message);
        report = match (traps, flow::writes(region, instr).next()) {
            (true, _) => report
                .label("its result is dropped, so a failure ends the run (T12)")
                .help(format!("take the result and test it: `{name} … -> R`, `IF R == NULL`")),
            (false, Some(result)) => {
                let result = view.name(place, result).unwrap_or("its result");
                report.label(format!("`{result}` is never read"))
            }
            (false, None) => report.label("its status is dropped"),
        };
        let next = (pc + 1..place.end).zip(&region.code[pc as usize + 1..place.end as usize]);
        let mut next = next.filter(|(_, next)| flow::sets_status(next.op).any(|set| set == word));
        if let (false, Some((next, _))) = (traps, next.next()) {
            let text = format!("`{}` is set anew here, unread", word.name());
            report = report.note(view.span(place.region, next), text);
        }
        if !traps {
            let question = jump_of(word);
            report = report.help(format!("write `{question} label` behind it, or test its result"));
        }
        found.push(report);
    });
}

/// The jump that asks whether an instruction of a class failed.
fn jump_of(word: avm_ir::StatusWord) -> &'static str {
    match word {
        avm_ir::StatusWord::Task => Opcode::JUMP_IF_TASK_FAILED,
        avm_ir::StatusWord::Rewrite => Opcode::JUMP_IF_REWRITE_FAILED,
        _ => Opcode::JUMP_IF_PLUGIN_FAILED,
    }
    .mnemonic()
}

/// One value that goes out by calls of different kinds, whatever became of the first.
fn twice(view: &View<'_>, place: &Block, found: &mut Findings) {
    let region = view.region(place);
    // Register, and the call that sent its value, as long as it holds the same.
    let mut sent: Vec<(u8, u32, &Instr)> = Vec::new();
    for (pc, instr) in (place.start..).zip(view.code(place)) {
        let info = instr.op.info();
        if flow::status_read(region, instr) != flow::StatusRead::None || instr.op == Opcode::CALL {
            sent.clear();
        }
        if info.unread == Unread::Warn
            && let Some(data) = payload(region, instr)
        {
            let first = sent.iter().find(|(register, ..)| *register == data);
            match first.copied() {
                Some((_, at, first)) if first.op.info().reach != info.reach => {
                    if found.wants(messages::DOUBLE_EFFECT) {
                        let name = view.name(place, data).unwrap_or("the same value");
                        let message = format!(
                            "`{name}` goes out a second time, by {} and then by {}",
                            first.op.mnemonic(),
                            info.mnemonic
                        );
                        let span = view.span(place.region, pc);
                        let report = diagnostic(messages::DOUBLE_EFFECT, span, message)
                            .label("runs whether or not the first one succeeded")
                            .note(view.span(place.region, at), "sent here first")
                            .help("keep one of them, or run the second only if the first failed");
                        found.push(report);
                    }
                }
                Some(_) => {}
                None => sent.push((data, pc, instr)),
            }
        }
        if !sent.is_empty() {
            let written: Set = flow::writes(region, instr).collect();
            sent.retain(|(register, ..)| !written.has(*register));
        }
    }
}

/// The register with the value that a call sends.
fn payload(region: &avm_ir::program::Region, instr: &Instr) -> Option<u8> {
    let inputs = instr.op.info().inputs;
    let mut data =
        flow::operands(region, instr).filter(|(input, _)| inputs[*input].kind == Kind::Any);
    data.next().and_then(|(_, slot)| slot.as_reg())
}

/// Plain values that are overwritten on every way before anything reads them.
fn overwritten(view: &View<'_>, live: &Live, found: &mut Findings) {
    let blocks = view.flow.blocks();
    let change = |block: &Block| {
        if view.is_open(block.region) {
            return Change { adds: Set::EMPTY, takes: Set::FULL };
        }
        let region = view.region(block);
        let mut change = Change::default();
        for instr in view.code(block).iter().rev() {
            let (reads, writes) = touched(region, instr);
            change.adds = change.adds.or(writes).without(reads);
            change.takes = change.takes.without(writes).or(reads);
        }
        change
    };
    let changes: Vec<Change> = blocks.iter().map(change).collect();
    let starts = backward(&view.flow, &changes, |_| Set::EMPTY, Ways::All);
    for block in view.flow.postorder() {
        let place = &blocks[*block as usize];
        let region = view.region(place);
        if !view.code(place).iter().any(|instr| instr.op == Opcode::SET) {
            continue;
        }
        let mut lost = behind(&view.flow, &starts, *block, Set::EMPTY, Ways::All);
        let mut stores = Vec::new();
        live.walk(view, *block, |pc, instr, after| {
            if instr.op == Opcode::SET && lost.has(instr.a) && !after.has(instr.a) {
                stores.push((pc, instr.a));
            }
            let (reads, writes) = touched(region, instr);
            lost = lost.or(writes).without(reads);
        });
        for (pc, register) in stores {
            let Some(name) = view.name(place, register) else { continue };
            if found.wants(messages::OVERWRITTEN) {
                let message =
                    format!("nothing reads this value of `{name}` before it is overwritten");
                let report =
                    diagnostic(messages::OVERWRITTEN, view.span(place.region, pc), message);
                found.push(report.help("remove the statement, or read the register before"));
            }
        }
    }
}

/// Registers that an instruction may read, saved ones included, and that it writes.
fn touched(region: &avm_ir::program::Region, instr: &Instr) -> (Set, Set) {
    let reads: Set = flow::reads(region, instr).collect();
    let reads = match flow::window(instr) {
        flow::Window::Untouched => reads,
        flow::Window::Read | flow::Window::Written => Set::REGISTERS,
    };
    let writes =
        if instr.op == Opcode::NEXT { Set::EMPTY } else { flow::writes(region, instr).collect() };
    (reads, writes)
}
