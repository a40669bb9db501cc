//! The pass over one region's code.

use alloc::{format, string::String, vec::Vec};

use super::{Links, Names, VerifyError, error};
use crate::{
    info::OpInfo,
    instr::{Instr, Layout, MAX_CONSTS, NO_REGISTER, Role, Slot},
    opcode::Opcode,
    operand::{DefaultValue, Kind},
    program::{Label, Program, Region, Target},
    value::Value,
};

/// A run of instructions that flow cannot leave: the body or one function.
struct Block {
    start: usize,
    end: usize,
    registers: u8,
    is_body: bool,
}

/// Checks one region and resolves its names. `index` is its place in the program; a block of a
/// test has none and may not jump elsewhere.
pub(super) fn check_region(
    program: &Program,
    region: &Region,
    index: Option<u32>,
    names: &Names<'_>,
) -> Result<Links, VerifyError> {
    let fail = |cause: &str| Err(error(&region.name, None, cause));
    if region.consts.len() > MAX_CONSTS {
        return fail("more than 32767 constants");
    }
    let blocks = blocks(region)?;
    let links = link(region, index, names)?;
    let mut pass = Pass { program, region, links: &links, index, pool: 0 };
    for block in &blocks {
        for pc in block.start..block.end {
            pass.check_instruction(block, pc).map_err(|cause| VerifyError {
                region: region.name.clone(),
                pc: Some(pc as u32),
                cause,
            })?;
        }
        match region.code[block.start..block.end].last() {
            Some(last) if ends_flow(last.op) => {}
            _ => return fail("flow runs off the end of the body or of a function"),
        }
    }
    if pass.pool != region.pool.len() {
        return fail("the operand pool holds entries that no instruction uses");
    }
    Ok(links)
}

/// Whether no flow goes on behind the instruction.
pub(super) const fn ends_flow(op: Opcode) -> bool {
    matches!(op, Opcode::HALT | Opcode::JUMP | Opcode::RETURN | Opcode::RAISE)
}

fn blocks(region: &Region) -> Result<Vec<Block>, VerifyError> {
    let mut blocks = Vec::with_capacity(region.functions.len() + 1);
    let body_end = region.body_end();
    blocks.push(Block { start: 0, end: body_end, registers: NO_REGISTER, is_body: true });
    let mut next = body_end;
    for function in &region.functions {
        let (start, end) = (function.entry as usize, function.end as usize);
        if start != next || end <= start || end > region.code.len() {
            return Err(error(&region.name, None, "functions must follow one another"));
        }
        if function.params > function.registers || function.registers == NO_REGISTER {
            return Err(error(&region.name, None, "a function's registers do not fit"));
        }
        blocks.push(Block { start, end, registers: function.registers, is_body: false });
        next = end;
    }
    if next != region.code.len() || body_end > region.code.len() {
        return Err(error(&region.name, None, "code behind the last function"));
    }
    Ok(blocks)
}

fn link(region: &Region, index: Option<u32>, names: &Names<'_>) -> Result<Links, VerifyError> {
    let mut links = Links::default();
    let order = |label: &Label| match label.target {
        Target::Here(pc) => (false, pc),
        Target::Elsewhere => (true, 0),
    };
    if !region.labels.is_sorted_by_key(order) {
        return Err(error(&region.name, None, "labels are not in the order of their places"));
    }
    for label in &region.labels {
        let place = match (label.target, index) {
            (Target::Here(pc), index) => {
                if pc as usize >= region.code.len() {
                    return Err(error(&region.name, None, "a label lies outside the code"));
                }
                super::CodePlace { region: index.unwrap_or(u32::MAX), pc }
            }
            (Target::Elsewhere, Some(_)) => *names.labels.get(&label.name).ok_or_else(|| {
                let cause = format!("label {} is defined nowhere", label.name);
                error(&region.name, None, &cause)
            })?,
            (Target::Elsewhere, None) => {
                return Err(error(&region.name, None, "a test may not jump into the program"));
            }
        };
        links.labels.push(place);
    }
    for import in &region.imports {
        links.imports.push(*names.functions.get(import.as_str()).ok_or_else(|| {
            error(&region.name, None, &format!("function {import} is defined nowhere"))
        })?);
    }
    Ok(links)
}

struct Pass<'a> {
    program: &'a Program,
    region: &'a Region,
    links: &'a Links,
    index: Option<u32>,
    /// First pool entry that no instruction has used yet.
    pool: usize,
}

