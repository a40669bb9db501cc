//! House rules as tests. `ARCHITECTURE.md` states the invariants, `STYLE.md` the rules; whatever they
//! say about the shape of the source is checked here, so that it stays true.

#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/prose.rs"]
mod prose;

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::opcode::OPS;
use files::{File, code_lines, read, rust, sources};

/// Fails with every problem, one a line.
fn report(rule: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{rule}:\n  {}", problems.join("\n  "));
}

/// The only arrows between crates of the workspace. Dev-dependencies are free: tests may join what
/// programs keep apart.
const ARROWS: &[(&str, &[&str])] = &[
    ("avm-ir", &[]),
    ("avm-asm", &["avm-ir"]),
    ("avm-vm", &["avm-ir"]),
    ("avm-plugins", &["avm-ir", "avm-asm", "avm-vm"]),
    ("avm-dbg", &["avm-ir", "avm-vm"]),
    ("avm-trace", &["avm-ir", "avm-vm"]),
];

/// Crates that only the root package may use: terminal, configuration, errors without a type.
const ROOT_ONLY: &[&str] = &["anyhow", "clap", "clap_complete", "indicatif"];

#[test]
fn dependency_arrows() {
    let mut problems = Vec::new();
    for (name, allowed) in ARROWS {
        let manifest = read(&format!("{name}/Cargo.toml"));
        let mut section = "";
        for line in manifest.lines() {
            if let Some(header) = line.strip_prefix('[') {
                section = header.trim_end_matches(']');
            }
            let dependency = line.split(['.', '=', ' ']).next().unwrap_or("");
            let own = dependency.starts_with("avm-") && !allowed.contains(&dependency);
            // A command beside the library asks for more; the library alone does not.
            let root = ROOT_ONLY.contains(&dependency) && !line.contains("optional = true");
            if matches!(section, "dependencies" | "build-dependencies") && (own || root) {
                problems.push(format!("{name} may not depend on {dependency}"));
            }
        }
    }
    report("an arrow that ARCHITECTURE.md forbids", &problems);
}

#[test]
fn no_std_crates() {
    let mut problems = Vec::new();
    for name in ["avm-ir", "avm-vm", "avm-trace"] {
        if !read(&format!("{name}/src/lib.rs")).contains("#![no_std]") {
            problems.push(format!("{name} is not no_std"));
        }
        for file in sources(&format!("{name}/src")) {
            for (number, line) in code_lines(&file) {
                if mentions(line, "std::") || line.contains("extern crate std") {
                    problems.push(format!("{}:{number}: {line}", file.path));
                }
            }
        }
    }
    report("avm-ir, avm-vm and avm-trace run without std", &problems);
}

/// Who may touch the machine it runs on, and why.
const DOORS: &[(&str, &str)] = &[
    ("avm-plugins/src/store.rs", "errors of the store below"),
    ("avm-plugins/src/store/", "the durable store lives in a folder"),
    ("avm-plugins/src/registry/dispatch/map", "items of a list are asked about side by side"),
    ("avm-plugins/src/docs/search.rs", "threads share the reading of a large collection"),
    ("avm-plugins/src/hpc/workers.rs", "the pool of `builtin:pool` is threads of this machine"),
    ("avm-plugins/src/guard/thread.rs", "a call that can hang is left behind in a thread"),
    ("avm-plugins/src/tool/command.rs", "looks for a program on the operator's PATH, once"),
    ("avm-plugins/src/tool/command/", "starts the operator's program, feeds, times and kills it"),
    ("avm-plugins/src/tool/http.rs", "errors of the connection"),
    ("avm-plugins/src/tool/http/", "addresses that may be reached"),
    ("avm-asm/src/files.rs", "the feature `files`: includes from a project's folder"),
    ("avm-asm/src/bin/", "a command, not the library"),
    ("avm-dbg/src/beside.rs", "of the command: new runs are files"),
    ("avm-dbg/src/dap", "talks over what it is given, and hears on a thread what interrupts"),
    ("avm-dbg/src/main.rs", "a command, not the library"),
    ("avm-dbg/src/repl.rs", "the feature `repl`: a terminal"),
];

