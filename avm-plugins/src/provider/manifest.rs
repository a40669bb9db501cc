//! How a provider describes itself.

use crate::shape::Shape;

/// What a provider is, what it can do, what it costs and what it reaches.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// One line for people: what it is and what it is not.
    pub about: String,
    /// What can be asked of it.
    pub functions: Vec<Function>,
    /// Whether asking again gives the same.
    pub determinism: Determinism,
    /// What it reaches outside of this process.
    pub reaches: Reaches,
    /// Nanogas that every call costs on top of the instruction's formula.
    pub cost: u64,
}

impl Manifest {
    /// A pure provider that reaches nothing and costs nothing of its own.
    pub fn pure(about: impl Into<String>, functions: Vec<Function>) -> Self {
        Self {
            about: about.into(),
            functions,
            determinism: Determinism::Pure,
            reaches: Reaches::Nothing,
            cost: 0,
        }
    }

    /// A function by its name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

/// One thing that can be asked of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name; for kinds that have fixed functions that of the trait's method.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// What it takes. Anything else is refused before the provider is asked.
    pub args: Shape,
    /// What it gives. Anything else is a failure of the provider.
    pub result: Shape,
    /// Whether asking twice does no more than asking once, so that a failed call may be retried.
    pub repeatable: bool,
}

impl Function {
    /// A function that may be asked again.
    pub fn new(name: &str, about: &str, args: Shape, result: Shape) -> Self {
        Self { name: name.into(), about: about.into(), args, result, repeatable: true }
    }

    /// The same, but asking twice does more than asking once.
    #[must_use]
    pub fn once(self) -> Self {
        Self { repeatable: false, ..self }
    }
}

/// Whether asking again gives the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Determinism {
    /// The same arguments give the same result, always.
    Pure,
    /// The same calls in the same order give the same results.
    Stateful,
    /// Nobody can say; a journal has to record it.
    Outside,
}

impl Determinism {
    /// Word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::Stateful => "stateful",
            Self::Outside => "outside",
        }
    }
}

/// What a provider reaches outside of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reaches {
    /// Nothing: it computes.
    Nothing,
    /// Files that the operator named.
    Files,
    /// Devices of this machine.
    Devices,
    /// Processes that it starts.
    Processes,
    /// The network.
    Network,
}

impl Reaches {
    /// Word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Files => "files",
            Self::Devices => "devices",
            Self::Processes => "processes",
            Self::Network => "network",
        }
    }

    /// Whether a call may hang, so that somebody has to watch the clock.
    pub const fn can_hang(self) -> bool {
        matches!(self, Self::Processes | Self::Network)
    }
}
