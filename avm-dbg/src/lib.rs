//! Looking at runs: today a view of a machine at rest, later replay and the step debugger.
//!
//! What this crate will hold: sessions that replay a journal of answered effects without asking
//! anybody again, breakpoints and steps forwards and backwards over them, and the views of a
//! machine that a terminal or an editor shows. It will never know providers: a replay answers from
//! the journal. Not built yet: everything but [`view`].

#![warn(clippy::disallowed_methods)]

use std::fmt::Write;

use avm_ir::{Gas, Value, value::to_json};
use avm_vm::{End, Machine};

/// Longest value shown, in characters.
const MAX_VALUE: usize = 400;
/// Values larger than this are named by type and size, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// Named registers, place, meters and end of a machine as text, one fact a line. Register `NULL`s
/// are left out. Values are JSON on one line, cut where they get long.
pub fn view(machine: &Machine) -> String {
    let mut out = String::new();
    let program = machine.image().program();
    for (name, value) in machine.registers().filter(|(_, value)| **value != Value::Null) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "{name} = {}", show(value));
    }
    let at = machine.at();
    let region = program.regions.get(at.region as usize).map_or("?", |region| &region.name);
    let _ = write!(out, "at {region}:{}, step {}", at.pc, machine.steps());
    let _ = write!(out, ", gas {} of {}", Gas(machine.gas_used()), Gas(machine.gas_limit()));
    let _ = writeln!(out, ", {} notes in the log", machine.log().count());
    let _ = match machine.end() {
        None => writeln!(out, "not ended"),
        Some(End::Halted(value)) => writeln!(out, "halted with {}", show(value)),
        Some(End::Exhausted(meter)) => writeln!(out, "out of {}", meter.name()),
        Some(End::Trapped(trap)) => writeln!(out, "trapped, {trap}"),
    };
    out
}

/// A value as JSON on one line, cut where it gets long.
pub fn show(value: &Value) -> String {
    if value.size() > MAX_SIZE {
        return format!("({} of {} bytes)", value.type_name(), value.size());
    }
    let mut text = to_json(value);
    if let Some((end, _)) = text.char_indices().nth(MAX_VALUE) {
        text.truncate(end);
        text.push('…');
    }
    text
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
