//! The table of commands: dispatch, help and completion come from it.

mod moves;
pub mod runs;
mod stopping;

use std::fmt::Write;

use avm_ir::Value;
use avm_vm::FailureCode;

use crate::{
    expr::Path,
    reply::{Reply, list, record, text},
    session::Session,
    stops::KINDS,
    views,
};

/// What a command does: the session, its own row, and what stands behind its name.
type Run = fn(&mut Session, &str) -> Result<Reply, String>;

/// What the argument of a command is, for completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing to complete.
    None,
    /// A command.
    Command,
    /// A label, function or region.
    Label,
    /// A register.
    Register,
    /// A kind of breakpoint, or a label.
    Stop,
    /// What ends `continue` besides breakpoints.
    Until,
    /// An input of the program.
    Input,
    /// A kind of failure behind `failed`.
    Failure,
    /// Who answers new runs.
    Answers,
}

/// One row of the table.
#[derive(Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Arguments as they are written in help.
    pub args: &'static str,
    /// What an argument is.
    pub argument: Argument,
    /// What it does, in one line.
    pub help: &'static str,
    /// The command that does the same in the other direction.
    pub twin: Option<&'static str>,
    run: Run,
}

macro_rules! commands {
    ($($name:literal [$($alias:literal),*] $args:literal $argument:ident $twin:literal $run:expr, $help:literal;)*) => {
        /// Every command, in the order of help.
        pub static COMMANDS: &[Command] = &[$(Command {
            name: $name,
            aliases: &[$($alias),*],
            args: $args,
            argument: Argument::$argument,
            help: $help,
            twin: if $twin.is_empty() { None } else { Some($twin) },
            run: $run,
        }),*];
    };
}

commands! {
    "step" ["s"] "[N]" None "back" moves::step, "one instruction on, or N";
    "back" ["b", "rs"] "[N]" None "step" moves::back, "one instruction back, or N";
    "line" ["l"] "" None "line-back" moves::line, "to the next source line, into calls";
    "line-back" ["rl"] "" None "line" moves::line_back, "to where this source line began, or the one before";
    "next" ["n"] "" None "next-back" moves::next, "to the next source line, over calls";
    "next-back" ["rn"] "" None "next" moves::next_back, "the same backwards";
    "finish" ["f"] "" None "finish-back" moves::finish, "out of the call, behind it";
    "finish-back" ["rf"] "" None "finish" moves::finish_back, "out of the call, before it";
    "continue" ["c"] "[effect|failure|denial]" Until "continue-back" moves::resume, "to the next breakpoint, or also the next effect, failure or denial; else to the end";
    "continue-back" ["rc"] "[effect|failure|denial]" Until "continue" moves::resume_back, "to the last one before here; else to the start";
    "run-to" ["r", "goto", "g"] "STEP|start|end|LABEL|line [FILE:]LINE" Label "run-back" moves::run_to, "to a step, the start or the end; to where a label or line comes next";
    "run-back" ["rr"] "STEP|start|end|LABEL|line [FILE:]LINE" Label "run-to" moves::run_back, "the same, but to where a label or line came last";
    "written" [] "REGISTER[.PART]" Register "reverse-watch" moves::written, "behind the next write to a register, or change of a part of it";
    "reverse-watch" ["who"] "REGISTER[.PART]" Register "written" moves::who, "before the last write to it: who wrote this?";
    "break" ["br"] "WHAT [if CONDITION]" Stop "" stopping::add, "sets a breakpoint; `help break` lists what there is";
    "watch" ["w"] "REGISTER[.PART] [if CONDITION]" Register "" stopping::watch, "stops where a register, or a part of it, has changed";
    "breakpoints" ["stops", "bl"] "" None "" stopping::all, "lists breakpoints and watches";
    "delete" ["d"] "N|all" None "" stopping::delete, "deletes a breakpoint";
    "disable" [] "N|all" None "enable" stopping::disable, "leaves a breakpoint out";
    "enable" [] "N|all" None "disable" stopping::enable, "lets a breakpoint count again";
    "where" [] "" None "" |session, _| Ok(views::position(session)), "step, place, source line, instruction with what its operands hold";
    "registers" ["regs", "i"] "[all]" None "" registers, "registers of the current call with names, types and values";
    "print" ["p"] "EXPRESSION" Register "" views_print, "a register, a part of it, or what an expression is worth: LEN(xs) + 1";
    "calls" ["bt"] "" None "" |session, _| Ok(views::calls(session)), "the calls that are open, innermost first";
    "store" ["kv"] "" None "" |session, _| Ok(views::store(session)), "the agent's private store and saved state";
    "status" [] "" None "" |session, _| Ok(views::status(session)), "the status words and the last failure";
    "meters" ["gas"] "" None "" |session, _| Ok(views::meters(session)), "gas and the other meters: used and limit";
    "log" [] "[N]" None "" log, "the last notes of the log";
    "effects" ["e"] "[N]" None "" effects, "effects around here: step, question, answer";
    "messages" ["m"] "[all]" None "" messages, "what the agent got from others so far, who sent it, and how to look at that; all: also what it sent and what comes later";
    "source" ["src"] "[N]" None "" |session, args| Ok(views::source(session, lines(args)?)), "source lines around here";
    "code" ["asm"] "[N]" None "" |session, args| Ok(views::instructions(session, lines(args)?)), "instructions around here";
    "versions" [] "" None "" |session, _| Ok(views::versions(session)), "every code that regions have had up to here: number, step, hash, what it replaced";
    "set" [] "REGISTER[.PART] = EXPRESSION" Register "" runs::set, "goes on from here as a new run, with another value in a register";
    "answer" [] "EXPRESSION|failed CODE [MESSAGE]" Failure "" runs::answer, "the same with another answer to the effect that is next";
    "input" [] "NAME = EXPRESSION" Input "" runs::input, "the same from the start, with another input";
    "fork" [] "" None "" runs::fork, "goes on from here as a new run, with nothing changed";
    "answers" [] "[live|recorded]" Answers "" runs::answers, "who answers new runs: providers, or what this run was answered";
    "runs" [] "" None "" runs::all, "lists the runs of this session";
    "switch" [] "N" None "" runs::switch, "looks at another run";
    "diff" [] "[N]" None "" runs::diff, "compares this run with another, or with the one it left";
    "end" [] "" None "" end, "how the run ended and why; stays here";
    "checkpoints" [] "" None "" |session, _| Ok(views::checkpoints(session)), "how many checkpoints there are, and their memory";
    "help" ["h", "?"] "[COMMAND]" Command "" help, "this table, or one row of it";
    "quit" ["q", "exit"] "" None "" quit, "leaves the debugger";
}

