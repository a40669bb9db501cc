//! What is different in two runs: the first step at which they differ, and what follows from it.
//!
//! Runs of one program that began alike are the same up to the first record that differs, so nothing
//! is compared before it. From there on both are executed side by side.

mod steps;
mod values;

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use avm_ir::{Gas, Value};
use avm_vm::{
    Answer, EffectRequest, End, Image, Machine, Observer,
    journal::{Event, Journal, Player, Record, Writer, request_hash},
};

pub use steps::{Step, first_step};
use values::several;
pub use values::{Changed, changes};

use crate::{
    asked::Asked,
    code::{Code, Codes},
    reply::{Reply, cut, datum, int, list, record, show},
    summary::ended_in,
};

/// Most effects and notes that are compared.
const MOST: usize = 10_000;
/// Most of each kind of difference that are told.
const TOLD: usize = 20;
/// Most comparisons of effects to bring those of both runs side by side.
const ALIGNED: usize = 4_000_000;
/// Longest value, in characters.
const MAX_VALUE: usize = 60;
/// Longest text of how a run ended, in characters.
const MAX_END: usize = 160;

/// A run: what came from outside, and the program.
pub type Side<'a> = (&'a Journal, Arc<Image>);

/// What is different in a run, next to another one.
#[derive(Clone, Debug)]
pub struct Diff {
    /// The first step at which they differ.
    pub first: Option<Step>,
    /// Effects that are not in both, or were answered otherwise, in order.
    pub effects: Vec<Effects>,
    /// How many effects are the same.
    pub same_effects: usize,
    /// Agent registers, or parts of them, that differ at the end.
    pub registers: Vec<Changed>,
    /// The first note that differs: its number from 1, and both.
    pub note: Option<(usize, [Option<Value>; 2])>,
    /// How the runs ended.
    pub ends: [String; 2],
    /// Executed instructions.
    pub steps: [u64; 2],
    /// Nanogas.
    pub gas: [u64; 2],
}

/// An effect that is different: of the old run, of the new one, or of both with other answers.
#[derive(Clone, Debug)]
pub struct Effects(pub [Option<Seen>; 2]);

/// An effect of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// What was asked and what came back.
    pub asked: Asked,
    hash: [u8; 32],
}

/// Compares a run with an older one.
pub fn compare(old: Side<'_>, new: Side<'_>) -> Result<Diff, String> {
    let skip = same_until(&old, &new);
    let begin = |(journal, image): &Side<'_>| {
        Player::new(journal, Arc::clone(image)).map_err(|error| error.to_string())
    };
    let code = |(journal, image): &Side<'_>| {
        Code::new(image.program(), journal).map(Codes::new).map_err(|error| error.to_string())
    };
    let mut players = [begin(&old)?, begin(&new)?];
    let mut whole = [Whole::default(), Whole::default()];
    let journals = [old.0, new.0];
    for ((player, journal), seen) in players.iter_mut().zip(journals).zip(&mut whole) {
        player.run_to(journal, skip, seen).map_err(|error| error.to_string())?;
    }
    let mut codes = [code(&old)?, code(&new)?];
    let first = first_step(journals, players.clone(), &mut codes);
    for ((player, journal), seen) in players.iter_mut().zip(journals).zip(&mut whole) {
        // Where a run is cut off or diverges it is compared up to there.
        let _ = player.run(journal, seen);
    }
    let [was, now] = &whole;
    let machines = [players[0].machine(), players[1].machine()];
    let (effects, same_effects) = effects(&was.effects, &now.effects);
    Ok(Diff {
        first,
        effects,
        same_effects,
        registers: registers(machines),
        note: note(&was.notes, &now.notes),
        ends: machines.map(how),
        steps: machines.map(Machine::steps),
        gas: machines.map(Machine::gas_used),
    })
}

/// The step up to which two runs are the same because nothing else came to them.
fn same_until((old, image): &Side<'_>, (new, other): &Side<'_>) -> u64 {
    let begin = |journal: &Journal| {
        let mut start = journal.start.clone();
        start.parent = None;
        start.program.clear();
        // What only tells runs apart is nothing that happens in them.
        start.config.run = [0; 32];
        Writer::new(&start).1
    };
    if image.program_hash() != other.program_hash() || begin(old) != begin(new) {
        return 0;
    }
    let happened = |journal: &'_ Journal| -> Vec<(u64, Vec<u8>)> {
        let quiet =
            |record: &&Record| !matches!(record.event, Event::Source { .. } | Event::Signed { .. });
        let bytes = |record: &Record| {
            (record.steps, Writer::behind([0; 32]).event(record.steps, &record.event))
        };
        journal.records.iter().filter(quiet).map(bytes).collect()
    };
    let (old, new) = (happened(old), happened(new));
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let step = |records: &[(u64, Vec<u8>)]| records.get(same).map(|(steps, _)| *steps);
    match (step(&old), step(&new)) {
        (Some(old), Some(new)) => old.min(new),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => u64::MAX,
    }
}

