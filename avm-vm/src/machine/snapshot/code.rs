//! What an agent changed of its own code, in a snapshot.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use avm_ir::{
    Value,
    program::{Patch, PatchError},
    value::{Text, decode, encode_to},
    wire::{Reader, Writer},
};

use super::{
    SnapshotError, answers,
    read::{Read, ensure, flag},
};
use crate::{
    agent::{Agent, Checkpoint, Rewrites, Version},
    exec::WINDOW,
    machine::{Image, rest},
    policy::{Policy, read_votes, write_votes},
    rewrite::{MAX_VERSIONS, MAX_WAITING},
};

/// Bits of the parts that most agents have not: what one did with its code, what the operator allows,
/// and what it was answered lately.
const CODE: u8 = 1;
const POLICY: u8 = 2;
const ANSWERS: u8 = 4;

pub(super) fn write(agent: &Agent, out: &mut Writer) {
    let (rewrites, policy) = (&agent.rewrites, agent.policy.as_deref());
    let mut parts = if is_none(rewrites) { 0 } else { CODE };
    parts |= policy.map_or(0, |_| POLICY);
    parts |= if agent.answers.is_empty() { 0 } else { ANSWERS };
    out.u8(parts);
    if let Some(policy) = policy {
        policy.write(out);
    }
    answers::write(&agent.answers, out);
    if is_none(rewrites) {
        return;
    }
    out.u8(u8::from(rewrites.observer));
    out.u32(rewrites.versions.len() as u32);
    for Version { region, patch, before, step, installed, .. } in &rewrites.versions {
        out.u32(*region);
        out.u32(*before);
        out.u64(*step);
        out.u8(u8::from(*installed));
        out.bytes(&patch.to_bytes());
    }
    write_pairs(&rewrites.current, out);
    out.u32(rewrites.waiting.len() as u32);
    rewrites.waiting.iter().for_each(|number| out.u32(*number));
    out.u32(rewrites.checkpoints.len() as u32);
    for Checkpoint { label, step, code, state } in &rewrites.checkpoints {
        out.text(label);
        out.u64(*step);
        write_pairs(code, out);
        encode_to(state, out);
    }
    out.u8(u8::from(!rewrites.votes.is_none()));
    if !rewrites.votes.is_none() {
        write_votes(&rewrites.votes, out);
    }
}

/// Whether an agent did nothing with its code, as most do.
fn is_none(rewrites: &Rewrites) -> bool {
    let Rewrites { observer, versions, checkpoints, votes, .. } = rewrites;
    !observer && versions.is_empty() && checkpoints.is_empty() && votes.is_none()
}

fn write_pairs(pairs: &[(u32, u32)], out: &mut Writer) {
    out.u32(pairs.len() as u32);
    for (region, number) in pairs {
        out.u32(*region);
        out.u32(*number);
    }
}

/// Reads it, and the program with the code that its regions have now.
pub(super) fn read(
    image: Arc<Image>,
    agent: &mut Agent,
    input: &mut Reader<'_>,
) -> Read<Arc<Image>> {
    let parts = input.u8()?;
    ensure(parts <= CODE | POLICY | ANSWERS, "unknown parts of an agent")?;
    if parts & POLICY != 0 {
        agent.policy = Some(Arc::new(Policy::read(input)?));
    }
    if parts & ANSWERS != 0 {
        *agent.answers.own() = answers::read(image.program(), input)?;
    }
    let image = image.under(agent.policy.as_deref());
    if parts & CODE == 0 {
        return Ok(image);
    }
    let (rewrites, image) = read_rewrites(image, input)?;
    *agent.rewrites.own() = rewrites;
    Ok(image)
}

