//! `avm swarm`: many agents in one world.

mod seals;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use avm_ir::{Value, value::Record};
use avm_vm::{
    World,
    identity::Registry,
    world::{Event, Keep, Rules, Witness, journal::Time},
};

use crate::{
    cli::swarm::{
        Clock, Course, Explore, Journal, Messages, Replay, Resume, Run, Swarm, SwarmCommand,
    },
    commands::key,
    exit::{Exit, Failure, Outcome},
    files,
    output::{Out, note},
    report::hex,
    run_dir::quoted,
    swarm::{
        self,
        agent::OfAgent,
        asks::Asks,
        diagram,
        drive::{Drive, Left},
        explore::{self, Finding},
        eyes::Eyes,
        findings, folder,
        interrupt::Interrupt,
        messages::{self, Log, Row},
        names,
        plan::Plan,
        recorded::{self, Recorded},
        seals::Sealer,
        snapshots::{self, Snapshots, When},
        summary::Summary,
        table::Table,
        tape::{self, Tape},
    },
};

/// Does what is to be done with a swarm.
pub(crate) fn run(args: &Swarm) -> Outcome {
    match &args.command {
        SwarmCommand::Run(run) => go(run),
        SwarmCommand::Resume(resume) => resume_run(resume),
        SwarmCommand::Replay(replay) => again(replay),
        SwarmCommand::Messages(messages) => show(messages),
        SwarmCommand::Seal(seal) => seals::seal(seal),
        SwarmCommand::Verify(verify) => seals::verify(verify),
        SwarmCommand::Journal(journal) => write_journal(journal),
        SwarmCommand::Explore(explore) => seeds(explore),
    }
}

/// How many threads are meant.
pub(crate) fn threads(said: Option<u16>, otherwise: Option<usize>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    said.map(usize::from).or(otherwise).unwrap_or_else(processors).max(1)
}

/// A world that is ready to go on.
struct Ready {
    world: World,
    asks: Asks,
    tape: Tape,
    snapshots: Option<Snapshots>,
    time: Time,
    /// Its folder, if it is kept.
    folder: Option<PathBuf>,
}

/// How a world goes, and what is shown of it.
struct Going<'a> {
    plan: &'a Plan,
    threads: usize,
    interrupt: &'a Interrupt,
    eyes: Eyes,
    /// Most ticks in all.
    most: u64,
    /// When the world is kept.
    snapshots: When,
    secrets: Secrets,
    json: bool,
    quiet: bool,
}

fn go(args: &Run) -> Outcome {
    let plan = match &args.go_on {
        Some(_) => Plan::again(&args.file)?,
        None => Plan::read(&args.file)?,
    };
    let secrets = Secrets::read(&args.course)?;
    let interrupt = Interrupt::listen()?;
    let mut going = Going::new(&plan, &args.course, secrets, &interrupt);
    let ready = match &args.go_on {
        Some(folder) => going.go_on(folder, &args.approve, &args.refuse)?,
        None => going.begin(args)?,
    };
    going.run(ready)
}

/// Secret keys that are used at the end.
struct Secrets {
    /// Signs the journal.
    signs: Option<[u8; 32]>,
    /// Seals what its agents sent.
    seals: Option<[u8; 32]>,
}

impl Secrets {
    fn read(course: &Course) -> Outcome<Self> {
        let read = |file: &Option<PathBuf>| file.as_deref().map(key::read).transpose();
        Ok(Self { signs: read(&course.sign)?, seals: read(&course.seal)? })
    }
}

fn resume_run(args: &Resume) -> Outcome {
    // Before the folder is another one.
    let secrets = Secrets::read(&args.course)?;
    let named = match &args.run {
        Some(named) => named.clone(),
        None => recorded::latest()?,
    };
    let (folder, file) = folder::enter(&named)?;
    let plan = Plan::again(&file)?;
    let interrupt = Interrupt::listen()?;
    let mut going = Going::new(&plan, &args.course, secrets, &interrupt);
    let ready = going.go_on(&folder, &args.approve, &args.refuse)?;
    going.run(ready)
}

