//! Reserve, ask, settle: what an effect costs before and after, and what its answer changes.

use alloc::{string::String, vec::Vec};

use avm_ir::{
    Instr, OpInfo, Opcode, Slot, Value,
    effects::StatusWord,
    gas::GAS,
    instr::NO_REGISTER,
    opcode::OPS,
    operand::{DefaultValue, Kind, NameKind},
    program::MAX_NAME,
    value::{MAX_NESTING, Record},
    verify::CodePlace,
};

use super::{
    End, Machine, OnExhausted,
    pending::{Inputs, Pending},
    policy::Judgement,
    rewrite::Prepared,
};
use crate::{
    agent::Answered,
    effect::{Answer, EffectRequest, Failure, FailureCode, Handover},
    exec::WINDOW,
    meter::Meter,
    observer::{Done, Flow, Observer, Seen},
    price::{Operands, Results, same, slots_of},
    rewrite::about_code,
    trap::{Fault, TrapCode},
};

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// From whom the host asked.
    Outside,
    /// From a test that runs: nobody was asked.
    InTest,
}

/// Why an answer was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// No effect waits.
    NotWaiting,
    /// Another effect waits.
    OtherEffect,
}

impl core::fmt::Display for AnswerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotWaiting => "the machine waits for no answer",
            Self::OtherEffect => "the machine waits for the answer to another effect",
        })
    }
}

impl core::error::Error for AnswerError {}

impl Machine {
    /// Asks for the instruction just fetched, for which so many nanogas are charged, or fails it where it
    /// cannot be asked.
    pub(super) fn ask<O: Observer>(&mut self, mut charged: u64, observer: &mut O) {
        let instr = self.fetched();
        let args = self.operands(instr);
        let intrinsic = self.image.prices.intrinsic;
        let mut refusal = self.refusal(instr, &args).or_else(|| self.forbidden(instr.op, &args));
        let own_limit = own_gas_limit(instr.op, &args);
        if let Some(limit) = own_limit.filter(|limit| charged > *limit) {
            // The call never costs more than its limit, but the minimum that every step pays.
            charged = self.give_back(charged, limit.max(intrinsic));
            refusal.get_or_insert_with(short_limit);
        } else if refusal.is_none() && self.agent.spent.effects >= self.agent.budget.effects {
            if self.on_exhausted != OnExhausted::Deny {
                self.undo(charged, Meter::Effects);
                return;
            }
            charged = self.give_back(charged, intrinsic);
            refusal = Some(over_budget(Meter::Effects));
        }
        let left = self.agent.gas;
        let max_gas = own_limit.map_or(left, |limit| limit.saturating_sub(charged).min(left));
        let own_limit = own_limit.is_some() && max_gas < left;
        let pending = Pending::new(instr.op, charged, max_gas, own_limit);
        if let Some(failure) = refusal {
            self.refuse(pending, failure, observer);
            return;
        }
        self.pending = Some(pending);
    }

    /// Returns what was charged above an amount, and gives that amount.
    const fn give_back(&mut self, charged: u64, kept: u64) -> u64 {
        self.agent.gas += charged - kept;
        kept
    }

    /// Answers the effect that waits; the machine can run on.
    ///
    /// What the answer costs is charged now. An answer that costs more than the call's own gas
    /// limit becomes a failure that uses the limit up; one that costs more than is left on any
    /// meter ends the run exhausted before the effect, so that a top-up asks again under the same
    /// key, or fails under the policy deny.
    pub fn answer<O: Observer>(
        &mut self,
        id: u64,
        mut answer: Answer,
        observer: &mut O,
    ) -> Result<(), AnswerError> {
        let Some(pending) = self.pending.take() else { return Err(AnswerError::NotWaiting) };
        // What waits is the next one.
        if self.agent.effects != id {
            self.pending = Some(pending);
            return Err(AnswerError::OtherEffect);
        }
        self.open();
        if O::VALUES {
            observer.answered(self.request_of(&pending), &answer);
        }
        self.settle(&pending, &mut answer, Said::Outside, observer);
        Ok(())
    }