fn read_rewrites(image: Arc<Image>, input: &mut Reader<'_>) -> Read<(Rewrites, Arc<Image>)> {
    let mut rewrites = Rewrites { observer: flag(input)?, ..Rewrites::default() };
    let count = input.count(MIN_VERSION)?;
    ensure(count <= MAX_VERSIONS, "more versions than an agent may have")?;
    let mut program = image.program().clone();
    let mut used = [false; WINDOW];
    for _ in 0..count {
        let (region, before, step) = (input.u32()?, input.u32()?, input.u64()?);
        let installed = flag(input)?;
        let patch = Patch::from_bytes(input.bytes()?)?;
        let named = program.regions.get(region as usize).map(|region| region.name.as_str());
        ensure(named == Some(patch.region.name.as_str()), "a version of another region")?;
        ensure(
            before as usize <= rewrites.versions.len(),
            "a version that came before later ones",
        )?;
        // Registers that it brings are there since it was in its region.
        if installed {
            patch.apply(&mut program).map_err(unfit)?;
            rest::uses(&patch.region, &mut used);
        }
        rewrites.keep(region, Arc::new(patch), before, step, installed);
    }
    let current = read_pairs(input)?;
    for (region, number) in &current {
        let version = known(&rewrites, *region, *number)?;
        ensure(version.installed, "a region's version that it never had")?;
        version.patch.apply(&mut program).map_err(unfit)?;
        rewrites.set(*region, *number);
    }
    ensure(rewrites.current == current, "regions that are not in order")?;
    let first = image.first();
    if let Some(first) = &first {
        for (region, _) in &current {
            let name = first.regions.get(*region as usize).map(|region| region.name.as_str());
            crate::rewrite::remember(first, &mut program, name.unwrap_or_default());
        }
    }
    let all = rewrites
        .versions
        .iter()
        .all(|version| rewrites.current.iter().any(|(region, _)| *region == version.region));
    ensure(all, "a region that was replaced and has no version")?;
    let (mut ahead, mut new) = (program.clone(), BTreeSet::new());
    for _ in 0..input.count(4)? {
        let number = input.u32()?;
        let version = rewrites.version(number);
        let version =
            version.ok_or(SnapshotError::State("a version that waits and is not there"))?;
        if !version.installed && new.insert(number) {
            version.patch.apply(&mut ahead).map_err(unfit)?;
        }
        rewrites.waiting.push(number);
    }
    ensure(rewrites.waiting.len() <= MAX_WAITING, "more versions that wait than may")?;
    let all = { (1..).zip(&rewrites.versions) }
        .all(|(number, version)| version.installed || new.contains(&number));
    ensure(all, "a version that neither was there nor waits")?;
    for _ in 0..input.count(MIN_CHECKPOINT)? {
        let (label, step) = (Text::from(input.text()?), input.u64()?);
        let code = read_pairs(input)?;
        for (region, number) in &code {
            known(&rewrites, *region, *number)?;
        }
        let state: Value = decode(input)?;
        rewrites.mark(Checkpoint { label, step, code, state });
    }
    if flag(input)? {
        rewrites.votes = read_votes(input)?;
        ensure(!rewrites.votes.is_none(), "votes that are none")?;
    }
    ensure(!is_none(&rewrites), "an agent that did nothing with its code, at length")?;
    ensure(rewrites.checkpoints.len() <= MAX_VERSIONS, "more checkpoints than an agent may have")?;
    if rewrites.versions.is_empty() {
        return Ok((rewrites, image));
    }
    let verified = avm_ir::verify(program)
        .map_err(|_| SnapshotError::State("the code of the regions does not fit together"))?;
    let image = Arc::new(image.with(verified, &used).with_first(first));
    Ok((rewrites, image))
}

fn unfit(_: PatchError) -> SnapshotError {
    SnapshotError::State("a version that does not fit")
}

/// Least bytes of a version, and of a checkpoint.
const MIN_VERSION: usize = 21;
const MIN_CHECKPOINT: usize = 17;

fn read_pairs(input: &mut Reader<'_>) -> Read<Vec<(u32, u32)>> {
    let count = input.count(8)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((input.u32()?, input.u32()?));
    }
    Ok(pairs)
}

/// A version that a region has or had.
fn known(rewrites: &Rewrites, region: u32, number: u32) -> Read<&Version> {
    let version = rewrites.version(number).filter(|version| version.region == region);
    version.ok_or(SnapshotError::State("a version that is not there"))
}
