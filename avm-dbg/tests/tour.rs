//! What `docs/debugger.md` shows is what the debugger says.

#![cfg(feature = "repl")]

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// A block begins behind such a comment, which names the run, or says `on` where the one before goes on.
const MARK: &str = "<!-- debug: ";

/// What the debugger says to these commands about a copy of a run, command by command.
fn said(run: &Path, commands: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let name = run.file_name().expect("a file");
    fs::copy(run, folder.path().join(name)).expect("the run is there");
    let mut command = Command::new(env!("CARGO_BIN_EXE_avm-dbg"));
    command.arg(name).current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("it listens");
    let lines = commands.iter().map(|command| format!("{command}\n")).collect::<String>();
    input.write_all(lines.as_bytes()).expect("it listens");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut said: Vec<String> = Vec::new();
    for line in text.lines() {
        match said.last_mut() {
            Some(last) if !line.starts_with("> ") => *last += line,
            _ => said.push(line.to_owned()),
        }
        said.last_mut().expect("it was said").push('\n');
    }
    assert_eq!(said.len(), commands.len(), "{text}");
    said
}

#[test]
fn the_tour_is_what_the_debugger_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("docs/debugger.md");
    let old = fs::read_to_string(&path).expect("it is there");
    let mut new = String::new();
    let mut rest = old.as_str();
    let mut run = String::new();
    let mut commands: Vec<&str> = Vec::new();
    while let Some(at) = rest.find(MARK) {
        let block = &rest[at + MARK.len()..];
        let (name, block) = block.split_once(" -->\n```text\n").expect("a block");
        let (shown, behind) = block.split_once("```\n").expect("its end");
        if name != "on" {
            (run, commands) = (name.to_owned(), Vec::new());
        }
        let known = commands.len();
        commands.extend(shown.lines().filter_map(|line| line.strip_prefix("> ")));
        let said = said(&root.join(&run), &commands);
        new += &rest[..rest.len() - block.len()];
        new += &said[known..].concat();
        new += "```\n";
        rest = behind;
    }
    new += rest;
    if new != old {
        fs::write(&path, new).expect("it is written");
        panic!("docs/debugger.md was written anew; read it");
    }
}
