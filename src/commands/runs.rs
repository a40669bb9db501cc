//! `avm runs`: the runs that are kept, and `avm runs prune`: fewer of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use avm_ir::{Gas, Value, value::Record};

use crate::{
    cli::{Prune, Runs, RunsCommand},
    exit::{Exit, Outcome},
    meter::number,
    output::{Out, note},
    report::hex,
    runs::{self, Run, Stands},
    swarm::glance::Sums,
};

const DAY: Duration = Duration::from_hours(24);

/// Lists or removes runs.
pub(crate) fn run(args: &Runs) -> Outcome {
    match &args.command {
        Some(RunsCommand::Prune(prune_args)) => prune(prune_args),
        None => list(args),
    }
}

fn list(args: &Runs) -> Outcome {
    let runs = runs::list(&args.place.folder)?;
    let mut out = Out::new();
    if args.json {
        runs.iter().for_each(|run| out.bytes(&line(run)));
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        note(&format!("{}: there are no runs here", args.place.folder.display()));
        return Ok(Exit::Done);
    }
    let now = SystemTime::now();
    let heads = ["run", "program", "written", "end", "steps", "gas"].map(str::to_owned);
    let rows: Vec<[String; 6]> =
        std::iter::once(heads).chain(runs.iter().map(|run| row(run, now))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; 6] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let remarks = std::iter::once(String::new()).chain(runs.iter().map(remark));
    for (row, remark) in rows.iter().zip(remarks) {
        let mut text = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Numbers stand to the right.
            let numeric = column >= 4;
            let cell = if numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            text.push_str(&cell);
            text.push_str("  ");
        }
        out.line((text + &remark).trim_end());
    }
    Ok(Exit::Done)
}

fn row(run: &Run, now: SystemTime) -> [String; 6] {
    let age = now.duration_since(run.written).unwrap_or_default();
    [
        run.folder.display().to_string(),
        run.program.display().to_string(),
        words(age),
        run.stands.words(),
        match run.steps {
            // What happened since then nobody wrote down.
            Some(steps) if run.gas.is_none() => format!("{steps}+"),
            Some(steps) => steps.to_string(),
            None => String::new(),
        },
        run.gas.map_or_else(String::new, |gas| Gas(gas).to_string()),
    ]
}

/// What is wrong with it, or where a fork comes from.
fn remark(run: &Run) -> String {
    if let Stands::Broken(why) = &run.stands {
        return why.clone();
    }
    if let Some((ticks, sums)) = &run.swarm {
        return match sums {
            Some(Sums { agents, messages, .. }) => {
                let agents = counted(u64::from(*agents), "agent");
                format!("{agents}, {}, {}", counted(*messages, "message"), counted(*ticks, "tick"))
            }
            None => format!("a swarm, {}", counted(*ticks, "tick")),
        };
    }
    match (&run.parent, &run.parent_folder) {
        (Some(parent), Some(folder)) => {
            format!("from {} at step {}", folder.display(), parent.steps)
        }
        (Some(parent), None) => {
            format!("from a run that is not here, at step {}", parent.steps)
        }
        (None, _) => String::new(),
    }
}

/// So many of something.
fn counted(number: u64, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

/// How long ago, in one unit.
fn words(age: Duration) -> String {
    match age.as_secs() {
        0..60 => "now".to_owned(),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} days ago", seconds / DAY.as_secs()),
    }
}

/// A run as a line of JSON.
fn line(run: &Run) -> Vec<u8> {
    let written = run.written.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let words = run.stands.words();
    let end = words.split(',').next().unwrap_or_default();
    let mut fields = Record::from_iter([
        ("run", Value::from(run.folder.display().to_string())),
        ("program", Value::from(run.program.display().to_string())),
        ("written", Value::Int(number(written))),
        ("end", Value::text(end)),
    ]);
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.into(), value);
        }
    };
    set("steps", run.steps.map(|steps| Value::Int(number(steps))));
    set("gas_used", run.gas.map(|gas| Value::Int(number(gas))));
    set("why", why(&run.stands).map(Value::from));
    if let Some((ticks, sums)) = &run.swarm {
        set("ticks", Some(Value::Int(number(*ticks))));
        set("agents", sums.map(|sums| Value::Int(i64::from(sums.agents))));
        set("messages", sums.map(|sums| Value::Int(number(sums.messages))));
    }
    if let Some(parent) = &run.parent {
        set("parent", Some(Value::from(hex(&parent.link))));
        set("parent_steps", Some(Value::Int(number(parent.steps))));
        let folder = run.parent_folder.as_ref();
        set("parent_run", folder.map(|folder| Value::from(folder.display().to_string())));
    }
    let mut bytes = avm_asm::render::json(fields).into_bytes();
    bytes.push(b'\n');
    bytes
}

/// The meter, trap or mistake that the end is about.
fn why(stands: &Stands) -> Option<String> {
    use avm_vm::journal::Rest;
    match stands {
        Stands::Broken(why) => Some(why.clone()),
        Stands::Over(Rest::Exhausted(meter)) | Stands::Suspended(Some(meter)) => {
            Some(meter.name().to_owned())
        }
        Stands::Over(Rest::Trapped(code)) => Some(code.name().to_owned()),
        Stands::Over(Rest::Halted)
        | Stands::All(_)
        | Stands::Running
        | Stands::Suspended(None)
        | Stands::Cut => None,
    }
}

fn prune(args: &Prune) -> Outcome {
    let runs = runs::list(&args.place.folder)?;
    let (all, now) = (runs.len(), SystemTime::now());
    let may = |run: &Run| match run.stands {
        Stands::Running => false,
        _ => args.unfinished || run.stands.is_over(),
    };
    let old = |run: &Run| {
        let Some(days) = args.older_than else { return true };
        now.duration_since(run.written).is_ok_and(|age| age > DAY * days)
    };
    let mut out = Out::new();
    let mut removed = 0;
    let rest = runs.iter().skip(args.keep.unwrap_or(0));
    for run in rest.filter(|run| may(run) && old(run)) {
        let folder = run.folder.display();
        if args.dry_run {
            out.line(&format!("would remove {folder}"));
        } else if run.remove()? {
            out.line(&format!("removed {folder}"));
        } else {
            continue;
        }
        removed += 1;
    }
    out.flush();
    let s = if all == 1 { "" } else { "s" };
    let done = if args.dry_run { "would be removed" } else { "removed" };
    note(&format!("{removed} of {all} run{s} {done}"));
    Ok(Exit::Done)
}
