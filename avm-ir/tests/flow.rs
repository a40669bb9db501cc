//! Blocks, edges and loops against slow definitions of the same.

use std::collections::BTreeSet;

use avm_ir::{
    Instr, Opcode, Program, Slot, Value, Verified,
    flow::{Flow, StatusRead, Window, exits, reads, sets_status, status_read, window, writes},
    instr::NO_REGISTER,
    program::{Label, MAIN, Perms, Region, Target},
    verify,
    verify::CodePlace,
};

/// Code of `main` in which every number is a jump to that instruction.
fn program(code: &[(Opcode, Option<u32>)]) -> Verified {
    let mut targets: Vec<u32> = code.iter().filter_map(|(_, to)| *to).collect();
    targets.sort_unstable();
    targets.dedup();
    let instr = |(op, to): &(Opcode, Option<u32>)| {
        let label = to.and_then(|to| targets.binary_search(&to).ok()).map(|n| Slot(n as u16));
        Instr { b: label.unwrap_or(Slot::ABSENT), ..Instr::bare(*op) }
    };
    let label = |pc: &u32| Label { name: String::new(), target: Target::Here(*pc) };
    let main = Region {
        name: MAIN.into(),
        perms: Perms::MAIN,
        code: code.iter().map(instr).collect(),
        labels: targets.iter().map(label).collect(),
        ..Region::default()
    };
    verify(Program { regions: vec![main], ..Program::default() }).expect("it verifies")
}

const fn main(pc: u32) -> CodePlace {
    CodePlace { region: 0, pc }
}

#[test]
fn blocks_and_edges() {
    use Opcode::{HALT, JUMP, JUMP_IF_TRUE, NOP};
    let program = program(&[
        (NOP, None),
        (JUMP_IF_TRUE, Some(4)),
        (NOP, None),
        (JUMP, Some(1)),
        (HALT, None),
        (NOP, None),
        (HALT, None),
    ]);
    let flow = Flow::new(&program);
    let starts: Vec<u32> = flow.blocks().iter().map(|block| block.start).collect();
    assert_eq!(starts, [0, 1, 2, 4, 5]);
    assert_eq!(flow.successors(1), [2, 3]);
    assert_eq!(flow.predecessors(1), [0, 2]);
    assert_eq!(flow.postorder(), [2, 3, 1, 0]);
    assert!(!flow.is_reachable(4));
    let [only] = flow.loops() else { panic!("one loop") };
    assert_eq!((only.head, &*only.backs, only.irreducible), (1, &[2][..], false));
    assert_eq!(flow.nest().innermost(2), Some(0));
    assert_eq!(flow.nest().innermost(3), None);
    let jump = exits(&program, main(1));
    assert!(jump.falls && jump.jumps == Some(main(4)));
}

/// Splitmix64: enough chance for graphs.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

fn random(chance: &mut Chance, most: u64) -> Verified {
    let count = 2 + chance.below(most);
    let mut code: Vec<(Opcode, Option<u32>)> = (0..count)
        .map(|_| match chance.below(6) {
            0 => (Opcode::JUMP, Some(chance.below(count) as u32)),
            1..=3 => (Opcode::JUMP_IF_TRUE, Some(chance.below(count) as u32)),
            4 => (Opcode::HALT, None),
            _ => (Opcode::NOP, None),
        })
        .collect();
    code.push((Opcode::HALT, None));
    program(&code)
}

/// The blocks that `from` leads to over at least one edge without leaving `within`.
fn reach(flow: &Flow, from: u32, within: &BTreeSet<u32>) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(block) = open.pop() {
        for next in flow.successors(block) {
            if within.contains(next) && seen.insert(*next) {
                open.push(*next);
            }
        }
    }
    seen
}

/// Loops by definition: the strongly connected parts, and those left in each without its head.
fn slow_loops(flow: &Flow, within: &BTreeSet<u32>, found: &mut Vec<(u32, BTreeSet<u32>)>) -> bool {
    let mut done = BTreeSet::new();
    for block in within {
        let ahead = reach(flow, *block, within);
        if done.contains(block) || !ahead.contains(block) {
            continue;
        }
        let part: BTreeSet<u32> =
            ahead.iter().copied().filter(|b| reach(flow, *b, within).contains(block)).collect();
        done.extend(part.iter().copied());
        let comes_in = |b: &u32| {
            let outside = |p: &u32| !part.contains(p) && flow.is_reachable(*p);
            flow.predecessors(*b).iter().any(outside) || flow.entries().contains(b)
        };
        let heads: Vec<u32> = part.iter().copied().filter(comes_in).collect();
        let [head] = heads[..] else { return false };
        let mut inside = part.clone();
        found.push((head, part));
        inside.remove(&head);
        if !slow_loops(flow, &inside, found) {
            return false;
        }
    }
    true
}

