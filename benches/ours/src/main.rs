//! Processor instructions of our machine, counted with callgrind.

use anyhow::Result;
use avm_bench_ours::{features, instructions, kernel};
use clap::{Parser, Subcommand};

/// Processor instructions of our machine, counted with callgrind.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Count the workloads and compare the counts with the baseline.
    Instructions {
        /// Write the baseline instead.
        #[arg(long)]
        bless: bool,
    },
    /// Count some workloads with features on and off.
    Features {
        /// Write the figures to docs/benchmarks.md.
        #[arg(long)]
        markdown: bool,
    },
    /// Run one workload once: what callgrind watches.
    #[command(hide = true)]
    Kernel(kernel::Kernel),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Verb::Instructions { bless } => instructions::run(bless),
        Verb::Features { markdown } => features::run(markdown),
        Verb::Kernel(kernel) => kernel.run(),
    }
}
