//! How a run is told: the result on standard output, why it ended on standard error, events as JSON.

use std::path::Path;

use avm_asm::SourceFile;
pub(crate) use avm_ir::wire::hex;
use avm_ir::{
    Opcode, Value,
    value::{Record, to_text},
};
use avm_plugins::registry::Registry;
use avm_vm::{End, Machine, Meter, machine::STATE_REGISTER};

use crate::{
    end,
    exit::Exit,
    inputs,
    library::Indexed,
    meter::{Totals, number},
    output::{Out, note, note_styled},
    run_dir::{Kept, quoted},
    summary::{self, Summary},
};

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detail {
    /// Events as JSON instead of text.
    pub(crate) json: bool,
    /// The named registers at the end.
    pub(crate) registers: bool,
    /// No summary.
    pub(crate) quiet: bool,
    /// Where the gas went, by instruction; only then the run is watched step by step.
    pub(crate) profile: bool,
}

/// A run that came to rest, and what is known about it.
pub(crate) struct Rested<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) end: &'a End,
    pub(crate) totals: Totals,
    pub(crate) registry: &'a Registry,
    pub(crate) indexed: &'a [Indexed],
    pub(crate) files: &'a [SourceFile],
    /// How to go on, where the run is kept.
    pub(crate) resume: Option<&'a Kept>,
    /// Its journal, if there is one.
    pub(crate) journal: Option<&'a Path>,
    /// What the debugger opens it by, if it can.
    pub(crate) name: Option<String>,
}

impl Rested<'_> {
    /// What the command exits with.
    pub(crate) fn exit(&self) -> Exit {
        match self.end {
            End::Halted(_) => Exit::Done,
            _ if self.machine.is_suspended() => Exit::Suspended,
            End::Exhausted(_) | End::Unapproved(_) => Exit::Exhausted,
            End::Trapped(_) => Exit::Trap,
        }
    }

    /// Tells everything there is to tell.
    pub(crate) fn tell(self, out: &mut Out, detail: Detail) {
        if detail.json {
            self.events(out, detail);
            return;
        }
        result(out, self.machine, self.end);
        if detail.registers {
            out.text(&avm_dbg::view(self.machine));
        }
        out.flush();
        self.why();
        if !detail.quiet
            && self.exit() != Exit::Done
            && let Some(name) = &self.name
        {
            note(&format!("step through it with: avm debug {}", quoted(name)));
        }
        let mut text = String::new();
        if !detail.quiet {
            let Rested { machine, end, registry, indexed, .. } = self;
            let summary = Summary { machine, end, totals: &self.totals, registry, indexed };
            summary::write(&mut text, &summary);
        }
        if detail.profile {
            summary::profile(&mut text, self.machine, &self.totals);
        }
        if !text.is_empty() {
            note(text.trim_end());
        }
    }

    /// Says on standard error why a run did not halt; `--quiet` does not silence that.
    fn why(&self) {
        match self.end {
            End::Halted(_) => {}
            End::Trapped(trap) => note_styled(&end::trap(self.machine, trap, self.files)),
            End::Exhausted(meter) => {
                let suspended = self.machine.is_suspended();
                let word = if suspended { "suspended" } else { "exhausted" };
                let what = match meter {
                    Meter::Gas => "out of gas".to_owned(),
                    meter => used_up(self.machine, *meter),
                };
                let place = end::exhausted(self.machine, *meter);
                let lacked = self.totals.lacked.as_ref().map(|lacked| format!("; {lacked}"));
                note(&format!("{word}: {what} {place}{}", lacked.unwrap_or_default()));
                self.kept();
            }
            End::Unapproved(wanted) => {
                note(&format!("suspended: {wanted}"));
                self.kept();
            }
        }
    }

    /// Says where a suspended run is.
    fn kept(&self) {
        if let Some(Kept { folder, next }) = self.resume {
            note(&format!("kept in {folder}; {next}"));
        }
    }

    /// The last lines of `--json`.
    fn events(&self, out: &mut Out, detail: Detail) {
        let Self { machine, end: ended, .. } = self;
        let exit = self.exit();
        if detail.registers {
            let all = machine.registers().map(|(name, value)| (name, value.clone()));
            let all = Value::Record(Record::from_iter(all));
            out.event("registers", Record::from_iter([("registers", all)]));
        }
        if detail.profile {
            out.event("profile", Record::from_iter([("rows", profile(machine, &self.totals))]));
        }
        let mut record = Record::from_iter([
            ("exit", Value::Int(exit as i64)),
            ("gas_used", Value::Int(number(machine.gas_used()))),
            ("gas_limit", Value::Int(number(machine.gas_limit()))),
            ("steps", Value::Int(number(machine.steps()))),
            ("effects", Value::Int(number(machine.effects()))),
            ("state", Value::from(hex(&machine.state_hash()))),
        ]);
        let used =
            summary::used(machine).map(|(meter, used, _)| (meter.name(), Value::Int(number(used))));
        let used = Record::from_iter(used);
        let mut set = |name: &str, value: Value| record.insert(name.into(), value);
        if !used.is_empty() {
            set("used", Value::Record(used));
        }
        let mut at = Some(machine.at());
        match ended {
            End::Halted(value) => {
                set("end", Value::text("halted"));
                set("value", value.clone());
                if let Some(answer) = inputs::answer(machine.register(STATE_REGISTER)) {
                    set("answer", Value::text(answer));
                }
                at = None;
            }
            End::Exhausted(meter) => {
                let suspended = exit == Exit::Suspended;
                set("end", Value::text(if suspended { "suspended" } else { "exhausted" }));
                set("meter", Value::text(meter.name()));
                if let Some(kept) = self.resume {
                    set("run", Value::text(&kept.folder));
                }
            }
            End::Trapped(trap) => {
                set("end", Value::text("trapped"));
                set("trap", Value::text(trap.code.name()));
                set("message", Value::text(&trap.message));
                at = Some(trap.at);
            }
            End::Unapproved(wanted) => {
                set("end", Value::text("suspended"));
                set("region", Value::text(&wanted.patch.region.name));
                set("patch", Value::from(hex(&wanted.patch.hash())));
                set("message", Value::text(&wanted.why));
                if let Some(kept) = self.resume {
                    set("run", Value::text(&kept.folder));
                }
            }
        }
        if let Some(at) = at {
            let program = machine.image().program();
            let region = program.regions.get(at.region as usize).map_or("", |region| &region.name);
            set("region", Value::text(region));
            set("instruction", Value::Int(i64::from(at.pc)));
            if let Some((file, line, column)) = end::place(program, at) {
                set("file", Value::text(file));
                set("line", Value::Int(i64::from(line)));
                set("column", Value::Int(i64::from(column)));
            }
        }
        if let Some(journal) = self.journal {
            record.insert("journal".into(), Value::from(journal.display().to_string()));
        }
        out.event("end", record);
    }
}

