//! How fast programs run, side by side with other machines; see `docs/benchmarks.md`.
//!
//! | module | what it does |
//! |---|---|
//! | [`contender`] | who runs it: ours, the peers, native Rust |
//! | [`measure`] | takes turns, keeps minimum and median |
//! | [`table`] | prints |
//! | [`costs`] | what agents, forks, calls, effects, searches and assembling cost |
//!
//! What is run and what can be said of our machine alone is in `ours/`.

mod build;
mod contender;
mod costs;
mod measure;
mod table;

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Result, ensure};
use avm_bench_ours::{invocation, table as page, workload};
use clap::{Parser, Subcommand};

use measure::Effort;

/// How fast programs run, side by side with other machines.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    /// Only workloads whose name contains this.
    filter: Option<String>,
    /// Small sizes and few runs.
    #[arg(long)]
    quick: bool,
    /// Write the figures to docs/benchmarks.md.
    #[arg(long)]
    markdown: bool,
    #[command(subcommand)]
    command: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Count processor instructions with callgrind and compare them with the baseline.
    Instructions {
        /// Write the baseline instead.
        #[arg(long)]
        bless: bool,
    },
    /// Count processor instructions with features on and off.
    Features {
        /// Write the figures to docs/benchmarks.md.
        #[arg(long)]
        markdown: bool,
    },
    /// What agents, forks, calls, effects, searches and assembling cost.
    Costs {
        /// A search in a million vectors as well.
        #[arg(long)]
        large: bool,
        /// Write the figures to docs/benchmarks.md.
        #[arg(long)]
        markdown: bool,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.command {
        None => speed(&cli.filter.unwrap_or_default(), cli.quick, cli.markdown),
        Some(Verb::Instructions { bless }) => ours("instructions", bless.then_some("--bless")),
        Some(Verb::Features { markdown }) => ours("features", markdown.then_some("--markdown")),
        Some(Verb::Costs { large, markdown }) => costs::run(large, markdown),
    }
}

/// The main table.
fn speed(filter: &str, quick: bool, markdown: bool) -> Result<()> {
    let command: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--markdown").collect();
    let circumstances = page::circumstances(&invocation("", &command.join(" ")));
    let effort = if quick {
        Effort { quick, runs: 5, budget: Duration::from_secs(1) }
    } else {
        Effort { quick, runs: 7, budget: Duration::from_secs(4) }
    };
    let all = contender::all();
    let mut rows = Vec::new();
    for workload in workload::ALL.iter().filter(|workload| workload.name.contains(filter)) {
        eprintln!("{}", workload.label(quick));
        rows.push(measure::row(workload, &all, effort)?);
    }
    let metered: Vec<&str> =
        all.iter().filter(|c| c.is_metered()).map(|contender| contender.name()).collect();
    let text = format!(
        "{circumstances}\n{}\nLoad after: {}. Metered: {}. {}\n",
        table::speed(&all, &rows, quick),
        page::load(),
        metered.join(", "),
        if quick { "" } else { "¹ At the sizes of `--quick`, against ours at the same sizes." },
    );
    println!("{text}");
    if markdown { page::publish("speed", &text) } else { Ok(()) }
}

/// Counts in the program that has our machine alone.
fn ours(verb: &str, flag: Option<&str>) -> Result<()> {
    let program = build::release("avm-bench-ours", Path::new(env!("CARGO_MANIFEST_DIR")))?;
    ensure!(Command::new(program).arg(verb).args(flag).status()?.success(), "{verb} failed");
    Ok(())
}