#[test]
fn only_the_root_touches_the_machine() {
    let mut problems = Vec::new();
    for name in ["avm-asm", "avm-plugins", "avm-dbg", "avm-trace"] {
        for file in sources(&format!("{name}/src")) {
            if DOORS.iter().any(|(door, _)| file.path.starts_with(door)) {
                continue;
            }
            for door in doors(&file) {
                problems.push(format!("{}: std::{door}", file.path));
            }
        }
    }
    for (door, _) in DOORS {
        let folder = door.split_once("/src/").map_or("", |(name, _)| name);
        let mut behind = sources(&format!("{folder}/src")).into_iter();
        if !behind.any(|file| file.path.starts_with(door) && !doors(&file).is_empty()) {
            problems.push(format!("{door}: a door that nothing uses"));
        }
    }
    report("only the root package knows files, environment, clock, threads and sockets", &problems);
}

/// Crates that reach files, devices, processes or the network, where they may be used, and why.
const REACHING: &[(&str, &str, &str)] = &[
    ("nvml_wrapper", "avm-plugins/src/gpu/nvml.rs", "asks the driver of GPUs"),
    ("rusqlite", "avm-plugins/src/sql", "the operator's database is a file"),
    ("rustix", "avm-plugins/src/tool/command/", "groups of processes and pipes"),
    ("signal_hook", "avm-dbg/src/repl.rs", "Ctrl-C at a terminal"),
    ("sled", "avm-plugins/src/store", "the durable store lives in a folder"),
    ("ureq", "avm-plugins/src/tool/http", "asks the operator's HTTP service"),
];

#[test]
fn crates_that_reach_out_stay_in_their_place() {
    let mut problems = Vec::new();
    for (name, place, _) in REACHING {
        let word = format!("{name}::");
        let uses = |file: &File| code_lines(file).any(|(_, line)| mentions(line, &word));
        let folders = ["avm-ir", "avm-asm", "avm-vm", "avm-plugins", "avm-dbg", "avm-trace"];
        let users: Vec<String> = { folders.iter() }
            .flat_map(|name| sources(&format!("{name}/src")))
            .filter(uses)
            .map(|file| file.path)
            .collect();
        problems.extend(
            { users.iter() }
                .filter(|path| !path.starts_with(place))
                .map(|path| format!("{path}: {name}")),
        );
        if users.is_empty() {
            problems.push(format!("{name}: nothing uses it"));
        }
    }
    report("a crate that reaches out is used outside of its place", &problems);
}

/// Modules of std by which a file reaches out, whether named in full or in a group of `use`.
fn doors(file: &File) -> Vec<&'static str> {
    let lines: Vec<&str> = code_lines(file).map(|(_, line)| line).collect();
    // A length of time is no clock.
    let code = lines.join(" ").replace("std::time::Duration", "").replace("time::Duration", "");
    let groups: Vec<&str> =
        code.split("std::{").skip(1).map(|group| group.split(';').next().unwrap_or("")).collect();
    ["fs", "env", "time", "thread", "net", "process", "io"]
        .into_iter()
        .filter(|door| {
            mentions(&code, &format!("std::{door}"))
                || groups.iter().any(|group| {
                    group.split([',', ' ', '{', '}']).any(|word| {
                        word.strip_prefix(door).is_some_and(|r| r.is_empty() || r.starts_with(':'))
                    })
                })
        })
        .collect()
}

