//! The assembler: text to syntax tree and back.

pub mod ast;
pub mod fmt;
pub mod lexer;
pub mod messages;
pub mod parse;
pub mod token;
