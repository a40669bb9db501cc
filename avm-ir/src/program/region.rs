//! Regions: self-contained pieces of code with permission bits and an interface.

use alloc::{format, string::String, vec::Vec};

use crate::{
    instr::{Instr, Slot},
    value::Value,
    wire::Writer,
};

/// One permission bit of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Perm {
    /// The agent may read its text.
    Read = 1,
    /// The agent may replace it.
    Modify = 2,
    /// The agent may append to it.
    Append = 4,
    /// It may run.
    Execute = 8,
    /// A forked agent takes it along.
    Fork = 16,
    /// It may be passed on to offspring.
    Breed = 32,
    /// Neither it nor its bits change while the program runs, whatever the other bits say.
    Lock = 64,
}

impl Perm {
    /// Every bit, in the order of the text form.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Modify,
        Self::Append,
        Self::Execute,
        Self::Fork,
        Self::Breed,
        Self::Lock,
    ];

    /// The word after `perms=`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Modify => "modify",
            Self::Append => "append",
            Self::Execute => "execute",
            Self::Fork => "fork",
            Self::Breed => "breed",
            Self::Lock => "lock",
        }
    }
}

/// A set of permission bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Perms(pub u8);

impl Perms {
    /// What a region has that declares nothing: read and execute.
    pub const DEFAULT: Self = Self(Perm::Read as u8 | Perm::Execute as u8);
    /// What `main` always has: read, execute and lock.
    pub const MAIN: Self = Self(Perm::Read as u8 | Perm::Execute as u8 | Perm::Lock as u8);

    /// Whether a bit is set.
    pub const fn has(self, perm: Perm) -> bool {
        self.0 & perm as u8 != 0
    }

    /// With a bit set.
    pub const fn with(self, perm: Perm) -> Self {
        Self(self.0 | perm as u8)
    }

    /// The bits in the order of the text form.
    pub fn iter(self) -> impl Iterator<Item = Perm> {
        Perm::ALL.into_iter().filter(move |perm| self.has(*perm))
    }
}

/// A self-contained piece of code.
///
/// `code` is the body, then the functions one behind the other. Nothing in it depends on where
/// other regions lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    /// Its name, unique in the program.
    pub name: String,
    /// Its permission bits.
    pub perms: Perms,
    /// Agent registers it reads on behalf of the rest.
    pub inputs: Vec<u8>,
    /// Agent registers it writes on behalf of the rest.
    pub outputs: Vec<u8>,
    /// Its constants.
    pub consts: Vec<Value>,
    /// Its instructions.
    pub code: Vec<Instr>,
    /// Operand lists of the instructions that need more than three slots, in code order.
    pub pool: Vec<Slot>,
    /// Its labels, those of the code in order of their place, then those of other regions.
    pub labels: Vec<Label>,
    /// Its functions, in code order.
    pub functions: Vec<Func>,
    /// Names of the functions it calls.
    pub imports: Vec<String>,
}

/// A place that jumps name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name; empty for local labels and those of structured statements.
    pub name: String,
    /// Where it is.
    pub target: Target,
}

/// Where a label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// At an instruction of this region.
    Here(u32),
    /// In another region, found by name.
    Elsewhere,
}

/// A function: a run of instructions with registers of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Func {
    /// Its name, unique in the program.
    pub name: String,
    /// Its first instruction.
    pub entry: u32,
    /// One past its last instruction.
    pub end: u32,
    /// Number of parameters; they are its first registers.
    pub params: u8,
    /// Number of registers.
    pub registers: u8,
}

/// The label by which other regions enter region `name` at its first instruction.
pub fn entry_label(name: &str) -> String {
    format!("@{name}")
}

/// The label in `main` behind the place where region `name` stands in the text.
pub fn exit_label(name: &str) -> String {
    format!("@{name}.end")
}

impl Region {
    /// One past the last instruction of the body.
    pub fn body_end(&self) -> usize {
        self.functions.first().map_or(self.code.len(), |function| function.entry as usize)
    }

    /// Content address of the region: blake3 over its canonical bytes.
    pub fn hash(&self) -> [u8; 32] {
        let mut writer = Writer::new();
        self.encode(&mut writer);
        let mut hasher = blake3::Hasher::new_derive_key("aither avm region v1");
        hasher.update(&writer.finish());
        *hasher.finalize().as_bytes()
    }
}