impl Pass<'_> {
    fn check_instruction(&mut self, block: &Block, pc: usize) -> Result<(), String> {
        let instr = self.region.code[pc];
        let info = instr.op.info();
        self.check_a(block, instr, info)?;
        let slots = match info.layout() {
            Layout::Inline => instr.slots(&[]),
            Layout::Pool => {
                if instr.pool_start() != self.pool {
                    return Err(String::from("operand list is not where it belongs in the pool"));
                }
                self.pool += instr.pool_count();
                instr.slots(&self.region.pool)
            }
        };
        let slots = slots.ok_or("operand list reaches beyond the pool")?;
        if info.layout() == Layout::Inline
            && [instr.b, instr.c, instr.d][slots.len()..].iter().any(|slot| *slot != Slot::ABSENT)
        {
            return Err(String::from("an unused slot is not empty"));
        }
        let roles: Vec<Role> = info.slot_roles().collect();
        let fixed = roles.len() - usize::from(info.variadic());
        if slots.len() < fixed || (slots.len() > fixed && !info.variadic()) {
            return Err(format!("{} takes other operands", info.mnemonic));
        }
        for (i, slot) in slots.iter().enumerate() {
            match roles[i.min(roles.len() - 1)] {
                Role::Output(n) => self.check_output(block, *slot, info.outputs[n].optional)?,
                Role::Input(n) => self.check_input(block, *slot, info, n)?,
            }
        }
        match instr.op {
            Opcode::CALL => self.check_call(&slots),
            Opcode::RECORD if slots.len() % 2 == 1 => {
                Err(String::from("RECORD takes pairs of key and value"))
            }
            _ => Ok(()),
        }
    }

    fn check_a(&self, block: &Block, instr: Instr, info: &OpInfo) -> Result<(), String> {
        let may_be_empty = match info.outputs.first() {
            Some(output) => output.optional,
            None if info.place_in_a().is_some() => false,
            None => return empty_only(instr.a),
        };
        match instr.a {
            NO_REGISTER if may_be_empty => Ok(()),
            register if register < block.registers => Ok(()),
            _ => Err(String::from("result register does not exist")),
        }
    }

    fn check_output(&self, block: &Block, slot: Slot, optional: bool) -> Result<(), String> {
        match slot.as_reg() {
            Some(register) if register < block.registers => Ok(()),
            None if optional && slot.0 == u16::from(NO_REGISTER) => Ok(()),
            _ => Err(String::from("result register does not exist")),
        }
    }

    fn check_input(
        &self,
        block: &Block,
        slot: Slot,
        info: &OpInfo,
        input: usize,
    ) -> Result<(), String> {
        let operand = &info.inputs[input];
        let name = operand.name;
        match operand.kind {
            Kind::Label => return self.check_label(block, slot),
            Kind::Func => {
                return match self.region.imports.get(usize::from(slot.0)) {
                    Some(_) => Ok(()),
                    None => Err(String::from("function number does not exist")),
                };
            }
            _ => {}
        }
        if slot == Slot::ABSENT {
            return match operand.default {
                DefaultValue::Absent | DefaultValue::Named => Ok(()),
                _ => Err(format!("operand {name} is missing")),
            };
        }
        if let Some(register) = slot.as_reg() {
            if register >= block.registers {
                return Err(format!("operand {name} names a register that does not exist"));
            }
            return self.check_name(operand.kind, None);
        }
        let constant = slot.as_const().and_then(|index| self.region.consts.get(index));
        match constant {
            None => Err(format!("operand {name} names a constant that does not exist")),
            Some(_) if operand.kind == Kind::Place => {
                Err(format!("operand {name} must be a register"))
            }
            Some(value) => self.check_name(operand.kind, Some(value)),
        }
    }

    /// A name that the code can reach must stand in the manifest, a computed one's kind too.
    fn check_name(&self, kind: Kind, constant: Option<&Value>) -> Result<(), String> {
        let Kind::Name(kind) = kind else { return Ok(()) };
        let manifest = &self.program.manifest;
        match constant {
            Some(Value::Text(name)) if manifest.lists(kind, name) => Ok(()),
            Some(Value::Text(name)) => {
                Err(format!("{} \"{name}\" is not in the manifest", kind.name()))
            }
            _ if manifest.computed.contains(&kind) => Ok(()),
            _ => Err(format!(
                "the manifest does not say that the code computes {} names",
                kind.name()
            )),
        }
    }

    fn check_label(&self, block: &Block, slot: Slot) -> Result<(), String> {
        let place = self.links.labels.get(usize::from(slot.0)).ok_or("label does not exist")?;
        let pc = place.pc as usize;
        let own = self.index.unwrap_or(u32::MAX);
        let stays = if place.region == own {
            (block.start..block.end).contains(&pc)
        } else {
            let target = self.program.regions.get(place.region as usize);
            block.is_body && target.is_some_and(|region| pc < region.body_end())
        };
        if stays { Ok(()) } else { Err(String::from("jump enters or leaves a function")) }
    }

    fn check_call(&self, slots: &[Slot]) -> Result<(), String> {
        let place = slots
            .first()
            .and_then(|slot| self.links.imports.get(usize::from(slot.0)))
            .ok_or("function number does not exist")?;
        let function = self
            .program
            .regions
            .get(place.region as usize)
            .and_then(|region| region.functions.get(place.function as usize));
        match function {
            Some(function) if slots.len() - 1 <= usize::from(function.params) => Ok(()),
            Some(function) => Err(format!(
                "function {} takes at most {} arguments",
                function.name, function.params
            )),
            None => Err(String::from("function does not exist")),
        }
    }
}

fn empty_only(a: u8) -> Result<(), String> {
    if a == NO_REGISTER {
        Ok(())
    } else {
        Err(String::from("an instruction without result names a result register"))
    }
}
