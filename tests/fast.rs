//! Fast code where it has to stop in between, and where signs of zeros show.

use std::sync::Arc;

use avm_ir::{Opcode, Schedule, verify::CodePlace};
use avm_vm::{Config, Image, Machine, Marks, Observer, Pause};

/// Wants to see every step, so that canonical code runs.
struct Watch;

impl Observer for Watch {
    fn step(&mut self, _: CodePlace, _: Opcode, _: u64) {}
}

fn image(source: &str) -> Arc<Image> {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("test", source, &mut avm_asm::NoSources, &options);
    let program = avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
    Arc::new(Image::new(program, &Schedule::v1()))
}

fn machine(source: &str, gas: u64) -> Machine {
    Machine::new(image(source), Config { gas, ..Config::default() }).expect("it starts")
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

/// Notes the steps at which marked instructions are next.
struct Wait<'m>(Option<&'m Marks>, Vec<u64>);

impl Observer for Wait<'_> {
    const STEPS: bool = false;
    const MARKS: bool = true;

    fn marks(&self) -> Option<&Marks> {
        self.0
    }

    fn reached(&mut self, machine: &Machine) {
        assert!(self.0.is_some_and(|marks| marks.has(machine.at())));
        self.1.push(machine.steps());
    }
}

const LOOP: &str = "\
SET sum = 0
SET k = 0
WHILE k < 50 DO
  SET sum = sum + k
  SET k = k + 1
ENDWHILE
RETURN sum
";

#[test]
fn marks_are_reached_whatever_is_joined() {
    let mut plain = machine(LOOP, u64::MAX);
    plain.run(u64::MAX, &mut ());
    let code = plain.image().program().regions[0].code.len() as u32;
    for pc in 0..code {
        let at = CodePlace { region: 0, pc };
        let mut steps = Vec::new();
        let mut canonical = machine(LOOP, u64::MAX);
        while canonical.end().is_none() {
            if canonical.at() == at {
                steps.push(canonical.steps());
            }
            canonical.run(1, &mut Watch);
        }
        for slice in [1, 7, 200, u64::MAX] {
            let mut marked = machine(LOOP, u64::MAX);
            let marks = Marks::new(marked.image(), [at, CodePlace { region: 7, pc: 0 }]);
            let mut wait = Wait(Some(&marks), Vec::new());
            while marked.run(slice, &mut wait) == Pause::Slice {}
            assert_eq!(wait.1, steps, "{pc}");
            assert_eq!(marked.state_hash(), plain.state_hash());
        }
    }
}

#[test]
fn marks_of_another_program_are_places_only() {
    let other = image("SET k = 0\nSET k = k + 1\nSET k = k + 1\nRETURN k\n");
    let marks = Marks::new(&other, [CodePlace { region: 0, pc: 1 }]);
    let mut wait = Wait(Some(&marks), Vec::new());
    let mut unmarked = Wait(None, Vec::new());
    let (mut a, mut b) = (machine(LOOP, u64::MAX), machine(LOOP, u64::MAX));
    assert_eq!(a.run(u64::MAX, &mut wait), b.run(u64::MAX, &mut (&mut unmarked, Some(Watch))));
    assert_eq!((wait.1, unmarked.1), (vec![1], Vec::new()));
    assert_eq!(a.state_hash(), b.state_hash());
}