/// Everything of a run that is compared besides its steps.
#[derive(Default)]
struct Whole {
    effects: Vec<Seen>,
    notes: Vec<Value>,
}

impl Observer for Whole {
    const STEPS: bool = false;

    fn log(&mut self, note: &Value) {
        if self.notes.len() < MOST {
            self.notes.push(note.clone());
        }
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, _: u64) {
        if self.effects.len() < MOST {
            let asked = Asked::of(request, answer);
            self.effects.push(Seen { asked, hash: request_hash(request) });
        }
    }
}

/// Effects of both runs side by side: those that are different, and how many are not.
fn effects(old: &[Seen], new: &[Seen]) -> (Vec<Effects>, usize) {
    let pairs = aligned(old, new);
    let mut different = Vec::new();
    let mut same = 0;
    for (was, now) in pairs {
        match (was, now) {
            (Some(was), Some(now)) if was.asked.result == now.asked.result => same += 1,
            (was, now) => different.push(Effects([was.cloned(), now.cloned()])),
        }
    }
    (different, same)
}

type Pair<'a> = (Option<&'a Seen>, Option<&'a Seen>);

/// Brings effects that ask the same together, in order: as many as there can be, but for runs with
/// very many.
fn aligned<'a>(old: &'a [Seen], new: &'a [Seen]) -> Vec<Pair<'a>> {
    let same = |(was, now): &(&Seen, &Seen)| was.hash == now.hash;
    let head = old.iter().zip(new).take_while(same).count();
    let mut pairs: Vec<Pair<'a>> =
        old[..head].iter().zip(&new[..head]).map(|(was, now)| (Some(was), Some(now))).collect();
    let (old, new) = (&old[head..], &new[head..]);
    let (height, width) = (old.len(), new.len());
    if height.saturating_mul(width) > ALIGNED {
        let longest = height.max(width);
        pairs.extend((0..longest).flat_map(|at| match (old.get(at), new.get(at)) {
            (Some(was), Some(now)) if was.hash == now.hash => vec![(Some(was), Some(now))],
            (was, now) => vec![(was, None), (None, now)],
        }));
        pairs.retain(|(was, now)| was.is_some() || now.is_some());
        return pairs;
    }
    // How many can be brought together from here on.
    let mut best = vec![0_u32; (height + 1) * (width + 1)];
    let at = |row: usize, column: usize| row * (width + 1) + column;
    for row in (0..height).rev() {
        for column in (0..width).rev() {
            best[at(row, column)] = match old[row].hash == new[column].hash {
                true => best[at(row + 1, column + 1)] + 1,
                false => best[at(row + 1, column)].max(best[at(row, column + 1)]),
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    while row < height && column < width {
        if old[row].hash == new[column].hash {
            pairs.push((Some(&old[row]), Some(&new[column])));
            (row, column) = (row + 1, column + 1);
        } else if best[at(row + 1, column)] >= best[at(row, column + 1)] {
            pairs.push((Some(&old[row]), None));
            row += 1;
        } else {
            pairs.push((None, Some(&new[column])));
            column += 1;
        }
    }
    pairs.extend(old[row..].iter().map(|was| (Some(was), None)));
    pairs.extend(new[column..].iter().map(|now| (None, Some(now))));
    pairs
}

/// Parts of named registers that differ.
fn registers([old, new]: [&Machine; 2]) -> Vec<Changed> {
    let named = |machine: &Machine| -> BTreeMap<String, Value> {
        { machine.registers() }
            .filter(|(name, _)| !name.starts_with('%'))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    };
    let (old, new) = (named(old), named(new));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut all = Vec::new();
    for name in names {
        changes(name, old.get(name), new.get(name), &mut all);
    }
    all
}

fn note(old: &[Value], new: &[Value]) -> Option<(usize, [Option<Value>; 2])> {
    let longest = old.len().max(new.len());
    let first = (0..longest).find(|at| old.get(*at) != new.get(*at))?;
    Some((first + 1, [old.get(first).cloned(), new.get(first).cloned()]))
}

/// How a run ended, in full.
fn how(machine: &Machine) -> String {
    match machine.end() {
        Some(end @ End::Exhausted(_)) => format!("ran {}", ended_in(end, usize::MAX)),
        Some(end) => ended_in(end, usize::MAX),
        None => String::from("was cut off"),
    }
}

impl Diff {
    /// Whether there is no difference.
    pub fn is_none(&self) -> bool {
        self.first.is_none()
            && self.effects.is_empty()
            && self.registers.is_empty()
            && self.note.is_none()
            && self.ends[0] == self.ends[1]
            && self.gas[0] == self.gas[1]
            && self.steps[0] == self.steps[1]
    }

    /// For people and for programs.
    pub fn reply(&self) -> Reply {
        let text = if self.is_none() { String::from("no difference") } else { self.text() };
        Reply::new(text, self.datum())
    }

    fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail, here and below.
        if let Some(first) = &self.first {
            let _ = writeln!(out, "first difference: {first}");
        }
        if !self.effects.is_empty() {
            let _ = writeln!(
                out,
                "effects: {} the same, {} different",
                self.same_effects,
                self.effects.len()
            );
            for effects in self.effects.iter().take(TOLD) {
                effects.tell(&mut out);
            }
            more(&mut out, self.effects.len());
        }
        if !self.registers.is_empty() {
            out.push_str("registers at the end\n");
            for changed in self.registers.iter().take(TOLD) {
                let _ = writeln!(out, "  {changed}");
            }
            more(&mut out, self.registers.len());
        }
        if let Some((number, [was, now])) = &self.note {
            let shown = |note: &Option<Value>| match note {
                Some(note) => show(note, MAX_VALUE),
                None => String::from("not there"),
            };
            let _ = writeln!(out, "note {number} is {}, was {}", shown(now), shown(was));
        }
        let [was, now] = self.ends.each_ref().map(|end| cut(end.clone(), MAX_END));
        let _ = match self.ends[0] == self.ends[1] {
            true => writeln!(out, "both runs: {now}"),
            false => writeln!(out, "the run {now}\nthe other {was}"),
        };
        let [was, now] = self.steps;
        let _ = write!(out, "steps {now}, were {was}; ");
        let [was, now] = self.gas.map(Gas);
        let _ = write!(out, "gas {now}, was {was}");
        out
    }

    fn datum(&self) -> Value {
        let option = |value: &Option<Value>| value.as_ref().map_or(Value::Null, datum);
        let seen = |seen: &Option<Seen>| match seen {
            Some(seen) => record(seen.asked.fields()),
            None => Value::Null,
        };
        let effects = self
            .effects
            .iter()
            .map(|Effects([was, now])| record([("was", seen(was)), ("now", seen(now))]));
        let note = self.note.as_ref().map_or(Value::Null, |(number, [was, now])| {
            record([("number", int(*number as u64)), ("was", option(was)), ("now", option(now))])
        });
        let both = |[was, now]: [Value; 2]| record([("was", was), ("now", now)]);
        record([
            ("first", self.first.as_ref().map_or(Value::Null, Step::datum)),
            ("effects", list(effects)),
            ("registers", list(self.registers.iter().map(Changed::datum))),
            ("note", note),
            ("end", both([self.ends[0].as_str().into(), self.ends[1].as_str().into()])),
            ("steps", both(self.steps.map(int))),
            ("gas", both(self.gas.map(int))),
        ])
    }
}

impl Effects {
    fn tell(&self, out: &mut String) {
        let line = |mark, asked: &Asked| format!("{mark} #{} {}", asked.id, asked.question());
        let _ = match &self.0 {
            [Some(Seen { asked: was, .. }), Some(Seen { asked: now, .. })] => {
                writeln!(out, "{}\n     {}", line(' ', now), otherwise(was, now))
            }
            [Some(Seen { asked, .. }), None] => {
                writeln!(out, "{} -> {}", line('-', asked), asked.answer())
            }
            [None, Some(Seen { asked, .. })] => {
                writeln!(out, "{} -> {}", line('+', asked), asked.answer())
            }
            [None, None] => Ok(()),
        };
    }
}

/// How an effect was answered otherwise: parts by name, as they are in the register of the answer.
fn otherwise(was: &Asked, now: &Asked) -> String {
    let (Ok([old]), Ok([new])) = (was.result.as_deref(), now.result.as_deref()) else {
        return format!("answered {}, was {}", now.answer(), was.answer());
    };
    let mut parts = Vec::new();
    changes("answer", Some(old), Some(new), &mut parts);
    several(&parts)
}

/// Says that there is more than was told.
fn more(out: &mut String, count: usize) {
    if count > TOLD {
        let _ = writeln!(out, "  … {} more", count - TOLD);
    }
}
