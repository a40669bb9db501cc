//! `avm name`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `avm name`
#[derive(Args, Debug)]
pub(crate) struct Name {
    #[command(subcommand)]
    pub(crate) command: NameCommand,

    /// The registry
    #[arg(long, global = true, value_name = "FILE", default_value = ".avm/names.avmn")]
    pub(crate) registry: PathBuf,

    /// Where the registry's last head is remembered, by which an older or another one is found.
    /// Whoever can put back the registry should not reach it [default: the registry's path, ending
    /// with .seen]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) seen: Option<PathBuf>,
}

/// What to do with names.
#[derive(Debug, Subcommand)]
pub(crate) enum NameCommand {
    /// Claim a name that nobody ever had; makes the registry if there is none
    Claim {
        /// The name, as in alice.avm.net
        name: String,
        /// Secret key of whoever gets it
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
        /// Secret key of the holder of the name above, if that is another one
        #[arg(long, value_name = "KEYFILE")]
        above: Option<PathBuf>,
    },
    /// Put another key in place of one; id, names and children stay
    Rotate {
        /// Secret key so far
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
        /// Secret key from now on
        #[arg(long, value_name = "KEYFILE")]
        new: PathBuf,
    },
    /// Give a name to somebody else, who signs too
    Transfer {
        /// The name
        name: String,
        /// Secret key of its holder
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
        /// Secret key of whoever gets it
        #[arg(long, value_name = "KEYFILE")]
        to: PathBuf,
    },
    /// Take a name away for good: nobody can claim it again
    Revoke {
        /// The name
        name: String,
        /// Secret key of its holder
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
    },
    /// End an identity for good, with all of its names
    Retire {
        /// Its secret key
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
    },
    /// Show whose a name is and how it came to that; without a name, all names
    Show {
        /// The name
        name: Option<String>,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Check every entry and signature, and that all that was seen before is there
    Verify {
        /// A head that the keeper signed, of `avm name sign`: it has to be part of the registry
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
    },
    /// Vouch for the registry as it is: print its head, signed, as a line of text
    Sign {
        /// The keeper's secret key
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
    },
}
