//! An effect that waits for its answer. What a world answers itself is answered without a request where
//! nobody looks at one: what is asked follows from the registers, which stand still meanwhile.

use alloc::{boxed::Box, sync::Arc};

use avm_ir::{
    Instr, Opcode, Reach, Value, instr::NO_REGISTER, value::MAX_NESTING, verify::CodePlace,
};
use once_cell::race::OnceBox;

use super::{
    Machine,
    effects::{Said, inputs_of},
};
use crate::{
    effect::{Answer, Args, EffectRequest, IdempotencyKey, MOST_ARGS},
    meter::Spend,
    price::slots_of,
    rewrite::about_code,
};

/// Operands of an instruction that reaches outside, where they lie; `None` where one was left out.
pub(crate) type Inputs<'a> = [Option<&'a Value>; MOST_ARGS];

/// An effect that was asked and not yet answered.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(super) op: Opcode,
    /// Nanogas charged before, intrinsic minimum included.
    pub(crate) charged: u64,
    /// Most nanogas that the answer may cost.
    pub(super) max_gas: u64,
    /// Whether `max_gas` comes from the call's own `gas_limit` rather than from what is left.
    pub(super) own_limit: bool,
    /// Made when somebody looks at it.
    request: OnceBox<Arc<EffectRequest>>,
}

impl Pending {
    pub(super) const fn new(op: Opcode, charged: u64, max_gas: u64, own_limit: bool) -> Self {
        Self { op, charged, max_gas, own_limit, request: OnceBox::new() }
    }

    /// What it asks, where that does not follow from the machine.
    pub(super) fn put(&mut self, request: EffectRequest) {
        // Nobody can have looked at it before.
        let _ = self.request.set(Box::new(Arc::new(request)));
    }
}

impl Clone for Pending {
    fn clone(&self) -> Self {
        let request = OnceBox::new();
        if let Some(made) = self.request.get() {
            let _ = request.set(Box::new(made.clone()));
        }
        Self { request, ..*self }
    }
}

impl Machine {
    /// The effect that waits for an answer.
    pub fn pending(&self) -> Option<&EffectRequest> {
        self.request().map(|request| &**request)
    }

    /// The same, to be kept.
    pub(crate) fn request(&self) -> Option<&Arc<EffectRequest>> {
        self.pending.as_ref().map(|pending| self.request_of(pending))
    }

    /// What waits, by its instruction.
    pub(crate) fn asks(&self) -> Option<Opcode> {
        self.pending.as_ref().map(|pending| pending.op)
    }

    /// Makes the request while the state is the one in which it was asked, in time that does not grow
    /// with the depth of calls.
    pub(crate) fn put_request(&mut self) {
        let Some(pending) = self.pending.as_ref().filter(|one| one.request.get().is_none()) else {
            return;
        };
        let (op, max_gas) = (pending.op, pending.max_gas);
        // One at rest holds little, and has its registers elsewhere.
        let used = if self.is_open() { self.measured() } else { self.memory_used() };
        let request = self.request_within(max_gas, self.caps_beside(used, op, max_gas));
        if let Some(pending) = &mut self.pending {
            pending.put(request);
        }
    }

