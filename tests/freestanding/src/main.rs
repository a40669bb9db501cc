//! Reads an `.avmb` program from standard input, runs it without answering effects, and writes how
//! it ended and the state hash to standard output.
//!
//! It stands for every host without an operating system: the only things it takes from Linux are
//! the two system calls at its edge.

#![no_std]
#![no_main]

extern crate alloc;

mod heap;
mod memory;
mod system;

use alloc::{format, string::String, sync::Arc};

use avm_ir::{Program, Schedule, gas::GAS, verify};
use avm_vm::{Answer, Config, End, FailureCode, Image, Machine, Pause};

/// Called by the start-up code with an aligned stack.
#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    let input = system::read_all();
    let line = match run(&input) {
        Ok(line) => line,
        Err(line) => format!("error: {line}\n"),
    };
    system::write(line.as_bytes());
    system::exit(0)
}

fn run(input: &[u8]) -> Result<String, String> {
    let program = Program::from_bytes(input).map_err(|error| format!("{error}"))?;
    let verified = verify(program).map_err(|error| format!("{error}"))?;
    let image = Arc::new(Image::new(verified, &Schedule::v1()));
    // Little, so that the endless program ends soon.
    let config = Config { gas: 20 * GAS, ..Config::default() };
    let mut machine = Machine::new(image, config).map_err(|error| format!("{error}"))?;
    let end = loop {
        match machine.run(u64::MAX, &mut ()) {
            Pause::Slice => {}
            Pause::Effect(request) => {
                let answer = Answer::failed(FailureCode::NoProvider, "nobody is here");
                machine.answer(request.id, answer, &mut ()).map_err(|error| format!("{error}"))?;
            }
            Pause::End(end) => break end,
        }
    };
    let word = match end {
        End::Halted(_) => "halted",
        End::Exhausted(_) => "exhausted",
        End::Trapped(_) => "trapped",
        End::Unapproved(_) => "unapproved",
    };
    let mut hash = String::new();
    for byte in machine.state_hash() {
        hash.push_str(&format!("{byte:02x}"));
    }
    Ok(format!("{word} {} {hash}\n", machine.gas_used()))
}
