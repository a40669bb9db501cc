//! Breakpoints and watches as they are written.

use std::fmt;

use avm_ir::{Gas, Opcode};

use crate::{
    code::{Code, Scope},
    expr::{Condition, Path},
    search::{Test, What, Write},
    session::Session,
};

/// Most breakpoints and watches of a session.
pub const MAX_STOPS: usize = 60;

/// A breakpoint or a watch.
#[derive(Clone, Debug)]
pub struct Breakpoint {
    /// Its number, from 1, never used again.
    pub number: u64,
    /// What it was made from.
    pub text: String,
    /// Whether it counts.
    pub enabled: bool,
    /// How often moves came to it.
    pub hits: u64,
    /// What it waits for.
    pub test: Test,
}

impl fmt::Display for Breakpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.number, self.text)?;
        if let Some(condition) = &self.test.condition {
            write!(f, " if {condition}")?;
        }
        Ok(())
    }
}

/// Gives a session a breakpoint; its number.
pub(crate) fn insert(session: &mut Session, text: String, test: Test) -> Result<u64, String> {
    if session.stops.len() >= MAX_STOPS {
        return Err(format!("there are {MAX_STOPS} breakpoints already; delete some"));
    }
    session.numbers += 1;
    let number = session.numbers;
    session.stops.push(Breakpoint { number, text, enabled: true, hits: 0, test });
    Ok(number)
}

/// The kinds of breakpoint: word, argument, help.
pub const KINDS: &[(&str, &str, &str)] = &[
    ("label", "NAME", "a label, function or region, or an instruction as REGION:PC"),
    ("line", "[FILE:]LINE", "a source line"),
    ("opcode", "MNEMONIC", "an instruction of a kind"),
    ("region", "NAME", "whenever control comes into a region"),
    ("effect", "[MNEMONIC]", "an instruction that reaches outside"),
    ("gas", "AMOUNT", "when so much gas was used"),
    ("rewrite", "[REGION]", "behind the step after which a region has other code"),
    ("failure", "", "behind an instruction that failed or trapped"),
    ("denial", "", "the same, for want of a permission or grant"),
];

/// Reads what a breakpoint is at. A word alone is a label, a number alone a line.
pub fn read_what(code: &Code, text: &str) -> Result<What, String> {
    let text = text.trim();
    let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match (kind, rest.is_empty()) {
        ("", _) => Err(format!("break at what? One of {}", kinds())),
        ("label", false) => label(code, rest),
        ("line", false) => line(code, rest),
        ("opcode", false) => opcode(rest).map(What::Opcode),
        ("region", false) => {
            let found = code.region_number(rest);
            found.map(What::Enters).ok_or_else(|| format!("there is no region {rest}"))
        }
        ("rewrite", true) => Ok(What::Rewrite(None)),
        ("rewrite", false) => {
            let found =
                code.region_number(rest).ok_or_else(|| format!("there is no region {rest}"));
            found.map(|region| What::Rewrite(Some(region)))
        }
        ("effect", true) => Ok(What::Effect(None)),
        ("effect", false) => {
            let opcode = opcode(rest)?;
            let reaches = opcode.info().reach.is_some();
            let mnemonic = opcode.mnemonic();
            let wrong =
                || format!("{mnemonic} reaches nothing outside; try break opcode {mnemonic}");
            reaches.then_some(What::Effect(Some(opcode))).ok_or_else(wrong)
        }
        ("gas", false) => {
            let gas: Gas = rest.parse().map_err(|error| format!("gas {rest}: {error}"))?;
            Ok(What::Gas(gas.0))
        }
        ("failure", true) => Ok(What::Failure),
        ("denial", true) => Ok(What::Denial),
        ("label" | "line" | "opcode" | "region" | "gas", true) if code.label(kind).is_none() => {
            let row = KINDS.iter().find(|(word, ..)| *word == kind);
            let (_, argument, help) = row.unwrap_or(&KINDS[0]);
            Err(format!("break {kind} {argument}: {help}"))
        }
        (_, true) => match code.label(kind) {
            Some(_) => Ok(What::Label(kind.to_owned())),
            None if kind.contains(':') || kind.bytes().all(|b| b.is_ascii_digit()) => {
                line(code, kind)
            }
            None => Err(format!(
                "there is no label, function or region {kind}; break at one of {}",
                kinds()
            )),
        },
        (_, false) => Err(format!("cannot break at \"{text}\"; break at one of {}", kinds())),
    }
}

fn kinds() -> String {
    KINDS.iter().map(|(word, ..)| *word).collect::<Vec<_>>().join(", ")
}

fn label(code: &Code, name: &str) -> Result<What, String> {
    let found = code.label(name).map(|_| What::Label(name.to_owned()));
    found.ok_or_else(|| format!("there is no label, function or region {name}"))
}

/// Reads `LINE` or `FILE:LINE`.
pub fn line(code: &Code, text: &str) -> Result<What, String> {
    let (file, line) =
        text.rsplit_once(':').map_or((None, text), |(file, line)| (Some(file), line));
    let line: u32 = line.parse().map_err(|_| format!("\"{line}\" is no line number"))?;
    let found = code.line_places(file.filter(|file| !file.is_empty()), line);
    let (line, _) = found.ok_or_else(|| {
        let debug = code.program().debug.is_some();
        let why = if debug { "no code from there on" } else { "the program has no debug data" };
        format!("line {text}: {why}")
    })?;
    Ok(What::At(line))
}

fn opcode(name: &str) -> Result<Opcode, String> {
    Opcode::by_mnemonic(name).ok_or_else(|| format!("there is no instruction {name}"))
}

/// What a watch of a path waits for, as its register is named in code of a scope.
pub fn watch(code: &Code, scope: Scope, text: &str) -> Result<Write, String> {
    let path = Path::read(text).map_err(|error| error.to_string())?;
    let register = code.register(scope, &path.name);
    let register = register.ok_or_else(|| no_register(&path.name))?;
    let function = code.function_name(register.scope).map(str::to_owned);
    Ok(Write { register, function, path, depth: None, changes: true })
}

/// Breakpoints whose condition could not be evaluated somewhere: each is told once.
pub(crate) fn warnings(session: &Session) -> Vec<String> {
    let trouble = |stop: &Breakpoint| {
        let why = stop.test.condition.as_ref()?.trouble()?;
        Some(format!("breakpoint {stop}: does not hold where its condition traps: {why}"))
    };
    session.stops.iter().filter_map(trouble).collect()
}

/// What is said where a name is no register's.
pub fn no_register(name: &str) -> String {
    format!("there is no register {name} here")
}

/// Takes `if CONDITION` off the end of a text.
pub fn split_condition<'a>(
    code: &Code,
    text: &'a str,
) -> Result<(&'a str, Option<Condition>), String> {
    let padded = text.find(" if ");
    let start = if text.starts_with("if ") { Some(0) } else { padded.map(|at| at + 1) };
    let Some(start) = start else { return Ok((text, None)) };
    let condition = &text[start + 3..];
    let read = Condition::read(condition).map_err(|error| format!("condition, {error}"))?;
    if let Some(name) = read.names().find(|name| !code.knows_register(name)) {
        return Err(format!("condition: there is no register {name}"));
    }
    Ok((&text[..start], Some(read)))
}
