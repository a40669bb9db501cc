//! Channels: who hears what, who may say how much, and what it costs (P-76, P-78, P-79).

use alloc::collections::BTreeMap;

use avm_ir::{
    value::Text,
    wire::{Reader, WireError, Writer},
};

use super::{AgentId, stall::StallRule};
use crate::journal::flag;

/// What an agent may do in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// It hears and speaks.
    Member = 0,
    /// It hears what others say, and answers requests.
    Listener = 1,
    /// It says something, and hears answers alone.
    Speaker = 2,
}

impl Role {
    /// The one with a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Member),
            1 => Some(Self::Listener),
            2 => Some(Self::Speaker),
            _ => None,
        }
    }

    pub(super) const fn hears(self) -> bool {
        matches!(self, Self::Member | Self::Listener)
    }

    pub(super) const fn speaks(self) -> bool {
        matches!(self, Self::Member | Self::Speaker)
    }
}

/// At most so many in a window of virtual time. Windows follow each other from the epoch of 1970 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub most: u32,
    /// Length of a window, in nanoseconds.
    pub window: u64,
}

/// What messages cost beside gas: those that an agent sends in a window beyond the free ones, each
/// its number times the base. So `n` of them cost `base * n * (n + 1) / 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// How many of a window cost nothing.
    pub free: u32,
    /// Length of a window, in nanoseconds.
    pub window: u64,
    /// Billionths of an AVM_CREDITS.
    pub base: u64,
}

impl Price {
    /// What the message with a number costs, from 1 in each window, in billionths.
    pub fn of(&self, number: u32) -> u64 {
        self.base.saturating_mul(u64::from(number.saturating_sub(self.free)))
    }
}

/// Who gets the reward of a request (P-83, X-32).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Payout {
    /// Whoever answers first.
    #[default]
    First,
    /// Whoever answers first with what a verifier accepts; the agent of this name.
    Accepted(Text),
    /// Everybody who answered, the same.
    Split,
}

/// What holds in a channel. The default one is open to everybody and costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelRules {
    /// Who may connect, by name, and as what; children as their nearest ancestor that is named. Without
    /// it everybody may, as a member.
    pub roles: Option<BTreeMap<Text, Role>>,
    /// Most messages of an agent.
    pub quota: Option<Rate>,
    /// What messages cost.
    pub price: Option<Price>,
    /// Who gets rewards.
    pub payout: Payout,
    /// What is done about conversations that come to nothing, where that is not what the world does.
    pub stall: Option<StallRule>,
}

impl ChannelRules {
    /// Whether it has to count what agents send.
    pub(super) const fn counts(&self) -> bool {
        self.quota.is_some() || self.price.is_some()
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u8(u8::from(self.roles.is_some()));
        if let Some(roles) = &self.roles {
            out.u32(roles.len() as u32);
            for (name, role) in roles {
                out.text(name);
                out.u8(*role as u8);
            }
        }
        out.u8(u8::from(self.quota.is_some()));
        if let Some(Rate { most, window }) = self.quota {
            out.u32(most);
            out.u64(window);
        }
        out.u8(u8::from(self.price.is_some()));
        if let Some(Price { free, window, base }) = self.price {
            out.u32(free);
            out.u64(window);
            out.u64(base);
        }
        match &self.payout {
            Payout::First => out.u8(0),
            Payout::Accepted(verifier) => {
                out.u8(1);
                out.text(verifier);
            }
            Payout::Split => out.u8(2),
        }
        out.u8(u8::from(self.stall.is_some()));
        if let Some(stall) = self.stall {
            stall.write(out);
        }
    }
}

/// Reads what [`ChannelRules::write`] wrote.
pub(super) fn read_rules(input: &mut Reader<'_>) -> Result<ChannelRules, WireError> {
    let roles = match flag(input)? {
        true => {
            let mut roles = BTreeMap::new();
            for _ in 0..input.count(5)? {
                let (name, role) = (Text::from(input.text()?), input.u8()?);
                let role = Role::from_number(role).ok_or_else(|| input.error("no such role"))?;
                if roles.last_key_value().is_some_and(|(last, _)| *last >= name) {
                    return Err(input.error("roles are not sorted by name"));
                }
                roles.insert(name, role);
            }
            Some(roles)
        }
        false => None,
    };
    let quota = match flag(input)? {
        true => Some(Rate { most: input.u32()?, window: input.u64()? }),
        false => None,
    };
    let price = match flag(input)? {
        true => Some(Price { free: input.u32()?, window: input.u64()?, base: input.u64()? }),
        false => None,
    };
    let payout = match input.u8()? {
        0 => Payout::First,
        1 => Payout::Accepted(Text::from(input.text()?)),
        2 => Payout::Split,
        _ => return Err(input.error("no such payout")),
    };
    let stall = match flag(input)? {
        true => Some(StallRule::read(input)?),
        false => None,
    };
    Ok(ChannelRules { roles, quota, price, payout, stall })
}

/// How often something happened in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Number of the window.
    pub(super) window: u64,
    pub(super) count: u32,
}

impl Count {
    /// How often it happened in the window of a time.
    pub(super) fn at(self, now: u64, window: u64) -> u32 {
        if self.window == now / window.max(1) { self.count } else { 0 }
    }

    /// Once more.
    pub(super) fn add(&mut self, now: u64, window: u64) {
        let count = self.at(now, window).saturating_add(1);
        *self = Self { window: now / window.max(1), count };
    }

    pub(super) fn write(self, out: &mut Writer) {
        out.u64(self.window);
        out.u32(self.count);
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { window: input.u64()?, count: input.u32()? })
    }
}

/// What an agent sent, in the windows of the quota and of the price.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    pub(super) quota: Count,
    pub(super) price: Count,
}

#[derive(Debug, Default)]
pub(super) struct Channel {
    pub(super) rules: ChannelRules,
    pub(super) members: BTreeMap<AgentId, Role>,
    /// Of those who sent something, where that counts; it stays when they leave.
    pub(super) sent: BTreeMap<AgentId, Sent>,
}

impl Channel {
    pub(super) fn write(&self, out: &mut Writer) {
        self.rules.write(out);
        out.u32(self.members.len() as u32);
        for (member, role) in &self.members {
            out.u32(member.0);
            out.u8(*role as u8);
        }
        out.u32(self.sent.len() as u32);
        for (agent, sent) in &self.sent {
            out.u32(agent.0);
            sent.quota.write(out);
            sent.price.write(out);
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let rules = read_rules(input)?;
        let mut members = BTreeMap::new();
        for _ in 0..input.count(5)? {
            let member = next_agent(input, members.last_key_value().map(|(last, _)| *last))?;
            let role = Role::from_number(input.u8()?).ok_or(input.error("no such role"))?;
            members.insert(member, role);
        }
        let mut sent = BTreeMap::new();
        for _ in 0..input.count(28)? {
            let agent = next_agent(input, sent.last_key_value().map(|(last, _)| *last))?;
            sent.insert(agent, Sent { quota: Count::read(input)?, price: Count::read(input)? });
        }
        Ok(Self { rules, members, sent })
    }
}

/// The number of an agent that stands in a sorted list behind another one.
pub(super) fn next_agent(
    input: &mut Reader<'_>,
    last: Option<AgentId>,
) -> Result<AgentId, WireError> {
    let agent = AgentId(input.u32()?);
    match last.is_some_and(|last| last >= agent) {
        true => Err(input.error("agents are not in order")),
        false => Ok(agent),
    }
}
