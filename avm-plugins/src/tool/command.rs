//! A program of the operator as a tool or plugin: one process a call, no shell.
//!
//! The operator chooses program, arguments, folder and environment. What an agent says reaches the
//! process as data: on its standard input, and as whole arguments where the operator put a
//! placeholder. `spec/providers.md` describes keys and conventions.

#[allow(clippy::disallowed_methods, reason = "a process is waited for by the real clock")]
mod process;

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use avm_ir::{Value, wire::hex};
use avm_vm::FailureCode;
use serde::Deserialize;

use super::{
    functions::{Functions, Role, functions, offered},
    wire::{Input, Output, first_line, most_bytes, too_large, too_late},
};
use crate::{
    provider::{
        Call, Determinism, Function, Manifest, Outcome, Plugin, Provider, Reaches, Refusal, Tool,
    },
    settings::{BadSettings, Settings},
};
use process::{Done, End, Job};

/// Variable of the environment with the effect's idempotency key, in hexadecimal.
const KEY: &str = "AVM_IDEMPOTENCY_KEY";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    command: Vec<String>,
    #[serde(default)]
    fill: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, String>,
    cwd: Option<String>,
    input: Option<Input>,
    #[serde(default)]
    output: Output,
    #[serde(default)]
    functions: Functions,
    #[serde(default)]
    cost: u64,
}

/// An argument of the program.
enum Argument {
    Fixed(String),
    /// The text of that field of the call's arguments.
    Field(String),
}

/// A program as a tool or plugin.
pub struct Command {
    name: String,
    program: PathBuf,
    arguments: Vec<Argument>,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
    input: Input,
    output: Output,
    functions: Vec<Function>,
    cost: u64,
}

impl Command {
    /// A program as a tool.
    ///
    /// # Errors
    /// A key is missing or wrong.
    pub fn tool(settings: &Settings) -> Result<Self, BadSettings> {
        Self::new(Role::Tool, settings)
    }

    /// A program as a plugin.
    ///
    /// # Errors
    /// A key is missing or wrong.
    pub fn plugin(settings: &Settings) -> Result<Self, BadSettings> {
        Self::new(Role::Plugin, settings)
    }

    fn new(role: Role, settings: &Settings) -> Result<Self, BadSettings> {
        let keys: Keys = settings.read()?;
        let mut words = keys.command.into_iter();
        let program = words.next().filter(|program| !program.is_empty()).ok_or_else(|| {
            BadSettings::new("command: wants a program and its arguments, such as [\"bin/tool\"]")
        })?;
        let arguments: Vec<Argument> = words.map(|word| argument(word, &keys.fill)).collect();
        for field in &keys.fill {
            let used = |argument: &Argument| matches!(argument, Argument::Field(f) if f == field);
            if !arguments.iter().any(used) {
                let message = format!("fill: no argument of command is \"{{{field}}}\"");
                return Err(BadSettings::new(message));
            }
        }
        let kind = if role == Role::Tool { "tool" } else { "plugin" };
        Ok(Self {
            name: format!("{kind} \"{}\"", settings.name),
            program: find(settings, &program)?,
            arguments,
            environment: environment(settings, &keys.env, keys.set)?,
            folder: absolute(settings, keys.cwd.as_deref().unwrap_or("."))?,
            input: keys.input.unwrap_or(Input::Call),
            output: keys.output,
            functions: functions(role, &keys.functions)?,
            cost: keys.cost,
        })
    }

    fn run(&self, call: &Call, function: &str, args: &Value) -> Outcome {
        offered(&self.functions, function)?;
        let arguments = self.arguments.iter().map(|argument| filled(argument, args));
        let arguments: Vec<String> = arguments.collect::<Result<_, _>>()?;
        let most = most_bytes(call);
        // What is asked again after a crash comes with the same one.
        let key = hex(&call.idempotency_key.bytes());
        let environment = { self.environment.iter().cloned() }.chain([(KEY.into(), key.into())]);
        let environment: Vec<(OsString, OsString)> = environment.collect();
        let job = Job {
            program: &self.program,
            arguments: &arguments,
            environment: &environment,
            folder: &self.folder,
            input: &self.input.bytes(function, args)?,
            max_bytes: usize::try_from(most).unwrap_or(usize::MAX),
            timeout: call.timeout,
        };
        let Done { end, stdout, stderr } = process::run(&job).map_err(|error| {
            let message = format!("{} cannot run {}: {error}", self.name, self.program.display());
            Refusal::new(FailureCode::Internal, message)
        })?;
        match end {
            End::Exited(0) => self.output.reply(&self.name, call, stdout),
            End::Exited(status) => {
                let how = format!("ended with exit code {status}");
                Err(self.broken(code_of(status), &how, &stderr))
            }
            End::Killed(signal) => {
                let how = format!("was killed by signal {signal}");
                Err(self.broken(FailureCode::Internal, &how, &stderr))
            }
            End::TooLate => Err(too_late(&self.name, call)),
            End::TooLarge => Err(too_large(&self.name, most)),
        }
    }

