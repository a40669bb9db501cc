//! What an Aither program is: the instruction table, values with their canonical encoding, the
//! program container, the validator, the gas formulas, and diagnostics as plain data.
//!
//! No IO and no execution. `no_std` + alloc: the same code runs in a program, in a browser and in
//! a microVM without an operating system.
//!
//! | module | what it holds |
//! |---|---|
//! | [`isa`] | THE TABLE: [`for_each_op!`], one row per instruction |
//! | [`opcode`], [`info`], [`operand`] | what folds over the table: numbers, names, operands, docs |
//! | [`gas`] | nanogas, formulas as data, the versioned schedule |
//! | [`instr`] | the fixed-width instruction and its operand slots |
//! | [`value`] | the ten kinds of value, their sizes and their canonical bytes |
//! | [`program`] | regions, manifest, tests, debug data, signature, and the `.avmb` container |
//! | [`mod@verify`] | the one-pass validator; only a [`verify::Verified`] program can run |
//! | [`flow`] | blocks, edges and loops of a verified program; what instructions read and write |
//! | [`bound`] | the most gas that a program can cost, found without running it |
//! | [`span`], [`diagnostic`] | places in source text and what there is to say about them |

#![no_std]
#![warn(clippy::disallowed_methods, clippy::float_arithmetic)]

extern crate alloc;

pub mod bound;
pub mod diagnostic;
pub mod effects;
pub mod flow;
pub mod gas;
pub mod info;
pub mod instr;
pub mod isa;
pub mod opcode;
pub mod operand;
pub mod program;
pub mod span;
pub mod value;
pub mod verify;
pub mod wire;

pub use diagnostic::{Code, Diagnostic, Note, Severity, Suggestion};
pub use effects::{Reach, StatusWord, Unread};
pub use gas::{Gas, Schedule};
pub use info::{OpInfo, OperandInfo, OutputInfo};
pub use instr::{Instr, Slot};
pub use opcode::Opcode;
pub use operand::{DefaultValue, Kind, NameKind};
pub use program::Program;
pub use span::{FileId, Span};
pub use value::Value;
pub use verify::{Verified, VerifyError, verify};
