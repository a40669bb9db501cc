//! The command line, and nothing else.

pub(crate) mod name;
pub(crate) mod swarm;
pub(crate) mod wallet;

use std::path::PathBuf;

use avm_ir::gas::Gas;
use avm_vm::Meter;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::exit;

/// Run, meter and inspect AI agents written in Aither IR.
#[derive(Debug, Parser)]
#[command(name = "avm", version, after_help = exit::HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program
    Run(Box<Run>),
    /// Go on with a run that was suspended or cut off
    Resume(Resume),
    /// Agree to a patch that a suspended run waits with, or refuse it, and go on
    Approve(Approve),
    /// Run a recorded run again, without providers, network or keys
    Replay(Replay),
    /// Step through a run, forwards and backwards
    Debug(Box<Debug>),
    /// Leave a recorded run at a step, with something changed, and go on as a new one
    Fork(Fork),
    /// Show what is different in two recorded runs
    Diff(Diff),
    /// Show every instruction of a recorded run
    Trace(Trace),
    /// Show where the gas of a recorded run went
    Profile(Profile),
    /// Show what became of the code of a recorded run that changed it
    History(History),
    /// List the runs that are kept here, or remove old ones
    Runs(Runs),
    /// Run many agents in one world, and look at what they did
    Swarm(swarm::Swarm),
    /// Show who has what in a recorded world, and every movement that made it so
    Wallet(wallet::Wallet),
    /// Check that programs repeat their golden runs
    Test(Test),
    /// Assemble a program into bytecode
    Asm(Asm),
    /// Show bytecode as text
    Dis(Dis),
    /// Rewrite programs in canonical form
    Fmt(Fmt),
    /// Report errors and warnings of programs without running them
    Check(Check),
    /// Show the most gas that a program can cost, without running it
    Gas(GasBounds),
    /// Explain an error, instruction, trap or failure
    Explain(Explain),
    /// Create a folder with a new agent
    New(New),
    /// Check what an operator allows agents to do with their own code
    Policy(Policy),
    /// Make keys for signing
    Key(Key),
    /// Claim names for keys, in a registry that only grows, and look whose they are
    Name(name::Name),
    /// Check a program's integrity and show what it can reach
    Verify(Verify),
    /// Print the completion script of a shell
    Completions(Completions),
}

/// `avm run`
#[derive(Args, Debug)]
#[command(after_help = "\
Standard output carries what the program logs and its result: the value that HALT or RETURN gives,
or the assistant's last message of R_state.conversation. The summary goes to standard error.
With --json standard output carries one JSON object a line, told apart by \"event\": start, log,
effect, registers, end, and diagnostic for what is wrong with a program text. Amounts of gas there
are in nanogas.")]
pub(crate) struct Run {
    /// Program: text (.avm), bytecode (.avmb), or - for standard input
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) begin: Begin,

    /// Keep no journal: the run cannot be replayed
    #[arg(long, conflicts_with_all = ["journal", "sign"])]
    pub(crate) no_journal: bool,

    /// Write the trace to this file while the run goes: every instruction, as `avm trace` makes it of
    /// the journal; .avmt, or .jsonl for lines of JSON. The run is slower
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// Print events as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Print the named registers at the end
    #[arg(long)]
    pub(crate) registers: bool,

    /// Print no summary and no warnings
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Show where the gas went, by instruction; the run is slower. With --quiet only that is shown
    #[arg(long)]
    pub(crate) profile: bool,
}

/// How a run begins.
#[derive(Args, Debug)]
pub(crate) struct Begin {
    /// Gas granted, a decimal number [default: 1000]
    #[arg(long, value_name = "GAS", allow_negative_numbers = true)]
    pub(crate) gas: Option<Gas>,

    /// Limit a meter: gas, tokens, credits, gpu (30s), wall (2min), effects, memory (64MiB)
    #[arg(long, value_name = "NAME=AMOUNT", value_parser = crate::budget::parse)]
    pub(crate) budget: Vec<(Meter, u64)>,

