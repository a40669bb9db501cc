//! `avm run`: load, bind, drive the machine to its end, tell.

use std::{sync::Arc, time::Instant};

use avm_asm::SourceFile;
use avm_ir::{
    Schedule, Value,
    gas::GAS,
    value::{Record, to_text},
};
use avm_plugins::registry::Registry;
use avm_vm::{
    Config, End, Image, InputError, Limits, Machine, OnExhausted, Pause, machine::STATE_REGISTER,
};

use crate::{
    cli,
    commands::check,
    config, end,
    exit::{Exit, Failure, Outcome},
    inputs, library,
    meter::{Meter, Totals, number},
    output::{Out, note, note_styled},
    program, providers, state_file,
    summary::{self, Summary},
};

/// Instructions between two looks at the outside; notes reach standard output that often.
const SLICE: u64 = 1 << 16;
/// Gas granted where nobody says otherwise.
const DEFAULT_GAS: u64 = 1_000 * GAS;

/// Runs a program.
pub(crate) fn run(args: &cli::Run) -> Outcome {
    let config = config::load(&args.file)?;
    let source = program::read(&args.file, args.dialect)?;
    let mut out = Out::new();
    if args.json {
        check::json_lines(&source, &mut out);
        if source.program.is_none() {
            return Ok(Exit::Program);
        }
    }
    let loaded = source.accept(args.json)?;
    let manifest = loaded.program.program().manifest.clone();

    let memory = args.memory.or(config.run.memory).unwrap_or(Limits::default().memory);
    let policy = args.on_exhausted.or(config.run.on_exhausted);
    let settings = Config {
        gas: args.gas.or(config.run.gas).map_or(DEFAULT_GAS, |gas| gas.0),
        budget: avm_vm::Budget::UNLIMITED,
        on_exhausted: policy.map_or(OnExhausted::Halt, OnExhausted::from),
        limits: Limits { memory, ..Limits::default() },
        seed: args.seed,
        inputs: inputs::collect(&args.input, args.ask.as_deref(), memory)?,
        keepsake: match &args.state {
            Some(path) => state_file::load(path, memory)?,
            None => None,
        },
    };
    let on_exhausted = settings.on_exhausted;
    let image = Arc::new(Image::new(loaded.program, &Schedule::v1()));
    let mut machine = Machine::new(image, settings).map_err(|error| refused(args, &error))?;

    let mut library = library::open(args.store.as_deref())?;
    let mut indexed = Vec::new();
    for docs in &args.docs {
        indexed.push(library::index(&mut library, docs, &manifest)?);
    }
    let mut registry = providers::bind(args, &config, library)?;

    if args.json {
        start(&mut out, &machine);
    }
    let (ended, totals) = if args.quiet {
        drive::<false>(&mut machine, &mut registry, &mut out, args.json)
    } else {
        drive::<true>(&mut machine, &mut registry, &mut out, args.json)
    };
    let kept = keep(args, &machine, &mut registry);
    let exit = exit_of(&ended, on_exhausted);
    if args.json {
        finish(&mut out, &machine, &ended, exit, args.registers);
    } else {
        result(&mut out, &machine, &ended);
        if args.registers {
            out.text(&avm_dbg::view(&machine));
        }
        out.flush();
        tell(&machine, &ended, on_exhausted, &loaded.files);
        if !args.quiet {
            let end = &ended;
            let summary =
                Summary { machine: &machine, end, totals, registry: &registry, indexed: &indexed };
            note(&summary::text(&summary, on_exhausted));
        }
    }
    kept?;
    Ok(exit)
}

/// Runs the machine to its end.
fn drive<const STEPS: bool>(
    machine: &mut Machine,
    registry: &mut Registry,
    out: &mut Out,
    json: bool,
) -> (End, Totals) {
    let mut meter = Meter::<STEPS>::new(out, json);
    loop {
        match machine.run(SLICE, &mut meter) {
            Pause::Slice => meter.flush(),
            Pause::Effect(request) => {
                meter.flush();
                let begin = Instant::now();
                let answer = registry.answer(&request);
                let provider = registry.provider_of(&request).unwrap_or("nobody");
                meter.answering(provider, begin.elapsed());
                // The request is the one that waits, so its answer is taken.
                let _ = machine.answer(request.id, answer, &mut meter);
            }
            Pause::End(end) => return (end, meter.totals),
        }
    }
}