    /// Gives the effect that waits an answer that a test has: it is taken as it is, and not kept.
    #[cold]
    #[inline(never)]
    pub(super) fn answer_in_test(&mut self, mut answer: Answer) {
        let Some(pending) = self.pending.take() else { return };
        self.settle(&pending, &mut answer, Said::InTest, &mut ());
    }

    #[inline(always)]
    pub(super) fn settle<O: Observer>(
        &mut self,
        pending: &Pending,
        answer: &mut Answer,
        said: Said,
        observer: &mut O,
    ) {
        let (op, max_gas, max_spend) = (pending.op, pending.max_gas, self.max_spend(pending));
        let max_bytes = self.max_bytes(pending);
        if let Some(handover) = answer.handover.as_deref() {
            self.take_handover(handover, pending.charged);
        }
        if let Some(problem) = problem(answer, op, max_bytes, |bytes| self.has_memory(bytes)) {
            answer.result = Err(Failure { code: FailureCode::TooLarge, message: problem.into() });
        }
        let mut prepared = match said {
            Said::Outside if about_code(op) => {
                let request = self.request_of(pending).clone();
                self.prepare(op, &request.args, answer)
            }
            Said::Outside => None,
            Said::InTest => None,
        };
        let mut price = self.price_after(self.fetched(), answer);
        if let Some(patch) = &prepared {
            match self.judge(op, patch, max_gas.saturating_sub(price)) {
                Judgement::Passes(used) => answer.cost = used,
                Judgement::Fails(failure, used) => {
                    answer.result = Err(failure);
                    answer.cost = used;
                    prepared = None;
                }
                Judgement::Short => {
                    answer.short = Some(Meter::Gas);
                    answer.result = Err(over_budget(Meter::Gas));
                    prepared = None;
                }
                Judgement::Waits(wanted) => {
                    self.wait_for_approval(pending.charged, wanted);
                    return;
                }
            }
            price = self.price_after(self.fetched(), answer);
        }
        if let Some(tried) = prepared.take_if(|_| op == Opcode::SELF_MODIFY_SANDBOX) {
            let left = max_gas.saturating_sub(price);
            let request = self.request_of(pending).clone();
            self.try_patch(&tried, &request.args, left, answer);
            price = self.price_after(self.fetched(), answer);
        }
        // The limits may have been raised since it was asked, and time may have passed.
        let left = max_spend.at_most(&self.agent.left());
        let too_dear = price > max_gas;
        let short = match too_dear && !pending.own_limit {
            true => Some(Meter::Gas),
            false => answer.short.or_else(|| answer.spent.over(&left)),
        };
        if let Some(meter) = short
            && self.on_exhausted != OnExhausted::Deny
        {
            self.undo(pending.charged, meter);
            return;
        }
        if too_dear {
            // The limit of this one call is used up, and that is a failure the program can see.
            price = if pending.own_limit { max_gas } else { 0 };
            let message = String::from("the call costs more than its gas limit");
            answer.result = Err(Failure { code: FailureCode::GasLimit, message });
        } else if let (Some(meter), Ok(_)) = (short, &answer.result) {
            answer.result = Err(over_budget(meter));
            // What it brought is not handed on, and so not paid for.
            price = self.price_after(self.fetched(), answer);
        }
        // From here on it says what was taken of it.
        answer.short = short;
        let used = &mut self.agent.spent;
        used.effects += 1;
        answer.spent = answer.spent.at_most(&left);
        used.spend = used.spend.plus(&answer.spent);
        answer.refund = answer.refund.at_most(&used.spend);
        used.spend = used.spend.minus(&answer.refund);
        if said == Said::Outside && self.image.keeps_answers {
            let request = self.request_of(pending).clone();
            self.keep_answer(&request, answer);
        }
        self.deliver(pending, answer, price, prepared, observer);
    }

