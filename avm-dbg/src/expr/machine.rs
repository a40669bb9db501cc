//! Expressions as programs: what an expression is worth is what the machine says that it is.
//!
//! An expression becomes the instructions that the assembler would make of it, in a program of its
//! own, which a fresh machine runs. It has gas and memory of its own, so that no expression takes
//! for ever.

use std::sync::Arc;

use avm_ir::{
    DefaultValue, Instr, Opcode, Program, Schedule, Slot, Value,
    instr::{Layout, MAX_CONSTS, NO_REGISTER},
    program::{Label, MAIN, Perms, Region, Target},
};
use avm_vm::{Config, End, Image, Machine, Pause};

use super::tree::Tree;

/// Most instructions of an evaluation; there are no loops in one.
const MAX_STEPS: u64 = 1 << 16;
/// Registers of the names and of what is on the way together.
const MAX_REGISTERS: usize = 240;

/// A machine that is about to evaluate an expression, with nothing in its registers yet.
pub(super) fn prepare(tree: &Tree, names: &[String]) -> Result<Machine, String> {
    let mut maker = Maker {
        region: Region { name: MAIN.into(), perms: Perms::MAIN, ..Region::default() },
        free: names.len(),
    };
    let value = maker.slot(tree)?;
    maker.emit(Opcode::RETURN, None, &[value])?;
    maker.order_labels();
    let registers = names.to_vec();
    let program = Program { registers, regions: vec![maker.region], ..Program::default() };
    let verified = avm_ir::verify(program).map_err(|error| error.to_string())?;
    let image = Arc::new(Image::new(verified, &Schedule::v1()));
    Machine::new(image, Config::default()).map_err(|error| error.to_string())
}

/// What an expression is worth where its names hold these values, or why the machine traps.
pub(super) fn run<'v>(
    prepared: &Machine,
    names: usize,
    mut held: impl FnMut(usize) -> &'v Value,
) -> Result<Value, String> {
    let mut machine = prepared.clone();
    for (register, name) in (0..names).enumerate() {
        let value = held(name);
        if *value != Value::Null {
            machine.edit(register as u8, value.clone());
        }
    }
    match machine.run(MAX_STEPS, &mut ()) {
        Pause::End(End::Halted(value)) => Ok(value),
        Pause::End(End::Trapped(trap)) => Err(trap.to_string()),
        Pause::End(End::Exhausted(meter)) => Err(format!("it takes too much {}", meter.name())),
        Pause::End(End::Unapproved(_)) | Pause::Slice | Pause::Effect(_) => {
            Err("it takes too long".into())
        }
    }
}

struct Maker {
    region: Region,
    /// The next register that holds nothing.
    free: usize,
}

impl Maker {
    fn register(&mut self) -> Result<u8, String> {
        let register = self.free;
        self.free += 1;
        let fits = u8::try_from(register).ok().filter(|_| register < MAX_REGISTERS);
        fits.ok_or_else(|| "the expression needs too many registers".into())
    }

    fn constant(&mut self, value: &Value) -> Result<Slot, String> {
        let consts = &mut self.region.consts;
        // Equal numbers of two types are two constants.
        let same = |known: &Value| known == value && known.type_name() == value.type_name();
        let at = consts.iter().position(same).unwrap_or_else(|| {
            consts.push(value.clone());
            consts.len() - 1
        });
        let at = u16::try_from(at).ok().filter(|at| usize::from(*at) < MAX_CONSTS);
        at.map(Slot::constant).ok_or_else(|| "the expression has too many constants".into())
    }

    /// Where the value of an expression is, once the code so far was run.
    fn slot(&mut self, tree: &Tree) -> Result<Slot, String> {
        match tree {
            Tree::Constant(value) => self.constant(value),
            Tree::Name(number) => Ok(Slot::reg(*number as u8)),
            _ => {
                let result = self.register()?;
                self.into(tree, result)?;
                self.free = usize::from(result) + 1;
                Ok(Slot::reg(result))
            }
        }
    }

