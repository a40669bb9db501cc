//! A machine at rest in a few lines.

use std::fmt::Write;

use avm_ir::{Gas, Value};
use avm_vm::{End, Machine};

use crate::reply::show;

/// Longest value shown, in characters.
const MAX_VALUE: usize = 400;

/// Named registers, place, meters and end of a machine as text, one fact a line. Register `NULL`s
/// are left out. Values are JSON on one line, cut where they get long.
pub fn view(machine: &Machine) -> String {
    let mut out = String::new();
    let program = machine.image().program();
    for (name, value) in machine.registers().filter(|(_, value)| **value != Value::Null) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "{name} = {}", show(value, MAX_VALUE));
    }
    let at = machine.at();
    let region = program.regions.get(at.region as usize).map_or("?", |region| &region.name);
    let _ = write!(out, "at {region}:{}, step {}", at.pc, machine.steps());
    let _ = write!(out, ", gas {} of {}", Gas(machine.gas_used()), Gas(machine.gas_limit()));
    let _ = writeln!(out, ", {} notes in the log", machine.log().count());
    let _ = match machine.end() {
        None => writeln!(out, "not ended"),
        Some(end) => writeln!(out, "{}", ended(end)),
    };
    out
}

/// A value as JSON on one line, cut where it gets long.
pub fn show_value(value: &Value) -> String {
    show(value, MAX_VALUE)
}

/// How a run ended.
pub(crate) fn ended(end: &End) -> String {
    ended_in(end, MAX_VALUE)
}

/// The same with a value of so many characters at most.
pub(crate) fn ended_in(end: &End, most: usize) -> String {
    match end {
        End::Halted(value) => format!("halted with {}", show(value, most)),
        End::Exhausted(meter) => format!("out of {}", meter.name()),
        End::Trapped(trap) => format!("trapped, {trap}"),
        End::Unapproved(wanted) => format!("was suspended, {wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use avm_ir::{
        Instr, Opcode, Program, Schedule, Slot, Value,
        program::{MAIN, Perms, Region},
        verify,
    };
    use avm_vm::{Config, Image, Machine};

    #[test]
    fn view_shows_registers_place_and_end() {
        let set = Instr { a: 0, b: Slot::constant(0), ..Instr::bare(Opcode::SET) };
        let halt = Instr::bare(Opcode::HALT);
        let main = Region {
            name: MAIN.to_owned(),
            perms: Perms::MAIN,
            consts: vec![Value::text("two\nlines")],
            code: vec![set, halt],
            ..Region::default()
        };
        let program = Program {
            registers: vec!["x".to_owned(), "empty".to_owned()],
            regions: vec![main],
            ..Program::default()
        };
        let verified = verify(program).expect("a valid program");
        let image = Image::new(verified, &Schedule::v1());
        let mut machine = Machine::new(Arc::new(image), Config::default()).expect("no inputs");
        assert_eq!(
            super::view(&machine),
            "at main:0, step 0, gas 0 of 1000, 0 notes in the log\nnot ended\n"
        );
        machine.run(100, &mut ());
        assert_eq!(
            super::view(&machine),
            "x = \"two\\nlines\"\nat main:2, step 2, gas 0.000002 of 1000, 0 notes in the log\n\
             halted with null\n"
        );
    }
}