/// The command of a name or alias.
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name || command.aliases.contains(&name))
}

/// Does a command.
pub(crate) fn run(session: &mut Session, line: &str) -> Reply {
    let (name, args) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let Some(command) = find(name) else {
        let near = COMMANDS.iter().find(|command| command.name.starts_with(name));
        let near = near.map_or_else(
            || String::from("`help` lists the commands"),
            |near| format!("did you mean {}?", near.name),
        );
        return Reply::error(format!("there is no command {name}; {near}"));
    };
    let args = args.trim();
    if command.args.is_empty() && !args.is_empty() {
        return Reply::error(format!("{} takes nothing behind its name", command.name));
    }
    match (command.run)(session, args) {
        Ok(reply) => reply,
        Err(message) => Reply::error(message),
    }
}

/// What could stand at the end of a line: where the last word begins, in bytes, and the words.
pub fn complete(session: &Session, line: &str) -> (usize, Vec<String>) {
    let mut start = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let mut before = line[..start].split_whitespace();
    let argument = match before.next() {
        None => Argument::Command,
        Some(name) => find(name).map_or(Argument::None, |command| command.argument),
    };
    if argument == Argument::Register || before.clone().any(|word| word == "if") {
        let path = &line[start..];
        // In an expression the word begins behind the last sign; a dot is one that leads to a field.
        start = line.rfind(|c: char| !is_in_name(c)).map_or(0, |at| at + sign_length(line, at));
        if let Some((path, _)) = path.rsplit_once('.') {
            return (start, fields(session, path, &line[start..]));
        }
    }
    let word = &line[start..];
    let words: Vec<&str> = match argument {
        // A condition has registers whatever stands before it.
        _ if before.clone().any(|word| word == "if") => register_names(session),
        Argument::None => Vec::new(),
        Argument::Command => COMMANDS.iter().map(|command| command.name).collect(),
        Argument::Label => labels(session),
        Argument::Register => register_names(session),
        Argument::Until => vec!["effect", "failure", "denial"],
        Argument::Input => session.code.inputs().collect(),
        Argument::Failure => match before.next() {
            None => vec!["failed"],
            Some("failed") => FailureCode::ALL.iter().map(|code| code.name()).collect(),
            Some(_) => Vec::new(),
        },
        Argument::Answers => vec!["live", "recorded"],
        Argument::Stop => {
            let kinds = KINDS.iter().map(|(kind, ..)| *kind);
            match before.next() {
                None => kinds.chain(labels(session)).collect(),
                Some("label" | "region" | "rewrite") => labels(session),
                Some("opcode" | "effect") => {
                    avm_ir::opcode::OPS.iter().map(|info| info.mnemonic).collect()
                }
                Some(_) => vec!["if"],
            }
        }
    };
    let fits = |candidate: &&str| candidate.starts_with(word);
    (start, words.into_iter().filter(fits).map(str::to_owned).collect())
}

/// Bytes of the character at a place.
fn sign_length(line: &str, at: usize) -> usize {
    line[at..].chars().next().map_or(0, char::len_utf8)
}

