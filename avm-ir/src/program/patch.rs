//! Another code for a region of a program.
//!
//! A patch has one region and nothing else of a program: whoever applies it knows that the rest stays
//! what it was. It does have what its code relies on: the names of the agent's registers, whose numbers
//! it uses, and the names of the outside that it reaches.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::{Altered, Debug, MAIN, Manifest, Perm, Program, Region, codec};
use crate::{
    operand::NameKind,
    wire::{Reader, WireError, Writer},
};

/// First bytes of a patch.
const MAGIC: &[u8; 4] = b"AVMP";
/// Version of the format.
const VERSION: u16 = 1;

/// Another code for a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// The region as it shall be.
    pub region: Region,
    /// Names of the agent's registers, as far as the code relies on their numbers; further ones than
    /// the program has are new.
    pub registers: Vec<String>,
    /// What the code reaches outside.
    pub manifest: Manifest,
    /// For each of its functions, names of the local registers by number. For people.
    pub locals: Vec<Vec<String>>,
}

/// Why a patch does not fit a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchError {
    /// The program has no region of that name.
    NoRegion(String),
    /// It is locked, as `main` always is.
    Locked(String),
    /// It has neither the bit `modify` nor `append`.
    Fixed(String),
    /// It has the bit `append` alone, and the patch does more than add to it.
    Altered(String, Altered),
    /// It would change permission bits.
    Perms,
    /// It would change the registers that the region has for the rest of the program.
    Interface,
    /// It relies on another numbering of the agent's registers.
    Registers,
    /// It reaches a name that the program's manifest does not have.
    Name(NameKind, String),
    /// It computes names of a kind of which the program computes none.
    Computed(NameKind),
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegion(name) => write!(f, "the program has no region {name}"),
            Self::Locked(name) => write!(f, "region {name} is locked"),
            Self::Fixed(name) => write!(f, "region {name} may be neither replaced nor appended to"),
            Self::Altered(name, what) => {
                write!(f, "region {name} may only be appended to: {what}")
            }
            Self::Perms => f.write_str("a patch cannot change a region's permission bits"),
            Self::Interface => f.write_str("a patch cannot change a region's interface"),
            Self::Registers => f.write_str(
                "the patch numbers the agent's registers in another way than the program",
            ),
            Self::Name(kind, name) => {
                let kind = kind.name();
                write!(
                    f,
                    "the patch reaches {kind} \"{name}\", which is not in the program's manifest"
                )
            }
            Self::Computed(kind) => write!(
                f,
                "the patch computes names of kind {}, and the program computes none",
                kind.name()
            ),
        }
    }
}

impl core::error::Error for PatchError {}

impl Patch {
    /// The code that a region of a program has.
    pub fn of(program: &Program, region: &str) -> Option<Self> {
        let index = program.regions.iter().position(|known| known.name == region)?;
        let locals = program.debug.as_ref().and_then(|debug| debug.locals.get(index));
        let region = program.regions[index].clone();
        let (names, computed) = region.reached();
        let names = names.into_iter().map(|(kind, name)| (kind, String::from(name))).collect();
        Some(Self {
            manifest: Manifest { names, computed },
            region,
            registers: program.registers.clone(),
            locals: locals.cloned().unwrap_or_default(),
        })
    }

    /// Gives a program this code; it has yet to be verified. An error leaves it as it was.
    ///
    /// Nothing but the region changes, new names of registers come behind those that are there, and
    /// nobody vouches for the program any more.
    pub fn apply(&self, program: &mut Program) -> Result<(), PatchError> {
        let name = &self.region.name;
        let index = program.regions.iter().position(|region| region.name == *name);
        let index = index.ok_or_else(|| PatchError::NoRegion(name.clone()))?;
        let old = &program.regions[index];
        if old.perms.has(Perm::Lock) || old.name == MAIN {
            return Err(PatchError::Locked(name.clone()));
        }
        if self.region.perms != old.perms {
            return Err(PatchError::Perms);
        }
        if (&self.region.inputs, &self.region.outputs) != (&old.inputs, &old.outputs) {
            return Err(PatchError::Interface);
        }
        if !old.perms.has(Perm::Modify) {
            if !old.perms.has(Perm::Append) {
                return Err(PatchError::Fixed(name.clone()));
            }
            let attached = program.attached().contains_key(&(index as u32));
            let kept = self.region.extends(old, attached);
            kept.map_err(|what| PatchError::Altered(name.clone(), what))?;
        }
        let same = self.registers.iter().zip(&program.registers).all(|(new, old)| new == old);
        if !same {
            return Err(PatchError::Registers);
        }
        if let Some((kind, name)) = self.manifest.names.difference(&program.manifest.names).next() {
            return Err(PatchError::Name(*kind, name.clone()));
        }
        let computed = &program.manifest.computed;
        if let Some(kind) = self.manifest.computed.difference(computed).next() {
            return Err(PatchError::Computed(*kind));
        }
        program.signature = None;
        program.regions[index] = self.region.clone();
        let more = self.registers.get(program.registers.len()..).unwrap_or_default();
        program.registers.extend_from_slice(more);
        if let Some(Debug { places, locals, .. }) = &mut program.debug {
            // Its instructions come from no file.
            if let Some(places) = places.get_mut(index) {
                *places = alloc::vec![super::Place::default(); self.region.code.len()];
            }
            if let Some(locals) = locals.get_mut(index) {
                locals.clone_from(&self.locals);
            }
        }
        Ok(())
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.raw(MAGIC);
        out.u16(VERSION);
        self.region.encode(&mut out);
        codec::list(&mut out, &self.registers, |out, name| out.text(name));
        self.manifest.encode(&mut out);
        codec::list(&mut out, &self.locals, |out, names| {
            codec::list(out, names, |out, name| out.text(name));
        });
        out.finish()
    }

    /// Reads them. Memory and time are bounded by the bytes that are there.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        if input.raw(4)? != MAGIC {
            return Err(WireError { offset: 0, cause: "not a patch" });
        }
        if input.u16()? != VERSION {
            return Err(WireError { offset: 4, cause: "a version that is not known here" });
        }
        let patch = Self {
            region: Region::decode(&mut input)?,
            registers: codec::read_list(&mut input, 4, codec::name)?,
            manifest: Manifest::decode(&mut input)?,
            locals: codec::read_list(&mut input, 4, |input| {
                codec::read_list(input, 4, codec::name)
            })?,
        };
        input.end()?;
        Ok(patch)
    }

    /// blake3 over the region's code, interface and bits: what tells it from every other.
    pub fn hash(&self) -> [u8; 32] {
        let mut out = Writer::new();
        self.region.encode(&mut out);
        blake3::derive_key("aither avm region v1", &out.finish())
    }
}