    /// Takes what others of its world hand over and what they get, never more than was used up or is
    /// left.
    #[cold]
    #[inline(never)]
    fn take_handover(&mut self, handover: &Handover, charged: u64) {
        let agent = &mut self.agent;
        agent.gas += handover.gas.min(agent.gas_limit - agent.gas - charged);
        let used = agent.spent.minus(&handover.back);
        agent.spent = used.plus(&handover.taken.at_most(&agent.budget.minus(&used)));
    }

    /// What answering the effect that waits costs beyond what was charged, in nanogas.
    pub fn price_of(&mut self, answer: &Answer) -> u64 {
        self.open();
        self.pending.as_ref().map_or(0, |_| self.price_after(self.fetched(), answer))
    }

    /// Keeps an answer for tests that ask the same.
    #[cold]
    #[inline(never)]
    fn keep_answer(&mut self, request: &EffectRequest, answer: &Answer) {
        if about_code(request.opcode) {
            return;
        }
        let before = self.agent.answers.heap;
        let (op, args) = (request.opcode, request.args.clone());
        self.agent.answers.own().keep(Answered { op, args, result: answer.result.clone() });
        let grown = self.agent.answers.heap.saturating_sub(before);
        // Where that is too much, it shows when the results are counted.
        let _ = self.agent.memory.make(grown);
    }

    /// Fails an effect about which nobody is asked.
    fn refuse<O: Observer>(&mut self, pending: Pending, failure: Failure, observer: &mut O) {
        let mut answer = Answer { result: Err(failure), ..Answer::outputs(Vec::new()) };
        self.deliver(&pending, &mut answer, 0, None, observer);
    }

    /// Takes an answer and charges its price, which the gas left covers.
    fn deliver<O: Observer>(
        &mut self,
        pending: &Pending,
        answer: &mut Answer,
        price: u64,
        prepared: Option<Prepared>,
        observer: &mut O,
    ) {
        let instr = self.fetched();
        if O::EFFECTS {
            // Before anything changes from which it follows.
            self.request_of(pending);
        }
        self.agent.gas -= price;
        self.agent.steps += 1;
        self.agent.effects += 1;
        let gas = pending.charged + price;
        if O::EFFECTS {
            observer.effect(self.request_of(pending), answer, gas);
        }
        let at = self.asked_at();
        if O::STEPS {
            observer.step(at, instr.op, gas);
        }
        let mut result = core::mem::replace(&mut answer.result, Ok(Vec::new()));
        self.close_votes();
        let kept = self.agent.rewrites.heap;
        let mut replaced = Vec::new();
        if let (Some(prepared), Ok(_)) = (prepared, &result) {
            let said;
            (said, replaced) = self.rewrite(prepared);
            result = Ok(alloc::vec![said]);
        }
        let made = self.agent.rewrites.heap - kept;
        let taken = self.take_result(instr, result).and_then(|()| self.count_made(made));
        if O::VALUES {
            let flow = if taken.is_ok() { Flow::On } else { Flow::Trapped };
            let seen = self.seen();
            observer.after(&Done { at, instr, gas, flow, seen });
        }
        if let Err(fault) = taken {
            self.trap(fault);
        }
        self.tell(&replaced, observer);
    }

