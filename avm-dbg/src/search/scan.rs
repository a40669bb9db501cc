//! Watching a stretch of a run: the tests are asked at marked instructions.

use std::{ops::Range, sync::Arc};

use avm_ir::{Opcode, Value, verify::CodePlace};
use avm_vm::{
    End, Machine, Marks, Observer, TrapCode,
    journal::{Event, Journal},
    observer::Rewritten,
};

use super::{
    Hit, Test, What, Write, is_denial,
    plan::Way,
    view::{View, Views},
};
use crate::code::{Codes, Scope, waits_at};

/// Values up to this many bytes are compared to find out whether a write changed them; a write to
/// a larger one counts as a change.
const COMPARED: u64 = 1 << 16;

/// Which place is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// The first one from a step on.
    First(u64),
    /// The last one before a step.
    Last(u64),
}

/// What was before an instruction that a test looks at.
#[derive(Clone, Debug)]
enum Before {
    /// Nothing that matters: that it was executed is enough.
    Any,
    /// So many failures.
    Failures(u64),
    /// This, in the window that so many calls led to.
    Value(usize, Option<Value>),
    /// Another region.
    Elsewhere,
}

/// A test that holds at a step, or does not: it shows there.
#[derive(Clone, Debug)]
struct Open {
    step: u64,
    test: usize,
    before: Before,
}

/// Asks the tests, and keeps the hit that is wanted: however often they hold, that is one step.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    views: &'a mut Views,
    codes: &'a mut Codes,
    tests: &'a [Test],
    /// Of the code that the machine runs.
    view: Arc<View>,
    wanted: Wanted,
    /// Steps at which registers that are watched were written from outside, and the registers.
    edits: Vec<(u64, u8)>,
    open: Vec<Open>,
    /// The step, and a bit for each test that holds there.
    hit: Option<(u64, u64)>,
    /// Where the depth that the plan waits for was come back to.
    surfaced: Option<u64>,
}

impl<'a> Scan<'a> {
    /// Of what a machine does from where it is.
    pub(super) fn new(
        machine: &Machine,
        views: &'a mut Views,
        (codes, tests): (&'a mut Codes, &'a [Test]),
        wanted: Wanted,
        edits: Vec<(u64, u8)>,
    ) -> Self {
        let view = views.of(machine, codes, tests);
        let (open, hit, surfaced) = (Vec::new(), None, None);
        Self { views, codes, tests, view, wanted, edits, open, hit, surfaced }
    }

    pub(super) fn hit(&self) -> Option<Hit> {
        let (step, bits) = self.hit?;
        let tests = (0..self.tests.len()).filter(|test| bits >> test & 1 == 1).collect();
        Some(Hit { step, tests })
    }

    /// The first step at which no more than the calls are open that the plan waits for, as far as
    /// one was come to.
    pub(super) const fn surfaced(&self) -> Option<u64> {
        self.surfaced
    }

    /// Takes note that a test holds, but for its condition, where a machine is.
    pub(super) fn holds(&mut self, machine: &Machine, test: usize) {
        let depth = machine.depth();
        let view = match self.view.is_of(machine) {
            true => Arc::clone(&self.view),
            false => self.views.of(machine, self.codes, self.tests),
        };
        let value = |name: &str| view.code.value(machine, depth, name);
        let condition = self.tests[test].condition.as_ref();
        if condition.is_none_or(|condition| condition.holds(value)) {
            self.note(machine.steps(), test);
        }
    }

    fn note(&mut self, step: u64, test: usize) {
        let (fits, is_first) = match self.wanted {
            Wanted::First(from) => (step >= from, true),
            Wanted::Last(before) => (step < before, false),
        };
        match &mut self.hit {
            _ if !fits => {}
            Some((at, bits)) if *at == step => *bits |= 1 << test,
            Some((at, _)) if (*at < step) == is_first => {}
            hit => *hit = Some((step, 1 << test)),
        }
    }

