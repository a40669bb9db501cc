//! How fast programs run, side by side with other machines; see `docs/benchmarks.md`.
//!
//! | module | what it does |
//! |---|---|
//! | [`workload`] | what is run, at which sizes |
//! | [`contender`] | who runs it: ours, the peers, native Rust |
//! | [`measure`] | takes turns, keeps minimum and median |
//! | [`table`] | prints, and keeps the page of figures |
//! | [`instructions`] | processor instructions under callgrind, against a committed baseline |
//! | [`costs`] | what agents, forks, calls, effects and searches cost |

mod build;
mod contender;
mod costs;
mod instructions;
mod measure;
mod table;
mod workload;

use std::time::Duration;

use anyhow::Result;
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
    /// What agents, forks, calls, effects and searches cost.
    Costs {
        /// A search in a million vectors as well.
        #[arg(long)]
        large: bool,
        /// Write the figures to docs/benchmarks.md.
        #[arg(long)]
        markdown: bool,
    },
    /// Run one workload of ours once: what callgrind watches.
    #[command(hide = true)]
    Kernel { name: String },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.command {
        None => speed(&cli.filter.unwrap_or_default(), cli.quick, cli.markdown),
        Some(Verb::Instructions { bless }) => instructions::run(bless),
        Some(Verb::Costs { large, markdown }) => costs::run(large, markdown),
        Some(Verb::Kernel { name }) => instructions::kernel(&name),
    }
}

/// The main table.
fn speed(filter: &str, quick: bool, markdown: bool) -> Result<()> {
    let command: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--markdown").collect();
    let circumstances = table::circumstances(&invocation(&command.join(" ")));
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
        table::load(),
        metered.join(", "),
        if quick { "" } else { "¹ At the sizes of `--quick`, against ours at the same sizes." },
    );
    println!("{text}");
    if markdown { table::publish("speed", &text) } else { Ok(()) }
}

/// How this program was called, for the page.
pub fn invocation(args: &str) -> String {
    format!("cargo run --release --manifest-path benches/Cargo.toml -- {args}")
        .trim_end()
        .to_owned()
}
