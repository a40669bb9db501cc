//! `avm approve`: a vote on the patch that a run waits with.

use avm_ir::{Value, program::Patch, value::Record};
use avm_trace::code;
use avm_vm::{
    Machine,
    policy::{Vote, Wanted},
};

use super::resume::{self, Next};
use crate::{
    cli::{Approve, Resume},
    commands::key,
    exit::{Exit, Failure, Outcome},
    output::{Out, note},
    report::hex,
    run_dir,
};

/// Digits of a key that people are shown.
const DIGITS: usize = 16;

/// Votes, and goes on if that decides.
pub(crate) fn run(args: &Approve) -> Outcome {
    let secret = args.key.as_deref().map(key::read).transpose()?;
    let resume = Resume {
        json: args.json,
        registers: args.registers,
        ..Resume::of(args.run.clone(), args.quiet)
    };
    let name = args.run.display().to_string();
    resume::open(&resume, |machine, tape| {
        let waits = || Failure::usage(format!("{name}: the run waits for no approval"));
        let wanted = machine.unapproved_patch().cloned().ok_or_else(waits)?;
        if args.show {
            show(machine, &wanted, &name, args.json);
            return Ok(Next::Stays);
        }
        let ballot = machine.ballot().ok_or_else(waits)?;
        let (agrees, why) = (args.deny.is_none(), args.deny.clone().unwrap_or_default());
        let vote = match &secret {
            Some(secret) => ballot.sign(secret, agrees, why),
            None => Vote { agrees, signature: None, note: why },
        };
        tape.vote(machine, &vote)?;
        let decided = machine.unapproved_patch().is_none();
        if decided && !args.stay {
            return Ok(Next::Runs);
        }
        let how = match decided {
            true => format!("decided; go on with: avm resume {name}"),
            false => standing(machine),
        };
        note(&format!("the vote is noted; {how}"));
        Ok(Next::Waits)
    })
    .map(|exit| if args.show { Exit::Done } else { exit })
}

/// Who voted, in words.
fn standing(machine: &Machine) -> String {
    let (votes, approval) = (machine.votes(), machine.policy().and_then(|p| p.approval.as_ref()));
    let needed = approval.map_or(1, |approval| approval.needed);
    let of = approval.map_or(0, |approval| approval.keys.len());
    let of = if of == 0 { String::new() } else { format!(" of {of}") };
    format!("{} agreed and {} refused; {needed}{of} have to agree", votes.yes.len(), votes.no.len())
}

/// Shows what is asked for.
fn show(machine: &Machine, wanted: &Wanted, name: &str, json: bool) {
    let region = &wanted.patch.region.name;
    let before = Patch::of(machine.image().program(), region);
    let diff = before.map_or_else(String::new, |before| code::diff(&before, &wanted.patch));
    let votes = machine.votes();
    let mut out = Out::new();
    if json {
        let keys = |keys: &[[u8; 32]]| -> Value {
            keys.iter().map(|key| Value::from(hex(key))).collect::<Vec<_>>().into()
        };
        out.event(
            "approval",
            Record::from_iter([
                ("region", Value::text(region)),
                ("patch", Value::from(hex(&wanted.patch.hash()))),
                ("why", Value::text(&wanted.why)),
                ("diff", Value::from(diff)),
                ("agreed", keys(&votes.yes)),
                ("refused", keys(&votes.no)),
            ]),
        );
        return;
    }
    out.line(&wanted.to_string());
    out.text(&diff);
    out.line(&standing(machine));
    for (word, keys) in [("agreed", &votes.yes), ("refused", &votes.no)] {
        for key in keys.iter().filter(|key| **key != [0; 32]) {
            out.line(&format!("  {word}: {}…", &hex(key)[..DIGITS]));
        }
    }
    let signed = machine.policy().and_then(|policy| policy.approval.as_ref());
    let key = if signed.is_some_and(|of| !of.keys.is_empty()) { " --key KEYFILE" } else { "" };
    let command = format!("avm approve {}{key}", run_dir::quoted(name));
    out.line(&format!("agree with: {command}; refuse with: {command} --deny WHY"));
}