    /// What observers see of the current window.
    pub(crate) fn seen(&self) -> Seen<'_> {
        let room = self.base..self.base + WINDOW;
        Seen {
            registers: self.stack.get(room).unwrap_or_default(),
            consts: &self.image.program().regions[self.region as usize].consts,
            status: &self.agent.status,
        }
    }

    /// Puts the machine back before the effect just fetched, which a meter does not cover.
    pub(super) fn undo(&mut self, charged: u64, meter: Meter) {
        self.agent.gas += charged;
        self.pc -= 1;
        self.end = Some(End::Exhausted(meter));
    }

    /// The next instruction costs more than is left.
    pub(super) fn exhaust<O: Observer>(&mut self, observer: &mut O) {
        let region = &self.image.program().regions[self.region as usize];
        let (intrinsic, left) = (self.image.prices.intrinsic, self.agent.gas);
        let instr = region.code.get(self.pc).copied();
        let Some(instr) = instr.filter(|instr| instr.op.info().reach.is_some()) else {
            self.end = Some(End::Exhausted(Meter::Gas));
            return;
        };
        let args = self.operands(instr);
        let own_limit = own_gas_limit(instr.op, &args).map(|limit| limit.max(intrinsic));
        let (charged, failure) = match own_limit.filter(|limit| *limit <= left) {
            // The call fails at its own limit before the agent's gas counts.
            Some(limit) => (limit, self.refusal(instr, &args).unwrap_or_else(short_limit)),
            // The step pays the minimum and fails in its class.
            None if self.on_exhausted == OnExhausted::Deny && left >= intrinsic => {
                let message = "the gas left does not cover the call, and the policy is deny";
                let failure = Failure { code: FailureCode::GasLimit, message: message.into() };
                (intrinsic, failure)
            }
            None => {
                self.end = Some(End::Exhausted(Meter::Gas));
                return;
            }
        };
        self.agent.gas -= charged;
        self.pc += 1;
        let mut pending = Pending::new(instr.op, charged, self.agent.gas, false);
        pending.put(self.request_within(self.agent.gas, (0, 0)));
        self.refuse(pending, failure, observer);
    }

    /// Why an instruction is refused before anybody is asked: its operands, or a computed name that
    /// the program did not declare. Literal names are in the manifest, or the program is not
    /// verified.
    fn refusal(&self, instr: Instr, args: &Inputs<'_>) -> Option<Failure> {
        let info = instr.op.info();
        if let Some(failure) = unusable(info, args) {
            return Some(failure);
        }
        if !HAS_NAMES[instr.op as usize] {
            return None;
        }
        let program = self.image.program();
        let slots = slots_of(&instr, &program.regions[self.region as usize].pool);
        let operands = info.inputs.iter().zip(inputs_of(info, &slots));
        let mut computed = operands.zip(args).filter(|((_, slot), _)| slot.as_reg().is_some());
        computed.find_map(|((operand, _), arg)| match (operand.kind, arg) {
            // Its regions are the program's own; their permissions say what may be done to them.
            (Kind::Name(NameKind::Region), _) => None,
            (Kind::Name(kind), Some(Value::Text(name))) => {
                (!program.manifest.lists(kind, name)).then(|| undeclared(kind, name))
            }
            _ => None,
        })
    }

    fn take_result(
        &mut self,
        instr: Instr,
        result: Result<Vec<Value>, Failure>,
    ) -> Result<(), Fault> {
        let info = instr.op.info();
        let failed = result.is_err();
        self.agent.status.set_failed(info.sets, failed);
        let outputs = match result {
            Ok(outputs) => outputs,
            Err(failure) => {
                let unread = info.unread == avm_ir::Unread::Trap && instr.a == NO_REGISTER;
                let message = alloc::format!(
                    "{} failed and nobody reads its status: {failure}",
                    info.mnemonic
                );
                if instr.op == Opcode::SELF_MODIFY_SANDBOX {
                    self.agent.status.sandbox = untested(&failure);
                }
                self.agent.note_failure(failure);
                if unread {
                    return Err(Fault { code: TrapCode::UnreadFailure, message });
                }
                Vec::new()
            }
        };
        if info.sets == Some(StatusWord::Bool) && !failed {
            self.agent.status.bool = outputs.first() == Some(&Value::Bool(true));
        }
        if instr.op == Opcode::SELF_MODIFY_SANDBOX && !failed {
            self.agent.status.sandbox = outputs.first().cloned().unwrap_or_default();
        }
        let region = &self.image.program().regions[self.region as usize];
        let slots = slots_of(&instr, &region.pool);
        let first = (!info.outputs.is_empty()).then_some(instr.a);
        let further = slots.iter().take(info.outputs.len().saturating_sub(1));
        let further = further.map(|slot| slot.as_reg().unwrap_or(NO_REGISTER));
        let mut outputs = outputs.into_iter();
        let mut made = 0;
        for register in first.into_iter().chain(further) {
            let output = outputs.next();
            if register == NO_REGISTER {
                continue;
            }
            let place = &mut self.stack[self.base + usize::from(register)];
            match output {
                Some(value) => {
                    made += value.heap();
                    *place = value;
                }
                None => *place = Value::Null,
            }
        }
        self.count_made(made)
    }

    pub(super) fn fetched(&self) -> Instr {
        self.image.program().regions[self.region as usize].code[self.pc - 1]
    }

    /// Where the effect stands that waits, or was just answered.
    fn asked_at(&self) -> CodePlace {
        CodePlace { region: self.region, pc: (self.pc - 1) as u32 }
    }

    /// Whether so much memory may be made, in bytes.
    fn has_memory(&mut self, bytes: u64) -> bool {
        let memory = &self.agent.memory;
        memory.surely_has(bytes) || bytes <= memory.limit.saturating_sub(self.measured())
    }

    fn price_after(&self, instr: Instr, answer: &Answer) -> u64 {
        // A failed call brought nothing back: it pays for its work, not for `NULL`.
        let outputs = answer.result.as_deref().ok();
        let results = Results { outputs, units: answer.units };
        let formula = self
            .with_operands(instr, |operands| self.image.prices.after(instr.op, operands, &results));
        formula.saturating_add(answer.cost)
    }

    fn with_operands<T>(&self, instr: Instr, f: impl FnOnce(&Operands<'_>) -> T) -> T {
        let region = &self.image.program().regions[self.region as usize];
        let window = &self.stack[self.base..self.base + WINDOW];
        let slots = slots_of(&instr, &region.pool);
        let value = |slot: Slot| match (slot.as_reg(), slot.as_const()) {
            (Some(register), _) => &window[usize::from(register)],
            (None, Some(constant)) => region.consts.get(constant).unwrap_or(&Value::Null),
            (None, None) => &Value::Null,
        };
        f(&Operands { a: &window[usize::from(instr.a)], slots: &slots, value: &value })
    }
}

