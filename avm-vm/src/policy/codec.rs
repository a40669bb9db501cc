//! A policy as bytes, in journals and snapshots. Nothing is believed when they are read.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use avm_ir::{
    operand::NameKind,
    program::{MAX_NAME, Patch, Perms, Signature},
    wire::{Reader, WireError, Writer},
};

use super::{Approval, Invariant, MAX_LISTED, OpSet, Policy, Rate, Rules, Vote, Votes, Wanted};

type Read<T> = Result<T, WireError>;

impl Policy {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        self.write(&mut out);
        out.finish()
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        option(out, self.regions.as_ref(), |out, regions| {
            list(out, regions, |out, name| out.text(name));
        });
        list(out, &self.perms, |out, (region, perms)| {
            out.text(region);
            out.u8(perms.0);
        });
        list(out, &self.names, write_name);
        option(out, self.rewrites, Writer::u32);
        option(out, self.rate, |out, rate| {
            out.u32(rate.rewrites);
            out.u64(rate.steps);
        });
        write_rules(&self.patch, out);
        list(out, &self.region, |out, (region, rules)| {
            out.text(region);
            write_rules(rules, out);
        });
        option(out, self.approval.as_ref(), |out, approval| {
            option(out, approval.of, write_ops);
            out.u32(approval.needed);
            list(out, &approval.keys, |out, key| out.raw(key));
        });
    }

    /// Reads one. Memory and time are bounded by the bytes that are there.
    pub fn read(input: &mut Reader<'_>) -> Read<Self> {
        Ok(Self {
            regions: read_option(input, |input| read_set(input, name))?,
            perms: read_map(input, |input| Ok((name(input)?, perms(input)?)))?,
            names: read_set(input, read_name)?,
            rewrites: read_option(input, Reader::u32)?,
            rate: read_option(input, |input| {
                Ok(Rate { rewrites: input.u32()?, steps: input.u64()? })
            })?,
            patch: read_rules(input)?,
            region: read_map(input, |input| Ok((name(input)?, read_rules(input)?)))?,
            approval: read_option(input, |input| {
                Ok(Approval {
                    of: read_option(input, read_ops)?,
                    needed: input.u32()?,
                    keys: read_list(input, Reader::hash)?,
                })
            })?,
        })
    }
}

fn write_rules(rules: &Rules, out: &mut Writer) {
    option(out, rules.allow, write_ops);
    write_ops(out, rules.forbid);
    write_ops(out, rules.keep);
    list(out, &rules.names, |out, (kind, names)| {
        out.u8(*kind as u8);
        list(out, names, |out, name| out.text(name));
    });
    option(out, rules.max_instructions, Writer::u32);
    option(out, rules.max_gas, Writer::u64);
    out.u8(u8::from(rules.bound));
    out.u8(u8::from(rules.tests));
    list(out, &rules.invariants, |out, invariant| {
        out.text(&invariant.text);
        out.bytes(&invariant.check.to_bytes());
    });
}

fn read_rules(input: &mut Reader<'_>) -> Read<Rules> {
    Ok(Rules {
        allow: read_option(input, read_ops)?,
        forbid: read_ops(input)?,
        keep: read_ops(input)?,
        names: read_map(input, |input| Ok((name_kind(input)?, read_set(input, name)?)))?,
        max_instructions: read_option(input, Reader::u32)?,
        max_gas: read_option(input, Reader::u64)?,
        bound: flag(input)?,
        tests: flag(input)?,
        invariants: read_list(input, |input| {
            Ok(Invariant { text: input.text()?, check: Arc::new(patch(input)?) })
        })?,
    })
}

pub(crate) fn write_wanted(wanted: &Wanted, out: &mut Writer) {
    out.bytes(&wanted.patch.to_bytes());
    out.text(&wanted.why);
}

pub(crate) fn read_wanted(input: &mut Reader<'_>) -> Read<Wanted> {
    Ok(Wanted { patch: Arc::new(patch(input)?), why: input.text()? })
}

fn patch(input: &mut Reader<'_>) -> Read<Patch> {
    let place = input.offset().saturating_add(4);
    // An error is placed from where its bytes begin.
    Patch::from_bytes(input.bytes()?)
        .map_err(|error| WireError { offset: place.saturating_add(error.offset), ..error })
}

pub(crate) fn write_vote(vote: &Vote, out: &mut Writer) {
    out.u8(u8::from(vote.agrees));
    option(out, vote.signature, |out, Signature { key, bytes }| {
        out.raw(&key);
        out.raw(&bytes);
    });
    out.text(&vote.note);
}

