//! What is run: a name, two sizes and a text. The programs are in `workloads/`, one file for each
//! language; a language without a file for a workload does not take part in it.

use std::{fmt::Write, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Name of its files.
    pub name: &'static str,
    /// What it does, for the table.
    title: &'static str,
    /// What its size counts, if that is not plain from the title.
    unit: &'static str,
    /// The size that is reported.
    pub size: i64,
    /// The size of `--quick` and of peers that would take minutes.
    pub small: i64,
    text: Option<fn(i64) -> String>,
}

const fn sized(name: &'static str, title: &'static str, size: i64, small: i64) -> Workload {
    Workload { name, title, unit: "", size, small, text: None }
}

impl Workload {
    /// Title and size.
    pub fn label(&self, small: bool) -> String {
        let (size, scale) = match if small { self.small } else { self.size } {
            size if size % 1_000_000 == 0 => (size / 1_000_000, " M"),
            size if size % 1_000 == 0 => (size / 1_000, " k"),
            size => (size, ""),
        };
        format!("{}, {size}{scale}{}", self.title, self.unit)
    }
}

/// All workloads, in the order of the table.
pub const ALL: &[Workload] = &[
    sized("loop", "integer loop", 10_000_000, 500_000),
    sized("fib", "fib, recursive", 32, 22),
    sized("sieve", "sieve", 5_000_000, 200_000),
    Workload { unit: " steps", ..sized("nbody", "n-body", 100_000, 3_000) },
    sized("matrix", "matrix, nested lists", 200, 50),
    sized("quicksort", "quicksort", 1_000_000, 30_000),
    Workload { unit: "B", text: Some(words), ..sized("words", "word count", 5_000_000, 200_000) },
    sized("strings", "string building", 500_000, 20_000),
    sized("fields", "record fields", 1_000_000, 50_000),
    Workload { unit: "B", text: Some(json), ..sized("json", "JSON parser", 1_000_000, 50_000) },
    Workload { unit: " effects", ..sized("agent", "agent script", 1_000, 1_000) },
];

/// A workload at one of its sizes.
#[derive(Clone, Debug)]
pub struct Task {
    /// Name of the workload.
    pub name: &'static str,
    /// What programs get as `n`.
    pub size: i64,
    /// What programs get as `text`.
    pub text: Arc<str>,
}

impl Task {
    /// The reported size, or the small one.
    pub fn new(workload: &Workload, small: bool) -> Self {
        let size = if small { workload.small } else { workload.size };
        let text = workload.text.map_or_else(String::new, |make| make(size));
        Self { name: workload.name, size, text: text.into() }
    }

    /// The program in the language of the first of these extensions that has one.
    pub fn file(&self, extensions: &[&str]) -> Option<PathBuf> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../workloads");
        let mut files = extensions.iter().map(|e| folder.join(format!("{}.{e}", self.name)));
        files.find(|file| file.exists())
    }

    /// Its text, if there is a program in that language.
    pub fn source(&self, extension: &str) -> Result<Option<String>> {
        let Some(file) = self.file(&[extension]) else { return Ok(None) };
        let source = std::fs::read_to_string(&file);
        source.map(Some).with_context(|| file.display().to_string())
    }
}

/// The generator of all workloads: the same numbers in every language, floats included.
struct Numbers(i64);

impl Numbers {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = (self.0 * 48_271 + 11) % 2_147_483_647;
        // The high bits are the better ones.
        (self.0 >> 8) % bound
    }

    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ra", "to", "mi", "len", "so", "ka", "ver", "du", "in", "pe", "ost", "al", "qui", "ne",
            "bor", "sha",
        ];
        (0..=self.below(3)).map(|_| SYLLABLES[self.below(16) as usize]).collect()
    }
}

/// Words of one to three syllables, some thousands of them different.
fn words(bytes: i64) -> String {
    let (mut numbers, mut text) = (Numbers(1), String::new());
    while (text.len() as i64) < bytes {
        text.push_str(&numbers.word());
        text.push(' ');
    }
    // Peers differ in whether an empty part behind the last blank is a word.
    text.pop();
    text
}

/// A list of records as JSON.
fn json(bytes: i64) -> String {
    let (mut numbers, mut text) = (Numbers(1), String::from("["));
    let mut id = 0;
    while (text.len() as i64) < bytes {
        let (name, first, second) = (numbers.word(), numbers.word(), numbers.word());
        let ok = numbers.below(2) == 0;
        let comma = if id > 0 { ", " } else { "" };
        let _ = write!(
            text,
            r#"{comma}{{"id": {id}, "name": "{name}", "tags": ["{first}", "{second}"], "ok": {ok}, "next": null}}"#
        );
        id += 1;
    }
    text.push(']');
    text
}
