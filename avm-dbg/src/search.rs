//! Places of a run at which something holds: the next one, or the last one before.
//!
//! A stretch of the run is executed once while an observer notes candidates. What the observer
//! cannot see, values, is looked at in a second pass that goes from candidate to candidate.
//! Backwards the run is taken rung by rung from its end, and a long stretch is cut in parts by
//! checkpoints first, so that only one part has to be watched.

mod scan;

use std::collections::BTreeSet;

use avm_ir::{Opcode, Value, verify::CodePlace};
use avm_vm::{End, FailureCode, TrapCode, journal::Player};

use crate::{
    code::{Code, Line, Register, Scope},
    expr::{Condition, Path},
    timeline::{Ran, SEARCH_BYTES, Timeline, weight},
};
use scan::{Candidate, Plan, Scan, Why};

/// Most tests of one search.
pub const MAX_TESTS: usize = 64;
/// Steps that are watched in one piece; more where a clone costs more.
const CHUNK: u64 = 1 << 16;
/// Most of them.
const MAX_CHUNK: u64 = 1 << 20;
/// Values up to this many bytes are compared to find out whether a write changed them; a write to
/// a larger one counts as a change.
const COMPARED: u64 = 1 << 16;

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// One of these instructions is next.
    Places(BTreeSet<CodePlace>),
    /// An instruction of this kind is next.
    Opcode(Opcode),
    /// Control came into a region from another one.
    Enters(u32),
    /// An instruction that reaches outside is next: any, or one of this kind.
    Effect(Option<Opcode>),
    /// So many nanogas were used.
    Gas(u64),
    /// A register was written, or changed.
    Write(Write),
    /// An instruction failed in its class, or trapped.
    Failure,
    /// The same for want of a permission or a grant.
    Denial,
    /// Another line is next, in a call not deeper than this.
    Line {
        /// The line that does not count.
        not: Option<Line>,
        /// Most calls that are open.
        depth: usize,
    },
    /// At most so many calls are open.
    Depth(usize),
}

/// Writes to a register or to a part of what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The register.
    pub register: Register,
    /// The part.
    pub path: Path,
    /// Only in the window that so many calls led to; then the call that filled it counts too.
    pub depth: Option<usize>,
    /// Only where the value differs behind it.
    pub changes: bool,
}

/// Something that is looked for, under a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What.
    pub what: What,
    /// What has to hold as well.
    pub condition: Option<Condition>,
}

impl From<What> for Test {
    fn from(what: What) -> Self {
        Self { what, condition: None }
    }
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The step.
    pub step: u64,
    /// Which tests hold there, in order.
    pub tests: Vec<usize>,
}

/// A search over a run.
#[derive(Debug)]
pub struct Search<'a> {
    timeline: &'a mut Timeline,
    code: &'a Code,
    tests: &'a [Test],
    plan: Plan,
}

impl<'a> Search<'a> {
    /// For at most [`MAX_TESTS`] tests; further ones never hold.
    pub fn new(timeline: &'a mut Timeline, code: &'a Code, tests: &'a [Test]) -> Self {
        let tests = &tests[..tests.len().min(MAX_TESTS)];
        Self { timeline, code, tests, plan: Plan::new(code, tests) }
    }

    /// The first place behind a player's where a test holds.
    pub fn forward(&mut self, from: &Player) -> Option<Hit> {
        let first = from.machine().steps() + 1;
        let mut start = from.clone();
        let mut length = 256;
        loop {
            let mut end = start.clone();
            let to = start.machine().steps().saturating_add(length);
            let (found, ran) = self.scan(&mut end, to);
            let found = found.into_iter().filter(|candidate| candidate.step >= first).collect();
            let mut hits = self.confirmed(start, found, true);
            if let Some(hit) = hits.pop() {
                return Some(hit);
            }
            match ran {
                Ran::There => self.timeline.pass(&end),
                Ran::Asks if self.timeline.ask(&end) => {}
                Ran::Asks | Ran::End | Ran::Interrupted => return None,
            }
            start = end;
            length = (length * 4).min(chunk(&start));
        }
    }

