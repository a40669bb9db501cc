//! Policies and what they have counted, as bytes.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::String,
    vec::Vec,
};

use avm_ir::wire::{Reader, WireError, Writer};

use super::{read::read_owner, write_owner};
use crate::ledger::{
    Breaker, Limits, List, MAX_COUNTED, Policy, Window,
    guard::{Guard, Spent},
};

type Read<T> = Result<T, WireError>;

pub(super) fn write_guard(out: &mut Writer, guard: &Guard) {
    write_policy(out, &guard.policy);
    out.u8(u8::from(guard.open));
    out.u32(guard.refused.len() as u32);
    guard.refused.iter().for_each(|time| out.u64(*time));
    for spent in guard.spent.values().flatten() {
        out.u32(spent.payments.len() as u32);
        for (time, amount) in &spent.payments {
            out.u64(*time);
            out.u64(*amount);
        }
    }
}

/// Reads what was written when it was some time.
pub(super) fn read_guard(input: &mut Reader<'_>, now: u64) -> Read<Guard> {
    let at = input.error("a policy that cannot be one");
    let policy = read_policy(input)?;
    policy.check().map_err(|_| at)?;
    let open = flag(input)?;
    let count = input.count(8)?;
    let most = policy.breaker.map_or(0, |breaker| breaker.refusals as usize);
    let times = |last: u64, time: u64, input: &Reader<'_>| match last <= time && time <= now {
        true => Ok(time),
        false => Err(input.error("times out of order")),
    };
    if count > most {
        return Err(input.error("more refusals than are counted"));
    }
    let mut refused = VecDeque::new();
    for _ in 0..count {
        let last = refused.back().copied().unwrap_or(0);
        let time = input.u64()?;
        refused.push_back(times(last, time, input)?);
    }
    let mut spent = BTreeMap::new();
    for (token, limits) in &policy.limits {
        let mut windows = Vec::new();
        for _ in &limits.windows {
            let count = input.count(16)?;
            if count > MAX_COUNTED as usize {
                return Err(input.error("more payments than are counted"));
            }
            let mut counted = Spent::default();
            let mut last = 0;
            for _ in 0..count {
                let time = input.u64()?;
                last = times(last, time, input)?;
                let amount = input.u64()?;
                let sum = counted.sum.checked_add(amount);
                counted.sum = sum.ok_or_else(|| input.error("more than can be spent"))?;
                counted.payments.push_back((time, amount));
            }
            windows.push(counted);
        }
        spent.insert(token.clone(), windows);
    }
    Ok(Guard { policy, open, refused, spent })
}

pub(crate) fn write_policy(out: &mut Writer, policy: &Policy) {
    let text = |out: &mut Writer, text: &String| out.text(text);
    write_list(out, &policy.tokens, text);
    write_list(out, &policy.payees, |out, owner| write_owner(out, *owner));
    write_list(out, &policy.purposes, text);
    out.u32(policy.limits.len() as u32);
    for (token, limits) in &policy.limits {
        out.text(token);
        for amount in [limits.per_call, limits.approval] {
            out.u8(u8::from(amount.is_some()));
            amount.into_iter().for_each(|amount| out.u64(amount));
        }
        out.u32(limits.windows.len() as u32);
        for window in &limits.windows {
            out.u64(window.length);
            out.u64(window.amount);
            out.u32(window.payments);
            out.u8(u8::from(window.trips));
        }
    }
    out.u8(u8::from(policy.breaker.is_some()));
    if let Some(breaker) = policy.breaker {
        out.u32(breaker.refusals);
        out.u64(breaker.within);
    }
}

pub(crate) fn read_policy(input: &mut Reader<'_>) -> Read<Policy> {
    let tokens = read_list(input, Reader::text)?;
    let payees = read_list(input, read_owner)?;
    let purposes = read_list(input, Reader::text)?;
    let mut limits = BTreeMap::new();
    for _ in 0..input.count(10)? {
        let token = input.text()?;
        if limits.last_key_value().is_some_and(|(last, _)| *last >= token) {
            return Err(input.error("tokens out of order"));
        }
        let mut amounts = [None, None];
        for amount in &mut amounts {
            *amount = if flag(input)? { Some(input.u64()?) } else { None };
        }
        let mut windows = Vec::new();
        for _ in 0..input.count(21)? {
            windows.push(Window {
                length: input.u64()?,
                amount: input.u64()?,
                payments: input.u32()?,
                trips: flag(input)?,
            });
        }
        let [per_call, approval] = amounts;
        limits.insert(token, Limits { per_call, approval, windows });
    }
    let breaker = match flag(input)? {
        true => Some(Breaker { refusals: input.u32()?, within: input.u64()? }),
        false => None,
    };
    Ok(Policy { tokens, payees, purposes, limits, breaker })
}

fn write_list<T>(out: &mut Writer, list: &List<T>, one: impl Fn(&mut Writer, &T)) {
    out.u8(u8::from(list.only.is_some()));
    for set in list.only.iter().chain([&list.never]) {
        out.u32(set.len() as u32);
        set.iter().for_each(|item| one(out, item));
    }
}

fn read_list<'a, T: Ord>(
    input: &mut Reader<'a>,
    one: impl Fn(&mut Reader<'a>) -> Read<T>,
) -> Read<List<T>> {
    let only = if flag(input)? { Some(read_set(input, &one)?) } else { None };
    Ok(List { only, never: read_set(input, &one)? })
}

fn read_set<'a, T: Ord>(
    input: &mut Reader<'a>,
    one: impl Fn(&mut Reader<'a>) -> Read<T>,
) -> Read<BTreeSet<T>> {
    let mut set = BTreeSet::new();
    for _ in 0..input.count(1)? {
        let item = one(input)?;
        if set.last().is_some_and(|last| *last >= item) {
            return Err(input.error("a list out of order"));
        }
        set.insert(item);
    }
    Ok(set)
}

pub(super) fn flag(input: &mut Reader<'_>) -> Read<bool> {
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(input.error("neither yes nor no")),
    }
}
