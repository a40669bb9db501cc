//! Where gas went: by region, line and opcode. Every table sums to the gas used, to the nanogas.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use avm_ir::{Program, gas::Gas, verify::CodePlace};
use avm_vm::trace::{Entry, Reader, Source};

use crate::{
    ViewError,
    walk::{clean, line, region},
};

/// Steps and nanogas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Executed instructions.
    pub steps: u64,
    /// Nanogas paid.
    pub gas: u64,
}

impl Total {
    pub(crate) const fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.gas += other.gas;
    }
}

/// What every instruction of the program cost. A program that changes its own code has other lines
/// and instructions at the same places, so places become names while the code is known.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// By place, in the code that the program has.
    places: BTreeMap<CodePlace, Total>,
    regions: BTreeMap<String, Total>,
    lines: BTreeMap<String, Total>,
    opcodes: BTreeMap<String, Total>,
    all: Total,
}

/// A row of a table: what, steps, nanogas.
pub type Row = (String, Total);

impl Profile {
    /// Adds up a trace.
    pub fn read<S: Source>(reader: &mut Reader<S>) -> Result<Self, ViewError> {
        let mut profile = Self::default();
        let mut image = reader.machine().image().clone();
        while let Some(entry) = reader.next()? {
            match entry {
                Entry::Step { at, said, .. } => profile.step(at, said.gas),
                Entry::Rewritten(_) => {
                    profile.name(image.program());
                    image = reader.machine().image().clone();
                }
                _ => {}
            }
        }
        profile.name(image.program());
        Ok(profile)
    }

    /// Gives all places the names that a program has for them.
    fn name(&mut self, program: &Program) {
        for (at, total) in core::mem::take(&mut self.places) {
            let region = clean(&region(program, at));
            let line = match line(program, at) {
                Some((file, line)) => clean(&format!("{file}:{line}")),
                None => region.clone(),
            };
            let code = program.regions.get(at.region as usize).map(|region| &region.code);
            let instr = code.and_then(|code| code.get(at.pc as usize));
            let opcode = instr.map_or_else(String::new, |instr| instr.op.mnemonic().into());
            let tables = [(&mut self.regions, region), (&mut self.lines, line)];
            for (table, name) in tables.into_iter().chain([(&mut self.opcodes, opcode)]) {
                table.entry(name).or_default().add(total);
            }
        }
    }

    pub(crate) fn step(&mut self, at: CodePlace, gas: u64) {
        let total = Total { steps: 1, gas };
        self.places.entry(at).or_default().add(total);
        self.all.add(total);
    }

    /// All of it.
    pub const fn all(&self) -> Total {
        self.all
    }

    /// By region, the dearest first.
    pub fn by_region(&self) -> Vec<Row> {
        sorted(&self.regions)
    }

    /// By line of source, the dearest first. Code without a line counts for its region.
    pub fn by_line(&self) -> Vec<Row> {
        sorted(&self.lines)
    }

    /// By opcode, the dearest first.
    pub fn by_opcode(&self) -> Vec<Row> {
        sorted(&self.opcodes)
    }

    /// The three tables as text, each with at most so many rows and the sum of the others.
    pub fn to_text(&self, most: usize) -> String {
        let mut out = String::new();
        let tables =
            [("region", self.by_region()), ("line", self.by_line()), ("opcode", self.by_opcode())];
        for (title, mut rows) in tables {
            if rows.len() > most {
                let rest = rows.split_off(most);
                let mut others = Total::default();
                rest.iter().for_each(|(_, total)| others.add(*total));
                rows.push((format!("{} others", rest.len()), others));
            }
            rows.push((String::from("all"), self.all));
            out.push_str(&format!("{:>16}  {:>6}  {:>12}  {title}\n", "gas", "share", "steps"));
            for (name, total) in rows {
                let share = total.gas as f64 / (self.all.gas.max(1)) as f64 * 100.0;
                let (gas, steps) = (format!("{}", Gas(total.gas)), total.steps);
                out.push_str(&format!("{gas:>16}  {share:>5.1}%  {steps:>12}  {name}\n"));
            }
            out.push('\n');
        }
        out
    }
}

fn sorted(table: &BTreeMap<String, Total>) -> Vec<Row> {
    let mut rows: Vec<Row> = table.iter().map(|(name, total)| (name.clone(), *total)).collect();
    rows.sort_by(|(a, x), (b, y)| y.gas.cmp(&x.gas).then_with(|| a.cmp(b)));
    rows
}
