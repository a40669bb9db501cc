//! Places of a run at which something holds: the next one, or the last one before.
//!
//! A run is gone through once and as fast as if nobody watched: only the instructions at which
//! something can hold are marked, and there the tests are asked, with every value at hand. What an
//! instruction does shows behind it, so those it can lead to are marked as well. Backwards the run
//! is taken rung by rung from its end.
//!
//! Places are those of a code. Where the run changes its own, what is looked for is found again in
//! the new one: a label by its name, a line by what debug data says, a function's register by both
//! names. What the new code does not have never holds there.
//!
//! Tests that count calls would need a mark on nearly every instruction. Forwards, what is called
//! is not looked at until it returns to where it was called from; backwards, the last step that is
//! not too deep is looked for first, and then the line from there.

mod plan;
mod scan;
mod view;

use std::collections::BTreeSet;

use avm_ir::{Opcode, verify::CodePlace};
use avm_vm::{FailureCode, journal::Player};

use crate::{
    code::{Code, Codes, Line, Register, Scope},
    expr::{Condition, Path},
    timeline::{Ran, SEARCH_BYTES, Timeline, weight},
};
use plan::Way;
use scan::{Scan, Wanted, edited};
use view::Views;

/// Most tests of one search.
pub const MAX_TESTS: usize = 64;
/// Steps of the first piece of a run that is watched forwards; each further one is longer.
const FIRST: u64 = 256;
/// Steps of the longest.
const LONGEST: u64 = 1 << 20;
/// The same where nearly every instruction is marked.
const LONGEST_MARKED: u64 = 1 << 12;
/// Steps that are watched in one piece backwards.
const PIECE: u64 = 1 << 22;

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// One of these instructions is next, whatever the code has there.
    Places(BTreeSet<CodePlace>),
    /// The instruction at a label, function or region of this name is next, or with `region:pc` that
    /// one.
    Label(String),
    /// An instruction with which this line begins is next.
    At(Line),
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
    /// A region has another code than before: any, or this one.
    Rewrite(Option<u32>),
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
    /// The function that it is of, by name; without it the number counts in every code.
    pub function: Option<String>,
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

impl Test {
    /// The same test in a code.
    fn within(&self, code: &Code) -> Self {
        let what = match &self.what {
            What::Label(_) | What::At(_) => What::Places(self.what.places(code)),
            What::Write(write) => {
                write.within(code).map_or(What::Places(BTreeSet::new()), What::Write)
            }
            what => what.clone(),
        };
        Self { what, condition: self.condition.clone() }
    }
}

impl Write {
    fn within(&self, code: &Code) -> Option<Self> {
        let (Some(function), Scope::Function(region, _)) = (&self.function, self.register.scope)
        else {
            return Some(self.clone());
        };
        let scope = code.named_scope(region, function)?;
        let register = code.register(scope, &self.path.name)?;
        (register.scope == scope).then(|| Self { register, ..self.clone() })
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
    codes: &'a mut Codes,
    tests: &'a [Test],
}

impl<'a> Search<'a> {
    /// For at most [`MAX_TESTS`] tests; further ones never hold.
    pub fn new(timeline: &'a mut Timeline, codes: &'a mut Codes, tests: &'a [Test]) -> Self {
        Self { timeline, codes, tests: &tests[..tests.len().min(MAX_TESTS)] }
    }