    /// Looks at a machine between two steps, or at the end.
    pub(super) fn arrive(&mut self, machine: &Machine) {
        match machine.end() {
            None => self.look(machine),
            Some(end) => {
                self.settle(machine);
                self.ended(machine, end);
            }
        }
    }

    fn ended(&mut self, machine: &Machine, end: &End) {
        let End::Trapped(trap) = end else { return };
        for (test, wanted) in self.tests.iter().enumerate() {
            let holds = match wanted.what {
                What::Failure => true,
                What::Denial => trap.code == TrapCode::PermissionDenied,
                _ => false,
            };
            if holds {
                self.holds(machine, test);
            }
        }
    }

    /// Looks at a machine that an instruction is next of. Looking twice changes nothing.
    fn look(&mut self, machine: &Machine) {
        self.settle(machine);
        let step = machine.steps();
        if let (Wanted::First(_), Some((hit, _))) = (self.wanted, self.hit)
            && hit < step
        {
            return;
        }
        // A machine that waits for an answer is behind its question already.
        let at = machine.pending().map_or_else(|| machine.at(), |request| request.at);
        if let Way::Back { depth, at: back } = self.views.way()
            && at == back
            && machine.depth() <= depth
        {
            self.surfaced.get_or_insert(step);
        }
        let mut tests = self.view.plan.at(at);
        while tests != 0 {
            let test = tests.trailing_zeros() as usize;
            tests &= tests - 1;
            self.ask(machine, at, test);
        }
        if !self.edits.is_empty() {
            self.edited_next(machine);
        }
    }

    fn ask(&mut self, machine: &Machine, at: CodePlace, test: usize) {
        let view = Arc::clone(&self.view);
        let before = match &view.tests[test].what {
            What::Places(_) | What::Opcode(_) | What::Effect(_) => {
                return self.holds(machine, test);
            }
            What::Line { depth, .. } | What::Depth(depth) => {
                if machine.depth() <= *depth {
                    self.holds(machine, test);
                }
                return;
            }
            What::Gas(_) | What::Rewrite(_) | What::Label(_) | What::At(_) => return,
            // What was interrupted goes on where it was, which is marked nowhere.
            What::Enters(_) if self.ends_interrupt(machine, at) => return,
            What::Enters(_) => Some(Before::Elsewhere),
            What::Failure | What::Denial => Some(Before::Failures(machine.failures())),
            What::Write(write) => self.written(machine, at, write),
        };
        if let Some(before) = before {
            self.open.push(Open { step: machine.steps() + 1, test, before });
        }
    }

    /// What the instruction at a place writes over, if it is the register that is watched.
    fn written(&self, machine: &Machine, at: CodePlace, write: &Write) -> Option<Before> {
        let register = write.register;
        let depth = match self.view.code.instr(at)?.op {
            Opcode::CALL => {
                let depth = machine.depth() + 1;
                return write.depth.is_none_or(|wanted| wanted == depth).then_some(Before::Any);
            }
            Opcode::RETURN => {
                if self.ends_interrupt(machine, at) {
                    return None;
                }
                let depth = machine.depth().checked_sub(1)?;
                let call = self.view.code.instr(waits_at(&machine.window(depth)?))?;
                (call.a == register.number).then_some(depth)?
            }
            _ if register.scope == Scope::Agent => 0,
            _ => machine.depth(),
        };
        self.held(machine, depth, write)
    }

    /// Whether an instruction returns to what was interrupted.
    fn ends_interrupt(&self, machine: &Machine, at: CodePlace) -> bool {
        let returns = self.view.code.instr(at).is_some_and(|instr| instr.op == Opcode::RETURN);
        let below = machine.depth().checked_sub(1).filter(|_| returns);
        below.and_then(|depth| machine.window(depth)).is_some_and(|window| window.interrupted)
    }