    /// The last place before a step, and not before another, where a test holds.
    pub fn backward(&mut self, before: u64, floor: u64) -> Option<Hit> {
        let mut to = before;
        while to > floor {
            let start = self.timeline.nearest(to - 1).clone();
            let from = start.machine().steps();
            if let Some(hit) = self.within(start, to, before, SEARCH_BYTES) {
                return (hit.step >= floor).then_some(hit);
            }
            to = from;
        }
        None
    }

    /// The last hit of a stretch, before a step.
    fn within(&mut self, start: Player, to: u64, before: u64, bytes: u64) -> Option<Hit> {
        let from = start.machine().steps();
        let length = to.saturating_sub(from);
        let chunk = chunk(&start);
        if length <= chunk {
            let mut end = start.clone();
            let (found, _) = self.scan(&mut end, to);
            let found = found.into_iter().filter(|candidate| candidate.step < before).collect();
            return self.confirmed(start, found, false).pop();
        }
        let parts = (bytes / weight(&start).max(1)).clamp(2, 64);
        let width = length.div_ceil(parts).max(chunk);
        let mut marks = vec![start];
        while let Some(last) = marks.last() {
            let at = last.machine().steps() + width;
            if at >= to {
                break;
            }
            let mut next = last.clone();
            if self.timeline.run(&mut next, at, &mut ()) == Ran::Interrupted {
                return None;
            }
            marks.push(next);
        }
        let mut to = to;
        while let Some(mark) = marks.pop() {
            let from = mark.machine().steps();
            if let Some(hit) = self.within(mark, to, before, bytes / 2) {
                return Some(hit);
            }
            to = from;
        }
        None
    }

    /// Watches a stretch: candidates in order, and how far it went.
    fn scan(&mut self, player: &mut Player, to: u64) -> (Vec<Candidate>, Ran) {
        let from = player.machine().steps();
        let mut scan = Scan::new(&self.plan, self.tests, self.code, player.machine());
        let ran = self.timeline.run(player, to, &mut scan);
        if let (Ran::Asks, Some(request)) = (ran, player.machine().pending()) {
            scan.next(request.at, request.opcode);
        }
        let region = player.machine().at().region;
        let mut found = scan.finish(region);
        let steps = player.machine().steps();
        for (test, what) in self.tests.iter().map(|test| &test.what).enumerate() {
            let trapped = match player.machine().end() {
                Some(End::Trapped(trap)) if ran == Ran::End => Some(trap.code),
                _ => None,
            };
            let holds = match what {
                What::Failure => trapped.is_some(),
                What::Denial => trapped == Some(TrapCode::PermissionDenied),
                _ => false,
            };
            if holds {
                found.push(Candidate { step: steps, test, why: Why::Sure });
            }
            if let What::Write(write) = what {
                found.extend(scan::edits(
                    self.timeline.journal(),
                    from + 1..steps + 1,
                    write,
                    test,
                ));
            }
        }
        found.sort_by_key(|candidate| (candidate.step, candidate.test));
        found.dedup_by_key(|candidate| (candidate.step, candidate.test));
        (found, ran)
    }

    /// The first candidate that holds, or the last one.
    fn confirmed(&mut self, start: Player, found: Vec<Candidate>, first: bool) -> Vec<Hit> {
        let plain = |candidate: &Candidate| {
            candidate.why == Why::Sure && self.tests[candidate.test].condition.is_none()
        };
        let groups: Vec<&[Candidate]> = found.chunk_by(|a, b| a.step == b.step).collect();
        let mut probe = start;
        // What is sure needs no look, and what comes before it is not wanted.
        let skip = match first {
            true => 0,
            false => groups.iter().rposition(|group| group.iter().all(plain)).unwrap_or(0),
        };
        let mut hits = Vec::new();
        for group in &groups[skip..] {
            let step = group[0].step;
            let tests = match group.iter().all(plain) {
                true => group.iter().map(|candidate| candidate.test).collect(),
                false => self.look(&mut probe, group),
            };
            if tests.is_empty() {
                continue;
            }
            hits = vec![Hit { step, tests }];
            if first {
                break;
            }
        }
        hits
    }

