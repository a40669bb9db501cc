//! The debugger at a terminal, and scripts of its commands. No logic: a line goes to the session, and
//! the reply is printed.

use std::io::{self, Write};

use rustyline::{
    Config, Context, Editor, Helper, completion::Completer, error::ReadlineError,
    highlight::Highlighter, hint::Hinter, history::MemHistory, validate::Validator,
};

use crate::{Reply, Session, commands::complete};

/// Says a line; `false` if nobody listens any more.
fn say(text: &str) -> bool {
    text.is_empty() || writeln!(io::stdout(), "{text}").is_ok()
}

fn shown(reply: &Reply, json: bool) -> String {
    if json { reply.to_json() } else { reply.text.clone() }
}

/// Does commands, one a line; empty lines and those that begin with `#` are left out. Whether all of
/// them could be done.
pub fn script(session: &mut Session, lines: impl Iterator<Item = String>, json: bool) -> bool {
    let mut done = true;
    for line in lines {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !json && !say(&format!("> {line}")) {
            return done;
        }
        let reply = session.command(line);
        done &= reply.ok;
        if !say(&shown(&reply, json)) || reply.quit {
            return done;
        }
    }
    done
}

/// Talks with somebody at a terminal until they leave; an error is one of the terminal.
pub fn talk(session: Session, json: bool) -> Result<(), String> {
    let config = Config::builder().auto_add_history(true).build();
    let failed = |error: ReadlineError| error.to_string();
    let mut editor: Editor<Assistant, MemHistory> =
        Editor::with_history(config, MemHistory::new()).map_err(failed)?;
    editor.set_helper(Some(Assistant { session }));
    let mut line = String::from("where");
    loop {
        if let Some(assistant) = editor.helper_mut() {
            let reply = assistant.session.command(&line);
            if !say(&shown(&reply, json)) || reply.quit {
                return Ok(());
            }
        }
        line = match editor.readline("(avm) ") {
            Ok(line) => line,
            // Takes back what was typed; the session goes on.
            Err(ReadlineError::Interrupted) => String::from("where"),
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
    }
}

/// Completes what is typed, from the table of commands and the names of the program.
struct Assistant {
    session: Session,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(&self.session, line.get(..at).unwrap_or(line)))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Validator for Assistant {}

impl Helper for Assistant {}
