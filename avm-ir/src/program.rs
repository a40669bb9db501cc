//! The program: regions of code with everything they need to be read, hashed, permitted and
//! replaced one by one.
//!
//! Regions are linked by name when a program is verified: a region's code mentions labels and
//! functions of other regions by name only, so that replacing one region never touches the bytes
//! of another. What only people need (file names, lines, names of local registers) is
//! [`struct@Debug`] data outside the hash.

mod codec;
mod extend;
pub mod graft;
mod manifest;
mod patch;
mod region;
mod signature;

use alloc::{string::String, vec::Vec};

pub use codec::{FormatError, MAGIC, VERSION};
pub use extend::Altered;
pub use manifest::Manifest;
pub use patch::{Patch, PatchError};
pub use region::{Func, Label, Perm, Perms, Region, Target, entry_label, exit_label};
pub use signature::{Domain, Signature, SignatureError, public_key};

use crate::{opcode::Opcode, value::Value};

/// Largest number of named agent registers; numbers above are for intermediate results.
pub const MAX_NAMED_REGISTERS: usize = 200;
/// Largest number of instructions in a region.
pub const MAX_CODE: usize = 1 << 20;
/// Largest number of regions in a program.
pub const MAX_REGIONS: usize = 4096;
/// Largest number of bytes of a name.
pub const MAX_NAME: usize = 255;
/// Most answers that a test brings.
pub const MAX_FIXTURES: usize = 256;
/// Longest reason of a failure that a test brings, in bytes.
pub const MAX_FIXTURE_REASON: usize = 1024;
/// Largest program file in bytes.
pub const MAX_PROGRAM: usize = 64 << 20;
/// Name of the region that holds the code outside any region.
pub const MAIN: &str = "main";

/// A program, not yet verified; see [`crate::verify()`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// Names of the agent's registers by number; an empty name is a number without a name.
    pub registers: Vec<String>,
    /// Registers that are filled from outside before the run.
    pub inputs: Vec<Input>,
    /// The regions; the first is [`MAIN`].
    pub regions: Vec<Region>,
    /// Every name that the code can reach.
    pub manifest: Manifest,
    /// Tests of regions.
    pub tests: Vec<TestCase>,
    /// Names and places for people; not hashed.
    pub debug: Option<Debug>,
    /// The developer's signature over the hash.
    pub signature: Option<Signature>,
}

/// A register filled from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its number.
    pub register: u8,
    /// Its value where the run gives none; without one the run must give a value.
    pub default: Option<Value>,
}

/// A test of a region: code that prepares registers, then code that asserts.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCase {
    /// What it shows.
    pub name: String,
    /// The region under test.
    pub region: String,
    /// Runs before the region; ends in `HALT`.
    pub given: Region,
    /// Runs after the region; asserts and ends in `HALT`.
    pub expect: Region,
    /// What is answered meanwhile: first what the name fits, and several for one question in turn,
    /// of which the last one stays.
    pub answers: Vec<Fixture>,
}

/// What questions are answered while a test runs, so that it depends on nobody (P-60).
#[derive(Clone, Debug, PartialEq)]
pub struct Fixture {
    /// The instruction that asks.
    pub op: Opcode,
    /// What its operand that names something says (see [`crate::OpInfo::name_input`]); `None` for any.
    pub name: Option<String>,
    /// Its outputs, in the order of its row, of which the last may be left out; or why it fails.
    pub gives: Result<Vec<Value>, String>,
}

/// What only people need.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Debug {
    /// Paths of the source files as they were named.
    pub files: Vec<String>,
    /// For each region, where each instruction comes from.
    pub places: Vec<Vec<Place>>,
    /// For each region and function, names of the local registers by number.
    pub locals: Vec<Vec<Vec<String>>>,
    /// Where each test begins.
    pub tests: Vec<Place>,
}

/// A place in a source file, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Index into [`Debug::files`].
    pub file: u16,
    /// Line from 1; 0 where the instruction comes from no line.
    pub line: u32,
    /// Column in characters from 1.
    pub column: u32,
    /// The whitepaper's decorative line number, 0 without one (Y-4).
    pub number: u32,
}

impl Program {
    /// The content address: blake3 over the code section. Debug data and signature do not count.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("aither avm program v1");
        hasher.update(&self.code_section());
        *hasher.finalize().as_bytes()
    }

    /// The region of a name.
    pub fn region(&self, name: &str) -> Option<&Region> {
        self.regions.iter().find(|region| region.name == name)
    }

    /// The number of an agent register.
    pub fn register(&self, name: &str) -> Option<u8> {
        if name.is_empty() {
            return None;
        }
        let number = self.registers.iter().position(|register| register == name)?;
        u8::try_from(number).ok()
    }

    /// Where an instruction comes from, where debug data says so.
    pub fn place(&self, region: usize, pc: usize) -> Option<Place> {
        let place = *self.debug.as_ref()?.places.get(region)?.get(pc)?;
        (place.line > 0).then_some(place)
    }

    /// Name of a register as seen by an instruction: the agent's, a function's, or `%number`.
    pub fn register_name(&self, region: usize, pc: usize, number: u8) -> String {
        let function = self.regions.get(region).and_then(|region| {
            region.functions.iter().position(|f| (f.entry..f.end).contains(&(pc as u32)))
        });
        let name = match (function, &self.debug) {
            (None, _) => self.registers.get(usize::from(number)),
            (Some(function), Some(debug)) => debug
                .locals
                .get(region)
                .and_then(|functions| functions.get(function))
                .and_then(|names| names.get(usize::from(number))),
            (Some(_), None) => None,
        };
        match name {
            Some(name) if !name.is_empty() => name.clone(),
            _ => alloc::format!("%{number}"),
        }
    }
}
