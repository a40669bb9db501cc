//! Going back. Records undo themselves; what they do not say is noted while a checkpoint is open.

use alloc::{boxed::Box, collections::VecDeque, string::String, vec::Vec};

use super::{Error, Key, Ledger, Pool, Reserve, guard::Guard};

/// A checkpoint. They are given back in the reverse of the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(usize);

/// Where a checkpoint is.
#[derive(Clone, Debug)]
pub(crate) struct Marked {
    head: [u8; 32],
    time: u64,
    records: u64,
    names: usize,
    undo: usize,
}

/// How something was.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    Reserve(u64, Option<Reserve>),
    Guard(u32, Option<Box<Guard>>),
    Refused(u32, bool, VecDeque<u64>),
    Spent { owner: u32, token: String, window: usize, gone: Vec<(u64, u64)> },
    Pool(u32, Option<Pool>),
    Approved(Key, Option<[u8; 16]>),
}

impl Ledger {
    /// Opens a checkpoint. It costs nothing but what is noted until it is given back: about 100
    /// bytes for each change of a hold, escrow or window.
    pub fn checkpoint(&mut self) -> Mark {
        self.marks.push(Marked {
            head: self.head,
            time: self.time,
            records: self.records.end(),
            names: self.names.log.len(),
            undo: self.undo.len(),
        });
        Mark(self.marks.len())
    }

    /// Makes everything as it was at the newest checkpoint, which is given back with it. Costs as
    /// much as what is undone.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if it is not the newest.
    pub fn revert(&mut self, mark: Mark) -> Result<(), Error> {
        let marked = self.give_back(mark)?;
        while self.undo.len() > marked.undo {
            match self.undo.pop() {
                Some(undo) => self.undo(undo),
                None => break,
            }
        }
        while self.records.end() > marked.records {
            self.unpost();
        }
        while self.names.log.len() > marked.names {
            self.names.pop();
        }
        self.accounts.truncate(self.names.accounts.len());
        (self.head, self.time) = (marked.head, marked.time);
        Ok(())
    }

    /// Gives the newest checkpoint back and leaves everything as it is.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if it is not the newest.
    pub fn commit(&mut self, mark: Mark) -> Result<(), Error> {
        self.give_back(mark)?;
        if self.marks.is_empty() {
            self.undo.clear();
        }
        Ok(())
    }

    fn give_back(&mut self, mark: Mark) -> Result<Marked, Error> {
        match self.marks.len() == mark.0 {
            true => self.marks.pop().ok_or(Error::Checkpoint),
            false => Err(Error::Checkpoint),
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Reserve(number, before) => {
                self.put_reserve(number, before);
            }
            Undo::Guard(owner, before) => {
                match before {
                    Some(guard) => self.guards.insert(owner, *guard),
                    None => self.guards.remove(&owner),
                };
            }
            Undo::Refused(owner, open, refused) => {
                if let Some(guard) = self.guards.get_mut(&owner) {
                    (guard.open, guard.refused) = (open, refused);
                }
            }
            Undo::Spent { owner, token, window, gone } => {
                let guard = self.guards.get_mut(&owner);
                let spent = guard.and_then(|guard| guard.spent.get_mut(&token));
                if let Some(spent) = spent.and_then(|spent| spent.get_mut(window)) {
                    spent.take_back(&gone);
                }
            }
            Undo::Pool(owner, before) => {
                match before {
                    Some(pool) => self.pools.insert(owner, pool),
                    None => self.pools.remove(&owner),
                };
            }
            Undo::Approved(key, before) => {
                match before {
                    Some(digest) => self.approved.insert(key, digest),
                    None => self.approved.remove(&key),
                };
            }
        }
    }
}
