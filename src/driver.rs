//! Joins a machine to its providers: runs it, answers it, watches the clock.

use std::time::Instant;

use avm_plugins::registry::Registry;
use avm_vm::{End, Machine, Pause, Spend};

use crate::{
    exit::Outcome,
    journal::Tape,
    live::{self, Beside},
    meter::{Meter, Totals},
    output::Out,
};

/// Runs the machine to its end; what comes from outside passes through the tape. Without `STEPS`
/// nobody looks at each instruction, which is faster, unless somebody beside does.
pub(crate) fn drive<const STEPS: bool, B: Beside>(
    machine: &mut Machine,
    registry: &mut Registry,
    tape: &mut Tape,
    (out, json): (&mut Out, bool),
    beside: &mut B,
) -> Outcome<(End, Totals)> {
    let mut meter = Meter::<STEPS>::new(out, json);
    let mut clock = Clock::of(machine);
    loop {
        let pause = machine.run(B::SLICE, &mut (&mut meter, beside.watch()));
        beside.hand_on();
        match pause {
            Pause::Slice => {
                meter.flush();
                clock.charge(machine, tape, beside)?;
            }
            Pause::Effect(request) => {
                meter.flush();
                clock.charge(machine, tape, beside)?;
                if machine.end().is_some() {
                    continue;
                }
                tape.ask(machine, &request, registry.outlives(&request))?;
                let begin = Instant::now();
                let mut answer = registry.answer(&request);
                let provider = registry.provider_of(&request).unwrap_or("nobody");
                meter.answering(provider, begin.elapsed());
                if clock.limited {
                    // What the limit cut off is not charged: the meter never passes its limit.
                    answer.spent.wall = clock.lap().min(request.max_spend.wall);
                } else {
                    answer.spent = Spend { wall: 0, ..answer.spent };
                }
                let lacked =
                    answer.short.and(answer.result.as_ref().err()).map(|f| f.message.clone());
                tape.answer(machine, answer, &mut (&mut meter, beside.watch()))?;
                if let Some(End::Exhausted(_)) = machine.end() {
                    meter.totals.lacked = lacked;
                }
            }
            Pause::End(end) => {
                tape.rest(machine)?;
                beside.rested(machine);
                return Ok((end, meter.totals));
            }
        }
    }
}

/// Time outside. It is charged only where it is limited: otherwise the same run would end in
/// another state each time.
struct Clock {
    limited: bool,
    last: Instant,
}

impl Clock {
    fn of(machine: &Machine) -> Self {
        Self { limited: machine.budget().spend.wall != u64::MAX, last: Instant::now() }
    }

    /// Milliseconds since it was asked last, whole ones; the rest is kept for the next time.
    fn lap(&mut self) -> u64 {
        let milliseconds = u64::try_from(self.last.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last += std::time::Duration::from_millis(milliseconds);
        milliseconds
    }

    fn charge<B: Beside>(
        &mut self,
        machine: &mut Machine,
        tape: &mut Tape,
        beside: &mut B,
    ) -> Outcome<()> {
        if !self.limited {
            return Ok(());
        }
        let milliseconds = self.lap();
        live::waited(machine, milliseconds, beside.watch());
        tape.spend_wall(machine, milliseconds)
    }
}
