//! Effects of a run around a place: what was asked and what came back.

use std::{collections::BTreeMap, sync::Arc};

use avm_ir::{Gas, Value, value::Record, verify::CodePlace};
use avm_vm::{
    Answer, EffectRequest, Image, Machine, Observer, journal::Event, observer::Rewritten,
};

use crate::{
    asked::Asked,
    reply::{Reply, int, list},
    session::Session,
};

/// Most effects kept of one stretch.
const MOST: usize = 1000;

/// An effect as it was seen.
struct Seen {
    asked: Asked,
    at: CodePlace,
    /// The code then.
    image: Arc<Image>,
    gas: u64,
}

/// Keeps effects.
struct Capture {
    all: Vec<Seen>,
    image: Arc<Image>,
}

impl Observer for Capture {
    const STEPS: bool = false;

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        if self.all.len() < MOST {
            let (asked, image) = (Asked::of(request, answer), Arc::clone(&self.image));
            self.all.push(Seen { asked, at: request.at, image, gas });
        }
    }

    fn rewritten(&mut self, machine: &Machine, _: &Rewritten) {
        self.image = Arc::clone(machine.image());
    }
}

/// So many effects around here. The journal has answers and steps; the questions come from
/// executing the stretch between them again.
pub(crate) fn effects(session: &mut Session, most: usize) -> Reply {
    let answered = session.journal().records.iter().filter_map(|record| match record.event {
        Event::Answered { id, .. } => Some((id, record.steps)),
        _ => None,
    });
    // One that a top-up asked again was answered twice, at the same step.
    let steps: BTreeMap<u64, u64> = answered.collect();
    let all: Vec<u64> = steps.values().copied().collect();
    let here = session.step();
    let next = all.partition_point(|step| *step < here);
    let first = next.saturating_sub(most / 2).min(all.len().saturating_sub(most));
    let shown = &all[first..all.len().min(first + most)];
    let (Some(from), Some(to)) = (shown.first(), shown.last()) else {
        let text = String::from("the run asked nothing outside, or nothing answered");
        return Reply::new(text, list([]));
    };
    let mut player = session.player_at(*from);
    let mut seen = Capture { all: Vec::new(), image: Arc::clone(player.machine().image()) };
    session.run.timeline.run(&mut player, to + 1, &mut seen);
    let mut lines = Vec::new();
    if first > 0 {
        lines.push(format!("… {first} before"));
    }
    let mut data = Vec::new();
    for Seen { asked, at, image, gas } in &seen.all {
        let step = steps.get(&asked.id).copied();
        let mark = if step == Some(here) { '>' } else { ' ' };
        let when = step.map_or(String::from("not asked"), |step| format!("step {step}"));
        lines.push(format!(
            "{mark}#{} {when}, {}: {} -> {}, gas {}",
            asked.id,
            session.codes.of(image).place_name(*at),
            asked.question(),
            asked.answer(),
            Gas(*gas)
        ));
        let mut fields: Vec<_> = asked.fields().into();
        fields.insert(1, ("step", step.map_or(Value::Null, int)));
        fields.push(("gas", int(*gas)));
        data.push(Record::from_iter(fields).into());
    }
    let after = all.len() - (first + shown.len());
    if after > 0 {
        lines.push(format!("… {after} behind"));
    }
    Reply::new(lines.join("\n"), list(data))
}
