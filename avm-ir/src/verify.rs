//! The validator: one pass over the code, and the only way to a program that can run.
//!
//! What it promises to the machine: every slot names a register of its window, a constant or
//! nothing where nothing is allowed; every jump stays in its function or in the bodies of regions;
//! every call reaches a function with room for its arguments; no flow runs off an end; the
//! manifest covers every name. What only running can show (types, ranges, limits) is a trap.
//!
//! It also refuses what the assembler would not write (unused slots that are not empty, pool
//! entries out of order), so that one program has one encoding.

mod code;

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{
    program::{
        Fixture, MAIN, MAX_FIXTURE_REASON, MAX_FIXTURES, MAX_NAMED_REGISTERS, Perms, Program,
        Target, entry_label,
    },
    value::Pool,
};

/// Why a program may not run: a place and a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The region, or what else is wrong.
    pub region: String,
    /// The instruction, where one is at fault.
    pub pc: Option<u32>,
    /// What is wrong.
    pub cause: String,
}

impl core::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.pc {
            Some(pc) => write!(f, "region {}, instruction {pc}: {}", self.region, self.cause),
            None => write!(f, "region {}: {}", self.region, self.cause),
        }
    }
}

impl core::error::Error for VerifyError {}

/// A program that passed [`verify`], with its names resolved.
#[derive(Clone, Debug)]
pub struct Verified {
    program: Program,
    links: Vec<Links>,
}

/// What a region's labels and imports stand for.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Region and instruction of each label.
    pub labels: Vec<CodePlace>,
    /// Region and function of each import.
    pub imports: Vec<FuncPlace>,
}

/// An instruction of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodePlace {
    /// Index of the region.
    pub region: u32,
    /// Index of the instruction.
    pub pc: u32,
}

/// A function of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncPlace {
    /// Index of the region.
    pub region: u32,
    /// Index of the function in the region.
    pub function: u32,
}

impl Verified {
    /// The program.
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// The resolved names, one entry per region.
    pub fn links(&self) -> &[Links] {
        &self.links
    }

    /// The program again, to be changed and verified anew.
    pub fn into_program(self) -> Program {
        self.program
    }
}

/// Checks a program and resolves its names. Time and memory are linear in its size.
pub fn verify(mut program: Program) -> Result<Verified, VerifyError> {
    let names = Names::collect(&program)?;
    check_header(&program)?;
    let mut links = Vec::with_capacity(program.regions.len());
    for (index, region) in program.regions.iter().enumerate() {
        links.push(code::check_region(&program, region, Some(index as u32), &names)?);
    }
    for test in &program.tests {
        if !names.regions.contains_key(test.region.as_str()) {
            return Err(error(&test.region, None, "a test names a region that does not exist"));
        }
        for block in [&test.given, &test.expect] {
            code::check_region(&program, block, None, &names)?;
        }
        if let Some(cause) = misfit(&test.answers) {
            return Err(error(&test.region, None, cause));
        }
    }
    let mut pool = Pool::default();
    for constant in program.regions.iter_mut().flat_map(|region| &mut region.consts) {
        constant.share(&mut pool);
    }
    Ok(Verified { program, links })
}

/// What is wrong with the answers that a test brings.
fn misfit(answers: &[Fixture]) -> Option<&'static str> {
    if answers.len() > MAX_FIXTURES {
        return Some("a test brings more than 256 answers");
    }
    answers.iter().find_map(|Fixture { op, name, gives }| {
        let info = op.info();
        if info.reach.is_none() {
            return Some("a test answers an instruction that asks nobody");
        }
        if name.is_some() && info.name_input().is_none() {
            return Some("a test answers by name an instruction that names nothing");
        }
        match gives {
            Ok(outputs) if outputs.len() > info.outputs.len() => {
                Some("a test answers with more results than the instruction has")
            }
            Err(reason) if reason.len() > MAX_FIXTURE_REASON => {
                Some("a test fails a question with more than 1024 bytes")
            }
            _ => None,
        }
    })
}

/// What the program's names stand for.
struct Names<'a> {
    regions: BTreeMap<&'a str, u32>,
    labels: BTreeMap<String, CodePlace>,
    functions: BTreeMap<&'a str, FuncPlace>,
}

impl<'a> Names<'a> {
    fn collect(program: &'a Program) -> Result<Self, VerifyError> {
        let mut names =
            Self { regions: BTreeMap::new(), labels: BTreeMap::new(), functions: BTreeMap::new() };
        for (index, region) in program.regions.iter().enumerate() {
            let index = index as u32;
            if names.regions.insert(&region.name, index).is_some() {
                return Err(error(&region.name, None, "two regions have this name"));
            }
            let entry = CodePlace { region: index, pc: 0 };
            names.add_label(&region.name, entry_label(&region.name), entry)?;
            for label in &region.labels {
                if let Target::Here(pc) = label.target
                    && !label.name.is_empty()
                {
                    let place = CodePlace { region: index, pc };
                    names.add_label(&region.name, label.name.clone(), place)?;
                }
            }
            for (function, func) in region.functions.iter().enumerate() {
                let place = FuncPlace { region: index, function: function as u32 };
                if names.functions.insert(&func.name, place).is_some() {
                    return Err(error(&region.name, None, "two functions have the same name"));
                }
            }
        }
        Ok(names)
    }

    fn add_label(&mut self, region: &str, name: String, at: CodePlace) -> Result<(), VerifyError> {
        match self.labels.insert(name, at) {
            None => Ok(()),
            Some(_) => Err(error(region, None, "two labels have the same name")),
        }
    }
}

fn check_header(program: &Program) -> Result<(), VerifyError> {
    let fail = |cause| Err(error(MAIN, None, cause));
    match program.regions.first() {
        Some(main) if main.name == MAIN && main.perms == Perms::MAIN => {}
        Some(main) if main.name == MAIN => return fail("main must be locked"),
        _ => return fail("the first region must be main"),
    }
    if program.registers.len() > MAX_NAMED_REGISTERS {
        return fail("more than 200 named registers");
    }
    let mut seen: Vec<&str> = program.registers.iter().map(String::as_str).collect();
    seen.retain(|name| !name.is_empty());
    seen.sort_unstable();
    if seen.windows(2).any(|pair| pair[0] == pair[1]) {
        return fail("two registers have the same name");
    }
    let named = |register: u8| usize::from(register) < program.registers.len();
    let mut inputs: Vec<u8> = program.inputs.iter().map(|input| input.register).collect();
    inputs.sort_unstable();
    if inputs.windows(2).any(|pair| pair[0] == pair[1]) || !inputs.iter().all(|r| named(*r)) {
        return fail("inputs must be different named registers");
    }
    for region in &program.regions {
        if region.perms.0 & !0x7F != 0 {
            return Err(error(&region.name, None, "unknown permission bit"));
        }
        if !region.inputs.iter().chain(&region.outputs).all(|r| named(*r)) {
            return Err(error(&region.name, None, "interface names a register without a name"));
        }
    }
    Ok(())
}

fn error(region: &str, pc: Option<u32>, cause: &str) -> VerifyError {
    VerifyError { region: String::from(region), pc, cause: String::from(cause) }
}
