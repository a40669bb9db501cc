//! Another region in the place of one: what a program that changes itself becomes.
//!
//! Whoever makes the new program (an assembler on the host, or [`graft()`] for bytecode) and whoever
//! runs it (the machine, which trusts nobody) hold it against the same rules: nothing but the region
//! changes, what others use of it stays, its bits and interface stay. Registers, names of the
//! manifest and kinds of computed names may be added, never taken away; they are said aloud as
//! [`Growth`], so that a policy can refuse them.

mod conflict;
mod error;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

pub use conflict::conflicts;
pub use error::GraftError;

use super::{
    Debug, MAX_NAMED_REGISTERS, MAX_PROGRAM, MAX_REGIONS, Perms, Place, Program, Region, Target,
    entry_label, exit_label,
};
use crate::{
    flow,
    instr::{Instr, Layout, NO_REGISTER, Role, Slot},
    opcode::Opcode,
    operand::{Kind, NameKind},
    value::Value,
    verify::{Verified, verify},
};

/// A program with another body of one region.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The program. It has passed [`verify`]. Where nothing changed it is the old one to the last
    /// byte; else it has no signature, and what debug data says of other regions still holds.
    pub program: Program,
    /// What it has beyond the old one.
    pub growth: Growth,
}

/// What a patch adds to a program outside of its region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Registers of the agent behind those that it had; a number without a name is empty.
    pub registers: Vec<String>,
    /// Names of the manifest: what the new body reaches and the program did not.
    pub names: Vec<(NameKind, String)>,
    /// Kinds of which the new body computes names and the program did not.
    pub computed: Vec<NameKind>,
}

impl Growth {
    /// Whether nothing is added.
    pub fn is_empty(&self) -> bool {
        self.registers.is_empty() && self.names.is_empty() && self.computed.is_empty()
    }

    fn between(old: &Program, new: &Program) -> Self {
        let registers = new.registers.get(old.registers.len()..).unwrap_or_default();
        Self {
            registers: registers.to_vec(),
            names: new.manifest.names.difference(&old.manifest.names).cloned().collect(),
            computed: new.manifest.computed.difference(&old.manifest.computed).copied().collect(),
        }
    }
}

/// Whether `new` is `old` with another body of the region `name` and nothing else, as far as
/// hashed parts go; gives what it has in addition. The caller verifies `new` beside this.
///
/// # Errors
/// What else changed, or that there is no such region, or that it is `main`.
pub fn check(old: &Program, new: &Program, name: &str) -> Result<Growth, GraftError> {
    let index = old.patchable(name)?;
    let outside = |what| Err(GraftError::Outside(what));
    if new.registers.len() < old.registers.len()
        || new.registers[..old.registers.len()] != old.registers[..]
    {
        return outside("the registers that it had");
    }
    if new.inputs != old.inputs {
        return outside("its inputs");
    }
    if new.tests != old.tests {
        return outside("its tests");
    }
    if !old.manifest.names.is_subset(&new.manifest.names)
        || !old.manifest.computed.is_subset(&new.manifest.computed)
    {
        return outside("names that its manifest had");
    }
    if new.regions.len() != old.regions.len() {
        return outside("the number of its regions");
    }
    for (at, (before, after)) in old.regions.iter().zip(&new.regions).enumerate() {
        if at != index && before != after {
            return outside("another region");
        }
    }
    let (before, after) = (&old.regions[index], &new.regions[index]);
    if after.name != before.name || after.perms != before.perms {
        return Err(GraftError::Bits);
    }
    if after.inputs != before.inputs || after.outputs != before.outputs {
        return Err(GraftError::Interface);
    }
    match conflicts(old, index, after).into_iter().next() {
        Some(conflict) => Err(conflict),
        None => Ok(Growth::between(old, new)),
    }
}

/// Puts `region` in the place of the region with this index. Its registers outside of functions
/// are numbers of `registers`, which begins with the program's.
///
/// # Errors
/// Whatever [`check`] or the validator says of the result.
pub fn replace(
    program: &Program,
    index: usize,
    region: Region,
    registers: Vec<String>,
) -> Result<Patched, GraftError> {
    if let Some(conflict) = conflicts(program, index, &region).into_iter().next() {
        return Err(conflict);
    }
    let old = program.regions.get(index).ok_or_else(|| GraftError::NoRegion(String::new()))?;
    let name = old.name.clone();
    if *old == region && registers == program.registers {
        program.patchable(&name)?;
        return Ok(Patched { program: program.clone(), growth: Growth::default() });
    }
    let (names, computed) = region.reached();
    let names: Vec<_> = names.into_iter().map(|(kind, name)| (kind, String::from(name))).collect();
    let mut new = program.clone();
    new.signature = None;
    new.registers = registers;
    new.manifest.names.extend(names);
    new.manifest.computed.extend(computed);
    new.regions[index] = region;
    if let Some(debug) = &mut new.debug {
        debug.describe(index, &[], Vec::new(), Vec::new());
    }
    if new.code_section().len() > MAX_PROGRAM {
        return Err(GraftError::TooLarge);
    }
    let program_before = program;
    let program = verify(new).map(Verified::into_program).map_err(GraftError::Result)?;
    let growth = check(program_before, &program, &name)?;
    Ok(Patched { program, growth })
}

