//! Fast code against canonical code: the same states, gas and steps at every pause, and with any
//! marks; and marked instructions are reached where they are executed.

use avm_ir::{Opcode, verify::CodePlace};
use avm_vm::{Image, Machine, Marks, Observer, Pause};

use crate::{
    Entropy,
    generate::{Shape, program},
    machine::{answer, config, image, task},
};

/// Steps after which a run is cut short.
const STEPS: u64 = 30_000;

/// Wants to see every step, so that canonical code runs; notes the steps at marked places.
struct Watch<'m> {
    marks: &'m Marks,
    seen: u64,
    marked: Vec<CodePlace>,
}

impl Observer for Watch<'_> {
    fn step(&mut self, at: CodePlace, _: Opcode, _: u64) {
        self.seen += 1;
        if self.marks.has(at) {
            self.marked.push(at);
        }
    }
}

/// Waits for marked instructions.
struct Wait<'m> {
    marks: &'m Marks,
    /// With the steps before each.
    reached: Vec<(u64, CodePlace)>,
}

impl Observer for Wait<'_> {
    const STEPS: bool = false;
    const MARKS: bool = true;

    fn marks(&self) -> Option<&Marks> {
        Some(self.marks)
    }

    fn reached(&mut self, machine: &Machine) {
        self.reached.push((machine.steps(), machine.at()));
    }
}

/// Runs one random program both ways, in the same slices and with the same answers.
pub fn run(data: &[u8]) {
    compare(data);
}

/// The same, and tells how many instructions were executed each way.
pub fn compare(data: &[u8]) -> u64 {
    let mut entropy = Entropy::new(data);
    // Now and then code so long that fast code has to stop in between.
    let block = if entropy.once_in(16) { 900 } else { 1 + entropy.below(60) };
    let program = program(&mut entropy, Shape { block, plain: true, ..Shape::ANY });
    let image = image(&program);
    let config = config(&mut entropy);
    let marks = marks(&mut entropy, &image);
    let Ok(mut fast) = Machine::new(image.clone(), config) else { return 0 };
    let (mut canonical, mut marked) = (fast.clone(), fast.clone());
    let mut watch = Watch { marks: &marks, seen: 0, marked: Vec::new() };
    let mut wait = Wait { marks: &marks, reached: Vec::new() };
    while fast.steps() < STEPS {
        let slice = match entropy.below(3) {
            0 => 1 + entropy.below(1_300) as u64,
            1 => 1 + entropy.below(5_000) as u64,
            _ => STEPS - fast.steps(),
        };
        let pause = fast.run(slice, &mut ());
        assert_eq!(pause, canonical.run(slice, &mut watch));
        assert_eq!(pause, marked.run(slice, &mut wait));
        same(&fast, &canonical);
        same(&marked, &canonical);
        match pause {
            Pause::Slice => {}
            Pause::Effect(request) => {
                if let Some(task) = task(&image, &mut entropy) {
                    let called = fast.interrupt(task);
                    assert_eq!(called, canonical.interrupt(task));
                    assert_eq!(called, marked.interrupt(task));
                    same(&fast, &canonical);
                    same(&marked, &canonical);
                    if called.is_ok() {
                        // What waited was reached and came to nothing.
                        wait.reached.retain(|(step, _)| *step < canonical.steps());
                        continue;
                    }
                }
                let answer = answer(&mut entropy);
                fast.answer(request.id, answer.clone(), &mut ()).expect("it waits for this one");
                marked.answer(request.id, answer.clone(), &mut wait).expect("so does this one");
                canonical.answer(request.id, answer, &mut watch).expect("and this one");
                same(&fast, &canonical);
                same(&marked, &canonical);
            }
            Pause::End(_) => break,
        }
    }
    assert!(watch.seen <= canonical.steps());
    let places: Vec<CodePlace> = executed(wait.reached, canonical.steps()).collect();
    assert_eq!(places, watch.marked);
    canonical.steps()
}

/// A few instructions, or many of them.
fn marks(entropy: &mut Entropy<'_>, image: &Image) -> Marks {
    let rarely = [1, 4, 30, 200][entropy.below(4)];
    let regions = &image.program().regions;
    let places = (0..).zip(regions).flat_map(|(region, code)| {
        (0..code.code.len() as u32).map(move |pc| CodePlace { region, pc })
    });
    let places: Vec<CodePlace> = places.filter(|_| entropy.once_in(rarely)).collect();
    Marks::new(image, places)
}

/// Where an instruction was reached and then executed.
fn executed(reached: Vec<(u64, CodePlace)>, steps: u64) -> impl Iterator<Item = CodePlace> {
    let executed = reached.into_iter().filter(move |(step, _)| *step < steps);
    executed.map(|(_, at)| at)
}

fn same(fast: &Machine, canonical: &Machine) {
    assert_eq!(fast.at(), canonical.at());
    assert_eq!(fast.steps(), canonical.steps());
    assert_eq!(fast.gas_used(), canonical.gas_used());
    assert_eq!(fast.memory_used(), canonical.memory_used());
    assert_eq!(fast.state_hash(), canonical.state_hash());
}
