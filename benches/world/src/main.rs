//! Worlds of many agents: what an agent, a message and a start cost, beside processes of Erlang on the
//! same machine, in turns. Each run is a process of its own. See `docs/benchmarks.md`.

mod erlang;
mod kernel;
mod report;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Worlds of many agents, beside Erlang.
#[derive(Parser)]
struct Cli {
    /// Writes the figures to docs/benchmarks.md.
    #[arg(long)]
    markdown: bool,
    /// A tenth of everything.
    #[arg(long)]
    quick: bool,
    /// Only rows whose name contains a word.
    #[arg(default_value = "")]
    word: String,
    /// How often each is run; the fastest counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Run one thing once, and print its seconds and the bytes of resident memory that it added.
    #[command(hide = true)]
    Kernel {
        name: String,
        sizes: Vec<usize>,
        #[arg(long, default_value_t = 1)]
        threads: usize,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.verb {
        Some(Verb::Kernel { name, sizes, threads }) => {
            let kernel::Cost { seconds, bytes } = kernel::run(&name, &sizes, threads)?;
            println!("{seconds:.9} {bytes}");
            Ok(())
        }
        None => report::run(&cli.word, cli.runs.max(1), cli.quick, cli.markdown),
    }
}
