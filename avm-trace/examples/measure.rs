//! What a trace takes: bytes and time per step, on a few programs, against the run without it.
//! `cargo run --release -p avm-trace --example measure`
#![allow(clippy::print_stdout, reason = "a command line tool")]

use std::{hint::black_box, sync::Arc, time::Instant};

use avm_ir::{Schedule, verify};
use avm_trace::{Filter, Profile, json, text};
use avm_vm::{
    Config, Image, Machine, Observer, Pause,
    trace::{Reader, Tracer},
};

const PROGRAMS: &[(&str, &str)] = &[
    (
        "ints",
        "SET sum = 0
         FOR i IN 1000000 DO
           IF i % 3 == 0 THEN
             SET sum = sum + i
           ENDIF
         ENDFOR
         RETURN sum
        ",
    ),
    (
        "floats",
        "SET x = 0.5
         FOR i IN 500000 DO
           SET x = x * 3.7 * (1.0 - x)
         ENDFOR
         RETURN x
        ",
    ),
    (
        "lists",
        "SET list = []
         FOR i IN 200000 DO
           PUSH list, i * i
         ENDFOR
         FOR i IN 200000 DO
           SET list[i] = list[i] + 1
         ENDFOR
         RETURN LEN(list)
        ",
    ),
    (
        "calls",
        ".func fib(n)
           IF n < 2 THEN
             RETURN n
           ENDIF
           RETURN fib(n - 1) + fib(n - 2)
         .endfunc
         RETURN fib(24)
        ",
    ),
    (
        "texts",
        "SET text = \"\"
         FOR i IN 20000 DO
           SET text = text + \"x\"
         ENDFOR
         SET words = {}
         FOR i IN 50000 DO
           SET key = \"k\" + TO_TEXT(i % 100)
           SET words[key] = GET_OR(words, key, 0) + 1
         ENDFOR
         RETURN LEN(words)
        ",
    ),
];

struct Steps(u64);

impl Observer for Steps {
    fn step(&mut self, _: avm_ir::verify::CodePlace, _: avm_ir::Opcode, gas: u64) {
        self.0 = self.0.wrapping_add(gas);
    }
}

fn main() {
    println!(
        "{:<8}{:>10}{:>10}{:>12}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}",
        "program",
        "steps",
        "bytes",
        "bytes/step",
        "run ns",
        "steps ns",
        "trace ns",
        "read ns",
        "profile ns",
        "json us"
    );
    for (name, source) in PROGRAMS {
        let assembly =
            avm_asm::assemble(name, source, &mut avm_asm::NoSources, &avm_asm::Options::default());
        let program =
            assembly.program.unwrap_or_else(|| panic!("{name}: {:?}", assembly.diagnostics));
        let image = Arc::new(Image::new(verify(program).expect("it verifies"), &Schedule::v1()));
        let machine = Machine::new(image.clone(), Config::default()).expect("no inputs");
        let run = time(|| finish(&mut machine.clone(), &mut ()));
        let steps_only = time(|| finish(&mut machine.clone(), &mut Steps(0)));
        let traced = time(|| {
            let mut tracer = Tracer::new(&machine, None);
            finish(&mut machine.clone(), &mut tracer);
            black_box(tracer.finish());
        });
        let mut tracer = Tracer::new(&machine, None);
        let mut traced_machine = machine.clone();
        finish(&mut traced_machine, &mut tracer);
        tracer.rested(&traced_machine);
        let (bytes, _) = tracer.finish();
        let steps = traced_machine.steps();
        let read = time(|| {
            let mut reader = Reader::new(image.clone(), &bytes[..]).expect("a trace");
            while reader.next().expect("a trace").is_some() {}
        });
        let profile = time(|| {
            let mut reader = Reader::new(image.clone(), &bytes[..]).expect("a trace");
            let profile = Profile::read(&mut reader).expect("a trace");
            assert_eq!(profile.all().gas, traced_machine.gas_used());
        });
        let few = Filter { steps: 0..=20_000, ..Filter::default() };
        let mut reader = Reader::new(image.clone(), &bytes[..]).expect("a trace");
        let start = Instant::now();
        let mut out = String::new();
        json::write(&mut reader, &few, 128, &mut out).expect("a trace");
        let json = start.elapsed().as_secs_f64() - read;
        if std::env::args().any(|arg| arg == "--text") {
            let few = Filter { steps: 100..=120, ..Filter::default() };
            let mut reader = Reader::new(image.clone(), &bytes[..]).expect("a trace");
            let mut out = String::new();
            text::write(&mut reader, &few, &mut out).expect("a trace");
            println!("{out}");
        }
        let per = |seconds: f64| seconds * 1e9 / steps as f64;
        println!(
            "{name:<8}{steps:>10}{:>10}{:>12.2}{:>10.1}{:>10.1}{:>10.1}{:>10.1}{:>12.1}{:>12.2}",
            bytes.len(),
            bytes.len() as f64 / steps as f64,
            per(run),
            per(steps_only),
            per(traced),
            per(read),
            per(profile),
            json.max(0.0) * 1e6 / steps.min(20_000) as f64,
        );
    }
}

fn finish<O: Observer>(machine: &mut Machine, observer: &mut O) {
    loop {
        match machine.run(u64::MAX, observer) {
            Pause::End(end) => {
                assert!(matches!(end, avm_vm::End::Halted(_)), "{end:?}");
                return;
            }
            Pause::Slice => {}
            Pause::Effect(request) => panic!("{request:?}"),
        }
    }
}

/// Seconds of the fastest of three.
fn time(mut run: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}
