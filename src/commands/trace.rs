//! `avm trace`: every instruction of a recorded run.

use std::{fs::File, io::Write};

use avm_ir::Opcode;
use avm_trace::{Filter, chrome, json, text};
use avm_vm::trace::Source;

use crate::{
    cli::{Steps, Trace},
    exit::{Exit, Failure, Outcome},
    files,
    live::LARGEST,
    output::Out,
    trace::{self, Printed},
};

/// Shows or writes the trace.
pub(crate) fn run(args: &Trace) -> Outcome {
    let mut traced = trace::open(args.run.as_deref(), args.program.as_deref())?;
    if let Some(path) = &args.output {
        let about = |error| files::about(path, error);
        let mut file = File::create(path).map_err(about)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = traced.origin.read(&mut buffer);
            let count = read.map_err(|why| Failure::files(format!("{}: {why}", path.display())))?;
            if count == 0 {
                return Ok(Exit::Done);
            }
            file.write_all(&buffer[..count]).map_err(about)?;
        }
    }
    let opcode = |name: &String| {
        let name = name.to_uppercase();
        Opcode::by_mnemonic(&name)
            .ok_or_else(|| Failure::usage(format!("--opcode: there is no instruction {name}")))
    };
    let Steps(steps) = args.steps.clone().unwrap_or(Steps(0..=u64::MAX));
    let filter = Filter {
        regions: args.region.clone(),
        opcodes: args.opcode.iter().map(opcode).collect::<Outcome<_>>()?,
        registers: args.register.clone(),
        gas: args.gas.map_or(0, |gas| gas.0),
        steps,
    };
    let mut out = Out::new();
    let mut printed = Printed(&mut out);
    traced.read(|reader| {
        if args.json {
            json::write(reader, &filter, LARGEST, &mut printed)
        } else if args.chrome {
            chrome::write(reader, &mut printed)
        } else {
            text::write(reader, &filter, &mut printed)
        }
    })?;
    Ok(Exit::Done)
}
