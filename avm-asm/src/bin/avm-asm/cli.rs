//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Parser, ValueEnum};

/// Assembles Aither IR into bytecode, and does what goes with it.
#[derive(Debug, Parser)]
#[command(name = "avm-asm", version, about, group(ArgGroup::new("mode").args(["fmt", "dis", "dump", "explain"])))]
pub(crate) struct Cli {
    /// Source files; `-` reads standard input. With --dis or --dump, programs (.avmb).
    #[arg(value_name = "FILE", required_unless_present = "explain")]
    pub(crate) files: Vec<PathBuf>,
    /// Where to write the result; `-` is standard output. Without it FILE.avm becomes FILE.avmb.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// Write nothing, only look for errors; with --fmt, for files that are not in canonical form.
    #[arg(long)]
    pub(crate) check: bool,
    /// Print the canonical form of sources.
    #[arg(long)]
    pub(crate) fmt: bool,
    /// With --fmt: change the files in place.
    #[arg(long, requires = "fmt", conflicts_with = "check")]
    pub(crate) write: bool,
    /// Print the text of programs.
    #[arg(long)]
    pub(crate) dis: bool,
    /// Print what programs are made of: regions, counts, hashes.
    #[arg(long)]
    pub(crate) dump: bool,
    /// Explain a diagnostic (AVM0201) or an instruction.
    #[arg(long, value_name = "CODE|OPCODE")]
    pub(crate) explain: Option<String>,
    /// Which texts to accept.
    #[arg(long, value_enum, default_value = "standard")]
    pub(crate) dialect: DialectArg,
    /// Print diagnostics as JSON, one a line, on standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out file names, lines and names of local registers.
    #[arg(long)]
    pub(crate) strip: bool,
}

/// The dialects by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DialectArg {
    /// The standard.
    Standard,
    /// With what the whitepaper's programs rely on beyond it.
    Paper,
}

impl From<DialectArg> for avm_asm::Dialect {
    fn from(dialect: DialectArg) -> Self {
        match dialect {
            DialectArg::Standard => Self::Standard,
            DialectArg::Paper => Self::Paper,
        }
    }
}