/// Fields of what is in front of a dot, where that is a record.
fn fields(session: &Session, path: &str, word: &str) -> Vec<String> {
    /// Most fields shown.
    const SHOWN: usize = 200;
    let start = path.rfind(|c: char| !(is_in_name(c) || "[].\"-".contains(c)));
    let start = start.map_or(0, |at| at + sign_length(path, at));
    let machine = session.machine();
    let value = Path::read(&path[start..]).ok().and_then(|path| {
        let register = session.code.value(machine, machine.depth(), &path.name)?;
        path.of(register)
    });
    let Some(Value::Record(record)) = value else { return Vec::new() };
    let names = record.iter().map(|(name, _)| name.as_str());
    let names = names.filter(|name| name.starts_with(word) && name.chars().all(is_in_name));
    names.take(SHOWN).map(str::to_owned).collect()
}

fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '%' | '@' | '$')
}

/// What a command that names a register would show of it, if that is short.
#[cfg(feature = "repl")]
pub(crate) fn preview(session: &Session, command: &Command, args: &str) -> Option<String> {
    let path = || Path::read(args).ok();
    (command.argument == Argument::Register).then(path).flatten().and_then(|path| {
        let machine = session.machine();
        let register = session.code.value(machine, machine.depth(), &path.name)?;
        views::brief(path.of(register)?)
    })
}

fn labels(session: &Session) -> Vec<&str> {
    session.code.labels().map(|(name, _)| name).collect()
}

fn register_names(session: &Session) -> Vec<&str> {
    session.code.register_names().into_iter().collect()
}

/// A number behind a command, or what it is without one.
fn number(args: &str, otherwise: u64) -> Result<u64, String> {
    if args.is_empty() {
        return Ok(otherwise);
    }
    args.parse().map_err(|_| format!("\"{args}\" is no whole number"))
}

fn lines(args: &str) -> Result<u32, String> {
    Ok(number(args, 5)?.min(1000) as u32)
}

fn registers(session: &mut Session, args: &str) -> Result<Reply, String> {
    match args {
        "" => Ok(views::registers(session, false)),
        "all" => Ok(views::registers(session, true)),
        _ => Err(String::from("registers, or registers all")),
    }
}

fn views_print(session: &mut Session, args: &str) -> Result<Reply, String> {
    views::print(session, args)
}

fn log(session: &mut Session, args: &str) -> Result<Reply, String> {
    let most = number(args, 20)?.min(10_000) as usize;
    Ok(views::log(session, most))
}

fn effects(session: &mut Session, args: &str) -> Result<Reply, String> {
    let most = number(args, 20)?.clamp(1, 500) as usize;
    Ok(views::effects(session, most))
}

fn messages(session: &mut Session, args: &str) -> Result<Reply, String> {
    match args {
        "" => Ok(views::messages(session, false)),
        "all" => Ok(views::messages(session, true)),
        _ => Err(String::from("messages, or messages all")),
    }
}

fn end(session: &mut Session, _: &str) -> Result<Reply, String> {
    let here = session.step();
    let was_at_end = session.at_end();
    session.seek(u64::MAX);
    let reply = views::end(session);
    if !was_at_end {
        session.seek(here);
    }
    Ok(reply)
}

/// Characters of the first column of help.
const WIDE: usize = 30;

fn help(_: &mut Session, args: &str) -> Result<Reply, String> {
    let rows: Vec<&Command> = match args {
        "" => COMMANDS.iter().collect(),
        name => vec![find(name).ok_or_else(|| format!("there is no command {name}"))?],
    };
    let mut out = String::new();
    for command in &rows {
        let usage = format!("{} {}", command.name, command.args);
        // A long one has a line of its own.
        let gap = if usage.len() > WIDE { format!("\n{:WIDE$}", "") } else { String::new() };
        let _ = write!(out, "{usage:<WIDE$}{gap} {}", command.help);
        if !command.aliases.is_empty() {
            let _ = write!(out, " ({})", command.aliases.join(", "));
        }
        out.push('\n');
    }
    if let [command] = rows[..] {
        if let Some(twin) = command.twin {
            let _ = writeln!(out, "in the other direction: {twin}");
        }
        if command.argument == Argument::Stop {
            for (kind, argument, help) in KINDS {
                let _ = writeln!(out, "  {:<18} {help}", format!("{kind} {argument}"));
            }
            out.push_str(
                "a condition is an expression of the language: size > 3 AND LEN(r.items) == 2\n",
            );
        }
    }
    let data = rows.iter().map(|command| {
        record([
            ("name", command.name.into()),
            ("aliases", list(command.aliases.iter().map(|alias| (*alias).into()))),
            ("args", command.args.into()),
            ("help", command.help.into()),
            ("twin", text(command.twin)),
        ])
    });
    Ok(Reply::new(out.trim_end().to_owned(), list(data)))
}

fn quit(_: &mut Session, _: &str) -> Result<Reply, String> {
    Ok(Reply { quit: true, ..Reply::new(String::new(), record([])) })
}
