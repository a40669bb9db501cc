//! The command `avm`: parse the command line, do the one thing asked, exit with a code.

mod begin;
mod blocks;
mod budget;
mod bytes;
mod cli;
mod code_policy;
mod coder;
mod commands;
mod config;
mod driver;
mod editor;
mod end;
mod exit;
mod files;
mod gas_table;
mod golden;
mod grants;
mod history;
mod host;
mod inputs;
mod journal;
mod library;
mod live;
mod meter;
mod modules;
mod name_file;
mod output;
mod outside;
mod program;
mod providers;
mod random;
mod redact;
mod render;
mod report;
mod run_dir;
mod runs;
mod session;
mod state_file;
mod summary;
mod swarm;
mod trace;
mod whole;

use std::{
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::Mutex,
};

use clap::Parser;
use cli::{Cli, Command};
use exit::{Exit, Outcome};

/// Programs make and drop many small values, which costs half of what it costs with the allocators
/// of most systems. Without huge pages, so that a small agent stays a small process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What went wrong in our own code, and where.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        if let Ok(mut panic) = PANIC.lock() {
            *panic = Some(info.to_string());
        }
    }));
    let cli = Cli::parse();
    ExitCode::from(guarded(|| dispatch(cli.command)) as u8)
}

/// Runs a command and says what went wrong, be it the user's or ours.
fn guarded(command: impl FnOnce() -> Outcome) -> Exit {
    match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(exit)) => match output::failure() {
            None => exit,
            Some(why) => {
                output::note(&format!("error: standard output: {why}"));
                if exit == Exit::Done { Exit::Files } else { exit }
            }
        },
        Ok(Err(failure)) => {
            output::note(&format!("error: {:#}", failure.error));
            failure.exit
        }
        Err(_) => {
            bug();
            Exit::Bug
        }
    }
}

fn bug() {
    let what = PANIC.lock().ok().and_then(|mut panic| panic.take()).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    output::note(&format!(
        "error: this is a bug in avm, not in your program or your command\n\
         {what}\n\
         Please report it with the text above, the command line, the program, and: avm {version}, {} {}",
        std::env::consts::OS,
        std::env::consts::ARCH,
    ));
}

fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Run(run) => commands::run::run(&run),
        Command::Resume(resume) => commands::resume::run(&resume),
        Command::Approve(approve) => commands::approve::run(&approve),
        Command::Replay(replay) => commands::replay::run(&replay),
        Command::Debug(debug) => commands::debug::run(&debug),
        Command::Fork(fork) => commands::fork::run(&fork),
        Command::Diff(diff) => commands::diff::run(&diff),
        Command::Trace(trace) => commands::trace::run(&trace),
        Command::Profile(profile) => commands::profile::run(&profile),
        Command::History(history) => commands::history::run(&history),
        Command::Runs(runs) => commands::runs::run(&runs),
        Command::Swarm(swarm) => commands::swarm::run(&swarm),
        Command::Wallet(wallet) => commands::wallet::run(&wallet),
        Command::Test(test) => commands::test::run(&test),
        Command::Asm(asm) => commands::asm::run(&asm),
        Command::Dis(dis) => commands::dis::run(&dis),
        Command::Fmt(fmt) => commands::fmt::run(&fmt),
        Command::Check(check) => commands::check::run(&check),
        Command::Gas(gas) => commands::gas::run(&gas),
        Command::Explain(explain) => commands::explain::run(&explain),
        Command::New(new) => commands::new::run(&new),
        Command::Policy(policy) => commands::policy::run(&policy),
        Command::Key(key) => commands::key::run(&key),
        Command::Name(name) => commands::name::run(&name),
        Command::Verify(verify) => commands::verify::run(&verify),
        Command::Completions(completions) => commands::completions::run(&completions),
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, guarded};

    #[test]
    fn bug_of_ours_has_its_exit_code() {
        assert_eq!(guarded(|| panic!("a test of the report")), Exit::Bug);
        assert_eq!(guarded(|| Ok(Exit::Trap)), Exit::Trap);
    }
}