/// The slots of a row's operands, in its order: results beyond the first lie before them. Rows that
/// reach outside change no operand in place, so none lies in `a`.
pub(super) fn inputs_of<'a>(info: &OpInfo, slots: &'a [Slot]) -> &'a [Slot] {
    slots.get(info.outputs.len().saturating_sub(1)..).unwrap_or_default()
}

/// What becomes of a call whose own limit does not cover the price that is known beforehand.
fn short_limit() -> Failure {
    let message = String::from("the call's gas limit does not cover its price");
    Failure { code: FailureCode::GasLimit, message }
}

/// What becomes of a call that a meter does not cover, under the policy deny.
fn over_budget(meter: Meter) -> Failure {
    let message = alloc::format!(
        "the run's budget of {} does not cover the call, and the policy is deny",
        meter.name()
    );
    Failure { code: FailureCode::over(meter), message }
}

/// What RtestResult says where no test was run: programs ask for its status alone (Y-27, X-22).
fn untested(failure: &Failure) -> Value {
    let reason = Value::from(alloc::format!("{failure}"));
    Value::Record(Record::from_iter([("status", Value::text("ERROR")), ("reason", reason)]))
}

/// What becomes of a computed name that is not in the manifest.
pub(crate) fn undeclared(kind: NameKind, name: &str) -> Failure {
    let kind = kind.name();
    let end = name.char_indices().nth(MAX_NAME).map_or(name.len(), |(at, _)| at);
    let name = &name[..end];
    let message = alloc::format!(
        "{kind} \"{name}\" is not in the program's manifest; declare it with .uses {kind} \"{name}\""
    );
    Failure { code: FailureCode::NotGranted, message }
}

/// Which operand of a row is the call's own gas limit, by opcode; 255 where none is.
static GAS_LIMIT: [u8; 256] = {
    let mut places = [255; 256];
    let mut row = 0;
    while row < OPS.len() {
        let inputs = OPS[row].inputs;
        let mut i = 0;
        while i < inputs.len() {
            let in_place = OPS[row].reach.is_some() && matches!(inputs[i].kind, Kind::Place);
            assert!(!in_place, "`inputs_of` counts on that");
            if same(inputs[i].name.as_bytes(), b"gas_limit") {
                places[OPS[row].opcode as usize] = i as u8;
            }
            i += 1;
        }
        row += 1;
    }
    places
};

