//! Bounds as one JSON object. Amounts are in nanogas.

use avm_asm::render::json;
use avm_ir::{
    Value,
    bound::{Bound, Cause, Part, Rounds, Sum},
    gas::{self, Term},
    value::Record,
    verify::CodePlace,
};

use super::Report;
use crate::{output::Out, report::hex};

/// The bounds as one line.
pub(super) fn show(report: &Report<'_>, out: &mut Out) {
    let bounds = &report.bounds;
    let regions = bounds.regions.iter().enumerate().map(|(number, bound)| {
        let name = Value::text(report.region(number as u32));
        record([("name", name), ("once", report.json(bound))])
    });
    let functions = bounds.functions.iter().map(|f| {
        let name = Value::text(report.function(f.function));
        let region = Value::text(report.region(f.function.region));
        record([("name", name), ("region", region), ("call", report.json(&f.bound))])
    });
    let labels = bounds.labels.iter().map(|label| {
        let mut fields = report.at(label.at);
        let bound = |bound: &Option<Bound>| bound.as_ref().map_or(Value::Null, |b| report.json(b));
        fields.insert("name".into(), Value::text(&label.name));
        fields.insert("to_next".into(), bound(&label.to_next));
        fields.insert("to_end".into(), bound(&label.to_end));
        Value::Record(fields)
    });
    let loops = bounds.loops.iter().map(|l| {
        let mut fields = report.at(l.at);
        fields.insert("label".into(), report.label(l.at).map_or(Value::Null, Value::text));
        fields.insert("depth".into(), number(u64::from(l.depth)));
        fields.insert("last".into(), Value::Record(report.at(l.back)));
        fields.insert("rounds".into(), l.rounds.map_or(Value::Null, rounds));
        fields.insert("round".into(), report.json(&l.round));
        fields.insert("total".into(), report.json(&l.total));
        Value::Record(fields)
    });
    let whole = Record::from_iter([
        ("program", report.json(&bounds.program)),
        ("regions", regions.collect::<Vec<_>>().into()),
        ("functions", functions.collect::<Vec<_>>().into()),
        ("labels", labels.collect::<Vec<_>>().into()),
        ("loops", loops.collect::<Vec<_>>().into()),
        ("program_hash", Value::from(hex(&report.program().hash()))),
        ("schedule_hash", Value::from(hex(&report.schedule.hash()))),
    ]);
    out.bytes(json(whole).as_bytes());
    out.bytes(b"\n");
}

fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Record(Record::from_iter(fields))
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn rounds(rounds: Rounds) -> Value {
    record([("least", number(rounds.least)), ("most", number(rounds.most))])
}

impl Report<'_> {
    fn at(&self, at: CodePlace) -> Record {
        let (file, line) = match self.line(at) {
            Some((file, line)) => (Value::text(file), number(u64::from(line))),
            None => (Value::Null, Value::Null),
        };
        Record::from_iter([
            ("region", Value::text(self.region(at.region))),
            ("instruction", number(u64::from(at.pc))),
            ("file", file),
            ("line", line),
        ])
    }

    fn json(&self, bound: &Bound) -> Value {
        match bound {
            Bound::Finite(sum) => self.sum_json(bound, sum),
            Bound::Unbounded(cause) => {
                let why = Value::from(self.cause(*cause));
                let (because, place) = match cause {
                    Cause::Loop(at) => ("loop", Value::Record(self.at(*at))),
                    Cause::Recursion(function) => {
                        ("recursion", Value::text(self.function(*function)))
                    }
                    Cause::Task(at) => ("task", Value::Record(self.at(*at))),
                    Cause::Tangle => ("tangle", Value::Null),
                };
                record([
                    ("kind", Value::text("unbounded")),
                    ("because", Value::text(because)),
                    ("at", place),
                    ("text", why),
                ])
            }
        }
    }

    fn sum_json(&self, bound: &Bound, sum: &Sum) -> Value {
        let kind = match (bound.is_exact(), sum.is_number()) {
            (true, _) => "exact",
            (false, true) => "at most",
            (false, false) => "symbolic",
        };
        let parts: Vec<Value> = sum.parts.iter().map(|part| self.part_json(*part)).collect();
        record([
            ("kind", Value::text(kind)),
            ("nanogas", number(sum.nanogas)),
            ("parts", parts.into()),
            ("others", number(sum.others)),
        ])
    }

    fn part_json(&self, part: Part) -> Value {
        let step = self.bounds.step(part.at);
        let op = self.program().regions[part.at.region as usize].code[part.at.pc as usize].op;
        let terms = step.open_terms(&self.schedule, op).map(|term| {
            let one = [Term { coefficient: gas::GAS, ..*term }];
            let text = gas::formula_text(&one);
            // Behind the coefficient of 1 stands the measure alone.
            let measure = text.split_once(" × ").map_or(&*text, |(_, measure)| measure);
            record([("nanogas", number(term.coefficient)), ("measure", Value::text(measure))])
        });
        let mut fields = self.at(part.at);
        fields.insert("mnemonic".into(), Value::text(op.mnemonic()));
        fields.insert("times".into(), number(part.times));
        fields.insert("terms".into(), terms.collect::<Vec<_>>().into());
        fields.insert("provider_price".into(), Value::Bool(step.has_provider_price()));
        Value::Record(fields)
    }
}
