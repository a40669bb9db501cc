//! `spec/isa.json`: the table for other languages. One instruction on a line, so that changes can be
//! read.

use avm_ir::{
    Gas, OpInfo, Schedule, Unread, Value,
    gas::{Term, formula_text},
    opcode::OPS,
    value::{Record, to_json},
};

/// Version of the file's shape.
const FORMAT: i64 = 1;

/// The whole file.
pub(crate) fn page() -> String {
    let schedule = Schedule::v1();
    let hash: String = schedule.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let rows: Vec<String> = OPS.iter().map(|info| to_json(&row(info))).collect();
    format!(
        "{{\"format\":{FORMAT},\"bytecode_version\":{},\n\"schedule\":{{\"hash\":\"{hash}\",\
         \"intrinsic_nanogas\":{},\"version\":{}}},\n\"instructions\":[\n{}\n]}}\n",
        avm_ir::program::VERSION,
        schedule.intrinsic,
        schedule.version,
        rows.join(",\n")
    )
}

fn row(info: &OpInfo) -> Value {
    let inputs = info.inputs.iter().map(|operand| {
        record([
            ("name", operand.name.into()),
            ("aliases", texts(operand.aliases)),
            ("kind", operand.kind.name().into()),
            ("default", Value::from(operand.default.to_string())),
            ("doc", operand.doc.into()),
        ])
    });
    let outputs = info.outputs.iter().map(|output| {
        record([
            ("name", output.name.into()),
            ("aliases", texts(output.aliases)),
            ("kind", output.kind.name().into()),
            ("optional", output.optional.into()),
            ("doc", output.doc.into()),
        ])
    });
    record([
        ("opcode", Value::Int(info.opcode as i64)),
        ("mnemonic", info.mnemonic.into()),
        ("aliases", texts(info.aliases)),
        ("family", info.family.into()),
        ("usage", Value::from(info.usage())),
        ("summary", info.summary.into()),
        ("inputs", Value::list(inputs.collect())),
        ("outputs", Value::list(outputs.collect())),
        ("gas", Value::list(info.gas.iter().map(term).collect())),
        ("gas_text", Value::from(formula_text(info.gas))),
        ("sets", info.sets.map_or(Value::Null, |word| word.name().into())),
        ("reach", info.reach.map_or(Value::Null, |reach| reach.name().into())),
        (
            "unread",
            if info.unread == Unread::Fine { Value::Null } else { info.unread.name().into() },
        ),
        ("semantics", info.semantics.into()),
        ("source", info.source.into()),
        ("since", Value::Int(i64::from(info.since))),
    ])
}

fn term(term: &Term) -> Value {
    record([
        ("nanogas", Value::Int(term.coefficient as i64)),
        ("name", term.name.map_or(Value::Null, Value::from)),
        ("measure", Value::from(format!("{:?}", term.measure))),
        ("gas", Value::from(Gas(term.coefficient).to_string())),
    ])
}

fn texts(words: &[&str]) -> Value {
    Value::list(words.iter().map(|word| Value::from(*word)).collect())
}

fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Record(Record::from_iter(fields))
}