/// Why the machine does not start, as a matter of the command line or of the state file.
fn refused(args: &cli::Run, error: &InputError) -> Failure {
    match (error, &args.state) {
        (InputError::Keepsake, Some(path)) => {
            Failure::files(format!("{}: {error}", path.display()))
        }
        (InputError::Unknown(name), _) if name == STATE_REGISTER && args.ask.is_some() => {
            Failure::usage("--ask: the program does not use R_state, so it hears no question")
        }
        (InputError::Missing(name), _) => {
            Failure::usage(format!("{error}; give it with --input {name}=VALUE"))
        }
        _ => Failure::usage(error),
    }
}

/// Saves what outlives the run, however it ended.
fn keep(args: &cli::Run, machine: &Machine, registry: &mut Registry) -> Outcome<()> {
    let flushed = registry.flush();
    if let Some(path) = &args.state {
        state_file::save(path, &machine.keepsake())?;
    }
    flushed.map_err(|failure| Failure::files(format!("store: {failure}")))
}

fn exit_of(end: &End, on_exhausted: OnExhausted) -> Exit {
    match end {
        End::Halted(_) => Exit::Done,
        End::Exhausted(_) if on_exhausted == OnExhausted::Suspend => Exit::Suspended,
        End::Exhausted(_) => Exit::Exhausted,
        End::Trapped(_) => Exit::Trap,
    }
}

/// The result on standard output: the value, else the assistant's last word.
fn result(out: &mut Out, machine: &Machine, ended: &End) {
    if let Some(value) = end::value(ended) {
        out.line(&to_text(value));
    } else if let (End::Halted(_), Some(answer)) =
        (ended, inputs::answer(machine.register(STATE_REGISTER)))
    {
        out.line(answer);
    }
}

/// Says on standard error why a run did not halt; `--quiet` does not silence that.
fn tell(machine: &Machine, ended: &End, on_exhausted: OnExhausted, files: &[SourceFile]) {
    match ended {
        End::Halted(_) => {}
        End::Trapped(trap) => note_styled(&end::trap(machine, trap, files)),
        End::Exhausted(_) if on_exhausted == OnExhausted::Suspend => note(&format!(
            "suspended: out of gas {}\n\
             resume is not built yet: the suspended run is not kept on disk, so run again with more --gas",
            end::exhausted(machine)
        )),
        End::Exhausted(_) => note(&format!("exhausted: out of gas {}", end::exhausted(machine))),
    }
}

/// The first line of `--json`.
fn start(out: &mut Out, machine: &Machine) {
    let image = machine.image();
    let fields = Record::from_iter([
        ("program", Value::from(hex(&image.program_hash()))),
        ("schedule", Value::from(hex(&image.schedule_hash()))),
        ("gas_limit", Value::Int(number(machine.gas_limit()))),
    ]);
    out.event("start", fields);
}

/// The last lines of `--json`.
fn finish(out: &mut Out, machine: &Machine, ended: &End, exit: Exit, registers: bool) {
    if registers {
        let all = machine.registers().map(|(name, value)| (name, value.clone()));
        let all = Value::Record(Record::from_iter(all));
        out.event("registers", Record::from_iter([("registers", all)]));
    }
    let mut record = Record::from_iter([
        ("exit", Value::Int(exit as i64)),
        ("gas_used", Value::Int(number(machine.gas_used()))),
        ("gas_limit", Value::Int(number(machine.gas_limit()))),
        ("steps", Value::Int(number(machine.steps()))),
        ("effects", Value::Int(number(machine.effects()))),
        ("state", Value::from(hex(&machine.state_hash()))),
    ]);
    let mut set = |name: &str, value: Value| record.insert(name.into(), value);
    let program = machine.image().program();
    let mut at = Some(machine.at());
    match ended {
        End::Halted(value) => {
            set("end", Value::text("halted"));
            set("value", value.clone());
            if let Some(answer) = inputs::answer(machine.register(STATE_REGISTER)) {
                set("answer", Value::text(answer));
            }
            at = None;
        }
        End::Exhausted(_) if exit == Exit::Suspended => drop(set("end", Value::text("suspended"))),
        End::Exhausted(_) => drop(set("end", Value::text("exhausted"))),
        End::Trapped(trap) => {
            set("end", Value::text("trapped"));
            set("trap", Value::text(trap.code.name()));
            set("message", Value::text(&trap.message));
            at = Some(trap.at);
        }
    }
    if let Some(at) = at {
        let region = program.regions.get(at.region as usize).map_or("", |region| &region.name);
        set("region", Value::text(region));
        set("instruction", Value::Int(i64::from(at.pc)));
        if let Some((file, line, column)) = end::place(program, at) {
            set("file", Value::text(file));
            set("line", Value::Int(i64::from(line)));
            set("column", Value::Int(i64::from(column)));
        }
    }
    out.event("end", record);
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
