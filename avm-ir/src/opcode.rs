//! Numbers and names of the instructions, folded from the table.

use crate::{
    effects::{Reach, StatusWord, Unread},
    gas::{GAS, MICRO, MILLI, Measure::*, base, open, per},
    info::{OpInfo, OperandInfo, OutputInfo},
    instr::shape,
    operand::{DefaultValue, Kind, NameKind},
};

/// Turns a default of the table into data.
macro_rules! default_of {
    (required) => {
        DefaultValue::Required
    };
    (absent) => {
        DefaultValue::Absent
    };
    (named) => {
        DefaultValue::Named
    };
    (null) => {
        DefaultValue::Null
    };
    (true) => {
        DefaultValue::Bool(true)
    };
    (false) => {
        DefaultValue::Bool(false)
    };
    ($text:ident) => {
        DefaultValue::Text(stringify!($text))
    };
    ($int:literal) => {
        DefaultValue::Int($int)
    };
}

/// Turns an operand kind of the table into data.
macro_rules! kind_of {
    (Model) => {
        Kind::Name(NameKind::Model)
    };
    (Collection) => {
        Kind::Name(NameKind::Collection)
    };
    (Tool) => {
        Kind::Name(NameKind::Tool)
    };
    (Plugin) => {
        Kind::Name(NameKind::Plugin)
    };
    (Chain) => {
        Kind::Name(NameKind::Chain)
    };
    (Gpu) => {
        Kind::Name(NameKind::Gpu)
    };
    (Subnet) => {
        Kind::Name(NameKind::Subnet)
    };
    (Channel) => {
        Kind::Name(NameKind::Channel)
    };
    (Agent) => {
        Kind::Name(NameKind::Agent)
    };
    (Token) => {
        Kind::Name(NameKind::Token)
    };
    (Code) => {
        Kind::Name(NameKind::Code)
    };
    (Region) => {
        Kind::Name(NameKind::Region)
    };
    (Introspect) => {
        Kind::Name(NameKind::Introspect)
    };
    ($kind:ident) => {
        Kind::$kind
    };
}

/// Turns the `sets` column into data.
macro_rules! status_of {
    (none) => {
        None
    };
    (bool) => {
        Some(StatusWord::Bool)
    };
    (plugin) => {
        Some(StatusWord::Plugin)
    };
    (task) => {
        Some(StatusWord::Task)
    };
    (rewrite) => {
        Some(StatusWord::Rewrite)
    };
}

/// Turns the `reach` column into data.
macro_rules! reach_of {
    (none) => {
        None
    };
    (model) => {
        Some(Reach::Model)
    };
    (docs) => {
        Some(Reach::Docs)
    };
    (tool) => {
        Some(Reach::Tool)
    };
    (plugin) => {
        Some(Reach::Plugin)
    };
    (sql) => {
        Some(Reach::Sql)
    };
    (chain) => {
        Some(Reach::Chain)
    };
    (gpu) => {
        Some(Reach::Gpu)
    };
    (task) => {
        Some(Reach::Task)
    };
    (time) => {
        Some(Reach::Time)
    };
    (swarm) => {
        Some(Reach::Swarm)
    };
    (world) => {
        Some(Reach::World)
    };
    (policy) => {
        Some(Reach::Policy)
    };
    (ledger) => {
        Some(Reach::Ledger)
    };
    (code) => {
        Some(Reach::Code)
    };
}

/// Turns the `unread` column into data.
macro_rules! unread_of {
    () => {
        Unread::Fine
    };
    (warn) => {
        Unread::Warn
    };
    (trap) => {
        Unread::Trap
    };
}

/// `true` where an output is marked `optional`.
macro_rules! optional_of {
    (required) => {
        false
    };
    (optional) => {
        true
    };
}

macro_rules! define_opcodes {
    ($(
        $(#[doc = $doc:literal])+
        $byte:literal $name:ident => $family:ident :: $handler:ident also [$($alias:literal),*]
        in { $($input:ident $([$($input_alias:ident),+])? : $input_kind:ident = $input_default:tt $input_doc:literal),* }
        out { $($output:ident $([$($output_alias:ident),+])? : $output_kind:ident = $optional:ident $output_doc:literal),* }
        gas [$($term:expr),*] sets $sets:ident reach $reach:ident
        $(unread $unread:ident)? sem $sem:literal
        source $source:literal since $since:literal;
    )*) => {
        /// An instruction. The number is its byte in bytecode.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "spelled like the mnemonic")]
        #[repr(u8)]
        pub enum Opcode {
            $( $(#[doc = $doc])+ $name = $byte, )*
        }

        impl Opcode {
            /// Every instruction, by ascending byte.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The instruction of a byte.
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $( $byte => Some(Self::$name), )*
                    _ => None,
                }
            }
        }

        /// The table as data, by ascending byte.
        pub static OPS: &[OpInfo] = &[$({
            const INPUTS: &[OperandInfo] = &[$(OperandInfo {
                name: stringify!($input),
                aliases: &[$($(stringify!($input_alias)),+)?],
                kind: kind_of!($input_kind),
                default: default_of!($input_default),
                doc: $input_doc,
            }),*];
            const OUTPUTS: &[OutputInfo] = &[$(OutputInfo {
                name: stringify!($output),
                aliases: &[$($(stringify!($output_alias)),+)?],
                kind: kind_of!($output_kind),
                optional: optional_of!($optional),
                doc: $output_doc,
            }),*];
            OpInfo {
                opcode: Opcode::$name,
                mnemonic: stringify!($name),
                aliases: &[$($alias),*],
                family: stringify!($family),
                handler: stringify!($handler),
                summary: concat!($($doc),+).trim_ascii(),
                inputs: INPUTS,
                outputs: OUTPUTS,
                shape: shape(INPUTS, OUTPUTS),
                gas: &[$($term),*],
                sets: status_of!($sets),
                reach: reach_of!($reach),
                unread: unread_of!($($unread)?),
                semantics: $sem,
                source: $source,
                since: $since,
            }
        }),*];
    };
}

crate::for_each_op!(define_opcodes);

/// Index into [`OPS`] by byte; 255 where no instruction has that byte.
const ROW_OF_BYTE: [u8; 256] = {
    let mut rows = [255; 256];
    let mut i = 0;
    while i < Opcode::ALL.len() {
        assert!(i == 0 || (Opcode::ALL[i - 1] as u8) < (Opcode::ALL[i] as u8), "bytes must ascend");
        rows[Opcode::ALL[i] as usize] = i as u8;
        i += 1;
    }
    rows
};

impl Opcode {
    /// The row of the table.
    pub fn info(self) -> &'static OpInfo {
        &OPS[usize::from(ROW_OF_BYTE[self as usize])]
    }

    /// Canonical mnemonic.
    pub fn mnemonic(self) -> &'static str {
        self.info().mnemonic
    }

    /// The instruction of a mnemonic or alias, in any case.
    pub fn by_mnemonic(name: &str) -> Option<Self> {
        OPS.iter()
            .find(|info| {
                info.mnemonic.eq_ignore_ascii_case(name)
                    || info.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
            })
            .map(|info| info.opcode)
    }
}