    fn broken(&self, code: FailureCode, how: &str, stderr: &[u8]) -> Refusal {
        let (name, said) = (&self.name, first_line(stderr));
        let colon = if said.is_empty() { "" } else { ": " };
        Refusal::new(code, format!("{name} {how}{colon}{said}"))
    }
}

/// The failure that an exit code stands for, by the convention of `sysexits.h`.
const fn code_of(status: i32) -> FailureCode {
    match status {
        64 | 65 => FailureCode::InvalidArgument,
        66..=68 => FailureCode::NotFound,
        69 | 75 => FailureCode::Unavailable,
        77 => FailureCode::Denied,
        _ => FailureCode::Internal,
    }
}

/// `{city}` is a placeholder if the operator lists `city`.
fn argument(word: String, fill: &[String]) -> Argument {
    let field = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match field.filter(|field| fill.iter().any(|name| name == field)) {
        Some(field) => Argument::Field(field.to_owned()),
        None => Argument::Fixed(word),
    }
}

/// An argument as the program gets it. What an agent says is never taken for an option.
fn filled(argument: &Argument, args: &Value) -> Result<String, Refusal> {
    let field = match argument {
        Argument::Fixed(word) => return Ok(word.clone()),
        Argument::Field(field) => field,
    };
    let value = match args {
        Value::Record(record) => record.get(field),
        _ => None,
    };
    let text = match value {
        Some(Value::Text(text)) => text.as_str().to_owned(),
        Some(Value::Int(int)) => int.to_string(),
        Some(Value::Bool(is)) => is.to_string(),
        other => {
            let found = other.map_or("nothing", Value::type_name);
            let message = format!("field {field} must be a text, an int or a bool, found {found}");
            return Err(Refusal::invalid(message));
        }
    };
    let why = match text.as_str() {
        "" => "is empty",
        text if text.starts_with('-') => "begins with \"-\"",
        text if text.contains('\0') => "contains NUL",
        text if text.len() > 4096 => "is longer than 4096 bytes",
        _ => return Ok(text),
    };
    Err(Refusal::invalid(format!("field {field} {why}, so it is no argument")))
}

/// The program's file: a path of the configuration, or for a name without a folder a file beside the
/// configuration, or else what the operator's own PATH finds, once, when the tool is bound.
fn find(settings: &Settings, program: &str) -> Result<PathBuf, BadSettings> {
    let beside = absolute(settings, program)?;
    if program.contains('/') || beside.is_file() {
        return Ok(beside);
    }
    let path = settings.host.variable("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let found = { folders }.map(|folder| folder.join(program)).find(|file| file.is_file());
    found.ok_or_else(|| {
        let message =
            format!("command: no program {program:?} beside the configuration or on PATH");
        BadSettings::new(message)
    })
}

/// A path of the configuration, from the root: the process starts in another folder.
fn absolute(settings: &Settings, path: &str) -> Result<PathBuf, BadSettings> {
    let absolute = std::path::absolute(settings.host.path(path));
    absolute.map_err(|error| BadSettings::new(format!("{path}: {error}")))
}

/// The environment of the program: what is set, and the listed variables that there are.
fn environment(
    settings: &Settings,
    listed: &[String],
    set: BTreeMap<String, String>,
) -> Result<Vec<(OsString, OsString)>, BadSettings> {
    let bad = |name: &&str| name.is_empty() || name.contains(['=', '\0']);
    if let Some(name) = listed.iter().chain(set.keys()).map(String::as_str).find(bad) {
        return Err(BadSettings::new(format!("{name:?} is no name of an environment variable")));
    }
    if let Some(name) = set.iter().find(|(_, value)| value.contains('\0')).map(|(name, _)| name) {
        return Err(BadSettings::new(format!("set.{name} contains NUL")));
    }
    let inherited = listed
        .iter()
        .filter_map(|name| Some((OsString::from(name), settings.host.variable(name)?)));
    let set = set.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Ok(inherited.chain(set).collect())
}

impl Provider for Command {
    fn manifest(&self) -> Manifest {
        Manifest {
            about: format!("the program {}", self.program.display()),
            functions: self.functions.clone(),
            determinism: Determinism::Outside,
            reaches: Reaches::Processes,
            cost: self.cost,
        }
    }
}

impl Tool for Command {
    fn read(&self, call: &Call, args: &Value) -> Outcome {
        self.run(call, "read", args)
    }

    fn write(&self, call: &Call, data: &Value) -> Outcome {
        self.run(call, "write", data)
    }
}

impl Plugin for Command {
    fn call(&self, call: &Call, function: &str, args: &Value) -> Outcome {
        self.run(call, function, args)
    }
}

#[cfg(test)]
mod tests;
