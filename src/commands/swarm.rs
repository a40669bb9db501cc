//! `avm swarm`: many agents in one world.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use avm_ir::{Value, value::Record};
use avm_vm::{
    World,
    world::{Event, Keep, Rules, journal::Time},
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
        agent::OfAgent,
        asks::Asks,
        diagram,
        drive::{Drive, Left},
        explore::{self, Finding},
        findings, folder,
        interrupt::Interrupt,
        messages::{self, Log, Row},
        plan::Plan,
        recorded::{self, Recorded},
        snapshots::{self, Snapshots, When},
        summary::Summary,
        table::Table,
        tape::Tape,
    },
};

/// Does what is to be done with a swarm.
pub(crate) fn run(args: &Swarm) -> Outcome {
    match &args.command {
        SwarmCommand::Run(run) => go(run),
        SwarmCommand::Resume(resume) => resume_run(resume),
        SwarmCommand::Replay(replay) => again(replay),
        SwarmCommand::Messages(messages) => show(messages),
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
    table: Table,
    /// Most ticks in all.
    most: u64,
    /// When the world is kept.
    snapshots: When,
    /// Secret key of whoever signs the journal at the end.
    signer: Option<[u8; 32]>,
    json: bool,
    quiet: bool,
}

fn go(args: &Run) -> Outcome {
    let plan = Plan::read(&args.file)?;
    let signer = signer(&args.course)?;
    let interrupt = Interrupt::listen()?;
    let mut going = Going::new(&plan, &args.course, signer, &interrupt);
    let ready = match &args.go_on {
        Some(folder) => going.go_on(folder, &args.approve, &args.refuse)?,
        None => going.begin(args)?,
    };
    going.run(ready)
}

/// Secret key of whoever signs the journal.
fn signer(course: &Course) -> Outcome<Option<[u8; 32]>> {
    course.sign.as_deref().map(key::read).transpose()
}

fn resume_run(args: &Resume) -> Outcome {
    // Before the folder is another one.
    let signer = signer(&args.course)?;
    let named = match &args.run {
        Some(named) => named.clone(),
        None => recorded::latest()?,
    };
    let (folder, file) = folder::enter(&named)?;
    let plan = Plan::read(&file)?;
    let interrupt = Interrupt::listen()?;
    let mut going = Going::new(&plan, &args.course, signer, &interrupt);
    let ready = going.go_on(&folder, &args.approve, &args.refuse)?;
    going.run(ready)
}

impl<'a> Going<'a> {
    fn new(
        plan: &'a Plan,
        course: &Course,
        signer: Option<[u8; 32]>,
        interrupt: &'a Interrupt,
    ) -> Self {
        let Course { threads: said, ticks, snapshots, json, quiet, .. } = *course;
        Self {
            plan,
            threads: threads(said, plan.threads),
            interrupt,
            table: Table::new(!quiet && !json),
            most: ticks.unwrap_or(u64::MAX),
            snapshots: snapshots.or(plan.snapshots).unwrap_or_default(),
            signer,
            json,
            quiet,
        }
    }

    fn run(self, ready: Ready) -> Outcome {
        let Self { plan, threads, interrupt, mut table, most, signer, json, quiet, .. } = self;
        let Ready { mut world, mut asks, mut tape, snapshots, time, folder } = ready;
        let (asks, tape) = (&mut asks, &mut tape);
        let drive = Drive { asks, tape, snapshots, time, threads, interrupt, most };
        let left = drive.run(&mut world, &mut table)?;
        drop(table);
        if let Some(secret) = &signer {
            tape.sign(world.ticks(), secret)?;
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
        let world = plan.world(&rules, &mut tape, &mut self.table)?;
        tape.begun()?;
        let snapshots =
            folder.as_deref().map(|at| Snapshots::of(at, self.snapshots, Instant::now(), None));
        Ok(Ready { world, asks, tape, snapshots, time, folder })
    }

    /// A world that was left, as its journal has it, and what is said of payments that wait.
    fn go_on(&mut self, folder: &Path, approve: &[String], refuse: &[String]) -> Outcome<Ready> {
        let (recorded, kept) = Recorded::hold(folder)?;
        let begin = Instant::now();
        let (replay, mut asks, base) = self.latest(folder, &recorded)?;
        let mut rehearse = Rehearse { asks: &mut asks, table: &mut self.table };
        let (world, _) = recorded.play_on(replay, self.threads, self.interrupt, &mut rehearse)?;
        let tape = Tape::go_on(kept, &recorded.journal)?;
        // What was played again would have to be once more.
        let snapshots = Some(Snapshots::of(folder, self.snapshots, begin, base));
        let (time, folder) = (recorded.journal.start.time, Some(folder.to_owned()));
        let mut ready = Ready { world, asks, tape, snapshots, time, folder };
        let said = approve.iter().map(|name| (name, true));
        for (name, yes) in said.chain(refuse.iter().map(|name| (name, false))) {
            decide(&mut ready, name, yes, &mut self.table)?;
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
fn decide(ready: &mut Ready, name: &str, yes: bool, table: &mut Table) -> Outcome<()> {
    let world = &mut ready.world;
    let waits = world.approvals().find(|(agent, _)| world.name(*agent) == Some(name));
    let Some(agent) = waits.map(|(agent, _)| agent) else {
        return Err(Failure::usage(format!("there is no agent \"{name}\" that waits to pay")));
    };
    let event = Event::Approved { agent, yes };
    ready.tape.event(world.ticks(), &event)?;
    world.apply(&event, table).map_err(Failure::files)
}

/// Lets providers with a memory of their own have it again.
struct Rehearse<'a> {
    asks: &'a mut Asks,
    table: &'a mut Table,
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
        self.table.saw(now, happened);
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