    /// What happens when gas or another budget is used up [default: halt]
    #[arg(long, value_name = "POLICY")]
    pub(crate) on_exhausted: Option<OnExhausted>,

    /// Value of an input: JSON if it reads as JSON, else text; @FILE reads JSON from a file
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) input: Vec<String>,

    #[command(flatten)]
    pub(crate) setup: Setup,

    /// Start the conversation in R_state with this message of the user
    #[arg(long, value_name = "TEXT")]
    pub(crate) ask: Option<String>,

    /// Load the agent's key-value store and saved state from this file, and save them after the run
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    /// Keep the run in this folder: its journal, and all of it if it is suspended [default:
    /// .avm/runs/PROGRAM-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,

    /// Write the journal to this file and not to the run's folder
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,

    /// Sign the journal at the end with the secret key of this file
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) sign: Option<PathBuf>,

    /// Seed of the agent's random numbers
    #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true)]
    #[arg(value_parser = crate::whole::parse::<u64, 0>)]
    pub(crate) seed: u64,

    /// What the agent may do with its own code, beyond what its program allows [default: what avm.toml
    /// says, else all that]
    #[arg(long, value_name = "FILE")]
    pub(crate) code_policy: Option<PathBuf>,

    /// Memory limit, such as 64MiB [default: 256MiB]
    #[arg(long, value_name = "BYTES", value_parser = crate::bytes::parse)]
    pub(crate) memory: Option<u64>,

    /// Which texts are accepted [default: what avm.toml says, else standard]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<Dialect>,
}

/// What stands around a run: configuration, providers, grants.
#[derive(Args, Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Setup {
    /// Configuration [default: the nearest avm.toml in the program's folder or above]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Bind a model's name to a provider, such as LLama=builtin:extractive
    #[arg(long, value_name = "NAME=PROVIDER")]
    pub(crate) model: Vec<String>,

    /// Bind a tool's name to a provider, such as TwitterAPI=fixture:tweets.toml
    #[arg(long, value_name = "NAME=PROVIDER")]
    pub(crate) tool: Vec<String>,

    /// Bind a name of any kind (model, tool, plugin, chain, subnet) to a provider
    #[arg(long, value_name = "KIND:NAME=PROVIDER")]
    pub(crate) bind: Vec<String>,

    /// Allow the program a name that no provider stands behind: a collection, channel, agent, token,
    /// gpu, code; KIND:* allows all of a kind
    #[arg(long, value_name = "KIND:NAME")]
    pub(crate) grant: Vec<String>,

    /// Put a file (.avm or .avmb) into the code store, from which agents take code by its name
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) module: Vec<String>,

    /// Index the .md and .txt files of a folder as a document collection: the one that the program
    /// names, or Docs
    #[arg(long, value_name = "[NAME=]FOLDER")]
    pub(crate) docs: Vec<String>,

    /// Keep document collections in this folder [default: in memory for this run]
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,

    /// Threads for calls that run side by side; results and gas do not depend on it [default: as
    /// many as there are processors]
    #[arg(long, value_name = "N", value_parser = crate::whole::parse::<u16, 1>)]
    pub(crate) workers: Option<u16>,
}

/// `avm resume`
#[derive(Args, Debug)]
#[command(after_help = "\
The run goes on from the very state in which it was suspended, with the providers, grants and files of
its command line. If it is suspended again, it is kept in the same folder.")]
pub(crate) struct Resume {
    /// Folder of the run, as `avm run` printed it
    pub(crate) run: PathBuf,

    /// Grant so much more gas
    #[arg(long, value_name = "+GAS", value_parser = crate::budget::parse_more_gas)]
    pub(crate) gas: Option<u64>,

    /// Raise the limit of a meter: tokens=+5000, credits=+2.5, gpu=+30s, wall=+2min, effects=+10
    #[arg(long, value_name = "NAME=+AMOUNT", value_parser = crate::budget::parse_more)]
    pub(crate) budget: Vec<(Meter, u64)>,

    /// Print events as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Print the named registers at the end
    #[arg(long)]
    pub(crate) registers: bool,

