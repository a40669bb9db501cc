//! How fast a long run is gone through: records one of about 10^8 steps, opens its journal and
//! measures moves. `cargo run --release -p avm-dbg --example seek [STEPS [ITEMS OF THE LIST]]`.

use std::{
    env, fs,
    io::{self, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use avm_dbg::Session;
use avm_ir::Schedule;
use avm_vm::{
    Config, Image, Machine, Pause,
    journal::{Recorder, Start, Writer},
};

/// A loop with calls and a list; twelve or so instructions a round.
const SOURCE: &str = "\
.input rounds = 1000
.input size = 16
SET items = [0]
WHILE LEN(items) < size DO
  SET items = items + items
ENDWHILE
SET total = 0
SET flag = 0
SET k = 0
WHILE k < rounds DO
  SET total = mix(total, k)
  SET items[total % size] = k
  IF k == 1000 THEN
    SET flag = total
  ENDIF
  SET k = k + 1
ENDWHILE
RETURN total
.func mix(a, b)
  SET sum = a * 31 + b
  RETURN sum % 1000003
.endfunc
";

#[expect(clippy::disallowed_methods, reason = "a measurement, not the library")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a measurement, not the library")]
fn resident() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines =
        status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    #[expect(clippy::disallowed_methods, reason = "a measurement, not the library")]
    let mut args = env::args().skip(1).map(|number| number.parse::<u64>().unwrap_or(0));
    let steps = args.next().unwrap_or(100_000_000);
    let size = i64::try_from(args.next().unwrap_or(16)).unwrap_or(i64::MAX);
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("seek.avm", SOURCE, &mut avm_asm::NoSources, &options);
    let program = assembly.program.ok_or_else(|| io::Error::other("it does not assemble"))?;
    let bytes = program.to_bytes();
    let verified = avm_ir::verify(program).map_err(io::Error::other)?;
    let image = Arc::new(Image::new(verified, &Schedule::v1()));
    let rounds = i64::try_from(steps / 13).unwrap_or(i64::MAX);
    let config = Config {
        gas: u64::MAX / 2,
        inputs: vec![(String::from("rounds"), rounds.into()), (String::from("size"), size.into())],
        ..Config::default()
    };
    let schedule = image.schedule_hash();
    let start = Start { program: bytes, schedule, config: config.clone(), parent: None };
    let (writer, bytes) = Writer::new(&start);
    let mut recorder = Recorder::new(writer, bytes);
    let mut machine = Machine::new(image, config).map_err(io::Error::other)?;
    let begun = now();
    if let Pause::Effect(_) = machine.run(u64::MAX, &mut ()) {
        return Err(io::Error::other("an effect"));
    }
    let run = begun.elapsed();
    recorder.rest(&machine);
    let (journal, total) = (recorder.take(), machine.steps());
    let recorded = machine.end().cloned();
    let hash = machine.state_hash();
    drop(machine);
    writeln!(out, "run: {total} steps in {run:?}; {}", resident())?;

    let begun = now();
    let mut session = Session::open(&journal).map_err(io::Error::other)?;
    writeln!(out, "open: {:?}", begun.elapsed())?;
    let begun = now();
    session.seek(u64::MAX);
    let to_end = begun.elapsed();
    let ratio = to_end.as_secs_f64() / run.as_secs_f64();
    let (count, weight) = session.timeline().checkpoints();
    writeln!(
        out,
        "to the end: {to_end:?}, {ratio:.2} of the run; {count} checkpoints, {weight} bytes"
    )?;
    let same = session.machine().end() == recorded.as_ref();
    if !same || session.machine().state_hash() != hash {
        return Err(io::Error::other("another end"));
    }

    let mut state = 88_172_645_463_325_252_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut seeks = Vec::new();
    let mut backs = Vec::new();
    let mut further = Vec::new();
    for _ in 0..200 {
        let begun = now();
        session.seek(1 + random() % (total - 1));
        seeks.push(begun.elapsed());
        let begun = now();
        session.command("back");
        backs.push(begun.elapsed());
        for _ in 0..20 {
            let begun = now();
            session.command("back");
            further.push(begun.elapsed());
        }
    }
    for (name, times) in [
        ("seek", &mut seeks),
        ("first step back", &mut backs),
        ("further steps back", &mut further),
    ] {
        times.sort();
        let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
        let most = times.last().copied().unwrap_or_default();
        writeln!(out, "{name}: p50 {:?}, p99 {:?}, most {most:?}", at(50), at(99))?;
    }

    for (place, command) in [
        (u64::MAX, "reverse-watch items"),
        (u64::MAX, "reverse-watch flag"),
        (0, "run-to mix"),
        (u64::MAX, "line-back"),
        (u64::MAX, "next-back"),
        (0, "next"),
    ] {
        session.seek(place);
        let begun = now();
        let reply = session.command(command);
        let took: Duration = begun.elapsed();
        let text = reply.text.lines().next().unwrap_or_default();
        writeln!(out, "{command}: {took:?} ({text})")?;
    }
    session.command("break mix if b == 5000000");
    for (place, command) in [(0, "continue"), (u64::MAX, "continue-back")] {
        session.seek(place);
        let begun = now();
        let reply = session.command(command);
        let text = reply.text.lines().nth(1).unwrap_or_default();
        writeln!(out, "break mix if b == 5000000, {command}: {:?} ({text})", begun.elapsed())?;
    }
    writeln!(out, "{}", resident())
}
