//! The command line of `avm swarm`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::swarm::snapshots::When;

/// `avm swarm`
#[derive(Args, Debug)]
pub(crate) struct Swarm {
    #[command(subcommand)]
    pub(crate) command: SwarmCommand,
}

/// What to do with a swarm.
#[derive(Debug, Subcommand)]
pub(crate) enum SwarmCommand {
    /// Run the agents that a file describes, in one world
    Run(Run),
    /// Go on with a run that was stopped or killed, as if nothing had happened
    Resume(Resume),
    /// Run a recorded world again, without providers, and check that it comes to the same
    Replay(Replay),
    /// Show who sent what to whom in a recorded world
    Messages(Messages),
    /// Seal what agents of a key sent: one signature of all messages of each
    Seal(Seal),
    /// Check seals against the messages of a recorded world
    Verify(Verify),
    /// Write the journal of one agent of a recorded world, as if it had run alone
    Journal(Journal),
    /// Run a swarm with many seeds and show what goes wrong with some of them
    Explore(Explore),
}

/// How time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    /// To the next timer as soon as nobody can run
    #[default]
    Simulated,
    /// As on the wall
    Wall,
}

/// `avm swarm run`
#[derive(Args, Debug)]
#[command(after_help = "\
Standard output carries the results of the agents, one a line; the summary goes to standard error. The world
is kept in a folder of its own: world.avmw, its journal, a copy of the file, and summary.json. The same
file, seed and answers give the same world, whatever the number of threads. After Ctrl-C or a crash it goes on
with `avm swarm resume` and its folder.")]
pub(crate) struct Run {
    /// The file of the swarm
    pub(crate) file: PathBuf,

    /// Take this seed and not the file's
    #[arg(long, value_name = "NUMBER", value_parser = crate::whole::parse::<u64, 0>)]
    pub(crate) seed: Option<u64>,

    /// Draw the length of every slice, whatever the file says
    #[arg(long)]
    pub(crate) jitter: bool,

    /// Most instructions of an agent in a round, whatever the file says
    #[arg(long, value_name = "N", value_parser = crate::whole::parse::<u64, 1>)]
    pub(crate) slice: Option<u64>,

    /// How time passes
    #[arg(long, value_enum, default_value_t)]
    pub(crate) clock: Clock,

    /// Keep the run in this folder [default: .avm/runs/NAME-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,

    /// Keep nothing
    #[arg(long, conflicts_with_all = ["run", "sign", "seal"])]
    pub(crate) no_journal: bool,

    /// Go on with the run in this folder; seed, clock and agents are those that it began with
    #[arg(long = "continue", value_name = "DIR")]
    #[arg(conflicts_with_all = ["run", "no_journal", "seed", "jitter", "slice", "clock"])]
    pub(crate) go_on: Option<PathBuf>,

    /// Let the payment take place that this agent waits with
    #[arg(long, value_name = "NAME", requires = "go_on")]
    pub(crate) approve: Vec<String>,

    /// Refuse the payment that this agent waits with
    #[arg(long, value_name = "NAME", requires = "go_on")]
    pub(crate) refuse: Vec<String>,

    #[command(flatten)]
    pub(crate) course: Course,
}

/// `avm swarm resume`
#[derive(Args, Debug)]
#[command(after_help = "\
Nobody is asked again what was answered. What was asked and not answered is asked again, under the same
idempotency key. The end is that of a run that was never stopped. Providers are those of the file that the run
was started with; agents, seed and clock are those that it began with.")]
pub(crate) struct Resume {
    /// Folder of the run [default: the latest one in .avm/runs]
    pub(crate) run: Option<PathBuf>,

    /// Let the payment take place that this agent waits with
    #[arg(long, value_name = "NAME")]
    pub(crate) approve: Vec<String>,

    /// Refuse the payment that this agent waits with
    #[arg(long, value_name = "NAME")]
    pub(crate) refuse: Vec<String>,

    #[command(flatten)]
    pub(crate) course: Course,
}