    /// Print no summary
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Show where the gas went, by instruction; the run is slower. With --quiet only that is shown
    #[arg(long)]
    pub(crate) profile: bool,
}

impl Resume {
    /// Goes on with a run as it is.
    pub(crate) const fn of(run: PathBuf, quiet: bool) -> Self {
        let (json, registers, profile) = (false, false, false);
        Self { run, gas: None, budget: Vec::new(), json, registers, quiet, profile }
    }
}

/// `avm replay`
#[derive(Args, Debug)]
#[command(after_help = "\
Prints what the run printed and checks that it comes to the same end, gas and state. With --with the
exit code is 1 if the other program behaves in another way.")]
pub(crate) struct Replay {
    /// Folder of a run, or a journal [default: the latest run in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// Run this program on the recorded answers, and say where it behaves in another way
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) with: Option<PathBuf>,
    /// Which texts are accepted for --with [default: what avm.toml says, else standard]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<Dialect>,
    /// Print the named registers at the end
    #[arg(long)]
    pub(crate) registers: bool,
    /// Print no summary
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl Replay {
    /// A run as it was.
    pub(crate) const fn of(run: PathBuf, quiet: bool) -> Self {
        Self { run: Some(run), with: None, dialect: None, registers: false, quiet }
    }
}

/// `avm debug`
#[derive(Args, Debug)]
#[command(after_help = "\
A program is run under the debugger and recorded as it goes; `help` there lists the commands. A run that
is recorded already is gone through without asking anybody; it is opened where it ended if it did not
halt. Without a terminal commands come from standard input, one a line.")]
pub(crate) struct Debug {
    /// Program, folder of a run, or journal [default: the latest run in .avm/runs]
    pub(crate) what: Option<PathBuf>,

    /// Take the commands from this file, one a line
    #[arg(short = 'x', long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,

    /// Open this agent of a recorded world; `messages` there lists what it got
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,

    /// Begin at this step of the agent
    #[arg(long, value_name = "STEP", requires = "agent")]
    #[arg(value_parser = crate::whole::parse::<u64, 0>)]
    pub(crate) at: Option<u64>,

    /// Answer every command with one line of JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Speak the Debug Adapter Protocol on standard input and output; the editor says what to open
    #[arg(long, conflicts_with_all = ["what", "script", "json", "agent"])]
    pub(crate) dap: bool,

    #[command(flatten)]
    pub(crate) begin: Begin,
}

impl Debug {
    /// Whether anything is said about how the run begins.
    pub(crate) fn begins(&self) -> bool {
        let Begin { gas, budget, on_exhausted, input, setup, ask, state, run, .. } = &self.begin;
        let Begin { journal, sign, memory, .. } = &self.begin;
        let said = [ask.is_some(), state.is_some(), run.is_some(), journal.is_some()];
        gas.is_some()
            || on_exhausted.is_some()
            || sign.is_some()
            || memory.is_some()
            || !budget.is_empty()
            || !input.is_empty()
            || *setup != Setup::default()
            || said.contains(&true)
    }
}

/// `avm fork`
#[derive(Args, Debug)]
#[command(after_help = "\
The new run begins with everything that the old one was answered up to the step, so nobody is asked again,
and goes on with the providers of the old one's command line. Steps, effects and places are those that
avm trace and avm debug show. Values are JSON.")]
pub(crate) struct Fork {
    /// Folder of a run, or a journal [default: the latest run in .avm/runs]
    pub(crate) run: Option<PathBuf>,

    /// Leave it at this step, label, or `line [FILE:]LINE`
    #[arg(long, value_name = "PLACE", conflicts_with_all = ["effect", "input"])]
    pub(crate) at: Option<String>,

    /// Leave it where this effect is asked, counted from 0
    #[arg(long, value_name = "N", conflicts_with = "input")]
    #[arg(value_parser = crate::whole::parse::<u64, 0>)]
    pub(crate) effect: Option<u64>,

    /// Put another value into a register or a part of one
    #[arg(long, value_name = "REGISTER[.PART]=VALUE")]
    pub(crate) set: Vec<String>,