/// Takes the region of a name out of `fragment`, a whole program, and puts it in the place of the
/// program's. The agent's registers are found by name; those that the program does not have are
/// added. Everything else of the fragment is ignored.
///
/// The fragment's region has the same bits and interface, or says nothing of them.
///
/// # Errors
/// Why it does not fit.
pub fn graft(program: &Program, name: &str, fragment: &Program) -> Result<Patched, GraftError> {
    let index = program.patchable(name)?;
    let from = fragment.regions.iter().position(|region| region.name == name);
    let from = from.ok_or_else(|| GraftError::NotInFragment(String::from(name)))?;
    let fragment = verify(fragment.clone()).map_err(GraftError::Fragment)?.into_program();
    let attached = program.attached().contains_key(&(index as u32));
    if fragment.attached().contains_key(&(from as u32)) != attached {
        return Err(GraftError::Flow { attached });
    }
    let (old, source) = (&program.regions[index], &fragment.regions[from]);
    if source.perms != old.perms && source.perms != Perms::DEFAULT {
        return Err(GraftError::Bits);
    }
    let names = |program: &Program, registers: &[u8]| -> Vec<String> {
        registers.iter().filter_map(|r| program.registers.get(usize::from(*r)).cloned()).collect()
    };
    let same = |ours: &[u8], theirs: &[u8]| {
        theirs.is_empty() || names(program, ours) == names(&fragment, theirs)
    };
    if !same(&old.inputs, &source.inputs) || !same(&old.outputs, &source.outputs) {
        return Err(GraftError::Interface);
    }
    let (numbers, registers) = renumbered(program, &fragment, source)?;
    let mut region = Region {
        name: old.name.clone(),
        perms: old.perms,
        inputs: old.inputs.clone(),
        outputs: old.outputs.clone(),
        ..source.clone()
    };
    let body = region.body_end();
    for instr in region.code.iter_mut().take(body) {
        each_register(instr, &mut region.pool, |register| {
            numbers.get(&register).copied().unwrap_or(register)
        });
    }
    let mut patched = replace(program, index, region, registers)?;
    if let (Some(ours), Some(theirs)) = (&mut patched.program.debug, &fragment.debug)
        && patched.program.regions[index] != *old
    {
        let places = theirs.places.get(from).cloned().unwrap_or_default();
        let locals = theirs.locals.get(from).cloned().unwrap_or_default();
        ours.describe(index, &theirs.files, places, locals);
    }
    Ok(patched)
}

/// The program's numbers of the fragment's registers, and all registers of the agent with those
/// that come new.
fn renumbered(
    program: &Program,
    fragment: &Program,
    source: &Region,
) -> Result<(BTreeMap<u8, u8>, Vec<String>), GraftError> {
    let mut numbers = BTreeMap::new();
    let mut registers = program.registers.clone();
    let mut taken = program.unnamed_registers();
    let mut fresh: Vec<(u8, &String)> = Vec::new();
    for number in source.body_registers() {
        match fragment.registers.get(usize::from(number)).filter(|name| !name.is_empty()) {
            Some(name) => match program.register(name) {
                Some(ours) => {
                    numbers.insert(number, ours);
                }
                None => fresh.push((number, name)),
            },
            None => {
                if let Some(name) = program.registers.get(usize::from(number))
                    && !name.is_empty()
                {
                    return Err(GraftError::Unnamed { number, name: name.clone() });
                }
                taken.insert(number);
            }
        }
    }
    for (number, name) in fresh {
        while taken.contains(&(registers.len() as u8)) && registers.len() < MAX_NAMED_REGISTERS {
            registers.push(String::new());
        }
        if registers.len() >= MAX_NAMED_REGISTERS {
            return Err(GraftError::Registers(name.clone()));
        }
        numbers.insert(number, registers.len() as u8);
        registers.push(name.clone());
    }
    Ok((numbers, registers))
}

/// Gives every register that an instruction names another number.
fn each_register(instr: &mut Instr, pool: &mut [Slot], number: impl Fn(u8) -> u8) {
    let info = instr.op.info();
    if instr.a != NO_REGISTER {
        instr.a = number(instr.a);
    }
    let last = if info.variadic() { info.inputs.len().checked_sub(1) } else { None };
    let more = core::iter::repeat(last).map_while(|last| last.map(Role::Input));
    let roles = info.slot_roles().chain(more);
    let is_register = |role: Role| match role {
        Role::Output(_) => true,
        Role::Input(input) => !matches!(info.inputs[input].kind, Kind::Label | Kind::Func),
    };
    let renumber = |(role, slot): (Role, &mut Slot)| {
        if let (true, Some(register)) = (is_register(role), slot.as_reg()) {
            *slot = Slot::reg(number(register));
        }
    };
    match info.layout() {
        Layout::Inline => {
            // A row has at most as many roles as it has slots here.
            let slots = [&mut instr.b, &mut instr.c, &mut instr.d];
            info.slot_roles().zip(slots).for_each(renumber);
        }
        Layout::Pool => {
            let (start, count) = (instr.pool_start(), instr.pool_count());
            roles.zip(pool.iter_mut().skip(start).take(count)).for_each(renumber);
        }
    }
}

