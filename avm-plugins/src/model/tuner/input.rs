//! What the tuner is shown: code, the agent's notes, a seed.

use avm_asm::{
    lexer::{Lexer, Shared},
    token::{Key, Token},
};
use avm_ir::{
    FileId, Program, Value,
    program::{Perm, Region},
    value::from_json,
};

use crate::provider::Refusal;

/// Largest note that is looked at for a score, in bytes.
const MAX_NOTE: u64 = 4096;
/// The field of a note that says how well the agent did.
const SCORE: &str = "score";

/// The input, read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input<'v> {
    /// Text of the region.
    pub(super) code: &'v str,
    /// The region's name.
    pub(super) region: String,
    /// Another one gives another order.
    pub(super) seed: i64,
    /// What the agent scored, in order; more is better.
    scores: Vec<f64>,
}

impl<'v> Input<'v> {
    /// A text, a record `{code, logs?, seed?}`, or a list with the first text as code, the first list
    /// as notes and the first int as seed, in any order.
    pub(super) fn read(input: &'v Value, program: &Program) -> Result<Self, Refusal> {
        let (mut code, mut logs, mut seed) = (None, None, 0);
        match input {
            Value::Text(text) => code = Some(text.as_str()),
            Value::List(items) => {
                let items = items.as_slice();
                code = items.iter().find_map(as_text);
                logs = items.iter().find(|item| matches!(item, Value::List(_)));
                seed = items.iter().find_map(as_int).unwrap_or(0);
            }
            Value::Record(fields) => {
                code = fields.get("code").and_then(as_text);
                logs = fields.get("logs");
                seed = fields.get("seed").and_then(as_int).unwrap_or(0);
            }
            _ => {}
        }
        let code = code.ok_or_else(|| {
            Refusal::invalid("the input has no code; give [logs, code] or {code, logs, seed}")
        })?;
        let region = region_of(code, program)?;
        let scores = match logs {
            Some(Value::List(notes)) => notes.as_slice().iter().filter_map(score).collect(),
            _ => Vec::new(),
        };
        Ok(Self { code, region, seed, scores })
    }

    /// How many scores in a row, up to the last, were no better than the best before them.
    pub(super) fn rounds_without_gain(&self) -> usize {
        let mut best = f64::NEG_INFINITY;
        let mut since = 0;
        for score in &self.scores {
            if *score > best {
                (best, since) = (*score, 0);
            } else {
                since += 1;
            }
        }
        since
    }
}

fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(*int),
        _ => None,
    }
}

/// The score of a note: of a record, or of a text that is one, as `SELF_INTROSPECT` gives it.
fn score(note: &Value) -> Option<f64> {
    let read;
    let note = match note {
        Value::Text(text) if text.starts_with('{') => {
            read = from_json(text, MAX_NOTE).ok()?;
            &read
        }
        note => note,
    };
    let Value::Record(fields) = note else { return None };
    match fields.get(SCORE)? {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) if float.is_finite() => Some(*float),
        _ => None,
    }
}

/// The region that a text is of: the one that it names, or else the only one that can be changed.
fn region_of(code: &str, program: &Program) -> Result<String, Refusal> {
    if let Some(name) = named(code) {
        let at = program.patchable(name).map_err(|error| Refusal::invalid(error.to_string()))?;
        let region = program.regions.get(at).filter(open);
        return region.map(|region| region.name.clone()).ok_or_else(|| {
            Refusal::invalid(format!("region {name} cannot be modified; there is nothing to tune"))
        });
    }
    let mut open = program.regions.iter().skip(1).filter(open);
    match (open.next(), open.next()) {
        (Some(region), None) => Ok(region.name.clone()),
        _ => Err(Refusal::invalid(
            "the code names no region; give the text of SELF_READ, with its .region line",
        )),
    }
}

/// Whether the program lets its agent replace a region.
fn open(region: &&Region) -> bool {
    region.perms.has(Perm::Modify) && !region.perms.has(Perm::Lock)
}

/// The name in the first `.region` line.
fn named(code: &str) -> Option<&str> {
    let shared = Shared::default();
    let mut tokens = Lexer::new(FileId(0), code, &shared).map(|(_, token, _)| token);
    tokens.find(|token| *token == Token::Key(Key::Region))?;
    match tokens.next() {
        Some(Token::Name(name)) => Some(name),
        _ => None,
    }
}
