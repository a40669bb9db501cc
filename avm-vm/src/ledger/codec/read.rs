//! Reading a ledger. Nothing is believed.

use alloc::{collections::BTreeMap, sync::Arc};

use avm_ir::wire::{Reader, WireError};

use super::{
    LEDGER_VERSION, MAGIC,
    spending::{flag, read_guard},
};
use crate::ledger::{
    Kind, Ledger, MAX_COUNTED, Owner, Reserve, Settle, Use,
    audit::{Base, accounts_before},
    names::{Name, Names},
    post::{Account, chain_name},
    records::{BYTES, NONE, Stored},
    replay::{Left, Sums},
};

type Read<T> = Result<T, WireError>;

/// Why bytes are no ledger.
pub type LedgerError = WireError;

impl Ledger {
    /// Reads a ledger and adds everything up. Memory and time are bounded by the bytes that are
    /// there.
    ///
    /// # Errors
    /// Bytes that [`Self::to_bytes`] would not have written, and records that do not add up.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LedgerError> {
        let input = &mut Reader::new(bytes);
        if input.raw(MAGIC.len())? != MAGIC || input.u16()? != LEDGER_VERSION {
            return Err(WireError { offset: 0, cause: "no ledger of version 1" });
        }
        let mut ledger = Self::new();
        read_base(input, &mut ledger)?;
        let names = read_names(input)?;
        check_base(input, &ledger.base, &names)?;
        if ledger.forgotten.keys().any(|actor| *actor as usize > names.owners.len()) {
            return Err(input.error("no such agent"));
        }
        ledger.records.first = ledger.base.number;
        read_records(input, &mut ledger, names)?;
        read_rest(input, &mut ledger)?;
        input.end()?;
        Ok(ledger)
    }
}

fn read_base(input: &mut Reader<'_>, ledger: &mut Ledger) -> Read<()> {
    let (number, link, time) = (input.u64()?, input.hash()?, input.u64()?);
    let mut sums = Sums { time, ..Sums::default() };
    for _ in 0..input.count(8)? {
        sums.balances.push(input.u64()?);
    }
    for _ in 0..input.count(21)? {
        let open = input.u64()?;
        if sums.reserves.last_key_value().is_some_and(|(last, _)| *last >= open) || open >= number {
            return Err(input.error("holds out of order"));
        }
        let left = Left { from: input.u32()?, left: input.u64()?, hold: flag(input)? };
        if left.left == 0 {
            return Err(input.error("a hold of nothing"));
        }
        sums.reserves.insert(open, left);
    }
    for _ in 0..input.count(12)? {
        let actor = input.u32()?;
        if ledger.forgotten.last_key_value().is_some_and(|(last, _)| *last >= actor) {
            return Err(input.error("agents out of order"));
        }
        ledger.forgotten.insert(actor, input.u64()?);
    }
    let base = Base { number, link, sums };
    if number == 0 && (base != ledger.base || !ledger.forgotten.is_empty()) {
        return Err(input.error("sums of no records"));
    }
    if number > u64::from(u32::MAX) << 16 {
        return Err(input.error("too many records"));
    }
    ledger.base = base;
    Ok(())
}

fn read_names(input: &mut Reader<'_>) -> Read<Names> {
    let mut names = Names::default();
    let mut last = 0;
    for _ in 0..input.count(10)? {
        let at = input.error("a name that could not have been given");
        let since = input.u64()?;
        let name = match input.u8()? {
            0 => Name::Owner(read_owner(input)?),
            1 => Name::Token(Arc::from(input.text()?)),
            2 => Name::Purpose(Arc::from(input.text()?)),
            3 => Name::Account { owner: input.u32()?, token: input.u32()? },
            4 => Name::Parent { child: input.u32()?, parent: input.u32()? },
            5 => Name::Ended { owner: input.u32()? },
            _ => return Err(at),
        };
        if since < last {
            return Err(at);
        }
        last = since;
        names.apply(since, name).map_err(|_| at)?;
    }
    Ok(names)
}

fn check_base(input: &Reader<'_>, base: &Base, names: &Names) -> Read<()> {
    if accounts_before(names, base.number) as usize != base.sums.balances.len() {
        return Err(input.error("a balance for each account"));
    }
    let known = |open: &Left| (open.from as usize) < base.sums.balances.len();
    if !base.sums.reserves.values().all(known) || base.sums.check(names).is_err() {
        return Err(input.error("balances that do not add up"));
    }
    Ok(())
}

