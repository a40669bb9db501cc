//! Broadcasts whose channel only the order of statements decides.

use std::collections::VecDeque;

use avm_ir::{
    Opcode, Slot, Value,
    flow::{self, BlockId},
    program::Region,
};

use super::{Findings, View};
use crate::messages::{self, Report, diagnostic};

/// The channels that were joined on the ways to a place, from less to more known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Joined<'a> {
    #[default]
    None,
    One(&'a str),
    /// One, and which one is not known here.
    Some,
    Several,
}

impl<'a> Joined<'a> {
    fn join(self, channel: Option<&'a str>) -> Self {
        match (self, channel) {
            (Self::None, Some(name)) => Self::One(name),
            (Self::One(first), Some(name)) if first != name => Self::Several,
            (Self::None, None) | (Self::One(_), None) => Self::Some,
            (same, _) => same,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, joined) | (joined, Self::None) => joined,
            (Self::Several, _) | (_, Self::Several) => Self::Several,
            (a, b) if a == b => a,
            _ => Self::Some,
        }
    }
}

pub(super) fn run(view: &View<'_>, found: &mut Findings) {
    let regions = &view.source.program.program().regions;
    let uses = |op| regions.iter().any(|region| region.code.iter().any(|instr| instr.op == op));
    if !uses(Opcode::SWARM_BROADCAST) || !uses(Opcode::SWARM_CONNECT) {
        return;
    }
    let flow = &view.flow;
    let mut starts = vec![Joined::None; flow.blocks().len()];
    let mut waits = vec![true; starts.len()];
    let mut open: VecDeque<BlockId> = flow.postorder().iter().rev().copied().collect();
    while let Some(block) = open.pop_front() {
        waits[block as usize] = false;
        let place = &flow.blocks()[block as usize];
        let region = view.region(place);
        let connects = view.code(place).iter().filter(|instr| instr.op == Opcode::SWARM_CONNECT);
        let end = connects
            .fold(starts[block as usize], |joined, instr| joined.join(channel(region, instr)));
        for next in flow.successors(block) {
            let new = starts[*next as usize].or(end);
            if core::mem::replace(&mut starts[*next as usize], new) != new
                && !core::mem::replace(&mut waits[*next as usize], true)
            {
                open.push_back(*next);
            }
        }
    }
    for block in flow.postorder() {
        let place = &flow.blocks()[*block as usize];
        let region = view.region(place);
        let mut joined = starts[*block as usize];
        for (pc, instr) in (place.start..).zip(view.code(place)) {
            match instr.op {
                Opcode::SWARM_CONNECT => joined = joined.join(channel(region, instr)),
                Opcode::SWARM_BROADCAST
                    if joined == Joined::Several
                        && channel(region, instr).is_none()
                        && !names_channel(region, instr)
                        && found.wants(messages::AMBIGUOUS_CHANNEL) =>
                {
                    let message =
                        "this broadcast goes to the channel that was joined last, of several";
                    let span = view.span(place.region, pc);
                    let report = diagnostic(messages::AMBIGUOUS_CHANNEL, span, message);
                    found.push(report.help("name the channel, `channel=\"…\"`"));
                }
                _ => {}
            }
        }
    }
}

/// The operand that names a channel.
fn operand(region: &Region, instr: &avm_ir::Instr) -> Option<Slot> {
    let inputs = instr.op.info().inputs;
    let channel = avm_ir::Kind::Name(avm_ir::NameKind::Channel);
    let mut named =
        flow::operands(region, instr).filter(|(input, _)| inputs[*input].kind == channel);
    named.next().map(|(_, slot)| slot)
}

fn names_channel(region: &Region, instr: &avm_ir::Instr) -> bool {
    operand(region, instr).is_some()
}

/// The channel that an instruction names, where that is known.
fn channel<'a>(region: &'a Region, instr: &avm_ir::Instr) -> Option<&'a str> {
    match region.consts.get(operand(region, instr)?.as_const()?) {
        Some(Value::Text(name)) => Some(name.as_str()),
        _ => None,
    }
}
