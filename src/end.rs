//! The end of a run in words: result, trap with its line, exhaustion and what would help.

use avm_asm::SourceFile;
use avm_ir::{Gas, Program, Value, instr::Role, value::to_json, verify::CodePlace};
use avm_vm::{End, Machine, Meter, Observer, Pause, Trap};

use crate::render::{self, Report};

/// Longest value that a report shows, in characters.
const MAX_VALUE: usize = 120;

/// Where an instruction stands: file, line and column where known.
pub(crate) fn place(program: &Program, at: CodePlace) -> Option<(&str, u32, u32)> {
    let place = program.place(at.region as usize, at.pc as usize)?;
    let file = program.debug.as_ref()?.files.get(usize::from(place.file))?;
    Some((file, place.line, place.column))
}

/// `region main, instruction 3`
pub(crate) fn words(program: &Program, at: CodePlace) -> String {
    let region = program.regions.get(at.region as usize).map_or("?", |region| &region.name);
    format!("region {region}, instruction {}", at.pc)
}

/// A trap with its source line and the registers that the instruction reads.
pub(crate) fn trap(machine: &Machine, trap: &Trap, files: &[SourceFile]) -> String {
    let program = machine.image().program();
    let rewritten = rewritten(machine, trap.at);
    let place = match &rewritten {
        Some(Rewritten { path, line, column, .. }) => Some((path.as_str(), *line, *column)),
        None => place(program, trap.at),
    };
    let label = format!("{}, {}", trap.opcode.mnemonic(), words(program, trap.at));
    let title = format!("{}: {}", trap.code.name(), trap.message);
    let text = place.and_then(|(path, ..)| files.iter().find(|file| file.path == path));
    let text = text.map(|file| file.text.as_str());
    let text = rewritten.as_ref().map_or(text, |code| Some(code.text.as_str()));
    let id = format!("T{:02}", trap.code as u16);
    render::report(&Report {
        id: &id,
        title: &title,
        label: &label,
        place,
        text,
        notes: &operands(machine, trap.at),
        help: &format!("`avm explain {id}` tells more"),
    })
}

/// An instruction of code that the agent got, which comes from no file.
struct Rewritten {
    /// What the code is called.
    path: String,
    line: u32,
    column: u32,
    /// The region's canonical text, which line and column lie in.
    text: String,
}

fn rewritten(machine: &Machine, at: CodePlace) -> Option<Rewritten> {
    let program = machine.image().program();
    if program.place(at.region as usize, at.pc as usize).is_some() {
        return None;
    }
    let (_, number) = machine.current_versions().iter().find(|(known, _)| *known == at.region)?;
    let region = program.regions.get(at.region as usize)?;
    let text = avm_asm::patch::region_text(program, &region.name).ok()?;
    // A line is an instruction, unless it says where something begins or ends.
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with(['.', ':', '#'])
    });
    let (line, shown) = lines.nth(at.pc as usize)?;
    let column = shown.len().saturating_sub(shown.trim_start().len()) as u32 + 1;
    Some(Rewritten { path: format!("{}, version {number}", region.name), line, column, text })
}

/// `name = value` for each register that an instruction reads, each once.
fn operands(machine: &Machine, at: CodePlace) -> Vec<String> {
    let program = machine.image().program();
    let Some(region) = program.regions.get(at.region as usize) else { return Vec::new() };
    let Some(instr) = region.code.get(at.pc as usize) else { return Vec::new() };
    let info = instr.op.info();
    let mut numbers: Vec<u8> = Vec::new();
    if info.place_in_a().is_some() {
        numbers.push(instr.a);
    }
    if let Some(slots) = instr.slots(&region.pool) {
        // A variadic operand is the last role and stands for all further slots.
        let roles: Vec<_> = info.slot_roles().collect();
        for (index, slot) in slots.iter().enumerate() {
            let role = roles.get(index).or(roles.last());
            let names_code = matches!(role, Some(Role::Input(input))
                if matches!(info.inputs[*input].kind, avm_ir::Kind::Label | avm_ir::Kind::Func));
            if let (Some(number), Some(Role::Input(_)), false) = (slot.as_reg(), role, names_code) {
                numbers.push(number);
            }
        }
    }
    let in_body = (at.pc as usize) < region.body_end();
    let mut notes = Vec::new();
    for number in numbers {
        let name = program.register_name(at.region as usize, at.pc as usize, number);
        // Registers of a function are out of sight from here.
        let value = in_body.then(|| machine.register(&name)).flatten();
        let note = value.map(|value| format!("{name} = {}", short(value)));
        notes.extend(note.filter(|note| !notes.contains(note)));
    }
    notes
}

/// A value as JSON, cut where it gets long.
pub(crate) fn short(value: &Value) -> String {
    let mut text = match value {
        // Not all of a large value is written only to be cut.
        Value::Text(text) if text.len() > 8 * MAX_VALUE => {
            to_json(&Value::from(text.chars().take(2 * MAX_VALUE).collect::<String>()))
        }
        Value::List(_) | Value::Record(_) | Value::Vector(_) | Value::Bytes(_)
            if value.size() > 1 << 20 =>
        {
            format!("({} of {} bytes)", value.type_name(), value.size())
        }
        _ => to_json(value),
    };
    if let Some((end, _)) = text.char_indices().nth(MAX_VALUE) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Where a run used a budget up, and for gas how much the next step costs.
pub(crate) fn exhausted(machine: &Machine, meter: Meter) -> String {
    let program = machine.image().program();
    let at = machine.at();
    let region = program.regions.get(at.region as usize);
    let mnemonic = region
        .and_then(|region| region.code.get(at.pc as usize))
        .map_or("?", |instr| instr.op.mnemonic());
    let left = machine.gas_limit() - machine.gas_used();
    let mut text = format!("before {mnemonic}, {}", words(program, at));
    if let Some((file, line, column)) = place(program, at) {
        text.push_str(&format!(", {file}:{line}:{column}"));
    }
    if meter != Meter::Gas {
        return text;
    }
    text.push_str(&format!("; {} gas left", Gas(left)));
    match price(machine) {
        Some(price) if price > left => {
            text.push_str(&format!(", {} more would buy it", Gas(price - left)));
        }
        // What an effect costs in the end only its answer tells.
        Some(_) => text.push_str(", and its answer costs more"),
        None => {}
    }
    text
}

/// Nanogas of the next instruction as far as it is known before it runs, tried out on a copy.
fn price(machine: &Machine) -> Option<u64> {
    struct Paid(Option<u64>);
    impl Observer for Paid {
        fn step(&mut self, _: CodePlace, _: avm_ir::Opcode, gas: u64) {
            self.0.get_or_insert(gas);
        }
    }
    let mut copy = machine.clone();
    copy.top_up(Meter::Gas, u64::MAX);
    let before = copy.gas_limit() - copy.gas_used();
    let mut paid = Paid(None);
    match copy.run(1, &mut paid) {
        // A limit of its own hides what the call was charged.
        Pause::Effect(request) if request.arg("gas_limit").is_some() => None,
        Pause::Effect(request) => before.checked_sub(request.max_gas),
        _ => paid.0,
    }
}

/// The value that ended a run.
pub(crate) fn value(end: &End) -> Option<&Value> {
    match end {
        End::Halted(value) if *value != Value::Null => Some(value),
        _ => None,
    }
}