/// The result on standard output: the value, else the assistant's last word.
pub(crate) fn result(out: &mut Out, machine: &Machine, end: &End) {
    if let Some(value) = end::value(end) {
        out.line(&to_text(value));
    } else if let (End::Halted(_), Some(answer)) =
        (end, inputs::answer(machine.register(STATE_REGISTER)))
    {
        out.line(answer);
    }
}

/// The first line of `--json`.
pub(crate) fn start(out: &mut Out, machine: &Machine) {
    let image = machine.image();
    let fields = Record::from_iter([
        ("program", Value::from(hex(&image.program_hash()))),
        ("schedule", Value::from(hex(&image.schedule_hash()))),
        ("gas_limit", Value::Int(number(machine.gas_limit()))),
    ]);
    out.event("start", fields);
}

/// Where the gas went, most first: `{region, opcode, gas}` each.
fn profile(machine: &Machine, totals: &Totals) -> Value {
    let row = |(region, opcode, gas): (&str, Opcode, u64)| {
        Value::Record(Record::from_iter([
            ("region", Value::text(region)),
            ("opcode", Value::text(opcode.mnemonic())),
            ("gas", Value::Int(number(gas))),
        ]))
    };
    Value::list(summary::places(machine, totals).into_iter().map(row).collect())
}

fn used_up(machine: &Machine, meter: Meter) -> String {
    let (used, limit) = (machine.used(meter), machine.limit(meter));
    let (used, limit) = (meter.show(used), meter.show(limit));
    format!("the budget {} does not suffice ({used} of {limit} used)", meter.name())
}

/// 32 bytes of hexadecimal digits.
pub(crate) fn unhex(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
