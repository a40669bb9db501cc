//! The debugger at a terminal, and scripts of its commands. No logic: a line goes to the session, and
//! the reply is printed.

mod assistant;
mod paint;
mod words;

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
    sync::atomic::Ordering,
};

use rustyline::{
    ColorMode, CompletionType, Config, Editor, error::ReadlineError, history::FileHistory,
};
use signal_hook::{consts::SIGINT, flag, low_level};

use crate::{Reply, Session};
use assistant::Assistant;
use paint::Painter;

/// Most lines that are remembered from one session to the next.
const MAX_HISTORY: usize = 1000;

/// How somebody at a terminal is talked with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Replies are lines of JSON.
    pub json: bool,
    /// In colours.
    pub colour: bool,
    /// The file of the lines that were typed, in a folder that exists. Without one they are forgotten.
    pub history: Option<PathBuf>,
}

/// The file of lines that were typed, `$XDG_STATE_HOME/aither-avm/debugger-history`, in its folder,
/// which is made; `None` where there is no place for it.
#[expect(clippy::disallowed_methods, reason = "for commands: whoever has a terminal has a home")]
pub fn history() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|set| !set.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/state"));
    let folder = set("XDG_STATE_HOME").or_else(|| set("LOCALAPPDATA")).or_else(home)?;
    let folder = folder.join("aither-avm");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("debugger-history"))
}

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
///
/// While a command runs Ctrl-C stops it; at the prompt it takes back what was typed. Ctrl-D leaves.
pub fn talk(session: Session, options: &Options) -> Result<(), String> {
    let handler = flag::register(SIGINT, session.interrupt()).map_err(|error| error.to_string())?;
    let talked = converse(session, options).map_err(|error| error.to_string());
    low_level::unregister(handler);
    talked
}

fn converse(session: Session, options: &Options) -> rustyline::Result<()> {
    let colours = if options.colour { ColorMode::Forced } else { ColorMode::Disabled };
    let config = Config::builder()
        .auto_add_history(true)
        .max_history_size(MAX_HISTORY)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .color_mode(colours)
        .build();
    let mut editor: Editor<Assistant, FileHistory> =
        Editor::with_history(config.clone(), FileHistory::with_config(&config))?;
    if let Some(file) = &options.history {
        // What cannot be remembered is no reason not to look at a run.
        let _ = editor.load_history(file);
    }
    let interrupt = session.interrupt();
    editor.set_helper(Some(Assistant { session, grey: options.colour }));
    let mut painter = Painter::default();
    let mut line = String::from("where");
    loop {
        if let Some(assistant) = editor.helper_mut() {
            let reply = assistant.session.obey(&line);
            let text = match options.colour && !options.json {
                true => painter.paint(&line, &reply),
                false => shown(&reply, options.json),
            };
            if !say(&text) || reply.quit {
                return Ok(());
            }
        }
        // Who types at the prompt sends no signals: from the end of the line on they are the command's.
        interrupt.store(false, Ordering::Relaxed);
        line = loop {
            let prompt = editor.helper().map_or_else(String::new, Assistant::prompt);
            match editor.readline(&prompt) {
                Ok(line) => break line,
                // Takes back what was typed.
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(error),
            }
        };
        if let Some(file) = &options.history {
            let _ = editor.append_history(file);
        }
    }
}