impl Program {
    /// The index of a region that may be patched at all: every one but `main`.
    ///
    /// # Errors
    /// There is no such region, or it is `main`.
    pub fn patchable(&self, name: &str) -> Result<usize, GraftError> {
        match self.regions.iter().take(MAX_REGIONS).position(|region| region.name == name) {
            Some(0) => Err(GraftError::Main),
            Some(index) => Ok(index),
            None => Err(GraftError::NoRegion(String::from(name))),
        }
    }

    /// The regions that control flows through where they stand, with the place in `main`: a jump to
    /// the region's first instruction with its exit label behind it.
    pub fn attached(&self) -> BTreeMap<u32, u32> {
        let mut found = BTreeMap::new();
        let Some(main) = self.regions.first() else { return found };
        let numbers = self.regions.iter().enumerate().skip(1);
        let numbers: BTreeMap<String, u32> =
            numbers.map(|(number, region)| (entry_label(&region.name), number as u32)).collect();
        let exits: BTreeMap<&str, u32> = main
            .labels
            .iter()
            .filter_map(|label| match label.target {
                Target::Here(pc) if label.name.starts_with('@') => Some((label.name.as_str(), pc)),
                _ => None,
            })
            .collect();
        for pc in 0..main.body_end().min(main.code.len()) {
            let Some(name) = main.jumps_to(pc) else { continue };
            let Some(&region) = numbers.get(name) else { continue };
            let exit = exit_label(&self.regions[region as usize].name);
            if exits.get(exit.as_str()) == Some(&(pc as u32 + 1)) {
                found.entry(region).or_insert(pc as u32);
            }
        }
        found
    }

    /// Numbers below [`MAX_NAMED_REGISTERS`] that code outside of functions uses and that have no
    /// name: a new name must not take one.
    pub fn unnamed_registers(&self) -> BTreeSet<u8> {
        let blocks = self.tests.iter().flat_map(|test| [&test.given, &test.expect]);
        let used = self.regions.iter().chain(blocks).flat_map(Region::body_registers);
        let named = |number: &u8| {
            self.registers.get(usize::from(*number)).is_some_and(|name| !name.is_empty())
        };
        used.filter(|number| usize::from(*number) < MAX_NAMED_REGISTERS && !named(number)).collect()
    }
}

impl Region {
    /// The name of the label that a `JUMP` goes to, if it lies in another region.
    pub fn jumps_to(&self, pc: usize) -> Option<&str> {
        let instr = self.code.get(pc).filter(|instr| instr.op == Opcode::JUMP)?;
        let label = self.labels.get(usize::from(instr.b.0))?;
        (label.target == Target::Elsewhere).then_some(label.name.as_str())
    }

    /// The agent's registers that the body names.
    pub fn body_registers(&self) -> BTreeSet<u8> {
        let body = self.code.get(..self.body_end()).unwrap_or(&self.code);
        let of = |instr| flow::reads(self, instr).chain(flow::writes(self, instr));
        body.iter().flat_map(of).collect()
    }

    /// The names that the code reaches, and the kinds of which it computes names, as the validator
    /// looks for them in the manifest.
    pub fn reached(&self) -> (BTreeSet<(NameKind, &str)>, BTreeSet<NameKind>) {
        let (mut names, mut computed) = (BTreeSet::new(), BTreeSet::new());
        for instr in &self.code {
            let info = instr.op.info();
            for (input, slot) in flow::operands(self, instr) {
                let Kind::Name(kind) = info.inputs[input].kind else { continue };
                match slot.as_const().and_then(|at| self.consts.get(at)) {
                    Some(Value::Text(name)) => {
                        names.insert((kind, name.as_str()));
                    }
                    _ => {
                        computed.insert(kind);
                    }
                }
            }
        }
        (names, computed)
    }
}

impl Debug {
    /// Says where the code of a region comes from now, and what its functions call their registers.
    /// `files` are the paths that `places` mean; those that are not known yet are added.
    pub fn describe(
        &mut self,
        region: usize,
        files: &[String],
        mut places: Vec<Place>,
        locals: Vec<Vec<String>>,
    ) {
        let mut numbers: BTreeMap<u16, Option<u16>> = BTreeMap::new();
        for place in &mut places {
            let known = numbers.entry(place.file).or_insert_with(|| {
                let path = files.get(usize::from(place.file))?;
                let at = self.files.iter().position(|file| file == path).unwrap_or_else(|| {
                    self.files.push(path.clone());
                    self.files.len() - 1
                });
                u16::try_from(at).ok()
            });
            match known {
                Some(file) => place.file = *file,
                None => *place = Place::default(),
            }
        }
        if let Some(entry) = self.places.get_mut(region) {
            *entry = places;
        }
        if let Some(entry) = self.locals.get_mut(region) {
            *entry = locals;
        }
    }
}