#[test]
fn loops_are_what_the_definition_says() {
    let mut chance = Chance(7);
    let (mut loops, mut irreducible) = (0, 0);
    for _ in 0..4000 {
        let program = random(&mut chance, 14);
        let flow = Flow::new(&program);
        let nest = flow.nest();
        let all: BTreeSet<u32> = flow.postorder().iter().copied().collect();
        let members = |number: u32| -> BTreeSet<u32> {
            all.iter().copied().filter(|block| nest.contains(number, *block)).collect()
        };
        let mut slow = Vec::new();
        if slow_loops(&flow, &all, &mut slow) {
            let numbers = 0..flow.loops().len() as u32;
            let mut fast: Vec<_> =
                numbers.map(|n| (flow.loops()[n as usize].head, members(n))).collect();
            loops += fast.len();
            fast.sort();
            slow.sort();
            assert_eq!(fast, slow, "{program:?}");
            assert!(flow.loops().iter().all(|l| !l.irreducible));
        } else {
            irreducible += 1;
            assert!(flow.loops().iter().any(|l| l.irreducible), "{program:?}");
        }
        for block in &all {
            let again = reach(&flow, *block, &all).contains(block);
            assert_eq!(again, nest.innermost(*block).is_some());
        }
        for (number, one) in flow.loops().iter().enumerate() {
            let number = number as u32;
            let members = members(number);
            assert!(one.parent.is_none_or(|parent| parent < number));
            assert!(one.backs.iter().all(|back| members.contains(back)));
            for member in &members {
                assert!(reach(&flow, *member, &members).contains(&one.head));
            }
        }
        let place = |block: &u32| flow.postorder().iter().position(|b| b == block).unwrap();
        for block in &all {
            for next in flow.successors(*block) {
                let back = flow.loops().iter().any(|l| l.head == *next && l.backs.contains(block));
                assert!(back || place(next) < place(block));
            }
        }
    }
    assert!(loops > 1000 && irreducible > 100, "{loops} {irreducible}");
}

#[test]
fn hostile_nests_take_no_time() {
    // As many loops inside one another as there can be labels, all of them left from the middle,
    // then jumps into the middle.
    let depth = 30_000;
    let mut code: Vec<(Opcode, Option<u32>)> = vec![(Opcode::NOP, None); depth as usize];
    code.push((Opcode::JUMP_IF_TRUE, Some(2 * depth + 1)));
    code.extend((0..depth).rev().map(|head| (Opcode::JUMP_IF_TRUE, Some(head))));
    code.push((Opcode::HALT, None));
    let nest = Flow::new(&program(&code));
    assert_eq!(nest.loops().len(), depth as usize);
    assert_eq!(nest.loops().last().map(|l| l.depth), Some(depth - 1));
    let innermost = depth - 1;
    assert_eq!(nest.nest().outwards(innermost, 77), Some(77));

    let mut tangled = vec![(Opcode::JUMP_IF_TRUE, Some(20_000 + depth)); 20_000];
    tangled.extend(code.iter().map(|(op, to)| (*op, to.map(|to| to + 20_000))));
    assert!(Flow::new(&program(&tangled)).nest().is_tangled());
}

#[test]
fn what_instructions_touch() {
    let region = Region {
        consts: vec![Value::Int(2), Value::text("k")],
        pool: vec![Slot(0), Slot::reg(3), Slot::constant(0), Slot::reg(4)],
        ..Region::default()
    };
    let all = |instr: Instr| {
        let reads: Vec<u8> = reads(&region, &instr).collect();
        let writes: Vec<u8> = writes(&region, &instr).collect();
        (reads, writes)
    };
    let (one, two) = (Slot::reg(1), Slot::reg(2));
    let none = Slot::ABSENT;
    let add = Instr { op: Opcode::ADD, a: 0, b: one, c: two, d: none };
    assert_eq!(all(add), (vec![1, 2], vec![0]));
    let put = Instr { op: Opcode::PUT, a: 9, b: Slot::constant(1), c: two, d: none };
    assert_eq!(all(put), (vec![9, 2], vec![9]));
    // The cursor is read and written, the label is no register.
    let next = Instr { op: Opcode::NEXT, a: 5, b: one, c: two, d: Slot(3) };
    assert_eq!(all(next), (vec![1, 2], vec![5, 1]));
    let call = Instr { op: Opcode::CALL, a: 7, b: Slot(4), c: Slot(0), d: Slot(0) };
    assert_eq!(all(call), (vec![3, 4], vec![7]));
    let fetch = Instr { op: Opcode::DOC_FETCH, a: NO_REGISTER, b: two, c: one, d: one };
    assert_eq!(all(fetch), (vec![1, 1], vec![2]));
    assert_eq!(window(&Instr::bare(Opcode::RESET_EXECUTION_STATE)), Window::Written);
    assert_eq!(window(&Instr::bare(Opcode::SAVE_EXECUTION_STATE)), Window::Read);
    assert_eq!(window(&Instr::bare(Opcode::CREATE_SYSTEM_CHECKPOINT)), Window::Read);
    let status = Instr { op: Opcode::STATUS, a: 0, b: Slot::constant(0), c: none, d: none };
    assert_eq!(status_read(&region, &status), StatusRead::Word(avm_ir::StatusWord::Task));
    assert_eq!(status_read(&region, &Instr { b: one, ..status }), StatusRead::Any);
    assert_eq!(sets_status(Opcode::SELF_MODIFY_SANDBOX).count(), 2);
}
