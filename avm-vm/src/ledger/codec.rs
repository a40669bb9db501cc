//! A ledger as bytes. What follows from records is not written: balances, what is left of holds and
//! escrows, links, keys. So there is one encoding of each state, and reading it is an audit.

mod read;
mod spending;

use avm_ir::wire::Writer;

use super::{Ledger, Owner, Settle, Use, names::Name};

pub use read::LedgerError;
pub(crate) use read::read_owner;
pub(crate) use spending::{read_policy, write_policy};

pub(crate) const MAGIC: &[u8; 4] = b"AVML";
/// Version of the encoding.
pub const LEDGER_VERSION: u16 = 1;

pub(crate) fn write_owner(out: &mut Writer, owner: Owner) {
    let (tag, id) = match owner {
        Owner::Genesis => (0, None),
        Owner::Fees => (1, None),
        Owner::Holds => (2, None),
        Owner::Escrows => (3, None),
        Owner::Agent(id) => (4, Some(id)),
        Owner::Pool(id) => (5, Some(id)),
    };
    out.u8(tag);
    if let Some(id) = id {
        out.raw(&id);
    }
}

pub(crate) fn write_name(out: &mut Writer, name: &Name) {
    match name {
        Name::Owner(owner) => {
            out.u8(0);
            write_owner(out, *owner);
        }
        Name::Token(text) => {
            out.u8(1);
            out.text(text);
        }
        Name::Purpose(text) => {
            out.u8(2);
            out.text(text);
        }
        Name::Account { owner, token } => {
            out.u8(3);
            out.u32(*owner);
            out.u32(*token);
        }
        Name::Parent { child, parent } => {
            out.u8(4);
            out.u32(*child);
            out.u32(*parent);
        }
        Name::Ended { owner } => {
            out.u8(5);
            out.u32(*owner);
        }
    }
}

pub(crate) fn write_use(out: &mut Writer, purpose: Use) {
    let (tag, who) = match purpose {
        Use::Hold { payee } => (0, Some(payee)),
        Use::Escrow(Settle::First) => (1, None),
        Use::Escrow(Settle::Accepted { verifier }) => (2, Some(verifier)),
        Use::Escrow(Settle::Split { arbiter }) => (3, Some(arbiter)),
    };
    out.u8(tag);
    if let Some(who) = who {
        write_owner(out, who);
    }
}

impl Ledger {
    /// Its bytes; open checkpoints are not part of them.
    pub fn to_bytes(&self) -> alloc::vec::Vec<u8> {
        let mut out = Writer::new();
        out.raw(MAGIC);
        out.u16(LEDGER_VERSION);
        self.write_base(&mut out);
        out.u32(self.names.log.len() as u32);
        for (since, name) in &self.names.log {
            out.u64(*since);
            write_name(&mut out, name);
        }
        out.u64(self.records.end() - self.records.first);
        for (_, record) in self.records.iter() {
            out.raw(&record.to_bytes());
        }
        self.write_rest(&mut out);
        out.finish()
    }

    /// What tells this state from every other: two ledgers with equal hashes go on in the same way.
    /// Costs nothing for records, which the head of the chain stands for.
    pub fn hash(&self) -> [u8; 32] {
        let mut out = Writer::hashing("aither avm ledger v1");
        self.write_base(&mut out);
        out.u64(self.names.log.len() as u64);
        out.u64(self.records.end());
        self.write_rest(&mut out);
        out.hash()
    }

    pub(crate) fn base_hash(&self) -> [u8; 32] {
        let mut out = Writer::hashing("aither avm ledger base v1");
        self.write_base(&mut out);
        out.hash()
    }

    /// Where the records begin.
    fn write_base(&self, out: &mut Writer) {
        let base = &self.base;
        out.u64(base.number);
        out.raw(&base.link);
        out.u64(base.sums.time);
        out.u32(base.sums.balances.len() as u32);
        for balance in &base.sums.balances {
            out.u64(*balance);
        }
        out.u32(base.sums.reserves.len() as u32);
        for (number, open) in &base.sums.reserves {
            out.u64(*number);
            out.u32(open.from);
            out.u64(open.left);
            out.u8(u8::from(open.hold));
        }
        out.u32(self.forgotten.len() as u32);
        for (actor, least) in &self.forgotten {
            out.u32(*actor);
            out.u64(*least);
        }
    }

    /// What records do not say.
    fn write_rest(&self, out: &mut Writer) {
        out.raw(&self.head);
        out.u64(self.time);
        out.u32(self.reserves.len() as u32);
        for (number, reserve) in &self.reserves {
            out.u64(*number);
            out.u64(reserve.expires);
            write_use(out, reserve.purpose);
        }
        out.u32(self.pools.len() as u32);
        for (owner, members) in &self.pools {
            out.u32(*owner);
            out.u32(members.len() as u32);
            for (member, pays) in members {
                out.raw(member);
                out.u8(u8::from(*pays));
            }
        }
        out.u32(self.guards.len() as u32);
        for (owner, guard) in &self.guards {
            out.u32(*owner);
            spending::write_guard(out, guard);
        }
        out.u32(self.approved.len() as u32);
        for (key, digest) in &self.approved {
            out.raw(key);
            out.raw(digest);
        }
    }
}
