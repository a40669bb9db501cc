//! New code that comes at every instruction of a run: what was begun ends in old code, who comes next
//! runs the new one. The oracle knows a run in which nothing is replaced, step by step, and the rule
//! of the specification.

use std::{collections::VecDeque, sync::Arc};

use avm_asm::patch::region_text;
use avm_ir::{Opcode, Program, Schedule, Value, program::Patch, verify::CodePlace};
use avm_vm::{Answer, FailureCode, Image, Machine, Observer, Pause};

use super::super::{answer, machine};

/// Multiplies what the code of a region notes.
const TAGS: [i64; 3] = [1, 1000, 1_000_000];

/// A loop, calls of the region into itself and into the other, which calls back; a body that is
/// jumped into.
const A: &str = "\
.region A detached perms=modify,execute
:in_a
  MUL seven, 1 -> r
  LOG r
  CALL cross, 7
  JUMP back
.func work(n)
  SET k = 1
  WHILE k <= n DO
    CALL leaf, k
    CALL cross, k
    CALL down, k
    SET k = k + 1
  ENDWHILE
.endfunc
.func leaf(k)
  MUL k, 1 -> r
  LOG r
.endfunc
.func down(k)
  IF k > 1 THEN
    CALL down, k - 1
  ENDIF
  MUL k, 1 -> r
  LOG r
.endfunc
.endregion
";

const B: &str = "\
.region B detached perms=modify,execute
.func cross(k)
  MUL k, 1 -> r
  LOG r
  CALL leaf, k
  CALL side, k
.endfunc
.func side(k)
  MUL k, 1 -> r
  LOG r
.endfunc
.endregion
";

/// One instruction a line.
const MAIN: &str = "\
SELF_OBSERVER_MODE true
SET seven = 7
CALL work, 2
CALL leaf, 5
CALL cross, 3
JUMP in_a
:back
CALL down, 2
CALL cross, 6
HALT
";

fn assembled(source: &str) -> Program {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", source, &mut avm_asm::NoSources, &options);
    assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics))
}

/// A request for each region in front of every instruction.
fn asking(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().map(str::trim) {
        if !line.is_empty() && !line.starts_with(['.', ':']) {
            out.push_str("SELF_MODIFY \"A\", \"go\"\nSELF_MODIFY \"B\", \"go\"\n");
        }
        out.push_str(&format!("{line}\n"));
    }
    out
}

/// The program with a tag in A and one in B; where `everywhere`, the two regions ask too.
fn program(tags: [i64; 2], everywhere: bool) -> Program {
    let with = |region: &str, tag: i64| region.replace(", 1 -> r", &format!(", {tag} -> r"));
    let regions = [with(A, tags[0]), with(B, tags[1])];
    // In canonical text a line is an instruction.
    let plain = assembled(&format!("{MAIN}{}{}", regions[0], regions[1]));
    let regions = ["A", "B"].map(|name| {
        let text = region_text(&plain, name).expect("text");
        if everywhere { asking(&text) } else { text }
    });
    // The first instruction turns observer mode on.
    let (first, rest) = MAIN.split_once('\n').expect("lines");
    assembled(&format!("{first}\n{}{}{}", asking(rest), regions[0], regions[1]))
}

/// A patch of a region with a tag.
fn patch(region: usize, tag: i64, everywhere: bool) -> Patch {
    let mut tags = [1, 1];
    tags[region] = tag;
    Patch::of(&program(tags, everywhere), ["A", "B"][region]).expect("it has the region")
}

#[derive(Default)]
struct Steps(Vec<(CodePlace, Opcode)>);

impl Observer for Steps {
    fn step(&mut self, at: CodePlace, opcode: Opcode, _: u64) {
        self.0.push((at, opcode));
    }
}

/// How a run is driven.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Nobody watches: fast code.
    Fast,
    /// Every step is watched: canonical code.
    Watched,
    /// Before and after each patch the machine is written out and read back.
    Restored,
}

/// Runs it; the request number `n` gets the patch `n` names, all others none.
fn run(origin: &Program, patches: &[(usize, &Patch)], way: Way) -> (Machine, Steps) {
    let mut machine = machine(origin.clone());
    let mut steps = Steps::default();
    let mut asked = 0;
    loop {
        let pause = match way {
            Way::Fast | Way::Restored => machine.run(u64::MAX, &mut ()),
            Way::Watched => machine.run(u64::MAX, &mut steps),
        };
        match pause {
            Pause::Effect(request) => {
                let patch = patches.iter().find(|(at, _)| *at == asked).map(|(_, patch)| *patch);
                let given = match patch {
                    Some(patch) => answer(patch),
                    None => Answer::failed(FailureCode::Unavailable, "not now"),
                };
                let restores = matches!(way, Way::Restored) && patch.is_some();
                if restores {
                    machine = again(origin, &machine);
                }
                match way {
                    Way::Watched => machine.answer(request.id, given, &mut steps),
                    _ => machine.answer(request.id, given, &mut ()),
                }
                .expect("it waits");
                if restores {
                    machine = again(origin, &machine);
                }
                asked += 1;
            }
            Pause::End(_) => return (machine, steps),
            Pause::Slice => {}
        }
    }
}

