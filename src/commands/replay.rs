//! `avm replay`: a recorded run again, from its journal alone.

use std::sync::Arc;

use avm_dbg::{diff, live};
use avm_ir::{Schedule, Value};
use avm_vm::{
    EffectRequest, End, Image, InputError,
    journal::{Diverged, Event, Journal, Player, Stop, Tail},
};

use crate::{
    cli::Replay,
    end,
    exit::{Exit, Failure, Outcome},
    journal::{self, Answered},
    meter::Meter,
    output::{Out, note, note_styled},
    program,
    report::{self, hex},
    run_dir,
};

/// Replays a run.
pub(crate) fn run(args: &Replay) -> Outcome {
    let path = run_dir::journal_of(args.run.as_deref())?;
    let journal = &journal::read(&path)?;
    let signers = journal::signers(&path, journal)?;
    let image = Arc::new(Image::new(journal::program(&path, journal)?, &Schedule::v1()));
    let wrong = |why: &dyn std::fmt::Display| Failure::files(format!("{}: {why}", path.display()));
    if image.schedule_hash() != journal.start.schedule {
        return Err(wrong(&"it was recorded under a gas schedule that is not known here"));
    }
    let player = Player::new(journal, Arc::clone(&image));
    let mut player = player.map_err(|error: InputError| wrong(&error))?;
    if let Some(other) = &args.with {
        let other = program::load(other, args.dialect)?.program;
        let other = Arc::new(Image::new(other, &Schedule::v1()));
        let other = Player::with(journal, other).map_err(|error: InputError| {
            Failure::new(Exit::Program, format!("the other program does not start: {error}"))
        })?;
        return compare(journal, player, other);
    }
    let mut out = Out::new();
    let stop = {
        let mut meter = Meter::<false>::new(&mut out, false);
        player.run(journal, &mut meter)
    };
    let machine = player.machine();
    if let (Ok(Stop::Rested), Some(end)) = (&stop, machine.end()) {
        report::result(&mut out, machine, end);
        if let End::Trapped(trap) = end {
            note_styled(&end::trap(machine, trap, &journal::sources(journal)));
        }
    }
    if args.registers {
        out.text(&avm_dbg::view(machine));
    }
    out.flush();
    match stop.map_err(|diverged| wrong(&diverged))? {
        Stop::Rested => {
            if let Tail::Torn { whole, rest } = journal.tail {
                return Err(wrong(&format!(
                    "{rest} bytes behind byte {whole} are no whole record"
                )));
            }
            if !args.quiet {
                told(&player, &signers);
            }
            Ok(Exit::Done)
        }
        Stop::Reached | Stop::Cut => Err(wrong(&format!(
            "the run was cut off: it is replayed up to step {}, where nothing more was written; go \
             on with it with avm resume",
            machine.steps()
        ))),
    }
}

/// Says that the run came to the same.
fn told(player: &Player, signers: &[[u8; 32]]) {
    let machine = player.machine();
    let how = match machine.end() {
        Some(End::Halted(_)) => "halted",
        Some(End::Exhausted(_)) => "ended with a budget used up",
        Some(End::Trapped(_)) => "trapped",
        Some(End::Unapproved(_)) => "waits for approval",
        None => "goes on",
    };
    let (steps, effects) = (machine.steps(), machine.effects());
    let gas = avm_ir::Gas(machine.gas_used());
    note(&format!(
        "replayed: {how} after {steps} steps and {effects} effects, gas {gas}, as recorded"
    ));
    note(&format!("state {}", hex(&machine.state_hash())));
    for signer in signers {
        note(&format!("signed by {}", hex(signer)));
    }
}

/// Runs another program on the recorded answers and says where it behaves in another way first.
fn compare(journal: &Journal, mut player: Player, mut other: Player) -> Outcome {
    let went = other.run(journal, &mut ());
    let fed = other.fed();
    let machine = other.machine();
    match went {
        Ok(Stop::Rested) => {
            // It is the program that was recorded, so it does not diverge.
            let _ = player.run(journal, &mut ());
            let [gas, was] =
                [machine, player.machine()].map(|machine| avm_ir::Gas(machine.gas_used()));
            note("the other program asks for the same effects and comes to the same end");
            note(&format!("gas {gas}, was {was}"));
            Ok(Exit::Done)
        }
        Ok(_) => {
            note("the other program asks for the same effects as far as was recorded");
            Ok(Exit::Done)
        }
        Err(diverged) => {
            let Diverged { steps, what, .. } = &diverged;
            let at = machine.at();
            let program = machine.image().program();
            let region = program.regions.get(at.region as usize).map_or("?", |region| &region.name);
            let place = end::place(program, at)
                .map_or_else(String::new, |(file, line, _)| format!(", {file}:{line}"));
            note(&format!(
                "the other program behaves in another way at its step {steps} ({region}:{}{place}): {what}",
                at.pc
            ));
            if let Some(asked) = machine.pending() {
                note(&format!("  it asks      {}", shown(asked)));
            }
            let old = Arc::clone(player.machine().image());
            if let Some(recorded) = recorded(journal, &mut player, fed) {
                note(&format!("  was recorded {recorded}"));
            }
            if let Some(follows) = follows(journal, old, Arc::clone(machine.image())) {
                note(&format!("where the same questions get the same answers:\n{follows}"));
            }
            Ok(Exit::Program)
        }
    }
}

/// What comes of it that the other program behaves in another way.
fn follows(journal: &Journal, old: Arc<Image>, other: Arc<Image>) -> Option<String> {
    let new = live::again(journal, Arc::clone(&other)).ok()?;
    let diff = diff::compare((journal, old), (&new, other)).ok()?;
    Some(diff.reply().text)
}

/// What the recorded run did at a record.
fn recorded(journal: &Journal, player: &mut Player, record: usize) -> Option<String> {
    let mut asked = Answered::default();
    // It is the program that was recorded, so it does not diverge.
    let _ = player.run(journal, &mut asked);
    match &journal.records.get(record)?.event {
        Event::Answered { id, .. } | Event::Asked { id, .. } => {
            asked.0.iter().find(|request| request.id == *id).map(shown)
        }
        Event::Rested { end: End::Halted(value), .. } => {
            Some(format!("to halt with {}", avm_dbg::show(value)))
        }
        Event::Rested { end: End::Exhausted(meter), .. } => {
            Some(format!("to use up its budget {}", meter.name()))
        }
        Event::Rested { end: End::Trapped(trap), .. } => Some(format!("to trap, {trap}")),
        Event::Rested { end: End::Unapproved(_), .. } => {
            Some("to wait for approval of a patch".to_owned())
        }
        _ => None,
    }
}

/// A request on one line.
fn shown(request: &EffectRequest) -> String {
    let operands = request.opcode.info().inputs.iter().zip(&request.args);
    let operand = |(operand, value): (&avm_ir::info::OperandInfo, &Option<Value>)| {
        value.as_ref().map(|value| format!("{}={}", operand.name, avm_dbg::show(value)))
    };
    let operands: Vec<String> = operands.filter_map(operand).collect();
    format!("{} {}", request.opcode.mnemonic(), operands.join(" "))
}