impl<'a> Going<'a> {
    fn new(plan: &'a Plan, course: &Course, secrets: Secrets, interrupt: &'a Interrupt) -> Self {
        let Course { threads: said, ticks, snapshots, json, quiet, .. } = *course;
        Self {
            plan,
            threads: threads(said, plan.threads),
            interrupt,
            eyes: Eyes {
                table: Table::new(!quiet && !json),
                notes: !quiet && !json,
                witness: secrets.seals.map(|_| Witness::default()),
            },
            most: ticks.unwrap_or(u64::MAX),
            snapshots: snapshots.or(plan.snapshots).unwrap_or_default(),
            secrets,
            json,
            quiet,
        }
    }

    fn run(self, ready: Ready) -> Outcome {
        let Self { plan, threads, interrupt, mut eyes, most, secrets, json, quiet, .. } = self;
        let Ready { mut world, mut asks, mut tape, snapshots, time, folder } = ready;
        let (asks, tape) = (&mut asks, &mut tape);
        let drive = Drive { asks, tape, snapshots, time, threads, interrupt, most };
        let left = drive.run(&mut world, &mut eyes)?;
        let Eyes { table, witness, .. } = eyes;
        drop(table);
        if let Some(secret) = &secrets.signs {
            tape.sign(world.ticks(), secret)?;
        }
        if let (Some(secret), Some(witness), Some(folder)) = (secrets.seals, &witness, &folder) {
            let file = swarm::seals::path(&folder.join(tape::FILE));
            let id = tape.world().unwrap_or_default();
            let before = swarm::seals::read(&file, &id)?.unwrap_or_default();
            let none = Registry::new([0; 32]);
            let registry = plan.registry().unwrap_or(&none);
            let sealer = Sealer::new(secret, registry).map_err(Failure::usage)?;
            sealer.seal(&file, id, (&world, witness), before, registry)?;
        }
        let run = folder.as_ref().map(|folder| folder.display().to_string());
        let summary = Summary { world: &world, left, run: run.as_deref() };
        let record = summary.record();
        if let Some(folder) = &folder {
            let json = format!("{}\n", avm_asm::render::json(record.clone()));
            folder::sum_up(folder, &json)?;
        }
        let over = left == Left::Over;
        let broken = if over { findings::broken(&world, plan) } else { Vec::new() };
        let mut out = Out::new();
        if json {
            out.event("swarm", record);
        } else {
            summary.results(&mut out);
        }
        out.flush();
        broken.iter().for_each(|what| note(what));
        if !quiet && !json {
            note(summary.text().trim_end());
            if let (Exit::Suspended, Some(run)) = (summary.exit(), &run) {
                let waits = world.approvals().next().and_then(|(agent, _)| world.name(agent));
                let approve =
                    waits.map_or(String::new(), |name| format!(" --approve {}", quoted(name)));
                note(&format!("go on with: avm swarm resume {}{approve}", quoted(run)));
            }
        }
        match summary.exit() {
            Exit::Done if !broken.is_empty() => Ok(Exit::Program),
            exit => Ok(exit),
        }
    }

    /// A world before its first tick.
    fn begin(&mut self, args: &Run) -> Outcome<Ready> {
        let plan = self.plan;
        let rules = Rules {
            seed: args.seed.unwrap_or(plan.rules.seed),
            jitter: args.jitter || plan.rules.jitter,
            slice: args.slice.unwrap_or(plan.rules.slice),
            ..plan.rules.clone()
        };
        let (time, rules) = match args.clock {
            Clock::Simulated => (Time::Simulated, rules),
            // Time goes on by itself there.
            Clock::Wall => (Time::Given, Rules { standstill: 0, ..rules }),
        };
        // Before anything is written: names that nobody allows.
        let asks = plan.asks()?;
        let folder = match args.no_journal {
            true => None,
            false => Some(folder::create(args.run.as_deref(), &args.file)?),
        };
        let mut tape = match &folder {
            None => Tape::none(),
            Some(folder) => Tape::create(folder, &plan.start(&rules, time))?,
        };
        let world = plan.world(&rules, &mut tape, &mut self.eyes)?;
        tape.begun()?;
        let snapshots =
            folder.as_deref().map(|at| Snapshots::of(at, self.snapshots, Instant::now(), None));
        Ok(Ready { world, asks, tape, snapshots, time, folder })
    }

