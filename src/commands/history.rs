//! `avm history`: what became of the code of a recorded run.

use avm_ir::{
    Value,
    value::{Record, to_json},
};

use super::diff;
use crate::{
    cli,
    exit::{Exit, Failure, Outcome},
    files,
    history::{History, draw},
    meter::number,
    output::Out,
};

/// Digits of a hash that people are shown.
const DIGITS: usize = 16;

/// Shows or draws it.
pub(crate) fn run(args: &cli::History) -> Outcome {
    let (journal, image) = diff::open(args.run.as_deref())?;
    let history = History::of(&journal, image).map_err(Failure::files)?;
    if let Some(path) = &args.svg {
        let title = args.run.as_ref().map_or_else(String::new, |run| run.display().to_string());
        let title = if title.is_empty() { String::from("history") } else { title };
        files::write(path, draw::svg(&history, &title).as_bytes())?;
    }
    let mut out = Out::new();
    if args.json {
        out.line(&to_json(&json(&history)));
    } else if args.dot {
        out.text(&draw::dot(&history));
    } else if args.svg.is_none() {
        text(&history, &mut out);
    }
    Ok(Exit::Done)
}

fn text(history: &History, out: &mut Out) {
    if history.versions.is_empty() {
        out.line("every region has the code that the program came with");
    }
    for region in history.regions() {
        out.line(&format!("region {region}"));
        for version in history.versions.iter().filter(|version| version.region == region) {
            let mark = if version.in_place { '>' } else { ' ' };
            let from = match version.made {
                None => String::from("as the program came"),
                Some(made) => {
                    let effect = made.effect.map_or_else(String::new, |n| format!(", effect {n}"));
                    format!("made by step {}{effect}, of {}", made.step, made.replaced)
                }
            };
            out.line(&format!("{mark} {}  {}  {from}", version.number, &version.hash[..DIGITS]));
        }
    }
    for change in &history.changes {
        let how = if change.reverts { "goes back" } else { "goes on" };
        out.line(&format!(
            "step {}: {} {how} from {} to {}",
            change.step, change.region, change.before, change.after
        ));
    }
    for point in &history.points {
        let code = point.code.iter().map(|(region, version)| format!(", {region} {version}"));
        let code: String = code.collect();
        let (number, label) = (point.number, &point.label);
        out.line(&format!("checkpoint {number} \"{label}\" at step {}{code}", point.step));
    }
    for refused in &history.refused {
        let when = refused.step.map_or_else(String::new, |step| format!(" at step {step}"));
        out.line(&format!("refused: effect {}{when}: {}", refused.effect, refused.why));
    }
}

fn record(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Record(Record::from_iter(fields))
}

fn json(history: &History) -> Value {
    let int = |count: u64| Value::Int(number(count));
    let text = |text: &str| Value::from(text);
    let or_null = |count: Option<u64>| count.map_or(Value::Null, int);
    let versions = history.versions.iter().map(|version| {
        record([
            ("number", int(version.number.into())),
            ("region", text(&version.region)),
            ("hash", text(&version.hash)),
            ("step", or_null(version.made.map(|made| made.step))),
            ("replaced", or_null(version.made.map(|made| made.replaced.into()))),
            ("effect", or_null(version.made.and_then(|made| made.effect))),
            ("in_place", Value::Bool(version.in_place)),
        ])
    });
    let changes = history.changes.iter().map(|change| {
        record([
            ("step", int(change.step)),
            ("region", text(&change.region)),
            ("before", int(change.before.into())),
            ("after", int(change.after.into())),
            ("reverts", Value::Bool(change.reverts)),
        ])
    });
    let points = history.points.iter().map(|point| {
        let code = point.code.iter().map(|(region, version)| {
            record([("region", text(region)), ("version", int((*version).into()))])
        });
        record([
            ("number", int(point.number as u64)),
            ("label", text(&point.label)),
            ("step", int(point.step)),
            ("code", Value::list(code.collect())),
        ])
    });
    let refused = history.refused.iter().map(|refused| {
        record([
            ("effect", int(refused.effect)),
            ("step", or_null(refused.step)),
            ("why", text(&refused.why)),
        ])
    });
    record([
        ("program", text(&history.program)),
        ("steps", int(history.steps)),
        ("versions", Value::list(versions.collect())),
        ("changes", Value::list(changes.collect())),
        ("checkpoints", Value::list(points.collect())),
        ("refused", Value::list(refused.collect())),
    ])
}