    /// The first place behind a player's where a test holds.
    pub fn forward(&mut self, from: &Player) -> Option<Hit> {
        let wanted = Wanted::First(steps(from) + 1);
        let shallow = self.tests.iter().filter_map(|test| test.what.depth()).max();
        let mut player = from.clone();
        let mut length = FIRST;
        let mut views: Option<Views> = None;
        loop {
            let machine = player.machine();
            let back = shallow.filter(|depth| machine.depth() > *depth);
            let back = back.and_then(|depth| Some((depth, machine.window(depth)?.at)));
            let way = back.map_or(Way::Each, |(depth, at)| Way::Back { depth, at });
            let views = match views.take() {
                Some(old) if old.way() == way => views.insert(old),
                _ => views.insert(Views::new(way)),
            };
            let start = back.map(|_| player.clone());
            let to = steps(&player).saturating_add(length);
            let (found, ran) = self.watch(views, wanted, &mut player, to);
            let (hit, surfaced) = found;
            if let (Some(step), Some(start)) = (surfaced, start)
                && hit.as_ref().is_none_or(|hit| hit.step > step)
            {
                // From here on single instructions count again.
                player = start;
                if self.timeline.run(&mut player, step, &mut ()) == Ran::Interrupted {
                    return None;
                }
                length = FIRST;
                continue;
            }
            if hit.is_some() {
                return hit;
            }
            match ran {
                Ran::There => self.timeline.pass(&player),
                Ran::Asks if self.timeline.ask(&player) => {}
                Ran::Asks | Ran::End | Ran::Interrupted => return None,
            }
            let counts = shallow.is_some() && way == Way::Each;
            length = (length * 4).min(if counts { LONGEST_MARKED } else { LONGEST });
        }
    }

    /// The last place before a step, and not before another, where a test holds.
    pub fn backward(&mut self, before: u64, floor: u64) -> Option<Hit> {
        match self.tests {
            [Test { what: What::Line { depth, .. }, .. }] if *depth < usize::MAX => {
                self.line_before(before, floor, *depth)
            }
            _ => self.last(before, floor),
        }
    }

    /// The same for a line in a call that is not too deep: piece by piece, each from the last step
    /// on that is not.
    fn line_before(&mut self, before: u64, floor: u64, depth: usize) -> Option<Hit> {
        let shallow = [Test::from(What::Depth(depth))];
        let (mut before, mut length) = (before, FIRST);
        loop {
            let last = Search::new(self.timeline, self.codes, &shallow).last(before, floor)?.step;
            let from = last.saturating_sub(length).max(floor);
            let hit = self.last(last + 1, from);
            if hit.is_some() || from == floor || self.timeline.interrupted() {
                return hit;
            }
            before = from;
            length = (length * 4).min(LONGEST);
        }
    }

    fn last(&mut self, before: u64, floor: u64) -> Option<Hit> {
        let mut views = Views::new(Way::Last);
        // What the step before the floor did shows there.
        let from = floor.saturating_sub(1);
        let mut to = before;
        while to >= floor && to > 0 {
            let mut start = self.timeline.nearest(to - 1).clone();
            if steps(&start) < from {
                self.timeline.run(&mut start, from, &mut ());
            }
            if self.timeline.interrupted() {
                return None;
            }
            let next = steps(&start);
            if let Some(hit) = self.within(&mut views, start, to, before, SEARCH_BYTES) {
                return (hit.step >= floor).then_some(hit);
            }
            to = next;
        }
        None
    }

    /// The last hit of a stretch, before a step. A long one is cut in parts by checkpoints first, so
    /// that not all of it is watched.
    fn within(
        &mut self,
        views: &mut Views,
        start: Player,
        to: u64,
        before: u64,
        bytes: u64,
    ) -> Option<Hit> {
        let length = to.saturating_sub(steps(&start));
        if length <= PIECE {
            let mut end = start;
            let wanted = Wanted::Last(before);
            let ((hit, _), _) = self.watch(views, wanted, &mut end, to);
            return hit;
        }
        let parts = (bytes / weight(&start).max(1)).clamp(2, 64);
        let width = length.div_ceil(parts).max(PIECE);
        let mut parts = vec![start];
        while let Some(last) = parts.last() {
            let at = steps(last) + width;
            if at >= to {
                break;
            }
            let mut next = last.clone();
            if self.timeline.run(&mut next, at, &mut ()) == Ran::Interrupted {
                return None;
            }
            parts.push(next);
        }
        let mut to = to;
        while let Some(part) = parts.pop() {
            let from = steps(&part);
            if let Some(hit) = self.within(views, part, to, before, bytes / 2) {
                return Some(hit);
            }
            to = from;
        }
        None
    }