    /// A world that was left, as its journal has it, and what is said of payments that wait.
    fn go_on(&mut self, folder: &Path, approve: &[String], refuse: &[String]) -> Outcome<Ready> {
        let (recorded, kept) = Recorded::hold(folder)?;
        if let Some(registry) = self.plan.registry() {
            names::extends(registry, &recorded.journal)
                .map_err(|why| Failure::files(format!("{}: {why}", recorded.name)))?;
        }
        if let Some(witness) = &mut self.eyes.witness
            && let Some(id) = recorded.journal.world()
        {
            let file = swarm::seals::path(&folder.join(tape::FILE));
            *witness = Witness::of(&swarm::seals::read(&file, &id)?.unwrap_or_default());
        }
        let begin = Instant::now();
        let (replay, mut asks, base) = self.latest(folder, &recorded)?;
        let mut rehearse = Rehearse { asks: &mut asks, eyes: &mut self.eyes };
        let (world, _) = recorded.play_on(replay, self.threads, self.interrupt, &mut rehearse)?;
        if let Some(registry) = self.plan.registry() {
            names::check(registry, &world, &recorded.journal)
                .map_err(|why| Failure::files(format!("{}: {why}", recorded.name)))?;
        }
        let tape = Tape::go_on(kept, &recorded.journal)?;
        // What was played again would have to be once more.
        let snapshots = Some(Snapshots::of(folder, self.snapshots, begin, base));
        let (time, folder) = (recorded.journal.start.time, Some(folder.to_owned()));
        let mut ready = Ready { world, asks, tape, snapshots, time, folder };
        let said = approve.iter().map(|name| (name, true));
        for (name, yes) in said.chain(refuse.iter().map(|name| (name, false))) {
            decide(&mut ready, name, yes, &mut self.eyes)?;
        }
        Ok(ready)
    }
}

impl Going<'_> {
    /// The latest snapshot that is what its journal says, with its ticks, or the world before its first.
    fn latest<'r>(
        &self,
        folder: &Path,
        recorded: &'r Recorded,
    ) -> Outcome<(avm_vm::world::Replay<'r>, Asks, Option<u64>)> {
        let named: Vec<(usize, u64)> = match self.snapshots {
            When::Off => Vec::new(),
            // Whoever seals has to have seen every message.
            _ if self.eyes.witness.is_some() => Vec::new(),
            _ => snapshots::named(&recorded.journal).collect(),
        };
        for (tried, (record, tick)) in (1..).zip(&named) {
            let loaded = snapshots::load(folder, &recorded.journal, *record);
            let loaded =
                loaded.and_then(|(replay, host)| Ok((replay, self.plan.asks_again(&host)?)));
            let why = match loaded {
                Ok((replay, asks)) => return Ok((replay, asks, Some(*tick))),
                Err(why) => why,
            };
            let instead = match tried < named.len() {
                true => "the one before is looked at",
                false => "the journal is played from its beginning",
            };
            note(&format!("warning: the snapshot of tick {tick} is not used: {why}; {instead}"));
        }
        Ok((recorded.beginning()?, self.plan.asks()?, None))
    }
}

/// Says whether the payment takes place that an agent waits with.
fn decide(ready: &mut Ready, name: &str, yes: bool, eyes: &mut Eyes) -> Outcome<()> {
    let world = &mut ready.world;
    let waits = world.approvals().find(|(agent, _)| world.name(*agent) == Some(name));
    let Some(agent) = waits.map(|(agent, _)| agent) else {
        return Err(Failure::usage(format!("there is no agent \"{name}\" that waits to pay")));
    };
    let event = Event::Approved { agent, yes };
    ready.tape.event(world.ticks(), &event)?;
    world.apply(&event, eyes).map_err(Failure::files)
}

/// Lets providers with a memory of their own have it again.
struct Rehearse<'a> {
    asks: &'a mut Asks,
    eyes: &'a mut Eyes,
}

impl Keep for Rehearse<'_> {
    fn answer(
        &mut self,
        agent: avm_vm::world::AgentId,
        machine: &mut avm_vm::Machine,
        answer: avm_vm::Answer,
    ) {
        self.asks.rehearse(agent, machine);
        ().answer(agent, machine, answer);
    }

    fn saw(&mut self, now: u64, happened: &avm_vm::world::Happened<'_>) {
        self.eyes.saw(now, happened);
    }
}

