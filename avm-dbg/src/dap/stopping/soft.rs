//! Breakpoints that do not stop each time: hit conditions and log messages.
//!
//! A run is what it is: its breakpoint's fifth hit is the fifth time from the start of the run that
//! it holds, from whichever side and by whichever moves one comes there.

use std::fmt::Write;

use avm_ir::Value;

use super::{Caught, Stop, Stops, first_behind, last_before};
use crate::{
    code::Code,
    dap::moves::{MAX_TEXT, variables_text},
    expr::Path,
    search::Test,
    session::Session,
    stops::no_register,
};

/// Most hits that are counted.
const MAX_HITS: usize = 1 << 20;
/// Most hits in one stretch that a step passes.
const MAX_PASSED: usize = 1000;

/// Which hits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HitCondition {
    Equal(u64),
    Below(u64),
    AtMost(u64),
    Above(u64),
    AtLeast(u64),
    Each(u64),
}

impl HitCondition {
    /// Reads `[==|=|<|<=|>|>=|%] N`; a number alone is that hit.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        type Make = fn(u64) -> HitCondition;
        const SIGNS: [(&str, Make); 8] = [
            ("==", HitCondition::Equal),
            ("<=", HitCondition::AtMost),
            (">=", HitCondition::AtLeast),
            ("=", HitCondition::Equal),
            ("<", HitCondition::Below),
            (">", HitCondition::Above),
            ("%", HitCondition::Each),
            ("", HitCondition::Equal),
        ];
        let text = text.trim();
        for (sign, make) in SIGNS {
            let Some(number) = text.strip_prefix(sign) else { continue };
            let wrong =
                || format!("hits: \"{text}\"; write a number, or one behind =, <, <=, >, >= or %");
            let number: u64 = number.trim().parse().map_err(|_| wrong())?;
            return if number == 0 && sign == "%" { Err(wrong()) } else { Ok(make(number)) };
        }
        Err(format!("hits: \"{text}\""))
    }

    const fn holds(self, hit: u64) -> bool {
        match self {
            Self::Equal(n) => hit == n,
            Self::Below(n) => hit < n,
            Self::AtMost(n) => hit <= n,
            Self::Above(n) => hit > n,
            Self::AtLeast(n) => hit >= n,
            Self::Each(n) => hit.is_multiple_of(n),
        }
    }
}

/// A text with paths in braces.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LogMessage(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Path(Path),
}

impl LogMessage {
    pub(super) fn read(code: &Code, text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((path, behind)) = behind.split_once('}') else { break };
            pieces.push(Piece::Text(before.to_owned()));
            let read = Path::read(path).map_err(|error| format!("{{{path}}}: {error}"))?;
            if !code.knows_register(&read.name) {
                return Err(no_register(&read.name));
            }
            pieces.push(Piece::Path(read));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    fn show(&self, session: &Session) -> String {
        let machine = session.machine();
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Path(path) => {
                    let value = session.code().part(machine, machine.depth(), path);
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{}", variables_text(value.unwrap_or(&Value::Null)));
                }
            }
        }
        if let Some((end, _)) = out.char_indices().nth(MAX_TEXT) {
            out.truncate(end);
        }
        out
    }
}

impl Stop {
    /// Which time a step is at which this holds, from 1; `None` if that was not found out.
    fn count(&mut self, session: &mut Session, test: &Test, step: u64) -> Option<u64> {
        let here = session.step();
        let tests = std::slice::from_ref(test);
        if self.run != session.run.number {
            self.run = session.run.number;
            self.seen.clear();
            self.counted = None;
        }
        if self.counted.is_none() {
            if last_before(session, 1, 0, tests).is_some() {
                self.seen.push(0);
            }
            self.counted = Some(0);
        }
        let mut counted = self.counted.unwrap_or(0);
        if counted < step {
            session.seek(counted);
            while counted < step && self.seen.len() < MAX_HITS {
                let Some(hit) = first_behind(session, tests) else { break };
                session.seek(hit.step);
                counted = hit.step;
                self.seen.push(counted);
                self.counted = Some(counted);
            }
            session.seek(here);
        }
        let at = self.seen.binary_search(&step).ok()?;
        Some(at as u64 + 1)
    }
}

impl Stop {
    /// The last step before one, and not before another, at which this holds and counts.
    fn last_that_counts(
        &mut self,
        session: &mut Session,
        test: &Test,
        before: u64,
        floor: u64,
    ) -> Option<u64> {
        let hit = self.hit?;
        let last = last_before(session, before, floor, std::slice::from_ref(test))?.step;
        let last = usize::try_from(self.count(session, test, last)?).ok()?;
        let counts = |at: &usize| hit.holds(*at as u64);
        let at = (1..=last).rev().take_while(|at| self.seen[at - 1] >= floor).find(counts)?;
        self.seen.get(at - 1).copied()
    }
}

impl Stops {
    fn of(&mut self, number: u64) -> Option<&mut Stop> {
        self.all.iter_mut().find(|stop| stop.number == Some(number))
    }

    /// Gives breakpoints that a move came to what the client knows of them.
    pub(in crate::dap) fn name(&mut self, caught: &mut [Caught]) {
        for one in caught {
            if let Some(stop) = self.of(one.number) {
                one.id = Some(stop.shown.id);
                one.reason = stop.reason();
                one.filter = stop.filter;
            }
        }
    }

