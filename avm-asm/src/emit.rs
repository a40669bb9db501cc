//! Code of one region as it grows: instructions, operand lists, labels, imports.
//!
//! The body comes first, then the functions, so everything is appended in its final place. Numbers
//! of labels, constants and imports are settled at the end: a label may be used before it is placed,
//! one that nobody uses is left out, and tables are in order of first use.

use avm_ir::{
    Instr, Opcode, Slot,
    instr::{Layout, NO_REGISTER},
    program::{Func, Label, MAX_CODE, Perms, Place, Region, Target},
};

use crate::{map::Map, resolve::ends_flow};

mod consts;
mod renumber;

pub(crate) use consts::{Consts, Literal};
use renumber::{Use, by_use, each_slot};

/// Largest number of labels of a region; their numbers have 16 bits.
const MAX_LABELS: usize = 0xFFFF;

/// A label of the region that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LabelId(u32);

#[derive(Debug, Default)]
struct LabelEntry {
    /// Empty where nobody outside needs it.
    name: String,
    /// Where it stands, and as the how manieth label it was placed.
    placed: Option<(u32, u32)>,
    used: bool,
    elsewhere: bool,
}

/// An operand as it goes into a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arg {
    Slot(Slot),
    Label(LabelId),
}

/// Where the body or a function begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) pc: u32,
    labels: usize,
}

/// A region that is being built.
#[derive(Debug, Default)]
pub(crate) struct Builder<'a> {
    code: Vec<Instr>,
    pool: Vec<Slot>,
    places: Vec<Place>,
    pub(crate) consts: Consts<'a>,
    labels: Vec<LabelEntry>,
    /// How many labels were placed.
    placed: u32,
    /// Where the last label was placed.
    last_label: Option<u32>,
    /// Instruction, slot and label of each use.
    uses: Vec<(u32, u8, LabelId)>,
    functions: Vec<Func>,
    imports: Vec<String>,
    import_of: Map<&'a str, u16>,
}

/// A finished region with what only people need.
pub(crate) struct Built {
    pub(crate) region: Region,
    pub(crate) places: Vec<Place>,
}

/// A limit of the format that a region breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooMuch {
    Code,
    Constants,
    Labels,
}

impl<'a> Builder<'a> {
    /// Number of the next instruction.
    pub(crate) fn pc(&self) -> u32 {
        self.code.len() as u32
    }

    /// Appends an instruction. `outs` has a register for each result, [`NO_REGISTER`] for one that
    /// is dropped; `ins` has the inputs in the order of the row, variadic ones spread out.
    pub(crate) fn push(&mut self, op: Opcode, outs: &[u8], ins: &[Arg], place: Place) {
        let info = op.info();
        let in_a = info.place_in_a();
        let mut a = outs.first().copied().unwrap_or(NO_REGISTER);
        let pc = self.pc();
        let mut inline = [Slot::ABSENT; 3];
        let mut count = 0;
        let pooled = info.layout() == Layout::Pool;
        let start = self.pool.len();
        let outputs = outs.iter().skip(1).map(|out| Arg::Slot(Slot(u16::from(*out))));
        let inputs = ins.iter().enumerate().filter_map(|(i, arg)| {
            if Some(i) != in_a {
                return Some(*arg);
            }
            if let Arg::Slot(slot) = arg {
                a = slot.as_reg().unwrap_or(0);
            }
            None
        });
        for arg in outputs.chain(inputs) {
            let slot = match arg {
                Arg::Slot(slot) => slot,
                Arg::Label(label) => {
                    self.labels[label.0 as usize].used = true;
                    self.uses.push((pc, count as u8, label));
                    Slot(0)
                }
            };
            if pooled {
                self.pool.push(slot);
            } else if let Some(place) = inline.get_mut(count) {
                *place = slot;
            }
            count += 1;
        }
        let [b, c, d] = inline;
        let instr = if pooled {
            let (low, high) = (start as u16, (start >> 16) as u16);
            Instr { op, a, b: Slot(count as u16), c: Slot(low), d: Slot(high) }
        } else {
            Instr { op, a, b, c, d }
        };
        self.code.push(instr);
        self.places.push(place);
    }

    /// A label without a name that was not placed yet.
    pub(crate) fn fresh(&mut self) -> LabelId {
        self.named(String::new(), false)
    }

    /// A label with a name, in this region or elsewhere.
    pub(crate) fn named(&mut self, name: String, elsewhere: bool) -> LabelId {
        self.labels.push(LabelEntry { name, placed: None, used: false, elsewhere });
        LabelId(self.labels.len() as u32 - 1)
    }

    /// Puts a label before the next instruction.
    pub(crate) fn place(&mut self, label: LabelId) {
        let pc = self.pc();
        self.last_label = Some(pc);
        self.labels[label.0 as usize].placed = Some((pc, self.placed));
        self.placed += 1;
    }

