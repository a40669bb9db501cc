//! Where a run can be gone to without running all of it again.
//!
//! A checkpoint is a clone of the player, which shares every value with the others until one of
//! them changes it. There are two kinds. The *ladder* goes over all that was run so far: when it
//! is full, every second rung goes and the others stand twice as far apart. *Near* ones stand a few
//! thousand steps before the last place that was sought, so that going back step by step does not
//! start from a rung each time.
//!
//! Both are bounded in number and in the memory of their machines, counted as if they shared
//! nothing. A heavy machine gets fewer of them, since what it changes next is copied once for each.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use avm_vm::{
    Observer,
    journal::{Diverged, Event, Journal, Player, Stop},
};

use crate::live::Live;

/// Most rungs of the ladder.
pub const MAX_RUNGS: usize = 128;
/// Most memory of all rungs, in bytes.
pub const LADDER_BYTES: u64 = 128 << 20;
/// Most memory of the near checkpoints, in bytes.
pub const NEAR_BYTES: u64 = 32 << 20;
/// Most memory of those that a search backwards makes for itself, in bytes.
pub const SEARCH_BYTES: u64 = 48 << 20;
/// Steps between rungs, before the first thinning.
const SPACING: u64 = 8192;
/// How far before a place near checkpoints stand, in steps.
const NEAR: [u64; 3] = [1 << 18, 1 << 15, 1 << 12];
/// Bytes counted for a checkpoint besides what its agent holds.
const OVERHEAD: u64 = 2048;
/// Steps between two looks at whether somebody wants to stop: some hundredths of a second.
const SLICE: u64 = 1 << 22;

/// Why there is nothing behind the last step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Last {
    /// The run came to rest there.
    Rested,
    /// Nothing more was written, though the run would have gone on.
    Cut,
    /// The machine does something else than the journal says.
    Diverged(Diverged),
    /// Whoever goes on with the run could not.
    Stopped(String),
}

/// How far a player came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// To the step that was named.
    There,
    /// To the end of what is known.
    End,
    /// To an effect that nobody answered yet; [`Timeline::ask`] gets an answer.
    Asks,
    /// Somebody wanted it to stop.
    Interrupted,
}

/// The places of a run. Steps count executed instructions: at step n the machine is about to
/// execute instruction n, counted from 0, and what came from outside just before it is not there
/// yet. At the last step everything that was recorded happened.
#[derive(Debug)]
pub struct Timeline {
    journal: Journal,
    /// Whoever goes on behind what was recorded.
    live: Option<Live>,
    interrupt: Arc<AtomicBool>,
    /// In order; the first is the start of the run.
    rungs: Vec<Player>,
    weights: u64,
    spacing: u64,
    /// In order.
    near: VecDeque<Player>,
    last: Option<(u64, Last)>,
    /// The last step according to the journal, if it says that the run came to rest.
    expected: Option<u64>,
    /// Records up to the last that changes anything.
    eventful: usize,
}

/// Memory of a player in bytes, as if it shared nothing.
pub fn weight(player: &Player) -> u64 {
    player.machine().memory_used() + OVERHEAD
}

fn step(player: &Player) -> u64 {
    player.machine().steps()
}

impl Timeline {
    /// Of a player at the start of its run, and what it is fed from. Where somebody goes on with the
    /// run, its end is where nothing more happens.
    pub fn new(
        journal: Journal,
        start: Player,
        live: Option<Live>,
        interrupt: Arc<AtomicBool>,
    ) -> Self {
        let mut timeline = Self {
            weights: weight(&start),
            rungs: vec![start],
            spacing: SPACING,
            near: VecDeque::new(),
            last: None,
            expected: None,
            eventful: 0,
            journal,
            live,
            interrupt,
        };
        timeline.look();
        timeline
    }

    /// Looks at what was recorded.
    fn look(&mut self) {
        let quiet = |event: &Event| {
            matches!(event, Event::Source { .. } | Event::Asked { .. } | Event::Signed { .. })
        };
        let eventful = self.journal.records.iter().rposition(|record| !quiet(&record.event));
        self.eventful = eventful.map_or(0, |last| last + 1);
        self.expected = self.journal.end().map(|(record, _)| record.steps);
    }

    /// What was recorded.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Whether somebody goes on with the run behind what was recorded.
    pub const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Leaves all checkpoints but the start, while nobody looks at the run.
    pub fn forget(&mut self) {
        self.rungs.truncate(1);
        self.weights = self.rungs.iter().map(weight).sum();
        self.spacing = SPACING;
        self.near.clear();
    }

    /// Whether somebody wanted it to stop.
    pub fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// The last step and why it is the last, as far as that is known.
    pub const fn last(&self) -> Option<&(u64, Last)> {
        self.last.as_ref()
    }

    /// The last step as the journal has it, or as it turned out.
    pub fn expected(&self) -> Option<u64> {
        self.last.as_ref().map(|(last, _)| *last).or(self.expected)
    }

    /// How many checkpoints there are, and their memory in bytes as if they shared nothing.
    pub fn checkpoints(&self) -> (usize, u64) {
        let near: u64 = self.near.iter().map(weight).sum();
        (self.rungs.len() + self.near.len(), self.weights + near)
    }

    /// Whether a player is at the end of what was recorded.
    pub fn at_end(&self, player: &Player) -> bool {
        self.last.as_ref().is_some_and(|(last, _)| *last <= step(player))
    }

    /// Brings a player of this run to a step, or to the last one before it, from where it is or from
    /// a checkpoint.
    pub fn seek(&mut self, target: u64, player: &mut Player) {
        let here = step(player);
        if here == target && self.expected().is_some_and(|last| target < last) {
            return;
        }
        let mark = self.nearest(target);
        if here > target || here < step(mark) {
            *player = mark.clone();
        }
        self.go(player, target);
    }