    /// Leaves those that stop here; what the others say.
    pub(in crate::dap) fn look(
        &mut self,
        session: &mut Session,
        caught: &mut Vec<Caught>,
    ) -> Vec<String> {
        self.name(caught);
        let mut messages = Vec::new();
        caught.retain_mut(|one| {
            let known = session.stops.iter().find(|stop| stop.number == one.number);
            let known = known.map(|breakpoint| (breakpoint.to_string(), breakpoint.test.clone()));
            let (Some((text, test)), Some(stop)) = (known, self.of(one.number)) else {
                return true;
            };
            one.text = format!("breakpoint {text}");
            if let Some(hit) = stop.hit {
                let step = session.step();
                let count = stop.count(session, &test, step);
                if count.is_some_and(|count| !hit.holds(count)) {
                    return false;
                }
            }
            let Some(log) = &stop.log else { return true };
            messages.push(log.show(session));
            false
        });
        messages
    }

    /// What stops at the start of the run, and what else is said there.
    pub(in crate::dap) fn at_start(&mut self, session: &mut Session) -> (Vec<Caught>, Vec<String>) {
        if session.step() > 0 {
            return (Vec::new(), Vec::new());
        }
        let counts = session.stops.iter().filter(|stop| stop.enabled);
        let (numbers, tests): (Vec<u64>, Vec<Test>) =
            counts.map(|stop| (stop.number, stop.test.clone())).unzip();
        if tests.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let hit = last_before(session, 1, 0, &tests);
        let found = hit.into_iter().flat_map(|hit| hit.tests);
        let mut caught: Vec<Caught> =
            found.filter_map(|at| numbers.get(at).copied()).map(Caught::number).collect();
        let messages = self.look(session, &mut caught);
        (caught, messages)
    }

    /// Switches those off that do not stop each time; their numbers.
    pub(in crate::dap) fn without_soft(&mut self, session: &mut Session) -> Vec<u64> {
        let mut soft = Vec::new();
        for breakpoint in &mut session.stops {
            if breakpoint.enabled && self.of(breakpoint.number).is_some_and(|stop| stop.is_soft()) {
                breakpoint.enabled = false;
                soft.push(breakpoint.number);
            }
        }
        soft
    }

    /// Switches them on again.
    pub(in crate::dap) fn with(&mut self, session: &mut Session, soft: &[u64]) {
        for breakpoint in &mut session.stops {
            breakpoint.enabled |= soft.contains(&breakpoint.number);
        }
    }

    /// What was said on the way from a step to another, and where it stops before that. The session
    /// is at the end of the way, before and afterwards.
    pub(in crate::dap) fn passed(
        &mut self,
        session: &mut Session,
        soft: &[u64],
        from: u64,
        to: u64,
    ) -> (Vec<String>, Option<(u64, Vec<Caught>)>) {
        // Backwards, since a search has a floor and no ceiling: behind the place the run of somebody
        // who looks at it live has not happened yet.
        let tests = tests(session, soft);
        let mut hits = Vec::new();
        let mut before = to.saturating_add(1);
        while !tests.is_empty() && hits.len() < MAX_PASSED {
            let Some(hit) = last_before(session, before, from.saturating_add(1), &tests) else {
                break;
            };
            before = hit.step;
            hits.push(hit);
        }
        let mut messages = Vec::new();
        for hit in hits.into_iter().rev() {
            session.seek(hit.step);
            let found = hit.tests.iter().filter_map(|at| soft.get(*at).copied());
            let mut caught = found.map(Caught::number).collect();
            messages.extend(self.look(session, &mut caught));
            if !caught.is_empty() {
                session.seek(to);
                return (messages, Some((hit.step, caught)));
            }
        }
        session.seek(to);
        (messages, None)
    }

    /// Where it stops on the way back from a step to another. The session is at the end of the way,
    /// before and afterwards.
    pub(in crate::dap) fn passed_back(
        &mut self,
        session: &mut Session,
        soft: &[u64],
        from: u64,
        to: u64,
    ) -> Option<(u64, Vec<Caught>)> {
        let mut last: Option<(u64, Vec<Caught>)> = None;
        for (number, test) in soft.iter().zip(tests(session, soft)) {
            let found = self.of(*number).filter(|stop| stop.log.is_none());
            let found = found.and_then(|stop| stop.last_that_counts(session, &test, from, to));
            let Some(step) = found else { continue };
            let caught = Caught::number(*number);
            match &mut last {
                Some((best, _)) if *best > step => {}
                Some((best, all)) if *best == step => all.push(caught),
                _ => last = Some((step, vec![caught])),
            }
        }
        let (step, mut caught) = last?;
        session.seek(step);
        self.look(session, &mut caught);
        session.seek(to);
        Some((step, caught))
    }
}

/// What breakpoints of these numbers wait for, in the order of the numbers.
fn tests(session: &Session, numbers: &[u64]) -> Vec<Test> {
    let stops = session.stops.iter().filter(|stop| numbers.contains(&stop.number));
    stops.map(|stop| stop.test.clone()).collect()
}