pub(crate) fn read_vote(input: &mut Reader<'_>) -> Read<Vote> {
    let agrees = flag(input)?;
    let signature = read_option(input, |input| {
        let key = input.hash()?;
        let mut bytes = [0; 64];
        bytes.copy_from_slice(input.raw(64)?);
        Ok(Signature { key, bytes })
    })?;
    Ok(Vote { agrees, signature, note: input.text()? })
}

pub(crate) fn write_votes(votes: &Votes, out: &mut Writer) {
    out.raw(&votes.patch);
    list(out, &votes.yes, |out, key| out.raw(key));
    list(out, &votes.no, |out, key| out.raw(key));
    out.text(&votes.note);
}

pub(crate) fn read_votes(input: &mut Reader<'_>) -> Read<Votes> {
    Ok(Votes {
        patch: input.hash()?,
        yes: read_list(input, Reader::hash)?,
        no: read_list(input, Reader::hash)?,
        note: input.text()?,
    })
}

fn option<T>(out: &mut Writer, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
    out.u8(u8::from(value.is_some()));
    if let Some(value) = value {
        write(out, value);
    }
}

fn read_option<'a, T>(
    input: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Read<T>,
) -> Read<Option<T>> {
    if flag(input)? { read(input).map(Some) } else { Ok(None) }
}

fn list<T, I: ExactSizeIterator<Item = T>>(
    out: &mut Writer,
    items: impl IntoIterator<Item = T, IntoIter = I>,
    mut write: impl FnMut(&mut Writer, T),
) {
    let items = items.into_iter();
    out.u32(items.len() as u32);
    items.for_each(|item| write(out, item));
}

fn read_list<'a, T>(
    input: &mut Reader<'a>,
    mut read: impl FnMut(&mut Reader<'a>) -> Read<T>,
) -> Read<Vec<T>> {
    let count = input.count(1)?;
    if count > MAX_LISTED {
        return Err(input.error("a policy that lists too much"));
    }
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(read(input)?);
    }
    Ok(items)
}

fn read_set<'a, T: Ord>(
    input: &mut Reader<'a>,
    read: impl FnMut(&mut Reader<'a>) -> Read<T>,
) -> Read<BTreeSet<T>> {
    let items = read_list(input, read)?;
    if !items.is_sorted_by(|before, after| before < after) {
        return Err(input.error("a set that is not in order"));
    }
    Ok(items.into_iter().collect())
}

fn read_map<'a, K: Ord, V>(
    input: &mut Reader<'a>,
    read: impl FnMut(&mut Reader<'a>) -> Read<(K, V)>,
) -> Read<BTreeMap<K, V>> {
    let items = read_list(input, read)?;
    if !items.is_sorted_by(|(before, _), (after, _)| before < after) {
        return Err(input.error("a table that is not in order"));
    }
    Ok(items.into_iter().collect())
}

fn write_ops(out: &mut Writer, ops: OpSet) {
    ops.0.into_iter().for_each(|word| out.u64(word));
}

fn read_ops(input: &mut Reader<'_>) -> Read<OpSet> {
    Ok(OpSet([input.u64()?, input.u64()?, input.u64()?, input.u64()?]))
}

fn write_name(out: &mut Writer, (kind, name): &(NameKind, String)) {
    out.u8(*kind as u8);
    out.text(name);
}

fn read_name(input: &mut Reader<'_>) -> Read<(NameKind, String)> {
    Ok((name_kind(input)?, name(input)?))
}

fn name_kind(input: &mut Reader<'_>) -> Read<NameKind> {
    let number = input.u8()?;
    let kind = NameKind::ALL.into_iter().find(|kind| *kind as u8 == number);
    kind.ok_or_else(|| input.error("no such kind of name"))
}

fn name(input: &mut Reader<'_>) -> Read<String> {
    let name = input.text()?;
    if name.len() > MAX_NAME { Err(input.error("a name of more than 255 bytes")) } else { Ok(name) }
}

fn perms(input: &mut Reader<'_>) -> Read<Perms> {
    let bits = input.u8()?;
    if bits < 128 { Ok(Perms(bits)) } else { Err(input.error("no such permission bit")) }
}

fn flag(input: &mut Reader<'_>) -> Read<bool> {
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(input.error("neither yes nor no")),
    }
}
