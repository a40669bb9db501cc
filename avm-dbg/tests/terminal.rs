//! The debugger at a terminal, as somebody sees it who sits there.

#![cfg(all(target_os = "linux", feature = "repl"))]

#[path = "support/recording.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod recording;
#[path = "support/terminal.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod terminal;

use std::fs;

use avm_vm::Config;
use recording::{Recording, journal};
use tempfile::TempDir;
use terminal::Terminal;

/// A loop that asks, notes and calls.
const TOUR: &str = r#"
.input who = "you"
.uses model "m"
SET total = 0
SET prices = [3, 4]
FOR price IN prices DO
  SET total = plus(total, price)
  LOG "total " + total
ENDFOR
GPU_INFER "m", who -> answer  ;; asks
RETURN {answer: answer, total: total}
.func plus(a, b)
  SET sum = a + b
  RETURN sum
.endfunc
"#;

fn folder(bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("run.avmj"), bytes).expect("it is written");
    folder
}

/// In black and white.
fn plain(folder: &TempDir) -> Terminal {
    Terminal::start(folder.path(), &["run.avmj", "--color", "never"], &[])
}

#[test]
fn moves_and_repeats() {
    let folder = folder(&journal(TOUR));
    let mut terminal = plain(&folder);
    terminal.command("step 2");
    terminal.enter();
    terminal.command("next");
    terminal.enter();
    terminal.command("back");
    terminal.enter();
    terminal.command("nonsense");
    insta::assert_snapshot!(terminal.screen());
    terminal.keys("quit\r");
    assert_eq!(terminal.leave(), Some(0));
}

#[test]
fn notes_are_shown_going_on() {
    let folder = folder(&journal(TOUR));
    let mut terminal = plain(&folder);
    terminal.command("continue effect");
    terminal.command("rc effect");
    terminal.command("run-to end");
    insta::assert_snapshot!(terminal.screen());
    // Ctrl-D on an empty line.
    terminal.keys("\x04");
    assert_eq!(terminal.leave(), Some(0));
}

#[test]
fn tab_completes_and_hints_are_grey() {
    let folder = folder(&journal(TOUR));
    let mut terminal = Terminal::start(folder.path(), &["run.avmj"], &[]);
    terminal.clear();
    terminal.type_until("reg", "reg|isters [all]");
    let mut looks = terminal.looks();
    let mut look = |terminal: &Terminal| {
        looks.push_str("\n----\n");
        looks.push_str(&terminal.looks());
    };
    // The one that it can be, with what may follow.
    terminal.type_until("\t", "registers |[all]");
    look(&terminal);
    // Ctrl-U takes the line back.
    terminal.type_until("\x15who", "who| (reverse-watch) REGISTER[.PART]");
    look(&terminal);
    terminal.type_until("\x15print tot", "print tot|al");
    look(&terminal);
    // The arrow takes the hint; then it is what the register holds.
    terminal.type_until("\x1b[C", "print total|  null");
    look(&terminal);
    terminal.keys("\x15st\t");
    terminal.see("status");
    terminal.type_until("", "(avm) st|");
    look(&terminal);
    terminal.type_until("\x15nonsense \"text\" 12", "12|");
    look(&terminal);
    insta::assert_snapshot!(looks);
    // Ctrl-C takes the line back too.
    terminal.keys("\x03");
    terminal.prompt();
    terminal.keys("q\r");
    assert_eq!(terminal.leave(), Some(0));
}

#[test]
fn replies_have_colours() {
    let folder = folder(&journal(TOUR));
    let mut terminal = Terminal::start(folder.path(), &["run.avmj"], &[]);
    terminal.command("break plus if b > 3");
    terminal.command("c");
    terminal.command("p total");
    terminal.command("finish");
    terminal.command("p total");
    terminal.command("source 1");
    terminal.command("print nothing");
    insta::assert_snapshot!(terminal.looks());
    terminal.keys("q\r");
    assert_eq!(terminal.leave(), Some(0));

    let mut terminal = Terminal::start(folder.path(), &["run.avmj"], &[("NO_COLOR", "1")]);
    terminal.command("source");
    assert!(!terminal.looks().contains('‹'), "{}", terminal.looks());
    terminal.keys("q\r");
    assert_eq!(terminal.leave(), Some(0));
}

#[test]
fn lines_are_remembered() {
    let folder = folder(&journal(TOUR));
    let mut terminal = plain(&folder);
    terminal.command("step 3");
    terminal.command("back 2");
    // Up, up.
    terminal.type_until("\x1b[A", "(avm) back 2|");
    terminal.type_until("\x1b[A", "(avm) step 3|");
    terminal.enter();
    terminal.keys("q\r");
    assert_eq!(terminal.leave(), Some(0));

    let mut terminal = plain(&folder);
    terminal.type_until("\x1b[A", "(avm) q|");
    terminal.type_until("\x1b[A", "(avm) step 3|");
    terminal.type_until("\x1b[A", "(avm) back 2|");
    terminal.enter();
    terminal.keys("\x04");
    assert_eq!(terminal.leave(), Some(0));
    let file = fs::read_to_string(folder.path().join("aither-avm/debugger-history"));
    insta::assert_snapshot!(file.expect("lines were kept"));
}

#[test]
fn a_long_search_can_be_stopped() {
    // Somebody killed a run that goes round for good.
    let config = Config { gas: u64::MAX, ..Config::default() };
    let recording = Recording::new(":loop\nSET n = 1\nJUMP loop\n", config);
    let folder = folder(&recording.bytes());
    let mut terminal = plain(&folder);
    for command in ["run-to end", "continue failure"] {
        terminal.type_until(command, &format!("{command}|"));
        terminal.keys("\r");
        // The terminal is not read from any more: what is typed now is a signal.
        terminal.stops_reading();
        terminal.keys("\x03");
        terminal.prompt();
        terminal.see("interrupted");
        terminal.clear();
    }
    terminal.command("run-to 5");
    insta::assert_snapshot!(terminal.screen());
    terminal.keys("q\r");
    assert_eq!(terminal.leave(), Some(0));
}

#[test]
fn forks_are_kept_beside_the_run() {
    let folder = folder(&journal(TOUR));
    fs::write(folder.path().join("fork-1.avmj"), "somebody's").expect("it is written");
    let mut terminal = plain(&folder);
    terminal.command("continue effect");
    terminal.clear();
    terminal.command("answer \"no\"");
    terminal.command("run-to end");
    terminal.command("diff");
    terminal.command("runs");
    terminal.command("answers live");
    insta::assert_snapshot!(terminal.screen());
    terminal.keys("q\r");
    assert_eq!(terminal.leave(), Some(0));
    let kept = fs::read(folder.path().join("fork-1.avmj")).expect("it is there");
    assert_eq!(kept, b"somebody's");
    let terminal = Terminal::start(folder.path(), &["fork-2.avmj"], &[]);
    assert!(terminal.screen().contains("step 0 of "), "{}", terminal.screen());
}

#[test]
fn runs_that_ended_badly_are_opened_there() {
    let folder = folder(&journal("SET x = 1\nSET y = x / 0\n"));
    let terminal = plain(&folder);
    insta::assert_snapshot!(terminal.screen());
}
