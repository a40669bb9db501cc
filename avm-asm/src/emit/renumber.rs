//! The last pass over a region: tables in order of first use by the code.
//!
//! Operands are evaluated before the instruction that uses them is appended, so a constant may
//! get its number earlier than one that the code needs first. Order by code is what a
//! disassembled text leads to, whatever nested expressions it came from.

use avm_ir::{
    Instr, Kind, Slot, Value,
    instr::{Layout, Role},
};

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// The register of a second result.
    Output,
    /// Number of a label.
    Label,
    /// Number of an import.
    Func,
    /// Register, constant or nothing.
    Value,
}

/// Goes through the slots of an instruction in order.
pub(super) fn each_slot(
    instr: &mut Instr,
    pool: &mut [Slot],
    mut each: impl FnMut(Use, &mut Slot),
) {
    let info = instr.op.info();
    let mut roles = info.slot_roles().map(|role| match role {
        Role::Output(_) => Use::Output,
        Role::Input(input) => match info.inputs[input].kind {
            Kind::Label => Use::Label,
            Kind::Func => Use::Func,
            _ => Use::Value,
        },
    });
    match info.layout() {
        Layout::Inline => {
            for (role, slot) in roles.zip([&mut instr.b, &mut instr.c, &mut instr.d]) {
                each(role, slot);
            }
        }
        Layout::Pool => {
            let (start, count) = (instr.pool_start(), instr.pool_count());
            // A variadic operand is the last one and takes all further slots.
            for slot in pool.iter_mut().skip(start).take(count) {
                each(roles.next().unwrap_or(Use::Value), slot);
            }
        }
    }
}

/// Entries of a table in order of first use.
#[derive(Debug)]
pub(super) struct Order {
    new_number: Vec<Option<u16>>,
    used: Vec<u16>,
}

impl Order {
    pub(super) fn new(count: usize) -> Self {
        Self { new_number: vec![None; count], used: Vec::new() }
    }

    /// The new number of an entry.
    pub(super) fn number(&mut self, old: usize) -> u16 {
        let Some(number) = self.new_number.get_mut(old) else { return 0 };
        *number.get_or_insert_with(|| {
            self.used.push(old as u16);
            self.used.len() as u16 - 1
        })
    }

    /// Brings a table in order and leaves out what is not used.
    pub(super) fn sort<T: Default>(&self, table: &mut Vec<T>) {
        let sorted = self.used.iter().map(|old| core::mem::take(&mut table[usize::from(*old)]));
        *table = sorted.collect();
    }
}

/// Puts constants and imports in order of first use and leaves out what no instruction uses.
pub(super) fn by_use(
    code: &mut [Instr],
    pool: &mut [Slot],
    consts: &mut Vec<Value>,
    imports: &mut Vec<String>,
) {
    let mut of_consts = Order::new(consts.len());
    let mut of_imports = Order::new(imports.len());
    for instr in code {
        each_slot(instr, pool, |role, slot| match role {
            Use::Func => *slot = Slot(of_imports.number(usize::from(slot.0))),
            Use::Value => {
                if let Some(old) = slot.as_const() {
                    *slot = Slot::constant(of_consts.number(old));
                }
            }
            Use::Output | Use::Label => {}
        });
    }
    of_consts.sort(consts);
    of_imports.sort(imports);
}