    /// Give the effect that is asked there another answer
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) answer: Option<String>,

    /// Let the effect that is asked there fail: no-provider, timeout, denied, …
    #[arg(long, value_name = "CODE[ MESSAGE]", conflicts_with = "answer")]
    pub(crate) fail: Option<String>,

    /// Give the program another input; the run is left at its start
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) input: Vec<String>,

    /// Ask nobody: the same question gets the answer that the old run got
    #[arg(long)]
    pub(crate) closed: bool,

    /// Keep the new run in this folder [default: .avm/runs/PROGRAM-N]
    #[arg(long = "into", value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,

    /// Print no summary
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `avm diff`
#[derive(Args, Debug)]
#[command(after_help = "Exits with 1 if anything is different.")]
pub(crate) struct Diff {
    /// Folder of a run, or a journal [default: the run that the latest one in .avm/runs was forked from]
    pub(crate) old: Option<PathBuf>,
    /// The run that is compared with it [default: the latest run in .avm/runs]
    pub(crate) new: Option<PathBuf>,
    /// Print one JSON object; amounts of gas in it are in nanogas
    #[arg(long)]
    pub(crate) json: bool,
}

/// `avm trace`
#[derive(Args, Debug)]
#[command(after_help = "\
The trace is made from the journal, so every run that was recorded has one. With --json every record is a line, as
spec/trace.schema.json says; --output writes the compact form, as spec/trace.md says.")]
pub(crate) struct Trace {
    /// Folder of a run, a journal, or a trace (.avmt) [default: the latest run in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// The program of a trace, which does not hold it
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// A line of JSON for every record
    #[arg(long)]
    pub(crate) json: bool,
    /// Chrome's trace format, for Perfetto: calls, notes and effects on a line of gas
    #[arg(long, conflicts_with = "json")]
    pub(crate) chrome: bool,
    /// Write the whole trace to this file, in its compact form (.avmt)
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["json", "chrome"])]
    pub(crate) output: Option<PathBuf>,
    /// Only steps in this region
    #[arg(long, value_name = "NAME")]
    pub(crate) region: Vec<String>,
    /// Only steps of this instruction
    #[arg(long, value_name = "MNEMONIC")]
    pub(crate) opcode: Vec<String>,
    /// Only steps that read or write this register
    #[arg(long, value_name = "NAME")]
    pub(crate) register: Vec<String>,
    /// Only steps that cost at least so much
    #[arg(long, value_name = "GAS")]
    pub(crate) gas: Option<Gas>,
    /// Only these steps: 10, 10..20, 10.. or ..20
    #[arg(long, value_name = "FROM..TO")]
    pub(crate) steps: Option<Steps>,
}

/// `avm approve`
#[derive(Args, Debug)]
#[command(after_help = "\
A run waits where the operator's policy wants others to agree to a patch. Look at it with --show first.
Where the policy lists keys, each vote is signed with one of them, and the run goes on when enough
agreed, or when so many refused that the others are not enough.")]
pub(crate) struct Approve {
    /// Folder of the run, as `avm run` printed it
    pub(crate) run: PathBuf,

    /// Show the patch and who voted, and change nothing
    #[arg(long, conflicts_with_all = ["key", "deny", "stay"])]
    pub(crate) show: bool,

    /// Sign the vote with the secret key of this file
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) key: Option<PathBuf>,

    /// Refuse the patch, and tell the agent why
    #[arg(long, value_name = "WHY")]
    pub(crate) deny: Option<String>,

    /// Only note the vote; `avm resume` goes on
    #[arg(long)]
    pub(crate) stay: bool,

    /// Print events as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Print the named registers at the end
    #[arg(long)]
    pub(crate) registers: bool,

    /// Print no summary
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `avm policy`
#[derive(Args, Debug)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

