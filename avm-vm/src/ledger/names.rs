//! Owners, tokens, purposes, accounts and lineage: everything that records name by number. Each is
//! one entry in a log that is part of the hash chain, so that a number cannot come to mean another.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::{Error, Owner};

/// Bytes that a token or a purpose has at most.
pub const MAX_NAME: usize = 64;
/// Most owners, and most accounts, and so on.
pub const MAX_NAMES: usize = 1 << 28;
/// Most ancestors that an agent has.
pub const MAX_LINEAGE: usize = 256;

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Owner(Owner),
    Token(Arc<str>),
    Purpose(Arc<str>),
    Account { owner: u32, token: u32 },
    Parent { child: u32, parent: u32 },
    Ended { owner: u32 },
}

/// What is known of an owner.
#[derive(Clone, Debug)]
pub(crate) struct OwnerEntry {
    pub owner: Owner,
    pub parent: Option<u32>,
    pub depth: usize,
    pub children: u32,
    pub ended: bool,
    /// By token.
    pub accounts: Vec<(u32, u32)>,
}

/// The log, and what follows from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Each with the number of records that were there before it.
    pub log: Vec<(u64, Name)>,
    pub owners: Vec<OwnerEntry>,
    by_owner: BTreeMap<Owner, u32>,
    pub tokens: Texts,
    pub purposes: Texts,
    /// Owner and token of each.
    pub accounts: Vec<(u32, u32)>,
}

/// Texts by number and back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    all: Vec<Arc<str>>,
    by_text: BTreeMap<Arc<str>, u32>,
}

impl Texts {
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        // Most ledgers have a few; the last used are near the front.
        match self.all.len() {
            0..=4 => self.all.iter().position(|known| **known == *text).map(|index| index as u32),
            _ => self.by_text.get(text).copied(),
        }
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Arc<str>> {
        self.all.get(number as usize)
    }

    fn push(&mut self, text: &Arc<str>) {
        self.by_text.insert(text.clone(), self.all.len() as u32);
        self.all.push(text.clone());
    }

    fn pop(&mut self) {
        if let Some(text) = self.all.pop() {
            self.by_text.remove(&text);
        }
    }
}

/// Whether a text can be a token (which has at least a byte) or a purpose.
pub(crate) fn check_name(text: &str, least: usize) -> Result<(), Error> {
    match (least..=MAX_NAME).contains(&text.len()) {
        true => Ok(()),
        false => Err(Error::Name),
    }
}

impl Names {
    pub(crate) fn owner(&self, owner: Owner) -> Option<u32> {
        self.by_owner.get(&owner).copied()
    }

    pub(crate) fn entry(&self, owner: u32) -> Option<&OwnerEntry> {
        self.owners.get(owner as usize)
    }

    pub(crate) fn account(&self, owner: u32, token: u32) -> Option<u32> {
        let accounts = &self.entry(owner)?.accounts;
        let at = accounts.binary_search_by_key(&token, |(token, _)| *token).ok()?;
        accounts.get(at).map(|(_, account)| *account)
    }

    /// Whose it is, and of which token.
    pub(crate) fn of_account(&self, account: u32) -> (Owner, u32) {
        let (owner, token) = self.accounts.get(account as usize).copied().unwrap_or_default();
        (self.entry(owner).map_or(Owner::Genesis, |entry| entry.owner), token)
    }

    /// The number that an entry would give.
    pub(crate) fn next(&self, name: &Name) -> u32 {
        let known = match name {
            Name::Owner(_) => self.owners.len(),
            Name::Token(_) => self.tokens.all.len(),
            Name::Purpose(_) => self.purposes.all.len(),
            Name::Account { .. } => self.accounts.len(),
            Name::Parent { .. } | Name::Ended { .. } => 0,
        };
        known as u32
    }

    /// An owner and its ancestors, nearest first.
    pub(crate) fn line(&self, owner: Option<u32>) -> impl Iterator<Item = u32> {
        core::iter::successors(owner, |owner| self.entry(*owner)?.parent)
    }

