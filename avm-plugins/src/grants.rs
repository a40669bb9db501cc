//! What the operator allows a program to name.
//!
//! A name that is bound to a provider is granted by the binding. Names that are not bound to
//! anything (collections, tokens, channels, agents, code, regions) are granted by kind and name.

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::NameKind;

use crate::registry::Origin;

/// Names that the operator allows, besides those bound to a provider.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    names: BTreeMap<(NameKind, String), Origin>,
    kinds: BTreeMap<NameKind, Origin>,
}

/// A name that a program uses and nobody allows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ungranted {
    /// Its kind.
    pub kind: NameKind,
    /// The name.
    pub name: String,
}

impl Grants {
    /// Nothing is allowed but what is private to the agent: its own collections in memory, the
    /// regions of its own code, over which its permission bits decide, and what it knows of itself,
    /// which its manifest says.
    pub fn private() -> Self {
        let mut grants = Self::default();
        for kind in [NameKind::Collection, NameKind::Region, NameKind::Introspect] {
            grants.allow_kind(kind, Origin::Default);
        }
        grants
    }

    /// Allows a name.
    pub fn allow(&mut self, kind: NameKind, name: &str, origin: Origin) {
        self.names.insert((kind, name.to_owned()), origin);
    }

    /// Allows every name of a kind.
    pub fn allow_kind(&mut self, kind: NameKind, origin: Origin) {
        self.kinds.insert(kind, origin);
    }

    /// Takes back that every name of a kind is allowed, so that only listed ones are.
    pub fn only_listed(&mut self, kind: NameKind) {
        self.kinds.remove(&kind);
    }

    /// Who allowed a name; `None` if nobody.
    pub fn of(&self, kind: NameKind, name: &str) -> Option<Origin> {
        self.names.get(&(kind, name.to_owned())).or_else(|| self.kinds.get(&kind)).copied()
    }

    /// The names allowed one by one.
    pub fn listed(&self) -> BTreeSet<(NameKind, &str)> {
        self.names.keys().map(|(kind, name)| (*kind, name.as_str())).collect()
    }
}