    /// Brings a player to a step and watches; tells what it found, where it surfaced, and how far it
    /// came.
    fn watch(
        &mut self,
        views: &mut Views,
        wanted: Wanted,
        player: &mut Player,
        to: u64,
    ) -> ((Option<Hit>, Option<u64>), Ran) {
        let from = steps(player);
        let (timeline, tests) = (&mut *self.timeline, self.tests);
        // A function's register may have another number in another code.
        let watched = |register: u8| {
            let mut writes = tests.iter().filter_map(|test| test.what.write());
            writes.any(|write| write.function.is_some() || write.register.number == register)
        };
        let edits = edited(timeline.journal(), from + 1..to.saturating_add(1));
        let edits: Vec<(u64, u8)> = edits.filter(|(_, register)| watched(*register)).collect();
        let mut looks: BTreeSet<u64> = edits.iter().flat_map(|(at, _)| [at - 1, *at]).collect();
        looks.insert(to);
        if tests.iter().any(|test| matches!(test.what, What::Depth(_))) {
            looks.insert(to.saturating_sub(1));
        }
        let mut scan = Scan::new(player.machine(), views, (self.codes, tests), wanted, edits);
        let gas = tests.iter().any(|test| matches!(test.what, What::Gas(_)));
        let start = gas.then(|| player.clone());
        scan.arrive(player.machine());
        let mut ran = Ran::There;
        for at in looks.range(from..) {
            ran = timeline.run(player, *at, &mut scan);
            scan.arrive(player.machine());
            if ran != Ran::There {
                break;
            }
        }
        for (index, test) in tests.iter().enumerate() {
            if let (What::Gas(limit), Some(start)) = (&test.what, &start)
                && let Some(at) = crossing(timeline, start, player, *limit)
            {
                scan.holds(at.machine(), index);
            }
        }
        ((scan.hit(), scan.surfaced()), ran)
    }
}

/// A player at the step of a stretch behind which so much gas was used, if there is one.
fn crossing(timeline: &mut Timeline, start: &Player, end: &Player, limit: u64) -> Option<Player> {
    let used = |player: &Player| player.machine().gas_used() >= limit;
    if used(start) || !used(end) {
        return None;
    }
    let (mut before, mut behind) = (start.clone(), end.clone());
    while steps(&behind) - steps(&before) > 1 && !timeline.interrupted() {
        let mut between = before.clone();
        timeline.run(&mut between, steps(&before).midpoint(steps(&behind)), &mut ());
        if used(&between) {
            behind = between;
        } else {
            before = between;
        }
    }
    Some(behind)
}

fn steps(player: &Player) -> u64 {
    player.machine().steps()
}

impl What {
    /// The places that it means in a code, where it is about places.
    pub fn places(&self, code: &Code) -> BTreeSet<CodePlace> {
        match self {
            Self::Places(places) => places.clone(),
            Self::Label(name) => code.label(name).into_iter().collect(),
            Self::At(line) => code.begins(*line),
            _ => BTreeSet::new(),
        }
    }

    /// Most open calls of a test that counts them.
    const fn depth(&self) -> Option<usize> {
        match self {
            Self::Line { depth, .. } if *depth < usize::MAX => Some(*depth),
            Self::Depth(depth) => Some(*depth),
            _ => None,
        }
    }

    const fn write(&self) -> Option<&Write> {
        match self {
            Self::Write(write) => Some(write),
            _ => None,
        }
    }
}

/// Whether a failure is for want of a permission or a grant.
pub const fn is_denial(code: FailureCode) -> bool {
    matches!(code, FailureCode::NotGranted | FailureCode::Denied)
}
