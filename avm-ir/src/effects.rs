//! What an instruction may ask of the outside, and which status word it leaves behind.

/// The kind of provider that answers an effect; the `reach` column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reach {
    /// Models: inference, embeddings, prompts.
    Model = 1,
    /// Document collections.
    Docs = 2,
    /// Tools that read or write.
    Tool = 3,
    /// Plugins with functions.
    Plugin = 4,
    /// SQL databases.
    Sql = 5,
    /// Blockchains.
    Chain = 6,
    /// GPU leases.
    Gpu = 7,
    /// HPC tasks and waiting for them.
    Task = 8,
    /// Clock and timers.
    Time = 9,
    /// Swarm channels and messages.
    Swarm = 10,
    /// New agents in worlds.
    World = 11,
    /// Permissions, signatures, security policy.
    Policy = 12,
    /// The ledger of wallets.
    Ledger = 13,
    /// The agent's own code.
    Code = 14,
}

impl Reach {
    /// Whether asking again may do something a second time that stays done: then a journal says
    /// that it is asked before it is.
    pub const fn is_lasting(self) -> bool {
        match self {
            Self::Model | Self::Docs | Self::Time | Self::Policy | Self::Code => false,
            Self::Tool
            | Self::Plugin
            | Self::Sql
            | Self::Chain
            | Self::Gpu
            | Self::Task
            | Self::Swarm
            | Self::World
            | Self::Ledger => true,
        }
    }

    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::Model,
        Self::Docs,
        Self::Tool,
        Self::Plugin,
        Self::Sql,
        Self::Chain,
        Self::Gpu,
        Self::Task,
        Self::Time,
        Self::Swarm,
        Self::World,
        Self::Policy,
        Self::Ledger,
        Self::Code,
    ];

    /// The name used in the table, in journals and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Docs => "docs",
            Self::Tool => "tool",
            Self::Plugin => "plugin",
            Self::Sql => "sql",
            Self::Chain => "chain",
            Self::Gpu => "gpu",
            Self::Task => "task",
            Self::Time => "time",
            Self::Swarm => "swarm",
            Self::World => "world",
            Self::Policy => "policy",
            Self::Ledger => "ledger",
            Self::Code => "code",
        }
    }
}

/// One status word per class of instruction, set by the last instruction of that class
/// (Y-27, X-23). `STATUS n` reads the word with number `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StatusWord {
    /// The last bool.
    Bool = 0,
    /// Whether the last model, tool, plugin or store call failed.
    Plugin = 1,
    /// Whether the last task failed or timed out.
    Task = 2,
    /// Whether the last rewrite was denied or failed.
    Rewrite = 3,
    /// The record of the last sandboxed test, `NULL` before the first.
    Sandbox = 4,
}

impl StatusWord {
    /// Every word, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Bool, Self::Plugin, Self::Task, Self::Rewrite, Self::Sandbox];

    /// The word with a number.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n).copied())
    }

    /// The read-only name by which programs know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "lastBool",
            Self::Plugin => "lastPluginFailed",
            Self::Task => "lastTaskFailed",
            Self::Rewrite => "lastRewriteFailed",
            Self::Sandbox => "RtestResult",
        }
    }
}

/// What it means that a program does not look whether an instruction failed; the `unread` column of
/// the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unread {
    /// Nothing: the program may go on without knowing.
    #[default]
    Fine,
    /// Probably a mistake: money or an order went out, and nobody knows whether it arrived.
    Warn,
    /// The same, and a failure whose result is dropped is a trap.
    Trap,
}

impl Unread {
    /// The word used in the table; empty where a row has none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fine => "",
            Self::Warn => "warn",
            Self::Trap => "trap",
        }
    }
}
