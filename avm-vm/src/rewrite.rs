//! What an agent may do with its own code (whitepaper §8.3, §8.5).
//!
//! It follows from three things: whether the agent is in observer mode, the region's permission bits,
//! and what the region is. `spec/rewriting.md` has the table. What is not allowed fails in its class:
//! the rewrite word is set, and the old code stands.

use alloc::string::{String, ToString};

use avm_ir::{
    Opcode, Program, Reach, Value,
    program::{MAIN, Patch, PatchError, Perm},
};

use crate::{
    agent::{Agent, Rewrites},
    effect::{Failure, FailureCode},
    machine::{Image, policy},
    policy::{Clause, ClauseKind},
};

/// Most versions of an agent's code, and most checkpoints.
pub const MAX_VERSIONS: usize = 1 << 16;

/// Most codes that wait until they may be replaced. Whatever is asked about an agent's code sees it
/// with all of them, so that each makes the next question dearer for the host.
pub(crate) const MAX_WAITING: usize = 64;

/// Why one more code cannot wait.
pub(crate) fn crowded(rewrites: &Rewrites) -> Option<Failure> {
    let message = || alloc::format!("{MAX_WAITING} codes wait until they may be replaced");
    let full = rewrites.waiting.len() >= MAX_WAITING;
    full.then(|| failure(FailureCode::TooLarge, message()))
}

pub(crate) fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure { code, message: message.into() }
}

fn denied(message: impl Into<String>) -> Failure {
    failure(FailureCode::Denied, message)
}

pub(crate) fn no_region(name: &str) -> Failure {
    failure(FailureCode::NotFound, PatchError::NoRegion(name.into()).to_string())
}

/// Why a patch is not taken.
fn unfit(error: &PatchError) -> Failure {
    let code = match error {
        PatchError::NoRegion(_) => FailureCode::NotFound,
        PatchError::Name(..) | PatchError::Computed(_) => FailureCode::NotGranted,
        PatchError::Locked(_)
        | PatchError::Fixed(_)
        | PatchError::Altered(..)
        | PatchError::Perms
        | PatchError::Interface => FailureCode::Denied,
        PatchError::Registers => FailureCode::InvalidArgument,
    };
    failure(code, error.to_string())
}

/// Whether a question is about the agent's code. Who proposes another code has to see what it would
/// stand in.
pub(crate) fn about_code(op: Opcode) -> bool {
    op.info().reach == Some(Reach::Code) || op == Opcode::SEPARATE_PROMPT
}

/// Why an instruction about the agent's own code may not do what it is about to.
pub(crate) fn forbidden(
    program: &Program,
    agent: &Agent,
    op: Opcode,
    region: Option<&Value>,
) -> Option<Failure> {
    let reads = match op {
        Opcode::SELF_READ => true,
        Opcode::SELF_MODIFY | Opcode::SELF_MODIFY_SANDBOX | Opcode::REVERT_CODE => false,
        _ => return None,
    };
    let Some(Value::Text(name)) = region else {
        return Some(failure(FailureCode::InvalidArgument, "a region is named by a text"));
    };
    let name = name.as_str();
    let Some(region) = program.region(name) else { return Some(no_region(name)) };
    let mnemonic = op.mnemonic();
    if !agent.rewrites.observer {
        return Some(denied(alloc::format!(
            "{mnemonic} wants observer mode; SELF_OBSERVER_MODE true turns it on"
        )));
    }
    let locked = region.perms.has(Perm::Lock) || region.name == MAIN;
    if locked && !reads {
        return Some(denied(PatchError::Locked(name.into()).to_string()));
    }
    // What only adds is told from what does not when the patch is there; what was added stays.
    let bits: &[Perm] = match op {
        Opcode::SELF_READ => &[Perm::Read],
        Opcode::REVERT_CODE => &[Perm::Modify],
        _ => &[Perm::Modify, Perm::Append],
    };
    let left = policy::perms(agent.policy.as_deref(), region);
    if bits.iter().any(|bit| left.has(*bit)) {
        return if reads { None } else { policy::forbids(agent, op, region) };
    }
    let given = bits.iter().any(|bit| region.perms.has(*bit));
    let bits = alloc::vec::Vec::from_iter(bits.iter().map(|bit| bit.name())).join(" or ");
    if given {
        let clause = Clause { region: Some(name.into()), kind: ClauseKind::Perms };
        return Some(policy::refused(&clause, &alloc::format!("{mnemonic} wants {bits}")));
    }
    Some(denied(alloc::format!("{mnemonic}: region {name} has no permission {bits}")))
}

