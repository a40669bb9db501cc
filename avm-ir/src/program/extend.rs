//! Whether a region is another one with something behind it: what the bit `append` alone allows.
//!
//! Nobody is believed here. Where constants, operand lists and labels lie is for whoever made the
//! code to choose; what an instruction does with them is compared.

use alloc::{collections::BTreeMap, string::String};
use core::fmt;

use super::{Func, Region, Target, exit_label};
use crate::{
    instr::{Instr, Role, Slot},
    opcode::Opcode,
    operand::Kind,
};

/// What is not there any more of a region that may only be appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Altered {
    /// An instruction is another one, or gone: its place in the code as it was.
    Instruction(u32),
    /// A label with a name is gone, or elsewhere.
    Label(String),
    /// A function is gone, or takes other parameters, or is at another place among the functions.
    Function(String),
}

impl fmt::Display for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instruction(pc) => write!(f, "instruction {pc} is another one"),
            Self::Label(name) => write!(f, "label {name} is not where it was"),
            Self::Function(name) => write!(f, "function {name} is another one"),
        }
    }
}

impl Region {
    /// Where appended statements begin: in front of the end that goes without saying, which is the
    /// `HALT` of a detached region and the jump behind one that control flows through.
    fn open_end(&self, attached: bool) -> usize {
        let end = self.body_end().min(self.code.len());
        let Some(last) = end.checked_sub(1) else { return 0 };
        let implied = if attached {
            self.jumps_to(last) == Some(exit_label(&self.name).as_str())
        } else {
            self.code[last].op == Opcode::HALT
        };
        if implied { last } else { end }
    }

    /// Whether this is `old` with statements behind its body, or functions behind its functions, or
    /// nothing more: every instruction of `old` but the end of its body is where it was and does
    /// what it did, and so for its labels and functions. Name, bits and interface are not looked
    /// at. `attached` says that control flows through the region where it stands.
    ///
    /// # Errors
    /// The first thing that is otherwise.
    pub fn extends(&self, old: &Self, attached: bool) -> Result<(), Altered> {
        let pass = Pass { old, new: self };
        let kept = old.open_end(attached);
        if self.body_end() < old.body_end() {
            return Err(Altered::Instruction(self.body_end() as u32));
        }
        pass.run(0..kept, 0)?;
        for (at, function) in old.functions.iter().enumerate() {
            let same = self.functions.get(at).filter(|new| {
                let shape = |f: &Func| (f.params, f.registers, f.end.wrapping_sub(f.entry));
                new.name == function.name && shape(new) == shape(function)
            });
            let new = same.ok_or_else(|| Altered::Function(function.name.clone()))?;
            pass.run(function.entry as usize..function.end as usize, new.entry as usize)?;
        }
        pass.labels()
    }
}

struct Pass<'a> {
    old: &'a Region,
    new: &'a Region,
}

impl Pass<'_> {
    /// Where an instruction of the old code is now.
    fn now(&self, pc: u32) -> Option<u32> {
        if (pc as usize) < self.old.body_end() {
            return Some(pc);
        }
        let at = self.old.functions.partition_point(|function| function.end <= pc);
        let (old, new) = (self.old.functions.get(at)?, self.new.functions.get(at)?);
        new.entry.checked_add(pc.checked_sub(old.entry)?)
    }

    /// Compares a run of instructions with as many from another place on.
    fn run(&self, old: core::ops::Range<usize>, new: usize) -> Result<(), Altered> {
        for (pc, now) in old.zip(new..) {
            let same = match (self.old.code.get(pc), self.new.code.get(now)) {
                (Some(old), Some(new)) => self.same(*old, *new),
                _ => false,
            };
            if !same {
                return Err(Altered::Instruction(pc as u32));
            }
        }
        Ok(())
    }

    fn same(&self, old: Instr, new: Instr) -> bool {
        if (old.op, old.a) != (new.op, new.a) {
            return false;
        }
        let (Some(before), Some(after)) = (old.slots(&self.old.pool), new.slots(&self.new.pool))
        else {
            return false;
        };
        let info = old.op.info();
        // The last role of a variadic row stands for all further operands.
        let last = info.slot_roles().last();
        let roles = info.slot_roles().map(Some).chain(core::iter::repeat(last)).flatten();
        let mut pairs = before.iter().zip(after.iter()).zip(roles);
        before.len() == after.len()
            && pairs.all(|((before, after), role)| match role {
                Role::Output(_) => before == after,
                Role::Input(input) => self.same_operand(info.inputs[input].kind, *before, *after),
            })
    }

    fn same_operand(&self, kind: Kind, old: Slot, new: Slot) -> bool {
        match kind {
            Kind::Label => {
                let label = |region: &Region, slot: Slot| {
                    region.labels.get(usize::from(slot.0)).map(|l| (l.target, l.name.clone()))
                };
                match (label(self.old, old), label(self.new, new)) {
                    (Some((Target::Here(old), _)), Some((Target::Here(new), _))) => {
                        self.now(old) == Some(new)
                    }
                    (Some((Target::Elsewhere, old)), Some((Target::Elsewhere, new))) => old == new,
                    _ => false,
                }
            }
            Kind::Func => {
                let name =
                    |region: &Region, slot: Slot| region.imports.get(usize::from(slot.0)).cloned();
                name(self.old, old) == name(self.new, new)
            }
            _ => match (old.as_const(), new.as_const()) {
                (Some(old), Some(new)) => {
                    let (old, new) = (self.old.consts.get(old), self.new.consts.get(new));
                    old.is_some() && old == new
                }
                (None, None) => old == new,
                _ => false,
            },
        }
    }

    /// Labels that others may jump to.
    fn labels(&self) -> Result<(), Altered> {
        let named = |region: &Region| -> BTreeMap<String, u32> {
            let here = region.labels.iter().filter_map(|label| match label.target {
                Target::Here(pc) if !label.name.is_empty() => Some((label.name.clone(), pc)),
                _ => None,
            });
            here.collect()
        };
        let now = named(self.new);
        for (name, pc) in named(self.old) {
            if self.now(pc).is_none_or(|pc| now.get(&name) != Some(&pc)) {
                return Err(Altered::Label(name));
            }
        }
        Ok(())
    }
}