fn again(args: &Replay) -> Outcome {
    let recorded = Recorded::open(args.run.as_deref())?;
    let signers = recorded.signers()?;
    let interrupt = Interrupt::listen()?;
    let threads = threads(args.threads, None);
    let (world, stop) = recorded.play(threads, &interrupt, &mut ())?;
    if let Some(why) = recorded.torn(&world, stop) {
        return Err(Failure::files(format!("{}: {why}", recorded.path.display())));
    }
    if !args.quiet {
        let (agents, ticks, marks) = (world.len(), world.ticks(), recorded.marks());
        let s = if marks == 1 { "" } else { "s" };
        note(&format!(
            "replayed: {agents} agents, {} messages, {ticks} ticks, {marks} mark{s}, as recorded",
            world.sent()
        ));
        if let snapshots @ 1.. = recorded.snapshots() {
            let s = if snapshots == 1 { "" } else { "s" };
            note(&format!("{snapshots} snapshot{s} of the world as it was then"));
        }
        note(&format!("world {}", hex(&world.hash())));
        signers.iter().for_each(|signer| note(&format!("signed by {}", hex(signer))));
    }
    Ok(Exit::Done)
}

fn show(args: &Messages) -> Outcome {
    let recorded = Recorded::open(args.run.as_deref())?;
    let interrupt = Interrupt::listen()?;
    let mut log = Log::default();
    let (world, _) = recorded.play(threads(None, None), &interrupt, &mut log)?;
    let agent = match &args.agent {
        Some(name) => Some(world.agent(name).ok_or_else(|| {
            Failure::usage(format!("{}: there is no agent \"{name}\"", recorded.name))
        })?),
        None => None,
    };
    let wanted = |row: &&Row| agent.is_none_or(|agent| row.is_of(agent));
    let rows: Vec<&Row> = log.rows.iter().filter(wanted).collect();
    if let Some(file) = &args.svg {
        files::write(file, diagram::svg(&rows, &world).as_bytes())?;
        return Ok(Exit::Done);
    }
    let mut out = Out::new();
    for row in rows {
        if args.json {
            out.event("message", messages::record(row, &world));
        } else {
            out.line(&messages::line(row, &world));
        }
    }
    Ok(Exit::Done)
}

fn write_journal(args: &Journal) -> Outcome {
    let recorded = Recorded::open(args.run.as_deref())?;
    let of = OfAgent::of(&recorded, &args.agent, threads(None, None))?;
    files::write(&args.output, &of.bytes)?;
    if let restarts @ 1.. = of.restarts {
        let (agent, times) = (&args.agent, if restarts == 1 { "time" } else { "times" });
        note(&format!(
            "\"{agent}\" was started again {restarts} {times}: its journal leads to its last life, without what \
             came to it in those that were thrown away"
        ));
    }
    Ok(Exit::Done)
}

fn seeds(args: &Explore) -> Outcome {
    let plan = Plan::read(&args.file)?;
    let outside = plan.outside(&plan.providers()?);
    if !outside.is_empty() {
        let outside = outside.join(", ");
        return Err(Failure::files(format!(
            "{outside}: may answer otherwise each time, so a finding could not be shown again; \
             bind a builtin provider or a fixture"
        )));
    }
    let interrupt = Interrupt::listen()?;
    let options = explore::Options {
        from: args.from,
        seeds: args.seeds,
        slice: args.slice,
        threads: threads(args.threads, None),
        ticks: args.ticks,
    };
    let explored = explore::explore(&plan, &options, &interrupt)?;
    let file = quoted(&args.file.display().to_string());
    let mut out = Out::new();
    for finding in &explored.findings {
        let Finding { what, seed, count } = finding;
        let command = format!("avm swarm run {file} --seed {seed} --jitter --slice {}", args.slice);
        if args.json {
            let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
            out.event(
                "finding",
                Record::from_iter([
                    ("what", Value::text(what)),
                    ("seed", int(*seed)),
                    ("count", int(*count)),
                    ("command", Value::text(&command)),
                ]),
            );
            continue;
        }
        out.line(what);
        let s = if *count == 1 { "" } else { "s" };
        out.line(&format!(
            "  {count} seed{s} of {}, the first is {seed}: {command}",
            explored.seeds
        ));
    }
    out.flush();
    let found = match explored.findings.len() {
        0 => "nothing found".to_owned(),
        1 => "1 finding".to_owned(),
        findings => format!("{findings} findings"),
    };
    let s = if explored.seeds == 1 { "" } else { "s" };
    note(&format!("{} seed{s}, {found}", explored.seeds));
    Ok(if explored.findings.is_empty() { Exit::Done } else { Exit::Program })
}
