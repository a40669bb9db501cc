//! The first step at which two runs differ.

use std::fmt;

use avm_ir::{Gas, Opcode, Value, verify::CodePlace};
use avm_vm::{
    Machine, Observer,
    journal::{Journal, Player},
    observer::{Done, Rewritten},
};

use super::{Changed, MAX_VALUE, changes, values::several};
use crate::{
    code::Codes,
    reply::{int, list, record, show, text},
};

/// Steps that are executed at a time.
const CHUNK: u64 = 1 << 14;

/// A step at which runs differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its number.
    pub step: u64,
    /// The place in the new run, for people.
    pub place: String,
    /// What differs, for people.
    pub what: String,
    /// Registers that it left with other values.
    pub registers: Vec<Changed>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}, {}: {}", self.step, self.place, self.what)
    }
}

impl Step {
    pub(super) fn datum(&self) -> Value {
        record([
            ("step", int(self.step)),
            ("place", text(Some(&self.place))),
            ("what", text(Some(&self.what))),
            ("registers", list(self.registers.iter().map(Changed::datum))),
        ])
    }
}

/// An instruction, as far as it is compared: what it wrote is told apart by its bits, larger values by
/// their sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Trail {
    at: Option<CodePlace>,
    opcode: Opcode,
    gas: u64,
    wrote: (u8, u64),
}

/// Keeps a stretch of instructions.
struct Trails {
    /// Whether places are compared: those of two programs are not the same.
    places: bool,
    all: Vec<Trail>,
    /// Regions that got other code, each with its name and the hash of the code.
    codes: Vec<(String, [u8; 32])>,
}

impl Trails {
    fn same(&self, other: &Self) -> bool {
        self.all == other.all && self.codes == other.codes
    }

    /// The code that a region got last.
    fn code(&self) -> String {
        match self.codes.last() {
            Some((region, hash)) => {
                let digits: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
                format!("region {region} gets code {digits}…")
            }
            None => String::from("no region gets other code"),
        }
    }
}

impl Observer for Trails {
    const VALUES: bool = true;

    fn after(&mut self, done: &Done<'_>) {
        let wrote = match done.seen.register(done.instr.a) {
            None | Some(Value::Null) => (0, 0),
            Some(Value::Bool(value)) => (1, u64::from(*value)),
            Some(Value::Int(value)) => (2, value.cast_unsigned()),
            Some(Value::Float(value)) => (3, value.to_bits()),
            Some(value) => (4, value.size()),
        };
        let at = self.places.then_some(done.at);
        self.all.push(Trail { at, opcode: done.instr.op, gas: done.gas, wrote });
    }

    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        if let Some(version) = machine.version(change.after) {
            let patch = &version.patch;
            self.codes.push((patch.region.name.clone(), patch.hash()));
        }
    }
}

/// Where two runs differ first from where they stand on, at the same step. Registers are compared
/// that both name; where the programs are two, another cost alone is a difference as well.
pub fn first_step(
    journals: [&Journal; 2],
    mut players: [Player; 2],
    codes: &mut [Codes; 2],
) -> Option<Step> {
    let [old, new] = players.each_ref().map(|player| player.machine().image().origin());
    let places = old == new;
    loop {
        let from = players[0].machine().steps();
        let before = players.clone();
        let [was, now] = stretch(journals, &mut players, from + CHUNK, places);
        let [old, new] = players.each_ref().map(Player::machine);
        let same = was.same(&now) && registers(old, new).is_empty();
        if !same {
            return Some(single(journals, before, codes, places));
        }
        if was.all.is_empty() || old.end().is_some() {
            return None;
        }
    }
}

fn stretch(
    journals: [&Journal; 2],
    players: &mut [Player; 2],
    to: u64,
    places: bool,
) -> [Trails; 2] {
    let mut trails = [(); 2].map(|()| Trails { places, all: Vec::new(), codes: Vec::new() });
    for ((player, journal), trail) in players.iter_mut().zip(journals).zip(&mut trails) {
        // Where a run is cut off or diverges it has no more steps.
        let _ = player.run_to(journal, to, trail);
    }
    trails
}

/// Agent registers that both name and that differ.
fn registers(old: &Machine, new: &Machine) -> Vec<Changed> {
    let mut all = Vec::new();
    for (name, value) in new.registers().filter(|(name, _)| !name.starts_with('%')) {
        if let Some(before) = old.register(name) {
            changes(name, Some(before), Some(value), &mut all);
        }
    }
    all
}

/// The same, step by step; the difference is within a stretch.
fn single(
    journals: [&Journal; 2],
    mut players: [Player; 2],
    codes: &mut [Codes; 2],
    places: bool,
) -> Step {
    loop {
        let step = players[0].machine().steps();
        let stands = players.each_ref().map(|player| player.machine().at());
        let [old, new] = players.each_ref().map(Player::machine);
        let before = registers(old, new);
        let codes = [codes[0].of(old.image()), codes[1].of(new.image())];
        let [was, now] = stretch(journals, &mut players, step + 1, places);
        let [old, new] = players.each_ref().map(Player::machine);
        let found = registers(old, new);
        if was.same(&now) && before.is_empty() && found.is_empty() && !was.all.is_empty() {
            continue;
        }
        let place = |side: usize| {
            let code = &codes[side];
            let at = stands[side];
            match code.line(at) {
                Some((file, line)) => {
                    format!("{}, {}:{line}", code.place_name(at), code.file(file))
                }
                None => code.place_name(at),
            }
        };
        let what = match (was.all.first(), now.all.first()) {
            _ if before.is_empty() && was.codes != now.codes => {
                format!("{}, and in the other run {}", now.code(), was.code())
            }
            _ if !before.is_empty() => format!("before it {}", several(&before)),
            (Some(was), Some(now)) if was.opcode != now.opcode => {
                let (now, was) = (now.opcode.mnemonic(), was.opcode.mnemonic());
                format!("{now}, was {was} ({})", place(0))
            }
            (Some(_), Some(now)) if !found.is_empty() => {
                format!("{}: {}", now.opcode.mnemonic(), several(&found))
            }
            (Some(was), Some(now)) if was.gas != now.gas => {
                let mnemonic = now.opcode.mnemonic();
                format!("{mnemonic}: gas {}, was {}", Gas(now.gas), Gas(was.gas))
            }
            (Some(was), Some(now)) if was.at != now.at => {
                format!("{}, was at {}", now.opcode.mnemonic(), place(0))
            }
            (Some(_), Some(now)) => {
                let number = codes[1].instr(stands[1]).map_or(u8::MAX, |instr| instr.a);
                let value = |machine: &Machine| {
                    let window = machine.window(machine.depth())?;
                    Some(show(machine.value(&window, number)?, MAX_VALUE))
                };
                let [now_is, was_is] =
                    [new, old].map(|machine| value(machine).unwrap_or_else(|| "gone".to_owned()));
                let name = codes[1].register_name(stands[1], number);
                format!("{}: {name} is {now_is}, was {was_is}", now.opcode.mnemonic())
            }
            (Some(_), None) => String::from("the run ends here, and the other went on"),
            (None, Some(_)) if old.end().is_none() => {
                String::from("the run goes on here, and the other was recorded up to here")
            }
            (None, Some(_)) => String::from("the run goes on here, and the other ended"),
            (None, None) => String::from("both runs end here"),
        };
        let registers = if before.is_empty() { found } else { before };
        return Step { step, place: place(1), what, registers };
    }
}