    /// Runs a player on to a step, and leaves checkpoints behind.
    fn go(&mut self, player: &mut Player, target: u64) {
        let from = step(player);
        let target = self.last.as_ref().map_or(target, |(last, _)| target.min(*last));
        // The last step is known before it was reached in most runs: near it is near that.
        let place = self.expected.map_or(target, |last| target.min(last));
        let mut near = NEAR.iter().filter_map(|before| place.checked_sub(*before)).peekable();
        if place - from.min(place) >= NEAR[2] {
            self.near.retain(|mark| step(mark) + NEAR[0] * 2 > place && step(mark) < place);
        }
        loop {
            let here = step(player);
            while near.next_if(|at| *at <= here).is_some() {}
            let rung = self.due(player).max(here + 1);
            let mut stop = target.min(rung);
            if let Some(at) = near.peek() {
                stop = stop.min(*at);
            }
            let ran = self.run(player, stop, &mut ());
            let here = step(player);
            if here >= target && ran != Ran::Asks {
                return;
            }
            match ran {
                Ran::There => {}
                // At the step that was wanted, the question is what is executed next.
                Ran::Asks if here < target && self.ask(player) => continue,
                Ran::Asks | Ran::End | Ran::Interrupted => return,
            }
            self.pass(player);
            if near.next_if(|at| *at <= here).is_some() {
                self.add_near(player);
            }
        }
    }

    /// Runs a player to a step and tells an observer, without checkpoints. Where the end of what was
    /// recorded is, is noted.
    pub fn run<O: Observer>(&mut self, player: &mut Player, to: u64, observer: &mut O) -> Ran {
        let known = self.expected().is_some_and(|last| to >= last);
        let to = if known { u64::MAX } else { to };
        let mut stopped = loop {
            if self.interrupted() {
                return Ran::Interrupted;
            }
            let slice = step(player).saturating_add(SLICE).min(to);
            let stopped = player.run_to(&self.journal, slice, observer);
            if stopped != Ok(Stop::Reached) || slice == to {
                break stopped;
            }
        };
        if stopped == Ok(Stop::Reached) {
            if player.fed() < self.eventful {
                return Ran::There;
            }
            // Whether there is anything behind shows only when it goes on.
            let mut probe = player.clone();
            let next = step(player).saturating_add(1);
            stopped = probe.run_to(&self.journal, next, &mut ());
            if step(&probe) > step(player) {
                return Ran::There;
            }
            *player = probe;
        }
        let why = match stopped {
            // A last step that the journal does not name: all was fed.
            Ok(Stop::Reached) => return Ran::There,
            Ok(Stop::Cut) if self.live.is_some() => return Ran::Asks,
            Ok(Stop::Cut) => Last::Cut,
            Ok(Stop::Rested) => match self.rest(player) {
                Ok(()) => Last::Rested,
                Err(why) => Last::Stopped(why),
            },
            Err(diverged) => Last::Diverged(diverged),
        };
        self.last = Some((step(player), why));
        Ran::End
    }

    /// Has the question that a player's machine waits with answered; `false` if nobody could, which
    /// is then the end of the run.
    pub fn ask(&mut self, player: &Player) -> bool {
        let Some(live) = &mut self.live else { return false };
        let asked = live.ask(player.machine(), &mut self.journal.records);
        self.look();
        if let Err(why) = asked {
            self.live = None;
            self.last = Some((step(player), Last::Stopped(why)));
            return false;
        }
        true
    }

    /// Notes how a run that somebody went on with came to rest, and lets them go.
    fn rest(&mut self, player: &Player) -> Result<(), String> {
        let Some(mut live) = self.live.take() else { return Ok(()) };
        let rested = live.rest(player.machine(), &mut self.journal.records);
        self.look();
        rested
    }

    /// The last checkpoint at or before a step.
    pub fn nearest(&self, target: u64) -> &Player {
        let rung = self.rungs.partition_point(|mark| step(mark) <= target).saturating_sub(1);
        let rung = &self.rungs[rung];
        let near = self.near.iter().rev().find(|mark| step(mark) <= target);
        near.filter(|mark| step(mark) > step(rung)).unwrap_or(rung)
    }

    /// Leaves a rung behind where one is due.
    pub fn pass(&mut self, player: &Player) {
        if step(player) >= self.due(player) {
            self.add_rung(player);
        }
    }

    /// Where the next rung is due. A byte of a machine is copied in far less time than a step takes.
    fn due(&self, player: &Player) -> u64 {
        self.rungs.last().map_or(0, step) + self.spacing.max(weight(player))
    }

    fn add_rung(&mut self, player: &Player) {
        self.weights += weight(player);
        self.rungs.push(player.clone());
        while self.rungs.len() > 1 && (self.rungs.len() > MAX_RUNGS || self.weights > LADDER_BYTES)
        {
            self.spacing = self.spacing.saturating_mul(2);
            let mut index = 0;
            self.rungs.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.weights = self.rungs.iter().map(weight).sum();
        }
    }

    fn add_near(&mut self, player: &Player) {
        let at = self.near.partition_point(|mark| step(mark) < step(player));
        if self.near.get(at).is_some_and(|mark| step(mark) == step(player)) {
            return;
        }
        self.near.insert(at, player.clone());
        let mut weights: u64 = self.near.iter().map(weight).sum();
        // Those furthest back go first.
        while weights > NEAR_BYTES || self.near.len() > MAX_RUNGS {
            let Some(gone) = self.near.pop_front() else { break };
            weights -= weight(&gone);
        }
    }
}
