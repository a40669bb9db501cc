//! `avm gas`: the most gas that a program and its parts can cost, without a run.

mod json;
mod text;

use avm_ir::{
    Program, Schedule, Verified,
    bound::{Bounds, Cause},
    verify::{CodePlace, FuncPlace},
};

use crate::{
    cli::GasBounds,
    commands::check,
    exit::{Exit, Outcome},
    output::Out,
    program,
};

/// Shows the bounds of a program.
pub(crate) fn run(args: &GasBounds) -> Outcome {
    let mut out = Out::new();
    let source = program::read(&args.file, args.dialect)?;
    if args.json && source.program.is_none() {
        check::json_lines(&source, &mut out);
    }
    // Warnings are for those who check or run it.
    let shown = args.json || source.program.is_some();
    let name = source.name.clone();
    let loaded = source.accept(shown)?;
    let schedule = Schedule::v1();
    let report = Report {
        name,
        program: &loaded.program,
        bounds: Bounds::new(&loaded.program, &schedule),
        schedule,
    };
    if args.json {
        json::show(&report, &mut out)
    } else {
        text::show(&report, &mut out)
    }
    Ok(Exit::Done)
}

/// A program's bounds with what names its places.
struct Report<'a> {
    name: String,
    program: &'a Verified,
    bounds: Bounds,
    schedule: Schedule,
}

impl Report<'_> {
    fn program(&self) -> &Program {
        self.program.program()
    }

    fn region(&self, number: u32) -> &str {
        self.program().regions.get(number as usize).map_or("", |region| &region.name)
    }

    fn function(&self, place: FuncPlace) -> &str {
        let region = self.program().regions.get(place.region as usize);
        let function = region.and_then(|region| region.functions.get(place.function as usize));
        function.map_or("", |function| &function.name)
    }

    /// File and line of an instruction, where debug data says so.
    fn line(&self, at: CodePlace) -> Option<(&str, u32)> {
        let place = self.program().place(at.region as usize, at.pc as usize)?;
        let file = self.program().debug.as_ref()?.files.get(usize::from(place.file))?;
        Some((file, place.line))
    }

    /// Name of the first label at an instruction.
    fn label(&self, at: CodePlace) -> Option<&str> {
        // They stand in the order of their places.
        let labels = &self.bounds.labels;
        let label = labels.get(labels.partition_point(|label| label.at < at))?;
        (label.at == at).then_some(&*label.name)
    }

    /// Where an instruction stands, for people: a line, or its number in its region.
    fn place(&self, at: CodePlace) -> String {
        match self.line(at) {
            Some((file, line)) => format!("{file}:{line}"),
            None => format!("instruction {} of {}", at.pc, self.region(at.region)),
        }
    }

    /// Why there is no bound, behind "because of" or "because".
    fn cause(&self, cause: Cause) -> String {
        match cause {
            Cause::Loop(at) => match self.label(at) {
                Some(label) => format!("because of the loop at {label}, {}", self.place(at)),
                None => format!("because of the loop at {}", self.place(at)),
            },
            Cause::Recursion(function) => {
                format!("because {} calls itself", self.function(function))
            }
            Cause::Task(at) => format!("because of the task scheduled at {}", self.place(at)),
            Cause::Tangle => "because jumps lead into the middle of loops".to_owned(),
        }
    }
}
