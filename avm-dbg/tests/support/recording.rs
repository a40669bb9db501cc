//! Journals of small runs, recorded here and now.

use std::sync::Arc;

use avm_ir::{Opcode, Program, Schedule, Value, program::Patch};
use avm_vm::{
    Answer, Config, EffectRequest, FailureCode, Image, Machine, Meter, Pause,
    journal::{Event, Recorder, Start, Writer},
};

/// Name of the source in debug data.
pub(crate) const FILE: &str = "test.avm";

/// A run that is recorded.
pub(crate) struct Recording {
    pub(crate) machine: Machine,
    pub(crate) recorder: Recorder,
}

impl Recording {
    pub(crate) fn new(source: &str, config: Config) -> Self {
        let program = assembled(source);
        let bytes = program.to_bytes();
        let verified = avm_ir::verify(program).expect("it verifies");
        let image = Arc::new(Image::new(verified, &Schedule::v1()));
        let schedule = image.schedule_hash();
        let start = Start { program: bytes, schedule, config: config.clone(), parent: None };
        let (writer, bytes) = Writer::new(&start);
        let mut recorder = Recorder::new(writer, bytes);
        recorder.note(0, &Event::Source { path: FILE.into(), text: source.into() });
        let machine = Machine::new(image, config).expect("it starts");
        Self { machine, recorder }
    }

    /// Goes on until there is nothing more to do in so many steps; whether it is at rest.
    pub(crate) fn go(&mut self, slice: u64) -> bool {
        loop {
            match self.machine.run(slice, &mut ()) {
                Pause::Slice => return false,
                Pause::End(_) => {
                    self.recorder.rest(&self.machine);
                    return true;
                }
                Pause::Effect(request) => {
                    self.recorder.ask(&self.machine, &request);
                    let answer = answer(&request);
                    let answered = self.recorder.answer(&mut self.machine, answer, &mut ());
                    answered.expect("it waits");
                }
            }
        }
    }

    /// More gas for a run that ran out of it.
    pub(crate) fn top_up(&mut self, gas: u64) {
        self.recorder.top_up(&mut self.machine, Meter::Gas, gas * 1_000_000_000);
    }

    /// The journal.
    pub(crate) fn bytes(mut self) -> Vec<u8> {
        self.recorder.take()
    }
}

fn assembled(source: &str) -> Program {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble(FILE, source, &mut avm_asm::NoSources, &options);
    assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics))
}

/// A program that changes its region `SIDE`, with one of the codes that the region gets: they have
/// other functions, labels and registers. A code is asked for by its number.
pub(crate) fn rewriting(number: u64) -> String {
    let body = match number % 3 {
        0 => String::from(
            ".func far(n)\n  SET n = n * 2\n  RETURN near(n)\n.endfunc\n\
             .func near(n)\n  SET m = n % 5\n  RETURN m\n.endfunc",
        ),
        1 => format!(
            ".func far(n)\n  SET below = n + {number}\n  IF n == 4 THEN\n\
             \x20   SELF_MODIFY \"SIDE\", \"5\" -> s\n  ENDIF\n  :point\n  LOG below\n\
             \x20 SET m = near(below) + near(n)\n  RETURN m\n.endfunc\n\
             .func near(n)\n  SET extra = [{number}]\n  SET m = (n + extra[0]) % 5\n  RETURN m\n.endfunc"
        ),
        _ => format!(
            ".func far(n)\n  SET m = [n]\n  :point\n  SET m = m[0] + {number}\n  GPU_INFER \"m\", \"nobody\" -> said\n\
             \x20 RETURN m\n.endfunc"
        ),
    };
    format!(
        r#"
.input rounds = 12
.uses model "m"
SELF_OBSERVER_MODE true
SET items = [0, 0, 0]
SET done = false
SET k = 0
SET sum = 0
WHILE k < rounds DO
  SET sum = sum + far(k) + walk(k % 3)
  SET items[k % 3] = sum / 2
  IF k % 4 == 1 THEN
    SELF_MODIFY "SIDE", TO_TEXT(k / 4 + 1) -> s
    CREATE_SYSTEM_CHECKPOINT "point" + k -> c
  ENDIF
  IF k == 7 THEN
    REVERT_CODE "SIDE", 2
  ENDIF
  IF k == 8 THEN
    GPU_INFER "m", "forbidden" -> said
    SELF_MODIFY "SIDE", "no number" -> s
  ENDIF
  SET k = k + 1
ENDWHILE
RETURN sum
.func walk(n)
  SET below = 0
  IF n > 0 THEN
    SET below = far(n - 1) + walk(n - 1)
  ENDIF
  RETURN below
.endfunc
.region SIDE detached perms=read,modify,execute
{body}
.endregion
"#
    )
}

/// What all providers say: the input again, or that nobody is there; and code by its number.
pub(crate) fn answer(request: &EffectRequest) -> Answer {
    if request.opcode == Opcode::SELF_MODIFY {
        let text = request.text_arg("new_code_ref").unwrap_or_default();
        let Some(number) = text.split('.').next().and_then(|text| text.parse().ok()) else {
            return Answer::failed(FailureCode::NotFound, "no such code");
        };
        let patch = Patch::of(&assembled(&rewriting(number)), "SIDE").expect("it has the region");
        return Answer::output(Value::Bytes(patch.to_bytes().into()), 0);
    }
    match request.text_arg("input") {
        Some("nobody") => Answer::failed(FailureCode::NoProvider, "nobody is there"),
        Some("forbidden") => Answer::failed(FailureCode::NotGranted, "not for you"),
        Some(text) => Answer::output(Value::from(format!("{text}!")), 1),
        None => Answer::output(Value::Null, 1),
    }
}

/// The journal of a run to its end.
pub(crate) fn journal(source: &str) -> Vec<u8> {
    let mut recording = Recording::new(source, Config::default());
    recording.go(u64::MAX);
    recording.bytes()
}
