//! The pictures of `docs/debugger.md`: a terminal's screen, made from the bundled programs' runs.

#![cfg(all(target_os = "linux", feature = "repl"))]

#[path = "support/picture.rs"]
mod picture;
#[path = "support/terminal.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod terminal;

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use terminal::Terminal;

/// Rows and columns.
const SIZE: (u16, u16) = (44, 112);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder with a copy of the run of a bundled program.
fn folder(run: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let name = Path::new(run).file_name().expect("a file");
    fs::copy(root().join(run), folder.path().join(name)).expect("it is there");
    folder
}

/// Compares a picture with the one in the documents; a new one is written down, to be looked at.
fn is_current(terminal: &Terminal, name: &str, title: &str) {
    let picture = picture::svg(terminal.shown(), title);
    let path = root().join("docs/images").join(name);
    if fs::read_to_string(&path).is_ok_and(|old| old == picture) {
        return;
    }
    fs::create_dir_all(root().join("docs/images")).expect("a folder");
    fs::write(&path, picture).expect("it is written");
    panic!("docs/images/{name} was drawn anew; look at it");
}

#[test]
fn backwards() {
    let folder = folder("programs/trading/trading_agent.avmj");
    let mut terminal = Terminal::sized(folder.path(), &["trading_agent.avmj"], &[], SIZE);
    terminal.command("run-to end");
    terminal.clear();
    terminal.command("print order.action");
    terminal.command("reverse-watch order");
    terminal.command("print decision.action");
    terminal.command("who decision");
    terminal.command("break improve if forecast.mean > 100 AND LEN(portfolio.history) == 0");
    terminal.command("continue-back");
    terminal.type_until("print forecast.p", "print forecast.p|");
    is_current(
        &terminal,
        "backwards.svg",
        "The debugger at a terminal: who wrote this, asked twice, and a breakpoint come to backwards",
    );
}

#[test]
fn another_answer() {
    let folder = folder("programs/trading/trading_agent.avmj");
    let mut terminal = Terminal::sized(folder.path(), &["trading_agent.avmj"], &[], SIZE);
    terminal.command("run-to 53");
    terminal.clear();
    terminal.command("answer {action: \"SELL\", size: 10}");
    terminal.command("run-to end");
    terminal.command("diff");
    terminal.type_until("ru", "ru|n-to");
    is_current(
        &terminal,
        "fork.svg",
        "The debugger at a terminal: a run that leaves the recorded one with another answer, and what is different",
    );
}