#[test]
fn accounting_without_floats() {
    let mut problems = Vec::new();
    for path in ["avm-ir/src/gas.rs", "avm-vm/src/price.rs"] {
        let file = File { path: path.into(), text: read(path) };
        for (number, line) in code_lines(&file) {
            if mentions(line, "f64") || mentions(line, "f32") {
                problems.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    report("no float in accounting", &problems);
}

#[test]
fn handlers_neither_charge_nor_name_themselves() {
    let mut problems = Vec::new();
    for file in sources("avm-vm/src/exec") {
        for (number, line) in code_lines(&file) {
            let charges = [".gas -=", ".gas +=", ".gas ="].iter().any(|s| line.contains(s));
            if charges && !line.contains(".gas ==") {
                problems.push(format!("{}:{number}: charges gas", file.path));
            }
            if line.contains("Opcode::") {
                problems.push(format!("{}:{number}: names an instruction", file.path));
            }
        }
    }
    report("only the loop charges and knows opcodes", &problems);
}

/// Words of the language that are mnemonics as well.
const KEYWORDS: &[&str] = &["SET", "AND", "OR", "NOT"];

#[test]
fn one_table() {
    let names: BTreeSet<&str> = OPS
        .iter()
        .flat_map(|info| info.aliases.iter().copied().chain([info.mnemonic]))
        .filter(|name| !KEYWORDS.contains(name))
        .collect();
    let mut problems = Vec::new();
    let all = [
        "avm-ir/src",
        "avm-asm/src",
        "avm-vm/src",
        "avm-plugins/src",
        "avm-dbg/src",
        "avm-trace/src",
        "src",
    ];
    for file in all.iter().flat_map(|folder| sources(folder)) {
        if file.path == "avm-ir/src/isa.rs" {
            continue;
        }
        for (number, line) in code_lines(&file) {
            for literal in line.split('"').skip(1).step_by(2) {
                if names.contains(literal) {
                    problems.push(format!("{}:{number}: \"{literal}\"", file.path));
                }
            }
        }
    }
    report("mnemonics are written in the instruction table alone", &problems);
}

/// Files that may be long: tables read row by row, the last of them inside of one function.
const LONG: &[&str] = &["avm-ir/src/isa.rs", "avm-asm/src/messages.rs", "avm-vm/src/fast/run.rs"];

#[test]
fn files_are_short() {
    let long = |file: &File| {
        let lines = file.text.lines().count();
        let table = LONG.contains(&file.path.as_str()) || file.path.contains("tests/");
        (lines > 1000 && !table).then(|| format!("{} has {lines} lines", file.path))
    };
    let problems: Vec<String> = rust().iter().filter_map(long).collect();
    report("a file above 1000 lines does more than one thing", &problems);
}

#[test]
fn nothing_unfinished() {
    let words = [concat!("todo", "!("), concat!("unimple", "mented!("), concat!("#[ign", "ore")];
    let mut problems = Vec::new();
    for file in rust() {
        for word in words {
            if file.text.contains(word) {
                problems.push(format!("{}: {word}", file.path));
            }
        }
    }
    report("nothing unfinished, no test that does not run", &problems);
}

#[test]
fn no_dead_files() {
    let mut problems = Vec::new();
    for name in ["avm-ir", "avm-asm", "avm-vm", "avm-plugins", "avm-dbg", "avm-trace", "."] {
        let folder = if name == "." { String::from("src") } else { format!("{name}/src") };
        let all: BTreeMap<String, String> =
            sources(&folder).into_iter().map(|file| (file.path, file.text)).collect();
        let mut seen = BTreeSet::new();
        let mut open: Vec<String> = all
            .keys()
            .filter(|path| {
                let rest = &path[folder.len() + 1..];
                matches!(rest, "lib.rs" | "main.rs")
                    || rest.starts_with("bin/") && (rest.ends_with("/main.rs") || depth(rest) == 1)
            })
            .cloned()
            .collect();
        while let Some(path) = open.pop() {
            open.extend(children(&path, &all[&path]).filter(|child| all.contains_key(child)));
            seen.insert(path.clone());
            open.retain(|path| !seen.contains(path));
        }
        problems.extend(all.keys().filter(|path| !seen.contains(*path)).cloned());
    }
    report("source files that no `mod` line reaches", &problems);
}

fn depth(path: &str) -> usize {
    path.matches('/').count()
}

/// Files that the `mod` lines of a file name.
fn children<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.trim_end_matches(".rs");
    let inside = match stem {
        "lib" | "main" => folder.to_owned(),
        _ => format!("{folder}/{stem}"),
    };
    text.lines().filter_map(move |line| {
        let line = line.trim_start();
        let module = line.split_once("mod ").filter(|(before, _)| {
            before.is_empty() || before.starts_with("pub") && before.ends_with(' ')
        })?;
        Some(format!("{inside}/{}.rs", module.1.strip_suffix(';')?))
    })
}

/// Whether a line has a word that is not the tail of a longer one.
fn mentions(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

#[test]
fn bans_are_switched_on() {
    let mut problems = Vec::new();
    for name in ["avm-ir", "avm-vm", "avm-plugins", "avm-dbg", "avm-trace"] {
        let lib = read(&format!("{name}/src/lib.rs"));
        if !lib.lines().any(|line| line.starts_with("#![warn(clippy::disallowed_methods")) {
            problems.push(String::from(name));
        }
    }
    report("clippy.toml is not switched on in", &problems);
}