    /// What a register that is watched holds in the window that so many calls led to.
    fn held(&self, machine: &Machine, depth: usize, write: &Write) -> Option<Before> {
        let window = machine.window(depth)?;
        let fits = self.view.code.window_scope(&window, depth) == write.register.scope
            && write.depth.is_none_or(|wanted| wanted == depth);
        if !fits || !write.changes {
            return fits.then_some(Before::Any);
        }
        let value = machine.value(&window, write.register.number);
        Some(match value.and_then(|value| write.path.of(value)) {
            Some(value) if value.heap() > COMPARED => Before::Any,
            value => Before::Value(depth, value.cloned()),
        })
    }

    /// What is written from outside at the next step.
    fn edited_next(&mut self, machine: &Machine) {
        let step = machine.steps() + 1;
        let from = self.edits.partition_point(|(at, _)| *at < step);
        let next = self.edits[from..].iter().take_while(|(at, _)| *at == step);
        let view = Arc::clone(&self.view);
        for (test, wanted) in view.tests.iter().enumerate() {
            if let What::Write(write) = &wanted.what
                && next.clone().any(|(_, register)| *register == write.register.number)
                && let Some(before) = self.held(machine, machine.depth(), write)
            {
                self.open.push(Open { step, test, before });
            }
        }
    }

    /// Decides what shows by now.
    fn settle(&mut self, machine: &Machine) {
        let step = machine.steps();
        let view = Arc::clone(&self.view);
        while let Some(index) = self.open.iter().position(|open| open.step <= step) {
            let Open { step: at, test, before } = self.open.swap_remove(index);
            let wanted = &view.tests[test];
            if matches!(before, Before::Any) && wanted.condition.is_none() {
                self.note(at, test);
                continue;
            }
            debug_assert_eq!(at, step, "what an instruction leads to is marked");
            if at == step && self.shows(machine, &wanted.what, &before) {
                self.holds(machine, test);
            }
        }
        // An instruction that comes next once more is asked once more.
        self.open.clear();
    }

    fn shows(&self, machine: &Machine, what: &What, before: &Before) -> bool {
        match (before, what) {
            (Before::Elsewhere, What::Enters(region)) => machine.at().region == *region,
            (Before::Failures(count), what) => {
                let denied = || machine.last_failure().is_some_and(|f| is_denial(f.code));
                machine.failures() > *count && (*what == What::Failure || denied())
            }
            (Before::Value(depth, old), What::Write(write)) => {
                let window = machine.window(*depth);
                let value = window.and_then(|w| machine.value(&w, write.register.number));
                value.and_then(|value| write.path.of(value)) != old.as_ref()
            }
            _ => true,
        }
    }
}

impl Observer for Scan<'_> {
    const STEPS: bool = false;
    const MARKS: bool = true;

    fn marks(&self) -> Option<&Marks> {
        Some(self.view.plan.marks())
    }

    fn reached(&mut self, machine: &Machine) {
        self.look(machine);
    }

    fn outside(&mut self, event: &Event) {
        if let Event::Called { .. } = event {
            // The effect that waited comes to nothing, and is asked once more.
            self.open.clear();
        }
    }

    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        let step = machine.steps();
        if !self.view.is_of(machine) {
            // What the last step did shows here, and is not marked in the new code. Where something
            // comes from outside as well, a look is taken behind that.
            if machine.end().is_none() && !self.edits.iter().any(|(at, _)| *at == step) {
                self.settle(machine);
            }
            self.view = self.views.of(machine, self.codes, self.tests);
        }
        for (index, test) in self.tests.iter().enumerate() {
            if let What::Rewrite(region) = test.what
                && region.is_none_or(|region| region == change.region)
            {
                self.holds(machine, index);
            }
        }
    }
}

/// Registers that were edited in a stretch, with the steps.
pub(super) fn edited(journal: &Journal, steps: Range<u64>) -> impl Iterator<Item = (u64, u8)> {
    let start = journal.records.partition_point(|record| record.steps < steps.start);
    let records = journal.records[start..].iter().take_while(move |r| r.steps < steps.end);
    records.filter_map(|record| match &record.event {
        Event::Edited { register, .. } => Some((record.steps, *register)),
        _ => None,
    })
}