    /// Which candidates of one step hold.
    fn look(&mut self, probe: &mut Player, group: &[Candidate]) -> Vec<usize> {
        let step = group[0].step;
        let needs_before = group.iter().any(|candidate| candidate.why != Why::Sure);
        let mut before = Vec::new();
        if needs_before {
            self.timeline.run(probe, step.saturating_sub(1), &mut ());
            before = group.iter().map(|candidate| self.before(probe, candidate)).collect();
        }
        self.timeline.run(probe, step, &mut ());
        let machine = probe.machine();
        let mut tests = Vec::new();
        for (index, candidate) in group.iter().enumerate() {
            let test = &self.tests[candidate.test];
            let holds = match before.get(index) {
                Some(before) if candidate.why != Why::Sure => self.after(probe, test, before),
                _ => true,
            };
            let depth = machine.depth();
            let value = |name: &str| self.code.value(machine, depth, name);
            if holds && test.condition.as_ref().is_none_or(|condition| condition.holds(value)) {
                tests.push(candidate.test);
            }
        }
        tests
    }

    /// What has to be kept of the step before, to tell whether a candidate holds.
    fn before(&self, probe: &Player, candidate: &Candidate) -> Before {
        let machine = probe.machine();
        let What::Write(write) = &self.tests[candidate.test].what else {
            return Before::Failures(machine.failures());
        };
        let depth = match candidate.why {
            Why::Written(depth) | Why::Returned(depth) => depth,
            _ => machine.depth(),
        };
        let Some(window) = machine.window(depth) else { return Before::Called };
        let scope = self.code.window_scope(&window, depth);
        let fits = scope == write.register.scope && write.depth.is_none_or(|d| d == depth);
        if candidate.why == Why::Called {
            return if write.changes { Before::Other } else { Before::Called };
        }
        let call = || self.code.instr(crate::code::waits_at(&window)).map(|call| call.a);
        let returned = matches!(candidate.why, Why::Returned(_));
        if !fits || returned && call() != Some(write.register.number) {
            return Before::Other;
        }
        let part = |value| write.path.of(value);
        let value = machine.value(&window, write.register.number).and_then(part);
        match value {
            Some(value) if value.heap() > COMPARED => Before::Large,
            value => Before::Value(depth, value.cloned()),
        }
    }

    fn after(&self, probe: &Player, test: &Test, before: &Before) -> bool {
        let machine = probe.machine();
        match (before, &test.what) {
            (Before::Failures(count), what) => {
                let denied = || machine.last_failure().is_some_and(|f| is_denial(f.code));
                machine.failures() > *count && (*what == What::Failure || denied())
            }
            (Before::Value(depth, old), What::Write(write)) if write.changes => {
                let window = machine.window(*depth);
                let value = window.and_then(|w| machine.value(&w, write.register.number));
                value.and_then(|value| write.path.of(value)) != old.as_ref()
            }
            (Before::Other, _) => false,
            _ => true,
        }
    }
}

/// Steps that are watched in one piece. A piece costs a copy of what the machine changes in it.
fn chunk(player: &Player) -> u64 {
    (weight(player) / 4).clamp(CHUNK, MAX_CHUNK)
}

/// What was before a step.
enum Before {
    /// So many failures.
    Failures(u64),
    /// This, in the window that so many calls led to.
    Value(usize, Option<Value>),
    /// A value too large to be compared.
    Large,
    /// No window: a call makes it.
    Called,
    /// Another register is written.
    Other,
}

/// Whether a failure is for want of a permission or a grant.
pub const fn is_denial(code: FailureCode) -> bool {
    matches!(code, FailureCode::NotGranted | FailureCode::Denied)
}

/// Whether an instruction can fail in its class without anybody being asked.
fn fails_alone(opcode: Opcode) -> bool {
    let info = opcode.info();
    info.reach.is_none() && info.sets.is_some_and(|word| word != avm_ir::StatusWord::Bool)
}

/// Whether a scope is the agent's.
fn is_agent(scope: Scope) -> bool {
    scope == Scope::Agent
}