    /// What an effect asks that waits, or was just taken to be answered.
    pub(super) fn request_of<'a>(&self, pending: &'a Pending) -> &'a Arc<EffectRequest> {
        pending.request.get_or_init(|| {
            let request = self.request_within(pending.max_gas, self.caps(pending));
            Box::new(Arc::new(request))
        })
    }

    /// Most bytes and units that the answer may bring.
    pub(super) fn caps(&self, pending: &Pending) -> (u64, u64) {
        if let Some(request) = pending.request.get() {
            return (request.max_bytes, request.max_units);
        }
        self.caps_beside(self.memory_used(), pending.op, pending.max_gas)
    }

    /// The same where so much memory is used.
    fn caps_beside(&self, used: u64, op: Opcode, max_gas: u64) -> (u64, u64) {
        let (bytes, units) = self.image.prices.caps(op, max_gas);
        (bytes.min(self.agent.memory.limit.saturating_sub(used)), units)
    }

    /// The first of these, where it is not what the memory left says.
    pub(super) fn max_bytes(&self, pending: &Pending) -> u64 {
        let by_price = || self.image.prices.caps(pending.op, pending.max_gas).0;
        pending.request.get().map_or_else(by_price, |request| request.max_bytes)
    }

    /// Most that the call may use up on the meters beside gas.
    pub(super) fn max_spend(&self, pending: &Pending) -> Spend {
        pending.request.get().map_or_else(|| self.agent.left(), |request| request.max_spend)
    }

    /// The request of the instruction just fetched, with the most bytes and units it may bring.
    pub(super) fn request_within(
        &self,
        max_gas: u64,
        (max_bytes, max_units): (u64, u64),
    ) -> EffectRequest {
        let instr = self.fetched();
        EffectRequest {
            id: self.agent.effects,
            opcode: instr.op,
            // A row that becomes a request reaches something.
            reach: instr.op.info().reach.unwrap_or(Reach::Code),
            code: if about_code(instr.op) { self.own_code() } else { None },
            args: self.arguments(instr),
            at: CodePlace { region: self.region, pc: (self.pc - 1) as u32 },
            max_gas,
            max_bytes,
            max_units,
            max_spend: self.agent.left(),
            idempotency_key: IdempotencyKey::Effect {
                program: self.image.origin(),
                run: self.agent.run,
                number: self.agent.effects,
            },
        }
    }

    /// The operands of the effect that waits.
    pub(crate) fn inputs(&self) -> Inputs<'_> {
        match self.pending {
            Some(_) => self.operands(self.fetched()),
            None => [None; MOST_ARGS],
        }
    }

    /// The operands of an instruction that reaches outside.
    pub(super) fn operands(&self, instr: Instr) -> Inputs<'_> {
        let region = &self.image.program().regions[self.region as usize];
        let slots = slots_of(&instr, &region.pool);
        let inputs = inputs_of(instr.op.info(), &slots);
        // A machine at rest has its registers elsewhere.
        let window = self.is_open().then(|| &self.stack[self.base..]);
        let mut operands = [None; MOST_ARGS];
        for (operand, slot) in operands.iter_mut().zip(inputs) {
            *operand = match (slot.as_reg().map(usize::from), window) {
                (Some(register), Some(window)) => window.get(register),
                (Some(register), None) => Some(self.slot(self.base + register)),
                (None, _) => slot.as_const().and_then(|constant| region.consts.get(constant)),
            };
        }
        operands
    }

    /// Answers the effect that waits with at most one output, which costs nothing: what
    /// [`Self::answer`] does, where that comes to the same with less.
    pub(crate) fn answer_plainly(&mut self, output: Option<Value>) {
        let Some(pending) = self.pending.take() else { return };
        self.open();
        let info = pending.op.info();
        let instr = self.fetched();
        let is_plain = self.image.is_plain(pending.op)
            && info.outputs.len() == usize::from(output.is_some())
            && (output.is_none() || instr.a != NO_REGISTER)
            && output.as_ref().is_none_or(|output| self.takes(&pending, output));
        if !is_plain {
            let mut answer = Answer::outputs(output.into_iter().collect());
            return self.settle(&pending, &mut answer, Said::Outside, &mut ());
        }
        let agent = &mut self.agent;
        agent.steps += 1;
        agent.effects += 1;
        agent.spent.effects += 1;
        self.close_votes();
        self.agent.status.set_failed(info.sets, false);
        let made = output.as_ref().map_or(0, Value::heap);
        if let Some(output) = output {
            self.stack[self.base + usize::from(instr.a)] = output;
        }
        if let Err(fault) = self.count_made(made) {
            self.trap(fault);
        }
    }

    /// Whether an output can be taken without a closer look.
    fn takes(&self, pending: &Pending, output: &Value) -> bool {
        // Whatever takes memory takes no less than its bytes.
        let bytes = output.heap().max(output.size());
        output.nesting() <= MAX_NESTING
            && bytes <= self.max_bytes(pending)
            && self.agent.memory.surely_has(bytes)
    }

    /// Copies of them.
    fn arguments(&self, instr: Instr) -> Args {
        let operands = self.operands(instr);
        let len = instr.op.info().inputs.len();
        operands.iter().take(len).map(|operand| operand.cloned()).collect()
    }
}
