//! Instructions that reach outside: the machine stops and asks.

use avm_ir::Instr;

use super::{Cpu, Done, Exit};

pub(super) fn request(_: &mut Cpu<'_>, _: Instr) -> Done {
    // The loop knows what was charged.
    Err(Exit::Effect(0))
}
