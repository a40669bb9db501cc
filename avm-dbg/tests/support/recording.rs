//! Journals of small runs, recorded here and now.

use std::sync::Arc;

use avm_ir::{Schedule, Value};
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
        let options = avm_asm::Options::default();
        let assembly = avm_asm::assemble(FILE, source, &mut avm_asm::NoSources, &options);
        let program = assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics));
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

/// What all providers say: the input again, or that nobody is there.
pub(crate) fn answer(request: &EffectRequest) -> Answer {
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