/// Whether a row that reaches outside has operands that name something, by opcode.
static HAS_NAMES: [bool; 256] = {
    let mut named = [false; 256];
    let mut row = 0;
    while row < OPS.len() {
        let inputs = OPS[row].inputs;
        let mut i = 0;
        while i < inputs.len() {
            named[OPS[row].opcode as usize] |= matches!(inputs[i].kind, Kind::Name(_));
            i += 1;
        }
        row += 1;
    }
    named
};

/// The call's own limit in nanogas, where the row has one and the program gives it.
fn own_gas_limit(op: Opcode, args: &Inputs<'_>) -> Option<u64> {
    match (*args.get(usize::from(GAS_LIMIT[op as usize]))?)? {
        Value::Int(gas) => Some(u64::try_from(*gas).unwrap_or(0).saturating_mul(GAS)),
        // Converted once, here, and exact from then on; the cast saturates.
        Value::Float(gas) => Some(libm::round(*gas * GAS as f64) as u64),
        _ => None,
    }
}

/// Why an instruction cannot be asked: a wanted operand is `NULL` or of the wrong type.
fn unusable(info: &OpInfo, args: &Inputs<'_>) -> Option<Failure> {
    for (operand, arg) in info.inputs.iter().zip(args) {
        let Some(value) = arg else { continue };
        let is_null = matches!(value, Value::Null);
        if is_null && operand.default != DefaultValue::Required {
            // As if it were left out.
            continue;
        }
        let fits = match operand.kind {
            Kind::Any => !is_null,
            Kind::Bool => matches!(value, Value::Bool(_) | Value::Null),
            Kind::Int => matches!(value, Value::Int(_)),
            Kind::Float | Kind::Num => matches!(value, Value::Int(_) | Value::Float(_)),
            Kind::Text => matches!(value, Value::Text(_)),
            // What an earlier call gave back for a name stands for it.
            Kind::Name(_) => matches!(value, Value::Text(_) | Value::Handle(..)),
            Kind::List => matches!(value, Value::List(_)),
            Kind::Record => matches!(value, Value::Record(_)),
            Kind::Vector => matches!(value, Value::Vector(_)),
            Kind::Bytes => matches!(value, Value::Bytes(_)),
            Kind::Handle => matches!(value, Value::Handle(..)),
            Kind::Place | Kind::Label | Kind::Func | Kind::Args => true,
        };
        if !fits {
            let (name, mnemonic) = (operand.name, info.mnemonic);
            let message = match operand.kind {
                Kind::Any => alloc::format!("operand {name} of {mnemonic} must not be NULL"),
                kind => alloc::format!(
                    "operand {name} of {mnemonic} must be {}, found {}",
                    kind.name(),
                    value.type_name()
                ),
            };
            return Some(Failure { code: FailureCode::InvalidArgument, message });
        }
    }
    None
}

/// Why an answer cannot be taken: it breaks the request's caps, or takes more memory than there is.
fn problem(
    answer: &Answer,
    op: Opcode,
    max_bytes: u64,
    fits: impl FnOnce(u64) -> bool,
) -> Option<&'static str> {
    let outputs = answer.result.as_ref().ok()?;
    let bytes: u64 = outputs.iter().map(Value::size).sum();
    let too_heavy = || !fits(outputs.iter().map(Value::heap).sum::<u64>().max(bytes));
    if outputs.len() > op.info().outputs.len() {
        Some("the provider gave more outputs than the instruction has")
    } else if outputs.iter().any(|value| value.nesting() > MAX_NESTING) {
        Some("the answer is nested more than 64 levels deep")
    } else if bytes > 64 && (bytes > max_bytes || too_heavy()) {
        Some("the answer is larger than the call may return")
    } else {
        None
    }
}
