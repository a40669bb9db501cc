//! Agents that change their own code: what is allowed, what becomes of running code, what is kept.

use std::sync::Arc;

use avm_ir::{
    Program, Schedule, StatusWord, Value,
    program::{Patch, Perm, Perms},
};
use avm_vm::{Answer, Config, FailureCode, Image, Machine, Observer, Pause, observer::Rewritten};

mod rewriting {
    mod append;
    mod swaps;
}

/// A program whose region can be replaced, and `main` around it.
fn program(perms: &str, main: &str, body: &str) -> Program {
    let source = format!("{main}\n.region STRATEGY detached perms={perms}\n{body}\n.endregion\n");
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", &source, &mut avm_asm::NoSources, &options);
    assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics))
}

fn machine(program: Program) -> Machine {
    let verified = avm_ir::verify(program).expect("it verifies");
    let image = Arc::new(Image::new(verified, &Schedule::v1()));
    Machine::new(image, Config { gas: u64::MAX / 2, ..Config::default() }).expect("it starts")
}

/// Runs to the end; a patch is the region of another program, made as the host's assembler would.
fn run(machine: &mut Machine, mut patch: impl FnMut(&str) -> Answer) -> u32 {
    let mut asked = 0;
    loop {
        match machine.run(u64::MAX, &mut ()) {
            Pause::Effect(request) => {
                asked += 1;
                let text = request.text_arg("new_code_ref").unwrap_or_default().to_owned();
                machine.answer(request.id, patch(&text), &mut ()).expect("it waits");
            }
            Pause::End(_) => return asked,
            Pause::Slice => {}
        }
    }
}

fn answer(patch: &Patch) -> Answer {
    Answer::output(Value::Bytes(patch.to_bytes().into()), 0)
}

const FUNC: &str = ".func decide(x)\n  RETURN x + 1\n.endfunc";
const PERMS: &str = "read,modify,execute";

/// The host's part: the same main, with the text as the region's body.
fn assembled(main: &str, text: &str) -> Patch {
    Patch::of(&program(PERMS, main, text), "STRATEGY").expect("it has the region")
}

#[test]
fn who_comes_next_runs_the_new_code() {
    let main = "SELF_OBSERVER_MODE true\nSET before = decide(1)\n\
                SELF_MODIFY \"STRATEGY\", \"new\" -> status\nSET after = decide(1)\n\
                REVERT_CODE \"STRATEGY\", status.snapshot_id\nSET again = decide(1)\n\
                RETURN [before, after, again, status.status, status.snapshot_id, status.version]";
    let mut machine = machine(program(PERMS, main, FUNC));
    let new = ".func decide(x)\n  SET y = x * 10\n  RETURN y\n.endfunc";
    let asked = run(&mut machine, |_| answer(&assembled(main, new)));
    assert_eq!(asked, 1);
    let result = avm_ir::value::to_json(&ended(&machine));
    assert_eq!(result, r#"[2,10,2,"OK",1,2]"#);
    assert_eq!((machine.versions().len(), machine.current_versions()), (2, &[(1, 1)][..]));
    assert!(machine.observes());
}

fn ended(machine: &Machine) -> Value {
    match machine.end() {
        Some(avm_vm::End::Halted(value)) => value.clone(),
        other => panic!("{other:?}"),
    }
}

/// What the specification says of a region with these bits.
fn allowed(op: &str, perms: Perms, observer: bool) -> bool {
    let free = observer && !perms.has(Perm::Lock);
    let change = free && perms.has(Perm::Modify);
    let add = free && perms.has(Perm::Append);
    match op {
        "SELF_READ \"STRATEGY\" -> r" => observer && perms.has(Perm::Read),
        "SELF_MODIFY \"STRATEGY\", \"new\" -> r" => change || add,
        "SELF_MODIFY_SANDBOX \"STRATEGY\", \"new\" -> r" => change || add,
        "REVERT_CODE \"STRATEGY\", 0" => change,
        _ => true,
    }
}

/// The table of the specification says the same.
#[test]
fn the_table_says_what_is_allowed() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/spec/rewriting.md");
    let page = std::fs::read_to_string(page).expect("the page exists");
    let (_, table) = page.split_once("## Permissions").expect("it has the table");
    let rows: Vec<Vec<&str>> = { table.lines().filter(|line| line.starts_with("| `")) }
        .take(OPS.len())
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    for op in OPS {
        let mnemonic = op.split(' ').next().expect("it has one");
        let row = rows.iter().find(|row| row[0].trim_matches('`') == mnemonic);
        let [_, mode, bit, unlocked] = row.expect(mnemonic)[..] else { panic!("{row:?}") };
        for bits in 0..128 {
            let perms = Perms(bits);
            let has = |bit| Perm::ALL.iter().any(|perm| perm.name() == bit && perms.has(*perm));
            for observer in [false, true] {
                let said = (mode.is_empty() || observer)
                    && (bit.is_empty() || bit.split(" or ").any(has))
                    && (unlocked.is_empty() || !perms.has(Perm::Lock));
                assert_eq!(said, allowed(op, perms, observer), "{op} {perms:?} {observer}");
            }
        }
    }
}

