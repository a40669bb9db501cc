//! The manifest: every name that the code can reach, so that an operator can say yes or no before
//! the program runs.

use alloc::{collections::BTreeSet, string::String};

use crate::operand::NameKind;

/// Every name that the code can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Names given as literals or by `.uses`.
    pub names: BTreeSet<(NameKind, String)>,
    /// Kinds of which the code computes names at run time.
    pub computed: BTreeSet<NameKind>,
}

impl Manifest {
    /// The names of a kind, sorted.
    pub fn names_of(&self, kind: NameKind) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(k, _)| *k == kind).map(|(_, name)| name.as_str())
    }

    /// Whether a name is listed.
    pub fn lists(&self, kind: NameKind, name: &str) -> bool {
        self.names.contains(&(kind, String::from(name)))
    }
}
