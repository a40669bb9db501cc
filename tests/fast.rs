//! Fast code where it has to stop in between, and where signs of zeros show.

use std::sync::Arc;

use avm_ir::{Opcode, Schedule, verify::CodePlace};
use avm_vm::{Config, Image, Machine, Observer, Pause};

/// Wants to see every step, so that canonical code runs.
struct Watch;

impl Observer for Watch {
    fn step(&mut self, _: CodePlace, _: Opcode, _: u64) {}
}

fn machine(source: &str, gas: u64) -> Machine {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("test", source, &mut avm_asm::NoSources, &options);
    let program = avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
    let image = Arc::new(Image::new(program, &Schedule::v1()));
    Machine::new(image, Config { gas, ..Config::default() }).expect("it starts")
}

/// Runs both ways, slice by slice, and compares.
fn compare(source: &str, gas: u64, slice: u64) {
    let (mut fast, mut canonical) = (machine(source, gas), machine(source, gas));
    loop {
        let pause = fast.run(slice, &mut ());
        assert_eq!(pause, canonical.run(slice, &mut Watch), "slices of {slice}, gas {gas}");
        assert_eq!(fast.steps(), canonical.steps());
        assert_eq!(fast.state_hash(), canonical.state_hash(), "slices of {slice}, gas {gas}");
        if pause != Pause::Slice {
            break;
        }
    }
}

#[test]
fn long_code_stops_at_every_step() {
    for straight in [100, 123, 124, 125, 126, 127, 128, 136, 300] {
        let body = "  SET x = x + y\n".repeat(straight);
        let source = format!(
            "SET x = 0\nSET y = 3\nSET list = [[1, 2], [3, 4]]\nSET i = 0\nWHILE i < 3 DO\n{body}  \
             SET z = list[1][0]\n  SET list[1][0] = x\n  SET i = i + 1\nENDWHILE\nRETURN x\n"
        );
        for slice in [1, 100, 127, 128, 129, 130, 255, 256, 1100, u64::MAX] {
            compare(&source, u64::MAX, slice);
        }
        let mut whole = machine(&source, u64::MAX);
        whole.run(u64::MAX, &mut ());
        for less in [0, 1, 999, 1000, 5000, 127_000, 128_000, 150_000] {
            compare(&source, whole.gas_used() - less, u64::MAX);
        }
    }
}

#[test]
fn zeros_keep_their_sign() {
    let source = "SET zero = 0\nSET x = 0.0 * -1.0\nFOR i IN 2000 DO\n  SET x = x - 0\n  SET y = x - zero\n  \
                  SET z = x + 0\nENDFOR\nRETURN [x, y, z]\n";
    compare(source, u64::MAX, u64::MAX);
    let mut machine = machine(source, u64::MAX);
    let Pause::End(end) = machine.run(u64::MAX, &mut ()) else { panic!("it ends") };
    assert!(format!("{end:?}").contains("[Float(-0.0), Float(-0.0), Float(0.0)]"), "{end:?}");
}