const OPS: [&str; 6] = [
    "SELF_READ \"STRATEGY\" -> r",
    "SELF_MODIFY \"STRATEGY\", \"new\" -> r",
    "SELF_MODIFY_SANDBOX \"STRATEGY\", \"new\" -> r",
    "REVERT_CODE \"STRATEGY\", 0",
    "CREATE_SYSTEM_CHECKPOINT \"here\" -> r",
    "SELF_OBSERVER_MODE false",
];

#[test]
fn every_bit_with_every_instruction() {
    let mut cases = 0;
    for bits in 0..128 {
        let perms = Perms(bits);
        for op in OPS {
            for observer in [false, true] {
                let main = format!("SELF_OBSERVER_MODE {observer}\n{op}\nHALT");
                let mut program = program(PERMS, &main, "NOP");
                program.regions[1].perms = perms;
                let mut patch = Patch::of(&program, "STRATEGY").expect("it is there");
                patch.region.code.clone_from(&program.regions[1].code);
                let mut machine = machine(program);
                let before = machine.image().program_hash();
                let asked = run(&mut machine, |_| answer(&patch));
                let failed = machine.status(StatusWord::Rewrite) == Value::Bool(true);
                let wanted = allowed(op, perms, observer);
                assert_eq!(
                    failed,
                    !wanted,
                    "{op}, {perms:?}, observer {observer}: {:?}",
                    machine.last_failure()
                );
                if !wanted {
                    let code = machine.last_failure().map(|failure| failure.code);
                    assert_eq!((asked, code), (0, Some(FailureCode::Denied)));
                    assert_eq!(machine.image().program_hash(), before);
                }
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 128 * 6 * 2);
}

#[test]
fn what_runs_in_a_region_finishes_the_code_it_began() {
    // The region replaces itself, calls itself and goes on; only then the new code comes.
    let body = |add: i64| {
        format!(
            ".func decide(x)\n  SET y = x + {add}\n  IF x == 1 THEN\n    SELF_MODIFY \"STRATEGY\", \"new\" -> s\n\
             \x20   SET y = y + decide(100)\n    SET y = [y, s.status]\n  ENDIF\n  RETURN y\n.endfunc"
        )
    };
    let main = "SELF_OBSERVER_MODE true\nSET first = decide(1)\nSET second = decide(2)\nRETURN [first, second]";
    let mut machine = machine(program(PERMS, main, &body(1)));
    run(&mut machine, |_| answer(&assembled(main, &body(1000))));
    assert_eq!(avm_ir::value::to_json(&ended(&machine)), r#"[[103,"WAITING"],1002]"#);
}

#[test]
fn swaps_at_every_instruction_of_a_region() {
    // A loop and calls inside the region; the swap is asked for after n rounds, from outside, by an
    // effect in a function of main that the region calls.
    let body = |tag: i64| {
        format!(
            ".func work(n)\n  SET seen = []\n  SET k = 0\n  WHILE k < 3 DO\n    CALL poke, n, k -> t\n\
             \x20   SET seen = seen + [inner(k)]\n    SET k = k + 1\n  ENDWHILE\n  RETURN seen\n.endfunc\n\
             .func inner(k)\n  RETURN k + {tag}\n.endfunc"
        )
    };
    let main = "SELF_OBSERVER_MODE true\nSET all = []\nFOR n IN 4 DO\n  SET all = all + [work(n)]\n\
                ENDFOR\nRETURN all\n.func poke(n, k)\n  IF n == k THEN\n    SELF_MODIFY \"STRATEGY\", \"\" -> s\n\
                \x20 ENDIF\n  RETURN 0\n.endfunc";
    let mut machine = machine(program(PERMS, main, &body(0)));
    let mut tag = 0;
    run(&mut machine, |_| {
        tag += 100;
        answer(&assembled(main, &body(tag)))
    });
    // Each run of the region is of one code from its beginning to its end.
    let result = avm_ir::value::to_json(&ended(&machine));
    assert_eq!(result, "[[0,1,2],[100,101,102],[200,201,202],[300,301,302]]");
}

#[test]
fn a_patch_changes_nothing_but_its_region() {
    let main =
        "SELF_OBSERVER_MODE true\nSELF_MODIFY \"STRATEGY\", \"new\" -> status\nRETURN decide(1)";
    let good = assembled(main, FUNC);
    let mut attacks: Vec<(&str, Vec<u8>, FailureCode)> = Vec::new();
    let mut add = |name, change: &dyn Fn(&mut Patch), code| {
        let mut patch = good.clone();
        change(&mut patch);
        attacks.push((name, patch.to_bytes(), code));
    };
    use FailureCode::{Denied, InvalidArgument, NotGranted};
    add("another region", &|p| p.region.name = "main".into(), InvalidArgument);
    add("wider bits", &|p| p.region.perms = Perms(127), Denied);
    add("another interface", &|p| p.region.outputs = vec![0], Denied);
    add("other registers", &|p| p.registers.insert(0, "x".into()), InvalidArgument);
    add(
        "more names",
        &|p| {
            p.manifest.names.insert((avm_ir::NameKind::Tool, "Bank".into()));
        },
        NotGranted,
    );
    add(
        "a look at itself that nobody grants",
        &|p| {
            p.manifest.names.insert((avm_ir::NameKind::Introspect, "budget".into()));
        },
        NotGranted,
    );
    add("no function", &|p| p.region.functions.clear(), InvalidArgument);
    add("code cut off", &|p| p.region.code.truncate(1), InvalidArgument);
    add("a label stolen", &|p| p.region.functions[0].name = "STRATEGY".into(), InvalidArgument);
    attacks.push(("nothing", Vec::new(), InvalidArgument));
    attacks.push(("noise", vec![7; 300], InvalidArgument));
    let mut long = good.to_bytes();
    long.push(0);
    attacks.push(("more bytes", long, InvalidArgument));
    for (name, bytes, code) in attacks {
        let mut machine = machine(program(PERMS, main, FUNC));
        let before = machine.image().program_hash();
        run(&mut machine, |_| Answer::output(Value::Bytes(bytes.clone().into()), 1 << 40));
        let failure = machine.last_failure().expect(name);
        assert_eq!(failure.code, code, "{name}: {failure}");
        assert_eq!(machine.image().program_hash(), before, "{name}");
        assert_eq!(machine.status(StatusWord::Rewrite), Value::Bool(true), "{name}");
        assert!(machine.versions().is_empty(), "{name}");
        assert_eq!(ended(&machine), Value::Int(2), "{name}");
    }
}

/// What the code of a region became, each time.
#[derive(Default)]
struct Hashes(Vec<[u8; 32]>);

impl Observer for Hashes {
    const STEPS: bool = false;

    fn rewritten(&mut self, machine: &Machine, change: &Rewritten) {
        self.0.push(machine.image().program().regions[change.region as usize].hash());
    }
}

#[test]
fn a_thousand_rewrites_and_back_to_any_of_them() {
    let main = "SELF_OBSERVER_MODE true\nSET ids = []\nFOR k IN 1000 DO\n\
                \x20 SELF_MODIFY \"STRATEGY\", \"new\" -> s\n  SET ids = ids + [s.snapshot_id]\nENDFOR\n\
                CREATE_SYSTEM_CHECKPOINT \"last\" -> c\n\
                FOR k IN 1000 DO\n  REVERT_CODE \"STRATEGY\", ids[999 - k]\n  SET ids[999 - k] = decide(0)\n\
                ENDFOR\nREVERT_CODE \"STRATEGY\", \"last\"\nRETURN [ids, decide(0)]";
    let mut machine = machine(program(PERMS, main, ".func decide(x)\n  RETURN 0\n.endfunc"));
    let first = Patch::of(machine.image().program(), "STRATEGY").expect("it is there").hash();
    let mut hashes = vec![first];
    let mut seen = Hashes::default();
    loop {
        match machine.run(u64::MAX, &mut seen) {
            Pause::Effect(request) => {
                let round = hashes.len();
                let text = format!(".func decide(x)\n  RETURN {round}\n.endfunc");
                let patch = assembled(main, &text);
                hashes.push(patch.hash());
                machine.answer(request.id, answer(&patch), &mut seen).expect("it waits");
            }
            Pause::End(_) => break,
            Pause::Slice => {}
        }
    }
    // Bit for bit: a thousand steps on, a thousand back, and on to the last one.
    let back = hashes.iter().rev().skip(1);
    let steps = hashes.iter().skip(1).chain(back).chain(hashes.last());
    assert!(seen.0.iter().eq(steps), "{} changes", seen.0.len());
    let wanted: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let wanted = format!("[[{}],1000]", wanted.join(","));
    assert_eq!(avm_ir::value::to_json(&ended(&machine)), wanted);
    assert_eq!(machine.versions()[0].patch.hash(), first);
    assert_eq!(machine.versions().len(), 1001);
    // All of it comes back from a snapshot.
    let bytes = machine.snapshot();
    let origin = program(PERMS, main, ".func decide(x)\n  RETURN 0\n.endfunc");
    let origin = Image::new(avm_ir::verify(origin).expect("it verifies"), &Schedule::v1());
    let back = Machine::restore(Arc::new(origin), &bytes).expect("it comes back");
    assert_eq!(back.state_hash(), machine.state_hash());
    assert_eq!(back.image().program_hash(), machine.image().program_hash());
}

#[test]
fn snapshots_in_the_middle_go_on_the_same() {
    let body = |tag: i64| format!(".func decide(x)\n  SET y = x + {tag}\n  RETURN y\n.endfunc");
    let main = "SELF_OBSERVER_MODE true\nFOR k IN 5 DO\n  SELF_MODIFY \"STRATEGY\", \"new\" -> s\n\
                \x20 SET sum = decide(k)\n  IF k == 3 THEN\n    REVERT_CODE \"STRATEGY\", 2\n  ENDIF\nENDFOR\nRETURN decide(0)";
    let origin = || {
        let verified = avm_ir::verify(program(PERMS, main, &body(0))).expect("it verifies");
        Arc::new(Image::new(verified, &Schedule::v1()))
    };
    let start = || Machine::new(origin(), Config::default()).expect("it starts");
    let patch = |n: u64| answer(&assembled(main, &body(i64::try_from(n).expect("small") * 10)));
    let mut whole = start();
    let mut n = 0;
    run(&mut whole, |_| {
        n += 1;
        patch(n)
    });
    let mut pieces = start();
    let mut n = 0;
    loop {
        pieces = Machine::restore(origin(), &pieces.snapshot()).expect("it comes back");
        match pieces.run(1, &mut ()) {
            Pause::Effect(request) => {
                n += 1;
                pieces.answer(request.id, patch(n), &mut ()).expect("it waits");
            }
            Pause::End(_) => break,
            Pause::Slice => {}
        }
    }
    assert_eq!(whole.state_hash(), pieces.state_hash());
    assert_eq!(ended(&whole), ended(&pieces));
}

/// The region with tests, and what the sandbox says of a patch.
fn tried(tests: &str, text: &str, more: &str) -> (Machine, usize) {
    let main = format!(
        "SELF_OBSERVER_MODE true\nSET x = 5\n{more}\nSELF_MODIFY_SANDBOX \"STRATEGY\", \"new\" -> r\nRETURN [x, r, RtestResult == r]"
    );
    let with = |body: &str| {
        let source =
            format!("{main}\n.region STRATEGY detached perms={PERMS}\n{body}\n.endregion\n{tests}");
        let options = avm_asm::Options::default();
        let assembly = avm_asm::assemble("a.avm", &source, &mut avm_asm::NoSources, &options);
        assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics))
    };
    let patch = Patch::of(&with(text), "STRATEGY").expect("it has the region");
    let mut machine = machine(with(FUNC));
    let before = machine.image().program_hash();
    let asked = run(&mut machine, |_| answer(&patch));
    assert_eq!(machine.image().program_hash(), before, "nothing is taken");
    (machine, asked as usize)
}

#[test]
fn a_sandbox_says_what_the_tests_say_and_leaves_nothing_behind() {
    let tests = "\
.test \"more\" region=STRATEGY
given x = 1
expect decide(x) > x
.endtest
.test \"none for zero\" region=STRATEGY
expect decide(0) == 1
expect x == 5
.endtest
.test \"of another\" region=main
expect false
.endtest
";
    let mut said = Vec::new();
    for text in [
        FUNC,
        ".func decide(x)\n  SET y = x - 1\n  RETURN y\n.endfunc",
        ".func decide(x)\n  WHILE true DO\n    SET x = x + 1\n  ENDWHILE\n  RETURN x\n.endfunc",
        ".func decide(x)\n  KV_STORE \"stolen\", x\n  LOG \"here\"\n  READ_FROM_TOOL \"T\", NULL -> y\n  RETURN x + 1\n.endfunc",
    ] {
        let (machine, asked) = tried(tests, text, "READ_FROM_TOOL \"T\", NULL -> y");
        assert_eq!(asked, 2, "nobody is asked in a test");
        assert_eq!((machine.store().count(), machine.log().count()), (0, 0));
        said.push(avm_ir::value::to_json(&ended(&machine)));
    }
    insta::assert_snapshot!(said.join("\n"));
    let (machine, _) = tried("", FUNC, "");
    let result = avm_ir::value::to_json(&ended(&machine));
    assert!(result.contains("UNTESTED"), "{result}");
}

#[test]
fn a_sandbox_costs_what_its_tests_cost() {
    let tests = ".test \"a\" region=STRATEGY\nexpect decide(1) == 2\n.endtest\n";
    let spin = |rounds: u64| {
        let body = format!(
            ".func decide(x)\n  SET k = 0\n  WHILE k < {rounds} DO\n    SET k = k + 1\n  ENDWHILE\n  RETURN 2\n.endfunc"
        );
        let (machine, _) = tried(tests, &body, "");
        machine.gas_used()
    };
    // Four instructions a round, a microgas each.
    assert_eq!(spin(1000) - spin(10), 990 * 4 * 1000);
}

#[test]
fn a_host_runs_the_tests_of_a_region() {
    let tests = "\
.test \"one more\" region=STRATEGY
given x = 1
expect decide(x) == 2
.endtest
.test \"two more\" region=STRATEGY
expect decide(1) == 3
.endtest
";
    let source =
        format!("SET x = 7\n.region STRATEGY detached perms={PERMS}\n{FUNC}\n.endregion\n{tests}");
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", &source, &mut avm_asm::NoSources, &options);
    let machine = machine(assembly.program.expect("it assembles"));
    let before = machine.state_hash();
    let verdict = machine.test_region("STRATEGY", 9, u64::MAX).expect("it is there");
    let reasons: Vec<_> = verdict.tests.iter().map(|test| test.failed.as_deref()).collect();
    assert_eq!(reasons[0], None);
    assert!(reasons[1].is_some_and(|reason| reason.contains("decide(1) == 3")), "{reasons:?}");
    assert_eq!((verdict.passed(), verdict.failed(), verdict.status()), (1, 1, "FAIL"));
    assert_eq!(verdict.gas(), verdict.tests[0].gas + verdict.tests[1].gas);
    assert_eq!(machine.state_hash(), before, "nothing is left behind");

    let first = machine.test_region("STRATEGY", 1, u64::MAX).expect("it is there");
    assert_eq!((first.tests.len(), first.status()), (1, "PASS"));
    let poor = machine.test_region("STRATEGY", 9, verdict.tests[0].gas).expect("it is there");
    assert_eq!(poor.tests[1].failed.as_deref(), Some("out of gas"));
    assert_eq!(machine.test_region("main", 9, 0).expect("it is there").status(), "UNTESTED");
    let unknown = machine.test_region("NONE", 9, u64::MAX).expect_err("there is none");
    assert_eq!(unknown.code, FailureCode::NotFound);
}