fn read_records(input: &mut Reader<'_>, ledger: &mut Ledger, names: Names) -> Read<()> {
    let count = input.u64()?;
    if count > (input.remaining() / BYTES) as u64 {
        return Err(input.error("count larger than the input"));
    }
    let mut sums = ledger.base.sums.clone();
    let fresh = |balance: u64| Account { balance, last: NONE };
    ledger.accounts = sums.balances.iter().map(|balance| fresh(*balance)).collect();
    ledger.accounts.resize(names.accounts.len(), fresh(0));
    sums.balances.resize(names.accounts.len(), 0);
    let mut opened = accounts_before(&names, ledger.base.number);
    let old = names.log.partition_point(|(since, _)| *since < ledger.base.number);
    let mut log = names.log.iter().skip(old).peekable();
    ledger.head = ledger.base.link;
    for _ in 0..count {
        let at = input.offset();
        let number = ledger.records.end();
        while let Some((_, name)) = log.next_if(|(since, _)| *since <= number) {
            ledger.head = chain_name(&ledger.head, name);
            opened += u32::from(matches!(name, Name::Account { .. }));
        }
        let mut record = read_record(input)?;
        let added = match record.from.max(record.to) < opened {
            true => sums.add(&names, number, &record),
            false => Err("an account that was opened later"),
        };
        added.map_err(|cause| WireError { offset: at, cause })?;
        let before = ledger.shift(&record, number);
        (record.before_from, record.before_to) = before.ok_or(input.error("no such account"))?;
        record.link = record.chain(&ledger.head);
        ledger.head = record.link;
        if record.kind != Kind::Expire {
            let last = number.checked_sub(1).and_then(|last| ledger.records.get(last));
            let goes_on =
                last.is_some_and(|last| last.key == record.key && last.kind != Kind::Expire);
            if !goes_on && ledger.keys.get(&record.key).is_some() {
                return Err(WireError { offset: at, cause: "a key used twice" });
            }
            ledger.keys.insert(record.key, number);
        }
        ledger.records.push(record);
    }
    for (since, name) in log {
        if *since > ledger.records.end() {
            return Err(input.error("a name of a record that is not there"));
        }
        ledger.head = chain_name(&ledger.head, name);
    }
    if input.hash()? != ledger.head {
        return Err(input.error("a chain with another head"));
    }
    ledger.names = names;
    read_reserves(input, ledger, &sums)
}

fn read_record(input: &mut Reader<'_>) -> Read<Stored> {
    let kind = Kind::from_number(input.u8()?).ok_or(input.error("no such kind of record"))?;
    let (from, to) = (input.u32()?, input.u32()?);
    let (amount, time) = (input.u64()?, input.u64()?);
    let actor = input.u32()?;
    let (step, effect) = (input.u64()?, input.u64()?);
    let (purpose, reserve) = (input.u32()?, input.u64()?);
    let (key, mut terms) = (input.hash()?, [0; 16]);
    terms.copy_from_slice(input.raw(16)?);
    let (link, before_from, before_to) = ([0; 32], NONE, NONE);
    Ok(Stored {
        from,
        to,
        amount,
        time,
        step,
        effect,
        actor,
        purpose,
        reserve,
        kind,
        key,
        terms,
        link,
        before_from,
        before_to,
    })
}

fn read_reserves(input: &mut Reader<'_>, ledger: &mut Ledger, sums: &Sums) -> Read<()> {
    ledger.time = input.u64()?;
    if ledger.time < sums.time {
        return Err(input.error("a time before that of the last record"));
    }
    if input.u32()? as usize != sums.reserves.len() {
        return Err(input.error("terms of each open hold"));
    }
    for (number, open) in &sums.reserves {
        if input.u64()? != *number {
            return Err(input.error("terms of a hold that is not open"));
        }
        let expires = input.u64()?;
        let purpose = match input.u8()? {
            0 => Use::Hold { payee: read_owner(input)? },
            1 => Use::Escrow(Settle::First),
            2 => Use::Escrow(Settle::Accepted { verifier: read_owner(input)? }),
            3 => Use::Escrow(Settle::Split { arbiter: read_owner(input)? }),
            _ => return Err(input.error("no such terms")),
        };
        let reserve = Reserve { from: open.from, left: open.left, expires, purpose };
        let payee = match purpose {
            Use::Hold { payee } => payee.is_wallet(),
            Use::Escrow(_) => true,
        };
        if reserve.as_left() != *open || !payee {
            return Err(input.error("terms of another kind of hold"));
        }
        ledger.put_reserve(*number, Some(reserve));
    }
    Ok(())
}

fn read_rest(input: &mut Reader<'_>, ledger: &mut Ledger) -> Read<()> {
    ledger.pools =
        read_map(input, 8, Reader::u32, |input| read_map(input, 33, Reader::hash, flag))?;
    let now = ledger.time;
    ledger.guards = read_map(input, 4, Reader::u32, |input| read_guard(input, now))?;
    ledger.approved = read_map(input, 48, Reader::hash, |input| {
        let mut digest = [0; 16];
        digest.copy_from_slice(input.raw(16)?);
        Ok(digest)
    })?;
    let of = |owner: &u32| ledger.names.entry(*owner).map(|entry| entry.owner);
    let pools = ledger.pools.keys().all(|pool| matches!(of(pool), Some(Owner::Pool(_))));
    let guards = ledger.guards.keys().all(|owner| of(owner).is_some_and(Owner::is_wallet));
    let most = MAX_COUNTED as usize;
    let small = ledger.pools.values().all(|pool| pool.len() <= most);
    match pools && guards && small && ledger.approved.len() <= most {
        true => Ok(()),
        false => Err(input.error("a pool or policy of an owner that has none")),
    }
}

fn read_map<'a, K: Ord + Copy, V>(
    input: &mut Reader<'a>,
    least: usize,
    key: impl Fn(&mut Reader<'a>) -> Read<K>,
    value: impl Fn(&mut Reader<'a>) -> Read<V>,
) -> Read<BTreeMap<K, V>> {
    let mut map = BTreeMap::new();
    for _ in 0..input.count(least)? {
        let key = key(input)?;
        if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(input.error("a table out of order"));
        }
        map.insert(key, value(input)?);
    }
    Ok(map)
}

pub(crate) fn read_owner(input: &mut Reader<'_>) -> Read<Owner> {
    Ok(match input.u8()? {
        0 => Owner::Genesis,
        1 => Owner::Fees,
        2 => Owner::Holds,
        3 => Owner::Escrows,
        4 => Owner::Agent(input.hash()?),
        5 => Owner::Pool(input.hash()?),
        _ => return Err(input.error("no such owner")),
    })
}