    /// Takes an entry into what follows from the log. Nothing is believed: an entry that could not
    /// have been written is refused.
    pub(crate) fn apply(&mut self, since: u64, name: Name) -> Result<(), Error> {
        let fits = match &name {
            Name::Owner(owner) => {
                self.owner(*owner).is_none() && self.owners.len() < MAX_NAMES && {
                    self.by_owner.insert(*owner, self.owners.len() as u32);
                    self.owners.push(OwnerEntry {
                        owner: *owner,
                        parent: None,
                        depth: 0,
                        children: 0,
                        ended: false,
                        accounts: Vec::new(),
                    });
                    true
                }
            }
            Name::Token(text) => add(&mut self.tokens, text, 1),
            Name::Purpose(text) => add(&mut self.purposes, text, 0),
            Name::Account { owner, token } => {
                let number = self.accounts.len() as u32;
                let fresh = (*token as usize) < self.tokens.all.len()
                    && self.accounts.len() < MAX_NAMES
                    && self.account(*owner, *token).is_none();
                match self.owners.get_mut(*owner as usize).filter(|_| fresh) {
                    Some(entry) => {
                        let at = entry.accounts.partition_point(|(known, _)| known < token);
                        entry.accounts.insert(at, (*token, number));
                        self.accounts.push((*owner, *token));
                        true
                    }
                    None => false,
                }
            }
            Name::Parent { child, parent } => self.adopt(*child, *parent),
            Name::Ended { owner } => match self.owners.get_mut(*owner as usize) {
                Some(entry) => !core::mem::replace(&mut entry.ended, true),
                None => false,
            },
        };
        if !fits {
            return Err(Error::Name);
        }
        self.log.push((since, name));
        Ok(())
    }

    /// A child has neither parent nor children yet, so lineage has no cycle.
    fn adopt(&mut self, child: u32, parent: u32) -> bool {
        if !self.can_adopt(child, parent) {
            return false;
        }
        let depth = self.entry(parent).map_or(0, |entry| entry.depth + 1);
        if let Some(entry) = self.owners.get_mut(child as usize) {
            entry.parent = Some(parent);
            entry.depth = depth;
        }
        self.count_children(parent, 1);
        true
    }

    /// Whether the one can become a child of the other.
    pub(crate) fn can_adopt(&self, child: u32, parent: u32) -> bool {
        let room = self.entry(parent).is_some_and(|entry| entry.depth < MAX_LINEAGE);
        let free = self
            .entry(child)
            .is_some_and(|entry| entry.parent.is_none() && entry.children == 0 && !entry.ended);
        room && free && child != parent
    }

    fn count_children(&mut self, parent: u32, by: i32) {
        if let Some(entry) = self.owners.get_mut(parent as usize) {
            entry.children = entry.children.saturating_add_signed(by);
        }
    }

    /// Takes the last entry back.
    pub(crate) fn pop(&mut self) {
        match self.log.pop().map(|(_, name)| name) {
            Some(Name::Owner(owner)) => {
                self.by_owner.remove(&owner);
                self.owners.pop();
            }
            Some(Name::Token(_)) => self.tokens.pop(),
            Some(Name::Purpose(_)) => self.purposes.pop(),
            Some(Name::Account { owner, token }) => {
                self.accounts.pop();
                if let Some(entry) = self.owners.get_mut(owner as usize) {
                    entry.accounts.retain(|(known, _)| *known != token);
                }
            }
            Some(Name::Parent { child, parent }) => {
                self.count_children(parent, -1);
                if let Some(entry) = self.owners.get_mut(child as usize) {
                    entry.parent = None;
                    entry.depth = 0;
                }
            }
            Some(Name::Ended { owner }) => {
                if let Some(entry) = self.owners.get_mut(owner as usize) {
                    entry.ended = false;
                }
            }
            None => {}
        }
    }
}

fn add(texts: &mut Texts, text: &Arc<str>, least: usize) -> bool {
    let fresh = check_name(text, least).is_ok()
        && !texts.by_text.contains_key(text)
        && texts.all.len() < MAX_NAMES;
    if fresh {
        texts.push(text);
    }
    fresh
}
