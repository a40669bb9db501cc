//! Constants of a region as operands. A large one that is used often gets a name, so that the text
//! does not grow beyond the program by more than a factor.

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::{
    Instr, Program, Value,
    program::{Debug, Region},
    value::encode,
};

use super::line::{Operands, print};
use crate::{
    ast::{Arena, Expr, ExprKind},
    show,
};

/// Constants of at least this canonical length are named if they are used twice, in bytes.
const LARGE: u64 = 1024;

/// Names of large constants, by content.
#[derive(Debug, Default)]
pub(super) struct Large {
    names: BTreeMap<Vec<u8>, (String, String)>,
}

/// A region with the names of its large constants.
pub(super) struct View<'r> {
    pub(super) region: &'r Region,
    names: Vec<Option<&'r str>>,
}

impl Large {
    /// Finds the large constants of some regions and names those that are used twice.
    pub(super) fn of<'p>(
        program: &'p Program,
        debug: Option<&'p Debug>,
        regions: impl IntoIterator<Item = &'p Region>,
    ) -> Self {
        let mut uses: BTreeMap<Vec<u8>, (usize, &Value)> = BTreeMap::new();
        for region in regions {
            let mut counts = vec![0usize; region.consts.len()];
            if !region.consts.iter().any(is_large) {
                continue;
            }
            for instr in &region.code {
                for constant in constants_of(*instr, region) {
                    if let Some(count) = counts.get_mut(constant) {
                        *count += 1;
                    }
                }
            }
            for (value, count) in region.consts.iter().zip(counts) {
                if is_large(value) && count > 0 {
                    uses.entry(encode(value)).or_insert((0, value)).0 += count;
                }
            }
        }
        let taken = taken_names(program, debug);
        let mut names = BTreeMap::new();
        let mut number = 0;
        for (key, (count, value)) in uses {
            // What no literal stands for is reported where it is used.
            let arena = Arena::default();
            let Some(expr) = show::literal(value, &arena).filter(|_| count > 1) else { continue };
            let name = loop {
                number += 1;
                let name = format!("CONSTANT_{number}");
                if !taken.contains(name.as_str()) {
                    break name;
                }
            };
            names.insert(key, (name, print(&expr)));
        }
        Self { names }
    }

    /// The `#define` lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.names.values().map(|(name, value)| format!("#define {name} {value}"))
    }

    pub(super) fn view<'r>(&'r self, region: &'r Region) -> View<'r> {
        let name = |value: &Value| {
            if self.names.is_empty() || !is_large(value) {
                return None;
            }
            self.names.get(&encode(value)).map(|(name, _)| name.as_str())
        };
        View { region, names: region.consts.iter().map(name).collect() }
    }
}

impl<'r> View<'r> {
    /// A region whose constants are written out.
    pub(super) fn plain(region: &'r Region) -> Self {
        View { region, names: Vec::new() }
    }

    /// A constant as an expression, or why none stands for it.
    pub(super) fn constant<'a>(&self, number: usize, arena: &'a Arena) -> Result<Expr<'a>, String>
    where
        'r: 'a,
    {
        if let Some(Some(name)) = self.names.get(number) {
            return Ok(show::bare(ExprKind::Name(name)));
        }
        match self.region.consts.get(number) {
            Some(value) => show::literal(value, arena)
                .ok_or_else(|| format!("a constant of type {}", value.type_name())),
            None => Err(String::from("a constant that does not exist")),
        }
    }
}

fn is_large(value: &Value) -> bool {
    value.encoded_len() >= LARGE
}

fn constants_of(instr: Instr, region: &Region) -> Vec<usize> {
    let Some(operands) = Operands::of(instr, region) else { return Vec::new() };
    let slots = operands.inputs.iter().chain(&operands.rest);
    slots.filter_map(|slot| slot.as_const()).collect()
}

/// Names that a constant would hide.
fn taken_names<'p>(program: &'p Program, debug: Option<&'p Debug>) -> BTreeSet<&'p str> {
    let locals = debug.iter().flat_map(|debug| debug.locals.iter().flatten().flatten());
    program.registers.iter().chain(locals).map(String::as_str).collect()
}
