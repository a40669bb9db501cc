//! Kinds and defaults of operands: the vocabulary of the table's `in` and `out` columns.

/// What an operand is, as far as that is known before the program runs.
///
/// Value kinds are checked when the instruction executes: a plain instruction traps on a wrong
/// type, one that reaches outside fails in its class. Literals are checked by the assembler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any value.
    Any,
    /// `true` or `false`; `NULL` counts as false.
    Bool,
    /// 64-bit signed integer.
    Int,
    /// Binary64 number.
    Float,
    /// Int or float.
    Num,
    /// UTF-8 text.
    Text,
    /// Bytes.
    Bytes,
    /// List.
    List,
    /// Record.
    Record,
    /// Vector of 32-bit floats.
    Vector,
    /// Handle of a task, request, agent or capability.
    Handle,
    /// A register that the instruction changes in place.
    Place,
    /// A label of the program.
    Label,
    /// A function of the program.
    Func,
    /// All further operands.
    Args,
    /// A text that names something outside, or a region; it enters the program's manifest.
    Name(NameKind),
}

impl Kind {
    /// Kind of the name that such an operand gives; `None` if it is no name.
    pub const fn name_kind(self) -> Option<NameKind> {
        match self {
            Self::Name(kind) => Some(kind),
            _ => None,
        }
    }

    /// The word used in documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Num => "number",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Record => "record",
            Self::Vector => "vector",
            Self::Handle => "handle",
            Self::Place => "place",
            Self::Label => "label",
            Self::Func => "function",
            Self::Args => "any…",
            Self::Name(kind) => kind.name(),
        }
    }
}

/// What a name in the manifest names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum NameKind {
    /// A model.
    Model = 1,
    /// A document collection.
    Collection = 2,
    /// A tool.
    Tool = 3,
    /// A plugin.
    Plugin = 4,
    /// A chain.
    Chain = 5,
    /// A GPU or a part of one.
    Gpu = 6,
    /// An HPC subnet.
    Subnet = 7,
    /// A swarm channel.
    Channel = 8,
    /// An agent.
    Agent = 9,
    /// A token of the ledger.
    Token = 10,
    /// Code in the code store.
    Code = 11,
    /// A region of the program.
    Region = 12,
    /// Something that an agent may know of itself.
    Introspect = 13,
}

impl NameKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Model,
        Self::Collection,
        Self::Tool,
        Self::Plugin,
        Self::Chain,
        Self::Gpu,
        Self::Subnet,
        Self::Channel,
        Self::Agent,
        Self::Token,
        Self::Code,
        Self::Region,
        Self::Introspect,
    ];

    /// The word used in `.uses`, in grants and in documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Collection => "collection",
            Self::Tool => "tool",
            Self::Plugin => "plugin",
            Self::Chain => "chain",
            Self::Gpu => "gpu",
            Self::Subnet => "subnet",
            Self::Channel => "channel",
            Self::Agent => "agent",
            Self::Token => "token",
            Self::Code => "code",
            Self::Region => "region",
            Self::Introspect => "introspect",
        }
    }

    /// The kind with a word.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind with a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// What an operand is when the program leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// It may not be left out.
    Required,
    /// Nothing; the instruction knows that it was left out.
    Absent,
    /// Nothing, and it can be given by name only.
    Named,
    /// `NULL`
    Null,
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i64),
    /// A text.
    Text(&'static str),
}
