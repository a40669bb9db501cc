//! Regions that may only be appended to.

use avm_asm::patch::{patch_text, region_text};
use avm_ir::{
    Instr, Opcode, Program, Slot, Value,
    program::{Patch, Target, graft::graft},
};
use avm_vm::{Answer, Machine, Pause};

use super::super::{answer, ended, machine, program, run};

const MAIN: &str = "\
SELF_OBSERVER_MODE true
SET seen = []
SELF_MODIFY \"STRATEGY\", \"new\" -> s
JUMP enter
:back
SET seen = seen + [decide(3)]
RETURN seen";

const BODY: &str = "\
:enter
IF LEN(seen) > 5 THEN JUMP enter
SET seen = seen + [\"old\", 2.5]
CALL decide, 1 -> t
RECORD \"a\", t, \"b\", seen -> all
:leave
.func decide(x)
  SET k = 0
  WHILE k < x DO
    SET k = k + 1
  ENDWHILE
  RETURN inner(k, 7)
.endfunc
.func inner(x, y)
  RETURN [x, y, \"kept\"]
.endfunc";

/// The region with `append` alone; its body ends in a `HALT` that goes without saying.
fn old() -> Program {
    program("read,append,execute", MAIN, BODY)
}

fn appended(program: &Program, text: &str) -> Patch {
    let patched = patch_text(program, "STRATEGY", text, true);
    let patched = patched.unwrap_or_else(|refused| panic!("{refused}"));
    Patch::of(&patched.program, "STRATEGY").expect("it has the region")
}

/// What became of a machine that was given a patch; whether it took it.
fn given(patch: &Patch) -> (Machine, bool) {
    let mut machine = machine(old());
    run(&mut machine, |_| answer(patch));
    let taken = machine.current_versions().iter().any(|(_, number)| *number == 2);
    (machine, taken)
}

/// Instructions in canonical text, the body's and those of each function: what the bit protects, said
/// without the code that checks it.
fn lines(patch: &Patch) -> Vec<Vec<String>> {
    let mut program = old();
    patch.apply(&mut program).expect("it fits");
    let text = region_text(&program, "STRATEGY").expect("text");
    let mut blocks = vec![Vec::new()];
    for line in text.lines().map(str::trim) {
        if line.starts_with(".func") {
            blocks.push(Vec::new());
        }
        let ends = line.is_empty() || line.starts_with(".end") || line == "HALT";
        let said = !line.starts_with(".region") && !ends;
        if let (true, Some(block)) = (said, blocks.last_mut()) {
            block.push(line.to_owned());
        }
    }
    blocks
}

fn begins_like(new: &Patch, old: &Patch) -> bool {
    let (new, old) = (lines(new), lines(old));
    let same = |at: usize| match (new.get(at), old.get(at)) {
        (Some(new), Some(old)) => new.starts_with(old),
        (_, old) => old.is_none(),
    };
    (0..old.len()).all(same)
}

#[test]
fn statements_and_functions_come_behind() {
    let patch = appended(
        &old(),
        "SET seen = seen + [\"new\", extra(1)]\nJUMP back\n.func extra(x)\n  RETURN decide(x)\n.endfunc",
    );
    let (machine, taken) = given(&patch);
    assert!(taken, "{:?}", machine.last_failure());
    let result = avm_ir::value::to_json(&ended(&machine));
    assert_eq!(result, r#"["old",2.5,"new",[1,7,"kept"],[3,7,"kept"]]"#);
    let before = Patch::of(&old(), "STRATEGY").expect("it is there");
    assert!(begins_like(&patch, &before), "{:#?}\n{:#?}", lines(&patch), lines(&before));
}

/// One thing after the other is added, each behind the last; the region cannot go back.
#[test]
fn what_was_appended_stays() {
    let main = "SELF_OBSERVER_MODE true\nFOR k IN 3 DO\n  SELF_MODIFY \"STRATEGY\", k -> s\nENDFOR\n\
                REVERT_CODE \"STRATEGY\", s.snapshot_id\nRETURN [lastRewriteFailed, f0(), f1(), f2()]";
    let all = ".func f0()\n  RETURN 0\n.endfunc\n.func f1()\n  RETURN 1\n.endfunc\n.func f2()\n  RETURN 2\n.endfunc";
    // Calls of functions that come later are known to who assembles `main`.
    let whole = program("append,execute", main, all);
    let mut old = whole.clone();
    old.regions[0] = program("append,execute", main, all).regions[0].clone();
    let mut machine = machine(whole);
    let mut now = old;
    let mut n = 0;
    run(&mut machine, |_| {
        n += 1;
        let patch = appended(&now, &format!(".func more_{n}()\n  RETURN {n}\n.endfunc"));
        patch.apply(&mut now).expect("it fits");
        answer(&patch)
    });
    assert_eq!(avm_ir::value::to_json(&ended(&machine)), "[true,0,1,2]");
    assert_eq!(machine.current_versions(), &[(1, 4)]);
    let failure = machine.last_failure().expect("it cannot go back").to_string();
    assert!(failure.contains("REVERT_CODE: region STRATEGY has no permission modify"), "{failure}");
    // A snapshot has all of it, and one whose codes do not follow from one another is none.
    let origin = program("append,execute", main, all);
    let image = |program: Program| {
        let verified = avm_ir::verify(program).expect("it verifies");
        std::sync::Arc::new(avm_vm::Image::new(verified, &avm_ir::Schedule::v1()))
    };
    let back = Machine::restore(image(origin), &machine.snapshot()).expect("it comes back");
    assert_eq!(back.state_hash(), machine.state_hash());
}

#[test]
fn a_whole_region_that_begins_with_the_old_one_is_fine() {
    let old = old();
    let text = region_text(&old, "STRATEGY").expect("text");
    let more = text.replacen(".endregion", ".func more()\n  RETURN 1\n.endfunc\n.endregion", 1);
    let whole = patch_text(&old, "STRATEGY", &more, false).expect("it assembles").program;
    let by_bytes = graft(&old, "STRATEGY", &whole).expect("it fits").program;
    for program in [whole, by_bytes] {
        let (machine, taken) = given(&Patch::of(&program, "STRATEGY").expect("it is there"));
        assert!(taken, "{:?}", machine.last_failure());
    }
    // Any other is not.
    let text = text.replace("7", "8");
    let other = patch_text(&old, "STRATEGY", &text, false).expect("it assembles").program;
    refused("another constant", &Patch::of(&other, "STRATEGY").expect("it is there"));
}

#[track_caller]
fn refused(what: &str, patch: &Patch) {
    let (machine, taken) = given(patch);
    assert!(!taken, "{what}");
    assert!(machine.versions().is_empty(), "{what}");
    assert_eq!(machine.image().program_hash(), super::super::machine(old()).image().program_hash());
}

/// Every bit of every old instruction, every constant, label and function, in a patch that is fine
/// otherwise.
#[test]
fn nothing_of_the_old_code_can_be_changed() {
    let old = Patch::of(&old(), "STRATEGY").expect("it is there");
    let good = appended(
        &super::append::old(),
        "JUMP back\n.func extra(x)\n  RETURN [x, 7, \"kept\", 1]\n.endfunc",
    );
    let (_, taken) = given(&good);
    assert!(taken);
    let kept = old.region.body_end() - 1;
    let functions = |patch: &Patch| {
        let old = old.region.functions.iter().zip(&patch.region.functions);
        old.flat_map(|(_, new)| new.entry as usize..new.end as usize).collect::<Vec<_>>()
    };
    let mut tried = 0;
    for pc in (0..kept).chain(functions(&good)) {
        for bit in 0..64 {
            let mut bytes = good.region.code[pc].to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Some(instr) = Instr::from_bytes(bytes) else { continue };
            let mut patch = good.clone();
            patch.region.code[pc] = instr;
            let (machine, taken) = given(&patch);
            // Another number for the same label or constant is no change.
            assert!(!taken || begins_like(&patch, &old), "{pc} {bit}: {:?}", machine.versions());
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
    let attack = |what: &str, change: &dyn Fn(&mut Patch)| {
        let mut patch = good.clone();
        change(&mut patch);
        refused(what, &patch);
    };
    // The operands of old instructions; those of the new function lie behind them.
    let new = good.region.code.iter().skip(functions(&good).into_iter().max().expect("some") + 1);
    let first = new.filter(|i| i.op == Opcode::LIST).map(|i| i.pool_start()).min();
    for at in 0..first.expect("it makes a list") {
        attack("another operand in the pool", &|p| p.region.pool[at] = Slot::reg(5));
    }
    for at in 0..good.region.consts.len() {
        // Those that old code uses; the new function has a 1 for itself at most.
        let value = &good.region.consts[at];
        if old.region.consts.contains(value) {
            attack("another constant", &|p| p.region.consts[at] = Value::text("changed"));
        }
    }
    for at in 0..good.region.labels.len() {
        let label = &good.region.labels[at];
        if let Target::Here(pc) = label.target {
            attack("a label elsewhere", &|p| p.region.labels[at].target = Target::Here(pc + 1));
            if !label.name.is_empty() {
                attack("a label's name", &|p| p.region.labels[at].name = "renamed".into());
            }
        }
    }
    for at in 0..old.region.functions.len() {
        attack("a function's name", &|p| p.region.functions[at].name = "renamed".into());
        attack("a function's parameters", &|p| p.region.functions[at].params = 0);
        attack("a function's registers", &|p| p.region.functions[at].registers += 1);
        attack("a function gone", &|p| drop(p.region.functions.remove(at)));
        attack("a function shortened", &|p| p.region.functions[at].end -= 1);
    }
    attack("functions changed over", &|p| p.region.functions.swap(0, 1));
    attack("an import", &|p| p.region.imports[0] = "inner".into());
    attack("the interface", &|p| p.region.inputs.push(0));
    attack("the bits", &|p| p.region.perms = p.region.perms.with(avm_ir::program::Perm::Modify));
    attack("an instruction in front", &|p| p.region.code.insert(0, Instr::bare(Opcode::NOP)));
    attack("nothing left", &|p| p.region = avm_ir::program::Region::default());
}

/// The same by text: what an agent would hand in.
#[test]
fn texts_that_take_something_away_are_refused() {
    let edits = [
        ("x < k", "k < x"),
        ("> 5", "> 6"),
        ("\"old\"", "\"new\""),
        ("2.5", "3.5"),
        (":leave\n", ""),
        ("decide, 1", "inner, 1"),
        ("RETURN inner(k, 7)", "RETURN inner(k, 8)"),
        (".func inner(x, y)", ".func inner(x, y, z)"),
        ("IF LEN(seen) > 5 THEN JUMP enter\n", ""),
        ("IF LEN(seen) > 5 THEN JUMP enter\n", "NOP\nIF LEN(seen) > 5 THEN JUMP enter\n"),
        ("JUMP enter", "JUMP leave"),
    ];
    for (was, is) in edits {
        let body =
            if BODY.contains(was) { BODY.replacen(was, is, 1) } else { BODY.replacen(is, was, 1) };
        if body == BODY {
            continue;
        }
        let other = program("read,append,execute", MAIN, &body);
        refused(was, &Patch::of(&other, "STRATEGY").expect("it is there"));
    }
}

/// A sandbox tries what is appended, and an answer that changes old code is refused there too.
#[test]
fn the_sandbox_keeps_the_rule() {
    let main = "SELF_OBSERVER_MODE true\nSELF_MODIFY_SANDBOX \"STRATEGY\", \"new\" -> r\nIF lastRewriteFailed THEN RETURN \"refused\"\nRETURN r.status";
    let body = ".func decide(x)\n  RETURN x\n.endfunc";
    let program = |body: &str| program("append,execute", main, body);
    let said = |patch: &Patch| {
        let mut machine = machine(program(body));
        match machine.run(u64::MAX, &mut ()) {
            Pause::Effect(request) => {
                let bytes = Value::Bytes(patch.to_bytes().into());
                machine.answer(request.id, Answer::output(bytes, 0), &mut ()).expect("it waits");
            }
            other => panic!("{other:?}"),
        }
        run(&mut machine, |_| panic!("nobody is asked twice"));
        avm_ir::value::to_json(&ended(&machine))
    };
    let more = appended(&program(body), ".func more()\n  RETURN 1\n.endfunc");
    assert_eq!(said(&more), r#""UNTESTED""#);
    let other = Patch::of(&program(".func decide(x)\n  RETURN 1\n.endfunc"), "STRATEGY");
    assert_eq!(said(&other.expect("it is there")), r#""refused""#);
}

/// Control flows through a region where it stands: statements come in front of the way on.
#[test]
fn statements_behind_an_attached_region_run_where_it_stands() {
    let source = "SELF_OBSERVER_MODE true\nSET seen = []\nSELF_MODIFY \"MIDDLE\", \"new\"\n\
                  .region MIDDLE perms=append,execute\nSET seen = seen + [1]\n.endregion\nRETURN seen + [3]\n";
    let assembled = |text: &str| {
        let options = avm_asm::Options::default();
        let assembly = avm_asm::assemble("a.avm", text, &mut avm_asm::NoSources, &options);
        assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics))
    };
    let said = |patch: &Patch| {
        let mut machine = machine(assembled(source));
        run(&mut machine, |_| answer(patch));
        avm_ir::value::to_json(&ended(&machine))
    };
    let old = assembled(source);
    let more = patch_text(&old, "MIDDLE", "SET seen = seen + [2]", true).expect("it assembles");
    let good = Patch::of(&more.program, "MIDDLE").expect("it is there");
    assert_eq!(said(&good), "[1,2,3]");
    // The end of such a region is the way on, and no `HALT` may take its place in front of others.
    let ends = |last: &str| {
        let text = source.replace("[1]\n", &format!("[1]\n{last}"));
        Patch::of(&assembled(&text), "MIDDLE").expect("it is there")
    };
    assert_eq!(said(&ends("HALT\n")), "null", "appended, and it ends the run");
    let halted = assembled(&source.replace("[1]\n", "[1]\nHALT\n"));
    let mut machine = machine(halted);
    run(&mut machine, |_| answer(&good));
    assert_eq!(
        machine.last_failure().map(|failure| failure.code),
        Some(avm_vm::FailureCode::Denied)
    );
}