    /// Brings the value of an expression into a register.
    fn into(&mut self, tree: &Tree, result: u8) -> Result<(), String> {
        let slots = match tree {
            Tree::Constant(_) | Tree::Name(_) => {
                let slot = self.slot(tree)?;
                return self.emit(Opcode::SET, Some(result), &[slot]);
            }
            Tree::Either(decides, ..) => {
                self.decide(tree, *decides, result)?;
                return self.emit(Opcode::TEST, Some(result), &[Slot::reg(result)]);
            }
            Tree::Part(whole, key) => {
                [whole, key].map(|part| self.slot(part)).into_iter().collect()
            }
            Tree::Op(op, operands) => {
                let inputs = op.info().inputs.iter().map(|input| input.default).enumerate();
                let slots = inputs.map(|(at, default)| match operands.get(at) {
                    Some(Some(operand)) => self.slot(operand),
                    _ => self.default(default),
                });
                slots.collect()
            }
            Tree::List(items) => items.iter().map(|item| self.slot(item)).collect(),
            Tree::Record(fields) => {
                let slots = fields.iter().flat_map(|(key, value)| {
                    let key = self.constant(key);
                    [key, self.slot(value)]
                });
                slots.collect::<Result<Vec<Slot>, String>>()
            }
        };
        let op = match tree {
            Tree::Part(..) => Opcode::GET,
            Tree::List(_) => Opcode::LIST,
            Tree::Record(_) => Opcode::RECORD,
            Tree::Op(op, _) => *op,
            _ => Opcode::NOP,
        };
        self.emit(op, Some(result), &slots?)
    }

    /// The side of a chain of the same operator that decides; the machine looks at each once.
    fn decide(&mut self, tree: &Tree, decides: bool, result: u8) -> Result<(), String> {
        let Tree::Either(same, left, right) = tree else { return self.into(tree, result) };
        if *same != decides {
            return self.into(tree, result);
        }
        self.decide(left, decides, result)?;
        let jump = if decides { Opcode::JUMP_IF } else { Opcode::JUMP_UNLESS };
        let label = self.region.labels.len();
        let slot = Slot(u16::try_from(label).unwrap_or(u16::MAX));
        self.region.labels.push(Label { name: String::new(), target: Target::Here(0) });
        self.emit(jump, None, &[Slot::reg(result), slot])?;
        self.into(right, result)?;
        self.region.labels[label].target = Target::Here(self.region.code.len() as u32);
        Ok(())
    }

    /// Labels stand in the order of their places; they were numbered as they were needed.
    fn order_labels(&mut self) {
        let labels = &mut self.region.labels;
        let place = |label: &Label| match label.target {
            Target::Here(pc) => pc,
            Target::Elsewhere => u32::MAX,
        };
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|at| place(&labels[*at]));
        labels.sort_by_key(place);
        let jumps = |op| matches!(op, Opcode::JUMP_IF | Opcode::JUMP_UNLESS);
        for instr in self.region.code.iter_mut().filter(|instr| jumps(instr.op)) {
            let now = order.iter().position(|was| *was == usize::from(instr.c.0));
            instr.c = Slot(now.unwrap_or_default() as u16);
        }
    }

    fn default(&mut self, default: DefaultValue) -> Result<Slot, String> {
        let value = match default {
            DefaultValue::Absent | DefaultValue::Named => return Ok(Slot::ABSENT),
            DefaultValue::Required | DefaultValue::Null => Value::Null,
            DefaultValue::Bool(value) => value.into(),
            DefaultValue::Int(value) => Value::Int(value),
            DefaultValue::Text(text) => text.into(),
        };
        self.constant(&value)
    }

    fn emit(&mut self, op: Opcode, result: Option<u8>, slots: &[Slot]) -> Result<(), String> {
        let mut instr = Instr { a: result.unwrap_or(NO_REGISTER), ..Instr::bare(op) };
        match op.info().layout() {
            Layout::Inline => {
                for (place, slot) in
                    [&mut instr.b, &mut instr.c, &mut instr.d].into_iter().zip(slots)
                {
                    *place = *slot;
                }
            }
            Layout::Pool => {
                let start = self.region.pool.len();
                self.region.pool.extend(slots);
                let count = u16::try_from(slots.len());
                instr.b = Slot(count.map_err(|_| "a list in the expression is too long")?);
                (instr.c, instr.d) = (Slot(start as u16), Slot((start >> 16) as u16));
            }
        }
        self.region.code.push(instr);
        Ok(())
    }
}
