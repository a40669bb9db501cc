//! Runs to look at: written, traced and read in memory.

use std::sync::Arc;

use avm_ir::{Program, Schedule, Value, program::Patch, verify};
use avm_vm::{
    Answer, Config, EffectRequest, FailureCode, Image, Machine, Pause,
    trace::{Reader, Tracer},
};

/// A program, its trace, and the machine at the end of the run.
pub(crate) struct Run {
    pub(crate) image: Arc<Image>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) machine: Machine,
}

impl Run {
    /// Assembles a program and runs it to its end. Effects are answered with a text, every second
    /// one with a failure.
    pub(crate) fn of(source: &str) -> Self {
        Self::answered(source, |request| match request.id % 2 {
            0 => Answer { cost: 7, ..Answer::output(Value::text("an answer"), 3) },
            _ => Answer::failed(FailureCode::Unavailable, "busy\u{1b}[31m"),
        })
    }

    /// Assembles a program that changes its region `STRATEGY` and runs it to its end.
    pub(crate) fn rewriting() -> Self {
        Self::answered(&rewriting(FIRST), |_| {
            let program = assembled(&rewriting(SECOND));
            let patch = Patch::of(&program, "STRATEGY").expect("it has the region");
            Answer::output(Value::Bytes(patch.to_bytes().into()), 0)
        })
    }

    fn answered(source: &str, mut answer: impl FnMut(&EffectRequest) -> Answer) -> Self {
        let program = assembled(source);
        let image = Arc::new(Image::new(verify(program).expect("it verifies"), &Schedule::v1()));
        let mut machine = Machine::new(image.clone(), Config::default()).expect("no inputs");
        let mut tracer = Tracer::new(&machine, None);
        let mut bytes = Vec::new();
        loop {
            match machine.run(100, &mut tracer) {
                Pause::Slice => bytes.extend(tracer.take()),
                Pause::Effect(request) => {
                    let answer = answer(&request);
                    machine.answer(request.id, answer, &mut tracer).expect("it waits for this");
                }
                Pause::End(_) => break,
            }
        }
        tracer.rested(&machine);
        let (rest, _) = tracer.finish();
        bytes.extend(rest);
        Self { image, bytes, machine }
    }

    /// A reader of the trace.
    pub(crate) fn reader(&self) -> Reader<&[u8]> {
        Reader::new(self.image.clone(), &self.bytes[..]).expect("a trace of this program")
    }
}

fn assembled(source: &str) -> Program {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("test.avm", source, &mut avm_asm::NoSources, &options);
    assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics))
}

/// A region that replaces itself while it runs, is called again, and gets its first code back.
fn rewriting(body: &str) -> String {
    format!(
        r#"
SELF_OBSERVER_MODE true
SELF_READ "STRATEGY" -> text
SET first = decide(1, true)
SET second = decide(1, false)
REVERT_CODE "STRATEGY", 1
SET third = decide(1, false)
RETURN [first, second, third]
.region STRATEGY detached perms=read,modify,execute
{body}
.endregion
"#
    )
}

const FIRST: &str = r#".func decide(x, change)
  IF change THEN
    SELF_MODIFY "STRATEGY", "new" -> status
  ENDIF
  SET y = x + 1
  RETURN y
.endfunc"#;

const SECOND: &str = r#".func decide(x, change)
  SET y = double(x)
  RETURN y
.endfunc
.func double(x)
  RETURN x * 2
.endfunc"#;

/// Something of everything that a trace can show.
pub(crate) const SAMPLE: &str = r#"
.uses model "m"
.func total_of(a, b)
  SET sum = a + b
  RETURN sum
.endfunc
.func twice(x)
  RETURN total_of(x, x)
.endfunc

SET y = 1
SET z = 2
SET x = total_of(y, z)
SET list = []
FOR i IN 3 DO
  PUSH list, i * x
ENDFOR
SET list[0] = 9
SET x = twice(x)
LOG "x is " + TO_TEXT(x)
KV_STORE "key", list
KV_DELETE "key"
GPU_INFER "m", "hello" -> said
GPU_INFER "m", "again" -> said
IF x > 5 THEN
  SET x = x / 2.0
ENDIF
SET long = REPEAT("abc", 300)
RETURN x
"#;
