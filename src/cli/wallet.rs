//! The command line of `avm wallet`.

use std::path::PathBuf;

use clap::Args;

/// `avm wallet`
#[derive(Args, Debug)]
#[command(after_help = "\
The run is replayed, and its ledger is added up again from its records alone: what does not add up is an
error. Without a name every wallet and what it has is shown; with one its statement, newest first.")]
pub(crate) struct Wallet {
    /// Folder of a run of a swarm, or its journal [default: the latest one in .avm/runs]
    pub(crate) run: Option<PathBuf>,

    /// The statement of a wallet: an agent's name, pool:NAME, fees, or escrows
    #[arg(long, value_name = "NAME")]
    pub(crate) of: Option<String>,

    /// Only this token [default: AVM_CREDITS in statements, else all]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,

    /// Most lines of a statement
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = crate::whole::parse::<u32, 1>)]
    pub(crate) most: u32,

    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Threads to replay on [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = crate::whole::parse::<u16, 1>)]
    pub(crate) threads: Option<u16>,
}