/// How a world goes on, and what is shown of it.
#[derive(Args, Debug)]
pub(crate) struct Course {
    /// Sign the journal at the end with the secret key of this file
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) sign: Option<PathBuf>,

    /// Seal at the end what agents of this secret key sent, as `avm swarm seal` does
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) seal: Option<PathBuf>,

    /// Threads that run the agents; results do not depend on it [default: as many as there are
    /// processors]
    #[arg(long, value_name = "N", value_parser = crate::whole::parse::<u16, 1>)]
    pub(crate) threads: Option<u16>,

    /// Stop after so many ticks from the beginning of the world:
    /// rounds, and times that time went on
    #[arg(long, value_name = "N", value_parser = crate::whole::parse::<u64, 1>)]
    pub(crate) ticks: Option<u64>,

    /// When the world is kept beside its journal, from where a run goes on at once: auto (what costs
    /// 2 % of the time at most), off (and it goes on from the beginning), or after so many ticks
    /// [default: what the file says, or auto]
    #[arg(long, value_name = "WHEN")]
    pub(crate) snapshots: Option<When>,

    /// Print one JSON object with all there is to tell
    #[arg(long)]
    pub(crate) json: bool,

    /// Print no summary, and nothing while it goes
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `avm swarm replay`
#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// Folder of a run, or a journal of a world [default: the latest one in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// Threads that run the agents [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = crate::whole::parse::<u16, 1>)]
    pub(crate) threads: Option<u16>,
    /// Print no summary
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `avm swarm messages`
#[derive(Args, Debug)]
#[command(after_help = "\
A message is shown once for each receiver: number, virtual time, sender and its step, receiver and the step at
which it got it, channel, name, bytes. `avm debug RUN --agent NAME` opens an agent there.")]
pub(crate) struct Messages {
    /// Folder of a run, or a journal of a world [default: the latest one in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// Only messages from or to this agent
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Print one line of JSON for each; times in it are nanoseconds since 1970
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw a sequence diagram to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// `avm swarm seal`
#[derive(Args, Debug)]
#[command(after_help = "\
Agents whose file gives them a key, and their children, keep a hash of all that they send. A seal signs it; it is
written beside the journal, as world.avms, and says nothing of another world. Later messages want another seal.")]
pub(crate) struct Seal {
    /// Folder of a run, or a journal of a world [default: the latest one in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// Secret key of the agents
    #[arg(long, value_name = "KEYFILE")]
    pub(crate) key: PathBuf,
    /// The registry in which the key was put in place of the agents' first one
    #[arg(long, value_name = "FILE")]
    pub(crate) registry: Option<PathBuf>,
}

/// `avm swarm verify`
#[derive(Args, Debug)]
#[command(after_help = "\
The world is made again from its journal, without secrets, and with it what every agent sent. Exits with 0 if all of
it is sealed, with 1 if something is not, and with 3 at the first thing that is wrong: a forged seal, one of another
key, a message that is not the one that was sealed, or is not there.")]
pub(crate) struct Verify {
    /// Folder of a run, or a journal of a world [default: the latest one in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// Look in this registry for who signs for agents, and whose names are; without it the key that
    /// agents began with signs
    #[arg(long, value_name = "FILE")]
    pub(crate) registry: Option<PathBuf>,
    /// Where the registry's last head is remembered [default: its path, ending with .seen]
    #[arg(long, value_name = "FILE", requires = "registry")]
    pub(crate) seen: Option<PathBuf>,
    /// Only agents of this public key, and their children
    #[arg(long, value_name = "KEY")]
    pub(crate) of: Option<String>,
    /// Print one line of JSON for each agent
    #[arg(long)]
    pub(crate) json: bool,
}

/// `avm swarm journal`
#[derive(Args, Debug)]
pub(crate) struct Journal {
    /// Folder of a run, or a journal of a world [default: the latest one in .avm/runs]
    pub(crate) run: Option<PathBuf>,
    /// The agent
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: String,
    /// The file to write (.avmj)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// `avm swarm explore`
#[derive(Args, Debug)]
#[command(after_help = "\
Looks for deadlocks, traps, budgets used up, waits that ran out (and messages that came before their receiver had
connected), [[expect]] of the file that does not hold, and results that differ from seed to seed. Each kind
is shown once, with its smallest seed, how many seeds show it, and a command that shows it again. Exits with 1 if
anything was found. Providers have to be deterministic.")]
pub(crate) struct Explore {
    /// The file of the swarm
    pub(crate) file: PathBuf,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = crate::whole::parse::<u64, 1>)]
    pub(crate) seeds: u64,
    /// The first of them
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    #[arg(value_parser = crate::whole::parse::<u64, 0>)]
    pub(crate) from: u64,
    /// Most instructions of an agent in a round; how many is drawn
    #[arg(long, value_name = "N", default_value_t = 8)]
    #[arg(value_parser = crate::whole::parse::<u64, 1>)]
    pub(crate) slice: u64,
    /// Worlds that run side by side [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = crate::whole::parse::<u16, 1>)]
    pub(crate) threads: Option<u16>,
    /// Most ticks of a world
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    #[arg(value_parser = crate::whole::parse::<u64, 1>)]
    pub(crate) ticks: u64,
    /// Print one line of JSON for each finding
    #[arg(long)]
    pub(crate) json: bool,
}