/// A region that has the code again that it began with comes from where that came from. Other code
/// comes from no file.
pub(crate) fn remember(first: &Program, program: &mut Program, name: &str) {
    let Some(at) = first.regions.iter().position(|region| region.name == name) else { return };
    let (Some(was), Some(is)) = (&first.debug, &mut program.debug) else { return };
    if program.regions.get(at) != first.regions.get(at) {
        return;
    }
    if let (Some(was), Some(is)) = (was.places.get(at), is.places.get_mut(at)) {
        is.clone_from(was);
    }
    if let (Some(was), Some(is)) = (was.locals.get(at), is.locals.get_mut(at)) {
        is.clone_from(was);
    }
}

impl Image {
    /// The program with another code of a region. Everything that was derived from the program is
    /// derived anew.
    pub(crate) fn patched(&self, patch: &Patch) -> Result<Self, Failure> {
        let mut program = self.program().clone();
        patch.apply(&mut program).map_err(|error| unfit(&error))?;
        let first = self.first();
        if let Some(first) = &first {
            remember(first, &mut program, &patch.region.name);
        }
        let verified = avm_ir::verify(program)
            .map_err(|error| failure(FailureCode::InvalidArgument, error.to_string()))?;
        Ok(self.with(verified, &[false; crate::exec::WINDOW]).with_first(first))
    }

    /// The same with every code that waits; `None` if none does.
    pub(crate) fn latest(&self, rewrites: &Rewrites) -> Result<Option<Self>, Failure> {
        let mut latest: Option<Self> = None;
        for number in &rewrites.waiting {
            if let Some(version) = rewrites.version(*number) {
                latest = Some(latest.as_ref().unwrap_or(self).patched(&version.patch)?);
            }
        }
        Ok(latest)
    }

    pub(crate) fn region_number(&self, name: &str) -> Result<u32, Failure> {
        let regions = &self.program().regions;
        let index = regions.iter().position(|region| region.name == name);
        index.and_then(|index| u32::try_from(index).ok()).ok_or_else(|| no_region(name))
    }
}

/// The version that a region gets back; `None` if it has it already.
pub(crate) fn reverted(
    image: &Image,
    rewrites: &Rewrites,
    name: &str,
    snapshot: &Value,
) -> Result<Option<u32>, Failure> {
    let region = image.region_number(name)?;
    let unknown =
        || failure(FailureCode::NotFound, alloc::format!("region {name} has no such snapshot"));
    let first = || {
        let first = rewrites.versions.iter().position(|version| version.region == region);
        first.map_or(0, |first| first as u32 + 1)
    };
    let number = match snapshot {
        Value::Int(number) => u32::try_from(*number).map_err(|_| unknown())?,
        // A checkpoint by its label, the latest of that name. A region that was replaced only later
        // had the code that the program came with.
        Value::Text(label) => {
            let point = rewrites.checkpoints.iter().rev().find(|point| point.label == *label);
            let point = point.ok_or_else(unknown)?;
            let then = point.code.iter().find(|(known, _)| *known == region);
            then.map_or_else(first, |(_, number)| *number)
        }
        _ => {
            let message = "a snapshot is its number, or the label of a checkpoint";
            return Err(failure(FailureCode::InvalidArgument, message));
        }
    };
    if number == 0 && first() == 0 || rewrites.latest(region) == Some(number) {
        return Ok(None);
    }
    let version = rewrites.version(number).filter(|version| version.region == region);
    let version = version.ok_or_else(unknown)?;
    if let Some(failure) = crowded(rewrites) {
        return Err(failure);
    }
    // What other regions got since may rely on what this one got.
    image.latest(rewrites)?.as_ref().unwrap_or(image).patched(&version.patch)?;
    Ok(Some(number))
}