    /// Puts a label here that only earlier instructions use; without any it never existed.
    pub(crate) fn place_if_used(&mut self, label: LabelId) {
        if self.labels[label.0 as usize].used {
            self.place(label);
        }
    }

    /// Whether the next instruction would never run, as far as is known by now.
    pub(crate) fn flow_ended(&self, start: Start) -> bool {
        let pc = self.pc();
        pc > start.pc
            && self.last_label != Some(pc)
            && self.code.last().is_some_and(|last| ends_flow(last.op))
    }

    /// Whether control can reach the end of a body or function that holds all uses of its labels.
    pub(crate) fn end_reachable(&self, start: Start) -> bool {
        let pc = self.pc();
        if pc == start.pc || !self.code.last().is_some_and(|last| ends_flow(last.op)) {
            return true;
        }
        self.last_label == Some(pc)
            && self.labels[start.labels..]
                .iter()
                .any(|label| label.placed.is_some_and(|(at, _)| at == pc) && label.is_kept())
    }

    /// Where the body or a function begins.
    pub(crate) fn start(&self) -> Start {
        Start { pc: self.pc(), labels: self.labels.len() }
    }

    /// Number by which the region knows a function.
    pub(crate) fn import(&mut self, name: &'a str) -> Slot {
        let next = self.imports.len() as u16;
        let number = *self.import_of.entry(name).or_insert_with(|| {
            self.imports.push(String::from(name));
            next
        });
        Slot(number)
    }

    /// Makes a function of everything since `entry`, with new numbers for its registers.
    pub(crate) fn end_function(
        &mut self,
        name: &str,
        params: u8,
        entry: u32,
        mut number: impl FnMut(u8) -> u8,
    ) {
        let mut highest = None;
        let mut renumber = |register: u8| {
            let register = number(register);
            highest = highest.max(Some(register));
            register
        };
        for instr in &mut self.code[entry as usize..] {
            if instr.a != NO_REGISTER {
                instr.a = renumber(instr.a);
            }
            each_slot(instr, &mut self.pool, |role, slot| {
                if let (Use::Output | Use::Value, Some(register)) = (role, slot.as_reg()) {
                    *slot = Slot::reg(renumber(register));
                }
            });
        }
        let registers = highest.map_or(0, |highest| highest + 1).max(params);
        let name = String::from(name);
        self.functions.push(Func { name, entry, end: self.pc(), params, registers });
    }

    /// Numbers the labels and hands the region out.
    pub(crate) fn finish(
        mut self,
        name: String,
        perms: Perms,
        inputs: Vec<u8>,
        outputs: Vec<u8>,
    ) -> Result<Built, TooMuch> {
        if self.code.len() > MAX_CODE {
            return Err(TooMuch::Code);
        }
        let mut first_use = vec![u32::MAX; self.labels.len()];
        for (at, (_, _, label)) in self.uses.iter().enumerate().rev() {
            first_use[label.0 as usize] = at as u32;
        }
        let mut order: Vec<u32> = (0..self.labels.len() as u32)
            .filter(|id| self.labels[*id as usize].is_kept())
            .collect();
        order.sort_by_key(|id| {
            let label = &self.labels[*id as usize];
            (label.placed.is_none(), label.placed.unwrap_or((0, first_use[*id as usize])))
        });
        if order.len() > MAX_LABELS {
            return Err(TooMuch::Labels);
        }
        let mut numbers = vec![0u16; self.labels.len()];
        for (number, id) in order.iter().enumerate() {
            numbers[*id as usize] = number as u16;
        }
        for (pc, slot, label) in &self.uses {
            let instr = &mut self.code[*pc as usize];
            let number = Slot(numbers[label.0 as usize]);
            match (instr.op.info().layout(), slot) {
                (Layout::Pool, slot) => self.pool[instr.pool_start() + usize::from(*slot)] = number,
                (Layout::Inline, 0) => instr.b = number,
                (Layout::Inline, 1) => instr.c = number,
                (Layout::Inline, _) => instr.d = number,
            }
        }
        let labels = order.iter().map(|id| {
            let label = &mut self.labels[*id as usize];
            let target = label.placed.map_or(Target::Elsewhere, |(pc, _)| Target::Here(pc));
            Label { name: core::mem::take(&mut label.name), target }
        });
        let labels = labels.collect();
        let mut consts = self.consts.finish().ok_or(TooMuch::Constants)?;
        by_use(&mut self.code, &mut self.pool, &mut consts, &mut self.imports);
        let region = Region {
            name,
            perms,
            inputs,
            outputs,
            consts,
            code: self.code,
            pool: self.pool,
            labels,
            functions: self.functions,
            imports: self.imports,
        };
        Ok(Built { region, places: self.places })
    }
}

impl LabelEntry {
    /// Whether the label is in the table: a name can be used from anywhere, others by the region
    /// alone. One that was never placed has got its diagnostic.
    fn is_kept(&self) -> bool {
        if self.elsewhere { self.used } else { self.used || !self.name.is_empty() }
    }
}
