//! `avm policy`: what an operator allows agents to do with their own code, looked at before any runs.

use std::{path::Path, sync::Arc};

use avm_ir::{
    Program, Schedule, Value,
    program::{MAIN, Perm, Perms},
    value::{Record, to_json},
};
use avm_plugins::provider::Coder;
use avm_vm::{Config, Image, Machine, Policy, policy::ClauseKind};

use crate::{
    cli::{self, Dialect, PolicyCommand},
    code_policy,
    coder::Assembler,
    exit::{Exit, Failure, Outcome},
    files,
    modules::Modules,
    output::Out,
    program,
};

/// Largest patch that is read, in bytes.
const MAX_PATCH: u64 = 16 << 20;

/// Checks a policy.
pub(crate) fn run(args: &cli::Policy) -> Outcome {
    let PolicyCommand::Check { policy: path, program, patch, region, json } = &args.command;
    let mut out = Out::new();
    let Some(file) = program else {
        code_policy::load(path, None)?;
        let said = "the file is fine; name a program to see what it means for its regions";
        if *json {
            out.line(&to_json(&record([("ok", Value::Bool(true))])));
        } else {
            out.line(&format!("{}: {said}", path.display()));
        }
        return Ok(Exit::Done);
    };
    let program = program::load(file, Dialect::Standard)?.program;
    let policy = Arc::new(code_policy::load(path, Some(program.program()))?);
    let rows = rows(&policy, program.program());
    let (Some(patch), Some(region)) = (patch, region) else {
        if *json {
            let regions = rows.iter().map(Row::json).collect::<Vec<_>>();
            out.line(&to_json(&record([("ok", Value::Bool(true)), ("regions", regions.into())])));
        } else {
            rows.iter().for_each(|row| row.tell(&mut out));
        }
        return Ok(Exit::Done);
    };
    let inputs = program.program().inputs.iter().filter(|input| input.default.is_none());
    let names = &program.program().registers;
    let config = Config {
        inputs: inputs
            .map(|input| (names[usize::from(input.register)].clone(), Value::Null))
            .collect(),
        policy: Some(policy),
        ..Config::default()
    };
    let image = Arc::new(Image::new(program, &Schedule::v1()));
    let machine = Machine::new(image, config).map_err(Failure::usage)?;
    let bytes = bytes_of(&machine, region, patch)?;
    let (said, exit) = match machine.consider(region, &bytes) {
        Ok(None) => ("passes".to_owned(), Exit::Done),
        Ok(Some(wanted)) => (format!("passes, but {wanted}"), Exit::Done),
        Err(failure) => (format!("refused: {}", failure.message), Exit::Program),
    };
    if *json {
        let ok = Value::Bool(exit == Exit::Done);
        out.line(&to_json(&record([("ok", ok), ("said", Value::text(&said))])));
    } else {
        out.line(&format!("{}: {said}", patch.display()));
    }
    Ok(exit)
}

/// The patch in a file, whatever its form.
fn bytes_of(machine: &Machine, region: &str, path: &Path) -> Outcome<Vec<u8>> {
    let bytes = files::read(path, MAX_PATCH)?;
    if bytes.starts_with(b"AVMP") {
        return Ok(bytes);
    }
    let code = match String::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(error) => Value::Bytes(error.into_bytes().into()),
    };
    let patch = Assembler::with(Modules::default()).patch(machine.image().program(), region, &code);
    let patch = patch.map_err(|refusal| {
        Failure::files(format!("{}: {}", path.display(), refusal.failure.message))
    })?;
    Ok(patch.to_bytes())
}

/// What a policy means for a region.
struct Row {
    region: String,
    bits: Perms,
    /// Why it can never be replaced, if it cannot.
    fixed: Option<String>,
    clauses: Vec<String>,
}

impl Row {
    fn bits(&self) -> impl Iterator<Item = &'static str> {
        self.bits.iter().map(Perm::name)
    }

    fn tell(&self, out: &mut Out) {
        let bits: Vec<&str> = self.bits().collect();
        let bits = if bits.is_empty() { "no bits".to_owned() } else { bits.join(",") };
        let said = match (&self.fixed, self.clauses.as_slice()) {
            (Some(why), _) => format!("never replaced: {why}"),
            (None, []) => "replaced as its program allows".to_owned(),
            (None, clauses) => format!("replaced under {}", clauses.join(", ")),
        };
        out.line(&format!("{:<20} {bits:<24} {said}", self.region));
    }

    fn json(&self) -> Value {
        let texts = |texts: Vec<&str>| -> Value {
            texts.into_iter().map(Value::text).collect::<Vec<_>>().into()
        };
        record([
            ("region", Value::text(&self.region)),
            ("perms", texts(self.bits().collect())),
            ("replaced", Value::Bool(self.fixed.is_none())),
            ("why", self.fixed.as_deref().map_or(Value::Null, Value::text)),
            ("clauses", texts(self.clauses.iter().map(String::as_str).collect())),
        ])
    }
}

fn rows(policy: &Policy, program: &Program) -> Vec<Row> {
    let row = |region: &avm_ir::program::Region| {
        let bits = policy.perms(&region.name, region.perms);
        let listed = policy.regions.as_ref().is_none_or(|names| names.contains(&region.name));
        let changes = |bits: Perms| bits.has(Perm::Modify) || bits.has(Perm::Append);
        let fixed = if region.perms.has(Perm::Lock) || region.name == MAIN {
            Some("it is locked".to_owned())
        } else if !changes(region.perms) {
            Some("its program does not allow it".to_owned())
        } else if !changes(bits) {
            Some(format!("perms.{}", region.name))
        } else if !listed {
            Some("regions".to_owned())
        } else {
            None
        };
        let clauses = policy.clauses(&region.name);
        let clauses = clauses.filter(|clause| fixed.is_none() && clause.kind != ClauseKind::Perms);
        Row {
            region: region.name.clone(),
            bits,
            clauses: clauses.map(|clause| clause.to_string()).collect(),
            fixed,
        }
    };
    program.regions.iter().map(row).collect()
}

fn record<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Record(Record::from_iter(fields))
}
