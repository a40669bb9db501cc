//! The gas table: a committed text that says what golden runs cost, by line of their programs. Lines
//! stand there by what they say and not by their number, so that a change shows in a review where it
//! costs something else and nowhere else.
//!
//! ```text
//! # What golden runs cost …
//!
//! basics/gcd.avmj 0.000058
//!   0.000012 SET a = 48
//! ```

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use avm_ir::Gas;

use crate::{
    exit::{Failure, Outcome},
    files,
    golden::Case,
};

/// What a table begins with.
const HEAD: &str = "# What golden runs cost in gas, in all and by line; avm test --gas compares it, \
                    avm test --bless-gas writes it.\n";
/// Largest table, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// Most lines of a program that are named where they differ.
const NAMED: usize = 20;

/// What one golden run costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// In nanogas.
    pub(crate) total: u64,
    /// In the order of the source.
    pub(crate) lines: Vec<Line>,
}

/// What a line costs in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// In nanogas.
    pub(crate) gas: u64,
    /// What the line says.
    pub(crate) text: String,
    /// Its file and number, which the table does not hold.
    pub(crate) place: String,
}

/// A gas table: entries by the path of the golden run, seen from the folder of the table.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

impl Table {
    /// Reads a table.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        if !path.exists() {
            let path = path.display();
            return Err(Failure::files(format!(
                "{path}: there is no gas table; write it with: avm test --bless-gas {path}"
            )));
        }
        let text = files::read_text(path, MAX_BYTES)?;
        let mut entries = BTreeMap::new();
        let mut last: Option<(String, Entry)> = None;
        for (number, line) in text.lines().enumerate() {
            let wrong = |why: &str| {
                let (path, number) = (path.display(), number + 1);
                Failure::files(format!("{path}:{number}: {why}"))
            };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let gas = |text: &str| {
                text.parse::<Gas>().map(|gas| gas.0).map_err(|_| wrong("wants an amount of gas"))
            };
            if let Some(line) = line.strip_prefix("  ") {
                let Some((_, entry)) = &mut last else { return Err(wrong("a line of no run")) };
                let (amount, text) = line.trim_start().split_once(' ').unwrap_or((line, ""));
                let (gas, text, place) = (gas(amount)?, text.trim().to_owned(), String::new());
                entry.lines.push(Line { gas, text, place });
            } else {
                entries.extend(last.take());
                let parts = line.rsplit_once(' ');
                let (name, total) = parts.ok_or_else(|| wrong("wants a golden run and its gas"))?;
                if entries.contains_key(name) {
                    return Err(wrong("this golden run has an entry already"));
                }
                last = Some((name.to_owned(), Entry { total: gas(total)?, lines: Vec::new() }));
            }
        }
        entries.extend(last);
        Ok(Self { path: path.to_owned(), entries })
    }

    /// One without entries, or the one that is there.
    pub(crate) fn begin(path: &Path) -> Outcome<Self> {
        if path.exists() {
            return Self::read(path);
        }
        Ok(Self { path: path.to_owned(), entries: BTreeMap::new() })
    }

    /// The name of a golden run in the table.
    pub(crate) fn name_of(&self, case: &Case) -> Outcome<String> {
        let whole =
            |path: &Path| std::fs::canonicalize(path).map_err(|error| files::about(path, error));
        let folder = whole(files::folder_of(&self.path))?;
        let journal = whole(&case.journal)?;
        let below = journal.strip_prefix(&folder).map_err(|_| {
            let (journal, path) = (case.journal.display(), self.path.display());
            Failure::usage(format!("{journal}: is not below the folder of {path}"))
        })?;
        let parts = below.components().map(|part| part.as_os_str().to_string_lossy());
        Ok(parts.collect::<Vec<_>>().join("/"))
    }

    /// What is different in a run now, a line for each; nothing if it costs what the table says.
    pub(crate) fn compare(&self, name: &str, now: &Entry) -> Vec<String> {
        let path = self.path.display();
        let Some(was) = self.entries.get(name) else {
            return vec![format!(
                "{path} has no entry for it; write it with: avm test --bless-gas {path}"
            )];
        };
        let mut lines = differences(now, was);
        let more = lines.len().saturating_sub(NAMED);
        lines.truncate(NAMED);
        if more > 0 {
            lines.push(format!("and {more} lines more"));
        }
        if now.total != was.total {
            let what = changed(now.total, was.total);
            lines.insert(0, format!("gas {what}, says {path}"));
        }
        lines
    }

    /// Entries of golden runs that are no longer there.
    pub(crate) fn stale(&self) -> Vec<String> {
        let folder = files::folder_of(&self.path);
        let names = self.entries.keys().filter(|name| !folder.join(name).is_file());
        names.cloned().collect()
    }

    /// Sets what a run costs.
    pub(crate) fn set(&mut self, name: String, entry: Entry) {
        self.entries.insert(name, entry);
    }

    /// Writes it, without what is no longer there.
    pub(crate) fn write(mut self) -> Outcome<()> {
        for name in self.stale() {
            self.entries.remove(&name);
        }
        let mut out = HEAD.to_owned();
        // Writing to a String cannot fail.
        for (name, entry) in &self.entries {
            let _ = writeln!(out, "\n{name} {}", Gas(entry.total));
            let amounts: Vec<String> =
                entry.lines.iter().map(|line| Gas(line.gas).to_string()).collect();
            let width = amounts.iter().map(String::len).max().unwrap_or(0);
            for (amount, line) in amounts.iter().zip(&entry.lines) {
                let _ = writeln!(out, "  {amount:<width$} {}", line.text);
            }
        }
        files::write(&self.path, out.as_bytes())
    }
}

/// Lines that cost something else, with their places; lines of the same words are told apart by
/// their order.
fn differences(now: &Entry, was: &Entry) -> Vec<String> {
    let mut before: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for line in was.lines.iter().rev() {
        before.entry(&line.text).or_default().push(line.gas);
    }
    let mut different = Vec::new();
    for Line { gas, text, place } in &now.lines {
        match before.get_mut(text.as_str()).and_then(Vec::pop) {
            Some(was) if was == *gas => {}
            Some(was) => different.push(format!("{place}: {}: {text}", changed(*gas, was))),
            None => different.push(format!("{place}: {}, was not there: {text}", Gas(*gas))),
        }
    }
    // In the order in which they stood.
    for line in &was.lines {
        if let Some(gas) = before.get_mut(line.text.as_str()).and_then(Vec::pop) {
            different.push(format!("not there any more, was {}: {}", Gas(gas), line.text));
        }
    }
    different
}

fn changed(now: u64, was: u64) -> String {
    let sign = if now > was { '+' } else { '-' };
    format!("{}, was {} ({sign}{})", Gas(now), Gas(was), Gas(now.abs_diff(was)))
}