/// What to do with a policy.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Look for mistakes in a policy, alone or with a program, and try a patch against it
    Check {
        /// The policy, a .toml file
        policy: PathBuf,
        /// The program that it is for: text (.avm) or bytecode (.avmb)
        program: Option<PathBuf>,
        /// Judge this patch as if the program took it: IR text, a unified diff, or bytecode
        #[arg(long, value_name = "FILE", requires = "program", requires = "region")]
        patch: Option<PathBuf>,
        /// The region that the patch is for
        #[arg(long, value_name = "NAME", requires = "patch")]
        region: Option<String>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

/// `avm history`
#[derive(Args, Debug)]
#[command(after_help = "\
Every version of every region that the agent replaced: its number, which is the snapshot_id that REVERT_CODE goes
back to, the step and the effect that made it, when it came into its place, and the checkpoints of the agent.")]
pub(crate) struct History {
    /// Folder of a run, or a journal [default: the latest run in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// A graph for Graphviz
    #[arg(long, conflicts_with = "json")]
    pub(crate) dot: bool,
    /// Draw it to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// Numbers of steps, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Steps(pub(crate) std::ops::RangeInclusive<u64>);

impl std::str::FromStr for Steps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str, otherwise: u64| match text {
            "" => Ok(otherwise),
            text => text.parse().map_err(|_| format!("{text} is no number of a step")),
        };
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (number(from, 0)?, number(to, u64::MAX)?),
            None => (number(text, 0)?, number(text, 0)?),
        };
        Ok(Self(from..=to))
    }
}

/// `avm profile`
#[derive(Args, Debug)]
pub(crate) struct Profile {
    /// Folder of a run, a journal, or a trace (.avmt) [default: the latest run in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// The program of a trace, which does not hold it
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// Rows of each table
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = crate::whole::parse::<usize, 0>)]
    pub(crate) rows: usize,
    /// Write a flame graph of the gas to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the profile for speedscope to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) speedscope: Option<PathBuf>,
    /// Print folded stacks: calls and their nanogas, one a line
    #[arg(long)]
    pub(crate) folded: bool,
}

/// `avm runs`
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The latest run comes first. Of each journal only the first record, the heads of the others and the end
are read, and nothing is checked; `avm replay RUN` does that."
)]
pub(crate) struct Runs {
    #[command(subcommand)]
    pub(crate) command: Option<RunsCommand>,
    #[command(flatten)]
    pub(crate) place: RunsPlace,
    /// Print a line of JSON for each run; gas in it is in nanogas
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where runs are kept.
#[derive(Args, Debug)]
pub(crate) struct RunsPlace {
    /// The folder of the runs
    #[arg(long = "in", value_name = "DIR", default_value = crate::run_dir::RUNS)]
    pub(crate) folder: PathBuf,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Remove runs that are over
    Prune(Prune),
}

/// `avm runs prune`
#[derive(Args, Debug)]
#[command(after_help = "\
Runs that could go on, because they are suspended or were cut off, and those that cannot be read stay
unless --unfinished is given; those that a command goes on with stay in any case. With both --keep and
--older-than only what neither of them keeps is removed. Journals outside of their run's folder stay.")]
#[group(id = "which", required = true, multiple = true, args = ["keep", "older_than"])]
pub(crate) struct Prune {
    /// Keep the latest N
    #[arg(long, value_name = "N", value_parser = crate::whole::parse::<usize, 0>)]
    pub(crate) keep: Option<usize>,
    /// Remove only what was last written to more than so many days ago
    #[arg(long, value_name = "DAYS", value_parser = crate::whole::parse::<u32, 0>)]
    pub(crate) older_than: Option<u32>,
    /// Remove runs that are not over too
    #[arg(long)]
    pub(crate) unfinished: bool,
    /// Remove nothing, say what would be
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) place: RunsPlace,
}

