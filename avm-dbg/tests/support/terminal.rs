//! The debugger's command in a pseudo-terminal, and what a terminal would show of it.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    num::NonZero,
    path::Path,
    process::Child,
};

use pty_process::{
    Size,
    blocking::{Command, Pty},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use vt100::{Color, Parser};

/// Rows and columns of a terminal.
pub(crate) const USUAL: (u16, u16) = (30, 100);
/// What the line editor says when it begins to read a line.
const READS: &[u8] = b"\x1b[?2004h";
/// A test that hears nothing for so long has failed.
const PATIENCE: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

/// Somebody's terminal.
pub(crate) struct Terminal {
    pty: Pty,
    child: Child,
    parser: Parser,
    bytes: Vec<u8>,
    /// Lines that were asked for and are waited for no more.
    prompts: usize,
}

impl Terminal {
    /// Starts the debugger in a folder and waits for its first prompt.
    pub(crate) fn start(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::sized(folder, args, env, USUAL)
    }

    /// The same in a terminal of so many rows and columns.
    pub(crate) fn sized(
        folder: &Path,
        args: &[&str],
        env: &[(&str, &str)],
        (rows, columns): (u16, u16),
    ) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a pseudo-terminal");
        pty.resize(Size::new(rows, columns)).expect("a size");
        let command = Command::new(env!("CARGO_BIN_EXE_avm-dbg"));
        let command = command.args(args).current_dir(folder).env_clear();
        let command = command.env("TERM", "xterm-256color").env("XDG_STATE_HOME", folder);
        let child = command.envs(env.iter().copied()).spawn(pts).expect("it starts");
        let size = |size| NonZero::new(size).expect("not nothing");
        let parser = Parser::new(size(rows), size(columns), 0);
        let mut terminal = Self { pty, child, parser, bytes: Vec::new(), prompts: 0 };
        terminal.prompt();
        terminal
    }

    /// Reads what comes next; `false` at the end, or where nothing comes.
    fn read(&mut self) -> bool {
        let wanted = PollFd::new(&self.pty, PollFlags::IN);
        if poll(&mut [wanted], Some(&PATIENCE)) == Ok(0) {
            return false;
        }
        let mut buffer = [0; 4096];
        // A closed pseudo-terminal is an error on this system.
        let count = self.pty.read(&mut buffer).unwrap_or(0);
        self.parser.process(&buffer[..count]);
        self.bytes.extend_from_slice(&buffer[..count]);
        count > 0
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            assert!(self.read(), "no {what} on\n{}", self.screen());
        }
    }

    /// Waits until the line that was ended is no longer edited, so that keys are signals again.
    pub(crate) fn stops_reading(&mut self) {
        let prompts = self.prompts;
        self.until("end of the line", |this| {
            let stops = b"\x1b[?2004l";
            this.bytes.windows(stops.len()).filter(|bytes| bytes == stops).count() >= prompts
        });
    }

    /// Waits for the next prompt.
    pub(crate) fn prompt(&mut self) {
        self.prompts += 1;
        self.until("prompt", |this| {
            let reads = this.bytes.windows(READS.len()).filter(|bytes| *bytes == READS).count();
            reads >= this.prompts && this.is_asked()
        });
    }

    /// The line with the cursor, which is a `|` in it.
    fn line(&self) -> String {
        let screen = self.parser.screen();
        let (row, column) = screen.cursor_position();
        let columns = screen.size().1.get();
        let part = |from, width| screen.rows(from, width).nth(row.into()).unwrap_or_default();
        format!("{}|{}", part(0, column), part(column, columns - column).trim_end())
    }

    /// Whether a new line is waited for.
    fn is_asked(&self) -> bool {
        let line = self.line();
        line.starts_with("(avm") && line.ends_with(") |")
    }

    /// Sends keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).expect("it listens");
    }

    /// Types something without ending the line, and waits until that has a text in it, with `|` where
    /// the cursor is.
    pub(crate) fn type_until(&mut self, keys: &str, text: &str) {
        self.keys(keys);
        self.until(text, |this| this.line().contains(text));
    }

    /// Ends the line and waits for the next prompt.
    pub(crate) fn enter(&mut self) {
        self.keys("\r");
        self.prompt();
    }

    /// Does a command.
    pub(crate) fn command(&mut self, line: &str) {
        self.type_until(line, &format!(") {line}|"));
        self.enter();
    }

    /// Waits until a text is anywhere on the screen.
    pub(crate) fn see(&mut self, text: &str) {
        self.until(text, |this| this.screen().contains(text));
    }

    /// Clears the screen, so that only what comes next is on it.
    pub(crate) fn clear(&mut self) {
        self.keys("\x0c");
        self.until("clear screen", |this| {
            this.parser.screen().cursor_position().0 == 0 && this.is_asked()
        });
    }

    /// The screen itself.
    pub(crate) fn shown(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// What is to be seen.
    pub(crate) fn screen(&self) -> String {
        let screen = self.parser.screen();
        let rows = screen.rows(0, screen.size().1.get());
        let rows: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// The same, with what it looks like: `‹bold blue›step‹›`.
    pub(crate) fn looks(&self) -> String {
        let mut out = String::new();
        let (rows, columns) = self.parser.screen().size();
        for row in 0..rows.get() {
            let mut before = String::new();
            for column in 0..columns.get() {
                let Some(cell) = self.parser.screen().cell(row, column) else { continue };
                let mut look = String::new();
                for (has, word) in [(cell.bold(), "bold "), (cell.dim(), "dim ")] {
                    look.push_str(if has { word } else { "" });
                }
                if let Color::Idx(number) = cell.fgcolor() {
                    let names =
                        ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
                    look.push_str(names.get(usize::from(number)).unwrap_or(&"?"));
                }
                let look = look.trim_end().to_owned();
                // Writing to a String cannot fail.
                if look != before {
                    let _ = write!(out, "‹{look}›");
                    before = look;
                }
                out.push_str(if cell.has_contents() { cell.contents() } else { " " });
            }
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
        }
        out.trim_end().to_owned()
    }

    /// Waits until the debugger has left; its exit code.
    pub(crate) fn leave(mut self) -> Option<i32> {
        while self.read() {}
        self.child.wait().expect("it ends").code()
    }
}
