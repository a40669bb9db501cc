//! Who gets what is in an escrow.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{
    Error, Kind, Ledger, Order, Owner, Receipt, Reserve, Settle, Share, Use, codec::write_owner,
    records::Stored, terms::digest,
};

/// Most owners among whom an escrow is split.
pub const MAX_SHARES: usize = 1 << 16;

impl Ledger {
    /// Pays all of an escrow to one owner. Where the first gets it, that owner asks for itself;
    /// where a verifier accepts, the verifier asks. Whoever runs the world may ask for both.
    ///
    /// # Errors
    /// [`Error::Closed`] to whoever comes second, and whatever is wrong with the order.
    pub fn claim(&mut self, order: &Order<'_>, escrow: u64, to: Owner) -> Result<Receipt, Error> {
        let terms = digest(|bytes| {
            let mut out = avm_ir::wire::Writer::new();
            out.u64(escrow);
            write_owner(&mut out, to);
            *bytes = out.finish();
        });
        let same = |record: &Stored| (record.kind, record.terms) == (Kind::Settle, terms);
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        let (reserve, settle) = self.open_escrow(order, escrow)?;
        let who = match settle {
            Settle::First => to,
            Settle::Accepted { verifier } => verifier,
            Settle::Split { .. } => return Err(Error::Use(escrow)),
        };
        self.check_authority(order, who)?;
        self.check_winner(order, &reserve, to)?;
        self.pay_out(order, escrow, Kind::Settle, &[(to, reserve.left)], terms)
    }

    /// Pays all of an escrow to several owners by weight. Everyone gets the whole billionths of its
    /// part; those that are left over go, one each, to the first who have a weight. The arbiter may,
    /// and whoever runs the world.
    ///
    /// # Errors
    /// [`Error::Shares`], and whatever is wrong with the order.
    pub fn split(
        &mut self,
        order: &Order<'_>,
        escrow: u64,
        shares: &[Share],
    ) -> Result<Receipt, Error> {
        if shares.len() > MAX_SHARES {
            return Err(Error::Shares);
        }
        let terms = digest(|bytes| {
            let mut out = avm_ir::wire::Writer::new();
            out.u64(escrow);
            for share in shares {
                write_owner(&mut out, share.to);
                out.u64(share.weight);
            }
            *bytes = out.finish();
        });
        let same = |record: &Stored| (record.kind, record.terms) == (Kind::Settle, terms);
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        let (reserve, settle) = self.open_escrow(order, escrow)?;
        let Settle::Split { arbiter } = settle else { return Err(Error::Use(escrow)) };
        self.check_authority(order, arbiter)?;
        let parts = divide(reserve.left, shares).ok_or(Error::Shares)?;
        for share in shares {
            self.check_winner(order, &reserve, share.to)?;
        }
        self.pay_out(order, escrow, Kind::Settle, &parts, terms)
    }

    /// Gives an escrow back to who paid for it, before its time is over. The verifier or arbiter
    /// may, and whoever runs the world; not the payer, whom others count on.
    ///
    /// # Errors
    /// Whatever is wrong with the order.
    pub fn refund(&mut self, order: &Order<'_>, escrow: u64) -> Result<Receipt, Error> {
        let same = |record: &Stored| (record.kind, record.reserve) == (Kind::Refund, escrow);
        if let Some(receipt) = self.seen(order, same)? {
            return Ok(receipt);
        }
        let reserve = *self.reserves.get(&escrow).ok_or(Error::Closed(escrow))?;
        let Use::Escrow(settle) = reserve.purpose else { return Err(Error::Use(escrow)) };
        match settle {
            Settle::Accepted { verifier: who } | Settle::Split { arbiter: who } => {
                self.check_authority(order, who)?;
            }
            Settle::First if order.cause.agent.is_some() => return Err(Error::Authority),
            Settle::First => {}
        }
        let back = [(self.payer(&reserve), reserve.left)];
        self.pay_out(order, escrow, Kind::Refund, &back, [0; 16])
    }

    fn open_escrow(&self, order: &Order<'_>, number: u64) -> Result<(Reserve, Settle), Error> {
        let reserve = *self.reserves.get(&number).ok_or(Error::Closed(number))?;
        let Use::Escrow(settle) = reserve.purpose else { return Err(Error::Use(number)) };
        self.check_time(order, number, &reserve)?;
        Ok((reserve, settle))
    }

    fn check_authority(&self, order: &Order<'_>, who: Owner) -> Result<(), Error> {
        match order.cause.agent.is_none() || self.acts_for(order, who) {
            true => Ok(()),
            false => Err(Error::Authority),
        }
    }

    /// Whether the payer may pay somebody. Who pays does not win its own reward.
    fn check_winner(
        &mut self,
        order: &Order<'_>,
        reserve: &Reserve,
        to: Owner,
    ) -> Result<(), Error> {
        let from = self.payer(reserve);
        self.check_payee(from, to)?;
        self.allow_payee(order.time, from, to)
    }
}

/// Parts of an amount by weight. They add up to it.
fn divide(amount: u64, shares: &[Share]) -> Option<Vec<(Owner, u64)>> {
    let distinct: BTreeSet<Owner> = shares.iter().map(|share| share.to).collect();
    let all: u128 = shares.iter().map(|share| u128::from(share.weight)).sum();
    if all == 0 || distinct.len() != shares.len() {
        return None;
    }
    let part = |share: &Share| {
        // At most the amount, so it fits.
        let part = u128::from(amount) * u128::from(share.weight) / all;
        u64::try_from(part).unwrap_or(u64::MAX)
    };
    let mut parts: Vec<(Owner, u64)> = shares.iter().map(|share| (share.to, part(share))).collect();
    let mut over = amount - parts.iter().map(|(_, part)| part).sum::<u64>();
    for (share, part) in shares.iter().zip(&mut parts).filter(|(share, _)| share.weight > 0) {
        if over == 0 {
            break;
        }
        debug_assert!(share.weight > 0);
        part.1 += 1;
        over -= 1;
    }
    Some(parts)
}