/// `avm test`
#[derive(Args, Debug)]
#[command(after_help = "\
A golden run is a journal NAME.avmj or NAME.CASE.avmj beside NAME.avm, as `avm run --journal` writes it. The
program is run on the recorded answers, and has to come to the same end with the same notes and gas;
where it does not, the first step that differs is named. A gas table is a text to be kept beside the
programs: it shows in a review which line of which program costs more or less. A golden run without an
entry in it, and an entry without a golden run, are errors.")]
pub(crate) struct Test {
    /// Programs, golden runs, or folders with them [default: the current folder]
    pub(crate) paths: Vec<PathBuf>,
    /// Record the golden runs anew, with the providers of the configuration; a program that is named
    /// and has none gets one
    #[arg(long)]
    pub(crate) bless: bool,
    /// Which texts are accepted [default: what avm.toml says, else standard]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<Dialect>,
    /// Compare also what each golden run costs, by line of its program, with this table
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bless", "bless_gas"])]
    pub(crate) gas: Option<PathBuf>,
    /// Write what the golden runs cost into this table; with --bless, behind recording them
    #[arg(long, value_name = "FILE")]
    pub(crate) bless_gas: Option<PathBuf>,
    /// Run only the `.test` blocks of the programs, no golden runs
    #[arg(long, conflicts_with_all = ["bless", "bless_gas", "gas"])]
    pub(crate) blocks: bool,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `avm asm`
#[derive(Args, Debug)]
pub(crate) struct Asm {
    /// Program text, or - for standard input
    pub(crate) file: PathBuf,
    /// Where to write the bytecode, - for standard output [default: FILE with .avmb]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Leave out what only people need: file names, lines, names of local registers
    #[arg(long)]
    pub(crate) strip: bool,
    /// Sign with the secret key of this file
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) sign: Option<PathBuf>,
    /// Which texts are accepted [default: what avm.toml says, else standard]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<Dialect>,
}

/// `avm dis`
#[derive(Args, Debug)]
pub(crate) struct Dis {
    /// Bytecode (or program text), or - for standard input
    pub(crate) file: PathBuf,
}

/// `avm fmt`
#[derive(Args, Debug)]
pub(crate) struct Fmt {
    /// Program texts; - formats standard input to standard output
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing; exit with 1 if a file is not in canonical form
    #[arg(long)]
    pub(crate) check: bool,
}

/// `avm check`
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Program texts or bytecode, or - for standard input
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Which texts are accepted [default: what avm.toml says, else standard]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<Dialect>,
    /// Print diagnostics as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Show what each program names, who allows it and who answers; exit with 3 if somebody has to
    /// allow more
    #[arg(long)]
    pub(crate) grants: bool,
    #[command(flatten)]
    pub(crate) setup: Setup,
}

/// `avm gas`
#[derive(Args, Debug)]
pub(crate) struct GasBounds {
    /// Program: text (.avm), bytecode (.avmb), or - for standard input
    pub(crate) file: PathBuf,
    /// Which texts are accepted [default: what avm.toml says, else standard]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<Dialect>,
    /// Print one JSON object; amounts of gas in it are in nanogas
    #[arg(long)]
    pub(crate) json: bool,
}

/// `avm explain`
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// A code (AVM0101), an instruction (DOC_SEARCH), a trap (T07, out-of-memory) or a failure
    /// (no-provider); without it, a list of all
    pub(crate) what: Option<String>,
}

/// `avm new`
#[derive(Args, Debug)]
pub(crate) struct New {
    /// Folder to create; its last part names the agent
    pub(crate) name: PathBuf,
}

/// `avm key`
#[derive(Args, Debug)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

/// What to do with a key.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a new secret key and print its public key
    New {
        /// File to create
        file: PathBuf,
    },
}

/// `avm verify`
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// Bytecode (or program text), or - for standard input
    pub(crate) file: PathBuf,
}

/// `avm completions`
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// What happens when the gas is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnExhausted {
    /// The run ends at the exact instruction
    Halt,
    /// The run stands still there
    Suspend,
    /// What reaches outside fails and the program goes on
    Deny,
}

/// Which texts are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// The language standard
    Standard,
    /// Also what the whitepaper's programs rely on beyond it
    Paper,
}

impl From<OnExhausted> for avm_vm::OnExhausted {
    fn from(policy: OnExhausted) -> Self {
        match policy {
            OnExhausted::Halt => Self::Halt,
            OnExhausted::Suspend => Self::Suspend,
            OnExhausted::Deny => Self::Deny,
        }
    }
}

impl From<Dialect> for avm_asm::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Standard => Self::Standard,
            Dialect::Paper => Self::Paper,
        }
    }
}
