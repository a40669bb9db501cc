//! What an instruction reads and writes: registers of its window, the agent's window as a whole,
//! status words.

use crate::{
    effects::StatusWord,
    instr::{Instr, NO_REGISTER, Role, Slot},
    opcode::Opcode,
    operand::Kind,
    program::Region,
    value::Value,
};

/// The operands of an instruction that hold values: index of the row's input, and the slot. An
/// operand of many values comes once for each. Labels, functions and operands that were left out
/// do not come.
pub fn operands<'a>(
    region: &'a Region,
    instr: &'a Instr,
) -> impl Iterator<Item = (usize, Slot)> + 'a {
    let info = instr.op.info();
    let in_a = info.place_in_a().map(|input| (input, Slot::reg(instr.a)));
    let slots = instr.slots(&region.pool);
    let count = slots.as_ref().map_or(0, |slots| slots.len());
    let named = info.slot_roles();
    // The last operand of a row with many values takes all further slots.
    let last = if info.variadic() { info.inputs.len().checked_sub(1) } else { None };
    let more = core::iter::repeat(last).map_while(|last| last.map(Role::Input));
    let in_slots = named.chain(more).zip(0..count).filter_map(move |(role, at)| {
        let slot = *slots.as_ref()?.get(at)?;
        match role {
            Role::Input(input)
                if slot != Slot::ABSENT
                    && !matches!(info.inputs[input].kind, Kind::Label | Kind::Func) =>
            {
                Some((input, slot))
            }
            _ => None,
        }
    });
    in_a.into_iter().chain(in_slots)
}

/// The registers of its window that an instruction reads; one that it reads twice comes twice.
pub fn reads<'a>(region: &'a Region, instr: &'a Instr) -> impl Iterator<Item = u8> + 'a {
    operands(region, instr).filter_map(|(_, slot)| slot.as_reg())
}

/// The registers of its window that an instruction writes: its results, and the places that it
/// changes (which it reads as well). A `CALL` writes its result and nothing else of the caller.
pub fn writes<'a>(region: &'a Region, instr: &'a Instr) -> impl Iterator<Item = u8> + 'a {
    let info = instr.op.info();
    let first = (!info.outputs.is_empty() && instr.a != NO_REGISTER).then_some(instr.a);
    let slots = instr.slots(&region.pool);
    let further = info.slot_roles().enumerate().filter_map(move |(at, role)| match role {
        Role::Output(_) => slots.as_ref()?.get(at)?.as_reg(),
        Role::Input(_) => None,
    });
    let places = operands(region, instr)
        .filter(|(input, _)| info.inputs[*input].kind == Kind::Place)
        .filter_map(|(_, slot)| slot.as_reg());
    first.into_iter().chain(further).chain(places)
}

/// What an instruction does to the agent's window as a whole, wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Nothing.
    Untouched,
    /// It reads every named register of the agent.
    Read,
    /// It may write any named register of the agent.
    Written,
}

/// What an instruction does to the agent's window as a whole.
pub fn window(instr: &Instr) -> Window {
    match instr.op {
        Opcode::SAVE_EXECUTION_STATE if instr.b == Slot::ABSENT => Window::Read,
        Opcode::CREATE_SYSTEM_CHECKPOINT => Window::Read,
        Opcode::LOAD_EXECUTION_STATE if instr.a == NO_REGISTER => Window::Written,
        Opcode::RESET_EXECUTION_STATE => Window::Written,
        _ => Window::Untouched,
    }
}

/// Which status word an instruction reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusRead {
    /// None.
    None,
    /// This one.
    Word(StatusWord),
    /// One whose number is known only when it runs.
    Any,
}

/// Which status word an instruction reads.
pub fn status_read(region: &Region, instr: &Instr) -> StatusRead {
    match instr.op {
        Opcode::JUMP_IF_TRUE | Opcode::JUMP_IF_FALSE => StatusRead::Word(StatusWord::Bool),
        Opcode::JUMP_IF_PLUGIN_FAILED => StatusRead::Word(StatusWord::Plugin),
        Opcode::JUMP_IF_TASK_FAILED => StatusRead::Word(StatusWord::Task),
        Opcode::JUMP_IF_REWRITE_FAILED => StatusRead::Word(StatusWord::Rewrite),
        Opcode::STATUS => match instr.b.as_const().and_then(|at| region.consts.get(at)) {
            Some(Value::Int(number)) => {
                StatusWord::from_number(*number).map_or(StatusRead::None, StatusRead::Word)
            }
            Some(_) => StatusRead::None,
            None => StatusRead::Any,
        },
        _ => StatusRead::None,
    }
}

/// The status words that an instruction sets: the one of its class, and for a sandboxed test the
/// record of its result as well.
pub fn sets_status(op: Opcode) -> impl Iterator<Item = StatusWord> {
    let sandbox = (op == Opcode::SELF_MODIFY_SANDBOX).then_some(StatusWord::Sandbox);
    op.info().sets.into_iter().chain(sandbox)
}
