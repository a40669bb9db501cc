//! What a step does, as the reader carries it out.

use alloc::vec::Vec;

use avm_ir::{
    Instr, Opcode, Value,
    instr::{NO_REGISTER, Role},
    operand::Kind,
    value::Text,
    verify::CodePlace,
};

use crate::{
    effect::{Answer, EffectRequest},
    machine::Machine,
    observer::{Done, Flow, Observer, Rewritten, Seen},
    trace::step::{Expected, Said},
};

/// What a step did besides what its record says.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// Registers that it gave something to, and what they hold; those that it changed in place too.
    /// A call gives with its return.
    pub outputs: Vec<(u8, Value)>,
    /// What a return gave: where the caller goes on, its register, and the value.
    pub returned: Option<(CodePlace, u8, Value)>,
    /// What it asked the outside and what the machine took of the answer.
    pub effect: Option<(EffectRequest, Answer)>,
    /// The note that it logged.
    pub note: Option<Value>,
    /// What it wrote to the agent's store, or `None` where it deleted, under which key.
    pub stored: Option<(Text, Option<Value>)>,
}

/// Sees one step.
pub(super) struct Look<'a> {
    expected: &'a Expected,
    happened: &'a mut Happened,
    pub(super) said: Option<Said>,
    /// Regions that got another code behind it.
    pub(super) replaced: Vec<Rewritten>,
}

impl<'a> Look<'a> {
    pub(super) fn new(expected: &'a Expected, happened: &'a mut Happened) -> Self {
        happened.outputs.clear();
        (happened.effect, happened.note, happened.stored) = (None, None, None);
        happened.returned = None;
        Self { expected, happened, said: None, replaced: Vec::new() }
    }
}

impl Observer for Look<'_> {
    const VALUES: bool = true;

    fn before(&mut self, _: CodePlace, instr: Instr, seen: &Seen<'_>) {
        let value = match instr.op {
            Opcode::KV_STORE => seen.operand(instr.c).cloned(),
            Opcode::KV_DELETE => None,
            _ => return,
        };
        if let Some(Value::Text(key)) = seen.operand(instr.b) {
            self.happened.stored = Some((key.clone(), value));
        }
    }

    fn after(&mut self, done: &Done<'_>) {
        self.said = Some(self.expected.look(done));
        let (instr, info) = (done.instr, done.instr.op.info());
        if done.flow != Flow::On {
            self.happened.stored = None;
            return;
        }
        let mut keep = |register: u8| {
            if let (true, Some(value)) = (register != NO_REGISTER, done.seen.register(register)) {
                self.happened.outputs.push((register, value.clone()));
            }
        };
        let has_first = !info.outputs.is_empty() || info.place_in_a().is_some();
        if has_first && instr.op != Opcode::CALL {
            keep(instr.a);
        }
        // Rows with further outputs or places beside an output keep their slots in the instruction or
        // name at most as many as fit there; see the tests of the table.
        let slots = [instr.b, instr.c, instr.d];
        let is_pool = info.layout() == avm_ir::instr::Layout::Pool;
        for (slot, role) in slots.iter().zip(info.slot_roles()).filter(|_| !is_pool) {
            let changes = match role {
                Role::Output(_) => true,
                Role::Input(index) => {
                    info.inputs.get(index).is_some_and(|operand| operand.kind == Kind::Place)
                }
            };
            if let (true, Some(register)) = (changes, slot.as_reg()) {
                keep(register);
            }
        }
    }

    fn log(&mut self, note: &Value) {
        self.happened.note = Some(note.clone());
    }

    fn rewritten(&mut self, _: &Machine, change: &Rewritten) {
        self.replaced.push(*change);
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, _: u64) {
        self.happened.effect = Some((request.clone(), answer.clone()));
    }
}