fn again(origin: &Program, machine: &Machine) -> Machine {
    let verified = avm_ir::verify(origin.clone()).expect("it verifies");
    let image = Arc::new(Image::new(verified, &Schedule::v1()));
    let back = Machine::restore(image, &machine.snapshot()).expect("it comes back");
    assert_eq!(back.state_hash(), machine.state_hash());
    back
}

fn noted(machine: &Machine) -> Vec<i64> {
    let int = |value: &Value| match value {
        Value::Int(int) => *int,
        other => panic!("{other:?}"),
    };
    machine.log().map(|entry| int(&entry.note)).collect()
}

/// What a run is without patches: the machine's word for single steps only.
struct Baseline {
    steps: Vec<(CodePlace, Opcode)>,
    notes: Vec<i64>,
}

impl Baseline {
    fn of(origin: &Program) -> Self {
        let (machine, steps) = run(origin, &[], Way::Watched);
        assert_eq!(machine.steps() as usize, steps.0.len());
        assert!(machine.versions().is_empty());
        Self { steps: steps.0, notes: noted(&machine) }
    }

    /// Steps that ask for code, with the index of the region.
    fn requests(&self) -> Vec<(usize, u32)> {
        let ops = self.steps.iter().enumerate().filter(|(_, (_, op))| *op == Opcode::SELF_MODIFY);
        // They come in pairs, A first.
        let mut region = 0;
        ops.map(|(step, _)| {
            region = 1 + region % 2;
            (step, region)
        })
        .collect()
    }

    /// Whether control or a call is inside a region behind each step.
    fn busy(&self, region: u32) -> Vec<bool> {
        let mut calls: Vec<u32> = Vec::new();
        let mut busy = Vec::new();
        for (step, (at, op)) in self.steps.iter().enumerate() {
            match op {
                Opcode::CALL => calls.push(at.region),
                Opcode::RETURN => drop(calls.pop()),
                _ => {}
            }
            let next = self.steps.get(step + 1).map_or(at.region, |(at, _)| at.region);
            busy.push(next == region || calls.contains(&region));
        }
        busy
    }

    /// What is noted where patches come: for each the step that brings it, its region, its tag.
    fn expected(&self, patches: &[(usize, u32, i64)]) -> Vec<i64> {
        let busy = [1, 2].map(|region| self.busy(region));
        let mut waiting: VecDeque<(u32, i64)> = VecDeque::new();
        let (mut tags, mut notes) = ([1, 1], Vec::new());
        let mut plain = self.notes.iter();
        for (step, (at, op)) in self.steps.iter().enumerate() {
            if *op == Opcode::MUL {
                notes.push(plain.next().expect("a note") * tags[at.region as usize - 1]);
            }
            waiting.extend(
                patches.iter().filter(|(s, ..)| *s == step).map(|(_, region, tag)| (*region, *tag)),
            );
            while let Some(&(region, tag)) = waiting.front() {
                let region = region as usize - 1;
                if busy[region][step] {
                    break;
                }
                tags[region] = tag;
                waiting.pop_front();
            }
        }
        notes
    }
}

#[test]
fn one_patch_at_every_instruction() {
    for everywhere in [true, false] {
        let origin = program([1, 1], everywhere);
        let base = Baseline::of(&origin);
        let new = [0, 1].map(|region| patch(region, TAGS[1], everywhere));
        let requests = base.requests();
        assert!(requests.len() > if everywhere { 150 } else { 10 }, "{}", requests.len());
        let mut outcomes = std::collections::BTreeSet::new();
        for (n, (step, region)) in requests.iter().enumerate() {
            let patch = &new[*region as usize - 1];
            let expected = base.expected(&[(*step, *region, TAGS[1])]);
            let ran = [Way::Fast, Way::Watched, Way::Restored].map(|way| {
                let (machine, _) = run(&origin, &[(n, patch)], way);
                assert_eq!(noted(&machine), expected, "request {n}, {region}, {way:?}");
                machine.state_hash()
            });
            assert_eq!((ran[0], ran[0]), (ran[1], ran[2]), "request {n}");
            outcomes.insert(expected);
        }
        // The moment matters.
        assert!(outcomes.len() > if everywhere { 10 } else { 5 }, "{}", outcomes.len());
    }
}

/// Two patches, of one region or of both: those that wait come in their order.
#[test]
fn two_patches_at_several_distances() {
    let origin = program([1, 1], true);
    let base = Baseline::of(&origin);
    let requests = base.requests();
    let patches = [0, 1].map(|region| [1, 2].map(|at| patch(region, TAGS[at], true)));
    for (n, (step, region)) in requests.iter().enumerate() {
        // Pairs of requests take turns, so that both regions come first at every distance.
        let apart = [1, 2, 9, 32][n / 2 % 4];
        let Some((later, other)) = requests.get(n + apart) else { continue };
        let given =
            [(n, &patches[*region as usize - 1][0]), (n + apart, &patches[*other as usize - 1][1])];
        let expected = base.expected(&[(*step, *region, TAGS[1]), (*later, *other, TAGS[2])]);
        for way in [Way::Fast, Way::Watched] {
            let (machine, _) = run(&origin, &given, way);
            assert_eq!(noted(&machine), expected, "requests {n}, {apart} apart, {way:?}");
        }
    }
}
