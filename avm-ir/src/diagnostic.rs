//! What an assembler, lint or validator has to say about a source text, as plain data.
//!
//! Nothing here renders: the command line turns a [`Diagnostic`] into coloured text or JSON, an
//! editor into squiggles.

use alloc::{string::String, vec::Vec};

use crate::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program cannot be assembled.
    Error,
    /// The program can be assembled and is probably not what was meant.
    Warning,
}

/// A stable number, printed as `AVM0123`. Numbers are never reused; `avm explain` knows each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl core::fmt::Display for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "AVM{:04}", self.0)
    }
}

/// A second place that explains the first, such as the earlier definition of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub span: Span,
    /// What is to be seen there.
    pub text: String,
}

/// A change to the source that would mend the trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The text to replace.
    pub span: Span,
    /// What to put in its place.
    pub replacement: String,
    /// The advice in words: "did you mean `LOG`?".
    pub text: String,
}

/// One message: a code, a place, a cause and, where one exists, a way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable number.
    pub code: Code,
    /// What is wrong, one line, no full stop.
    pub message: String,
    /// The offending text.
    pub span: Span,
    /// Words to put under the span; empty where the message says it all.
    pub label: String,
    /// Further places.
    pub notes: Vec<Note>,
    /// The cause or the way out in prose; empty where there is nothing to add.
    pub help: String,
    /// A concrete edit, where one is known.
    pub suggestion: Option<Suggestion>,
}
