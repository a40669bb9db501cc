//! Agents that change their own code: what is allowed, what becomes of running code, what is kept.

use std::sync::Arc;

use avm_ir::{
    Program, Schedule, StatusWord, Value,
    program::{Patch, Perm, Perms},
};
use avm_vm::{Answer, Config, FailureCode, Image, Machine, Observer, Pause, observer::Rewritten};

mod rewriting {
    mod append;
    mod attacks;
    mod economics;
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

/// An agent whose strategy asks a tool, with tests of it.
fn asking(main: &str, tests: &str) -> Arc<Image> {
    let source = format!(
        "SELF_OBSERVER_MODE true\n{main}\n.region STRATEGY detached perms={PERMS}\n.func decide(x)\n\
         \x20 READ_FROM_TOOL \"Prices\", {{id: x}} -> y\n  RETURN y\n.endfunc\n.endregion\n{tests}"
    );
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", &source, &mut avm_asm::NoSources, &options);
    let program =
        assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics));
    let verified = avm_ir::verify(program).expect("it verifies");
    Arc::new(Image::new(verified, &Schedule::v1()))
}

/// Answers the tool with ten times the id, and patches with the code that is there; gives the ids that
/// were asked for.
fn serve(machine: &mut Machine) -> Vec<i64> {
    let mut asked = Vec::new();
    loop {
        match machine.run(u64::MAX, &mut ()) {
            Pause::Effect(request) => {
                let answered = if let Some(Value::Record(args)) = request.arg("args") {
                    let Some(Value::Int(id)) = args.get("id") else { panic!("{args:?}") };
                    asked.push(*id);
                    Answer::output(Value::Int(id * 10), 0)
                } else {
                    let code = request.code.as_ref().expect("it is about code");
                    answer(&Patch::of(code.program(), "STRATEGY").expect("it is there"))
                };
                machine.answer(request.id, answered, &mut ()).expect("it waits");
            }
            Pause::End(_) => return asked,
            Pause::Slice => {}
        }
    }
}

fn start(image: &Arc<Image>) -> Machine {
    let config = Config { gas: u64::MAX / 2, ..Config::default() };
    Machine::new(image.clone(), config).expect("it starts")
}

#[test]
fn tests_are_answered_by_themselves_or_as_the_agent_was() {
    let main = "SET a = decide(1)\nSET b = decide(2)\nSELF_MODIFY_SANDBOX \"STRATEGY\", \"new\" -> r\n\
                RETURN r";
    let tests = "\
.test \"as the agent was\" region=STRATEGY
expect decide(1) == 10 AND NOT lastPluginFailed
expect decide(2) == 20
expect decide(1) == 10
.endtest
.test \"nobody else is asked\" region=STRATEGY
expect decide(3) == NULL AND lastPluginFailed
.endtest
.test \"in turn, and the last one stays\" region=STRATEGY
answer READ_FROM_TOOL \"Prices\" -> 5
answer READ_FROM_TOOL \"Prices\" -> 6
expect decide(1) == 5
expect decide(1) == 6 AND decide(2) == 6
.endtest
.test \"a name comes before none\" region=STRATEGY
answer READ_FROM_TOOL -> 1
answer READ_FROM_TOOL \"Others\" -> 2
answer GPU_INFER \"Prices\" -> 3
expect decide(1) == 1
.endtest
.test \"a failure\" region=STRATEGY
answer READ_FROM_TOOL \"Prices\" fails \"closed on Sundays\"
expect decide(1) == NULL AND lastPluginFailed
.endtest
";
    let mut machine = start(&asking(main, tests));
    assert_eq!(serve(&mut machine), [1, 2], "what tests ask never leaves them");
    let said = avm_ir::value::to_json(&ended(&machine));
    assert!(said.contains(r#""failed":0,"gas":"0.0"#) && said.contains(r#""passed":5"#), "{said}");
}

/// Whoever has no tests to run keeps nothing: it is as large as it always was.
#[test]
fn answers_are_kept_where_tests_can_ask_for_them() {
    let tests = ".test \"t\" region=STRATEGY\nexpect decide(1) == 10\n.endtest\n";
    let main = "SET a = decide(1)\nRETURN a";
    let sandbox = "SET a = decide(1)\nIF a == 0 THEN\n  SELF_MODIFY_SANDBOX \"STRATEGY\", a -> r\nENDIF\nRETURN a";
    let size = |main: &str, tests: &str| {
        let mut machine = start(&asking(main, tests));
        serve(&mut machine);
        let verdict = machine.test_region("STRATEGY", 1, u64::MAX).expect("it is there");
        (machine.memory_used(), verdict.status())
    };
    let (plain, said) = size(main, tests);
    assert_eq!(said, "FAIL");
    assert_eq!(size(main, "").0, plain);
    assert_eq!(size(sandbox, "").0, plain);
    let (more, said) = size(sandbox, tests);
    assert!(said == "PASS" && more > plain, "{said} {more}");
}

#[test]
fn answers_that_are_kept_are_part_of_the_state() {
    let tests = ".test \"t\" region=STRATEGY\nexpect decide(7) == 70\n.endtest\n";
    let main = "FOR k IN 300 DO\n  SET a = decide(k)\nENDFOR\nSET a = decide(7)\n\
                SELF_MODIFY_SANDBOX \"STRATEGY\", \"new\" -> r\nRETURN r.status";
    let image = asking(main, tests);
    let mut whole = start(&image);
    let asked = serve(&mut whole);
    assert_eq!((asked.len(), ended(&whole)), (301, Value::text("PASS")));
    let bytes = whole.snapshot();
    let mut back = Machine::restore(image.clone(), &bytes).expect("it comes back");
    assert_eq!((back.state_hash(), back.snapshot()), (whole.state_hash(), bytes));
    assert_eq!(back.memory_used(), whole.memory_used());
    let verdict = back.test_region("STRATEGY", 9, u64::MAX).expect("it is there");
    assert_eq!(verdict.status(), "PASS");
    let mut before = start(&image);
    for _ in 0..3 {
        let Pause::Effect(request) = before.run(u64::MAX, &mut ()) else { panic!("it asks") };
        before.answer(request.id, Answer::output(Value::Int(1), 0), &mut ()).expect("it waits");
    }
    // A fork has its own from the first answer on.
    let fork = before.clone();
    serve(&mut before);
    back = fork;
    let verdict = back.test_region("STRATEGY", 9, u64::MAX).expect("it is there");
    assert_eq!(verdict.status(), "FAIL");
}

/// A test of code that changes code: what it changes is the copy.
#[test]
fn a_patch_to_the_patcher_changes_nothing_outside() {
    let main = "SELF_MODIFY_SANDBOX \"PATCHER\", \"new\" -> r\nRETURN [r, decide(1)]";
    let patcher = "\
.region PATCHER detached perms=read,modify,execute
.func improve()
  SELF_MODIFY \"STRATEGY\", \"better\" -> s
  KV_STORE \"said\", TO_TEXT(s)
  CREATE_SYSTEM_CHECKPOINT \"inside\" -> c
  REVERT_CODE \"STRATEGY\", \"inside\"
  SELF_OBSERVER_MODE false
  SELF_OBSERVER_MODE true
  SELF_MODIFY_SANDBOX \"PATCHER\", \"again\" -> t
  RETURN [s, t]
.endfunc
.endregion
.test \"it says what it is told\" region=PATCHER
answer SELF_MODIFY \"STRATEGY\" -> {status: \"OK\", version: 9}
answer SELF_MODIFY_SANDBOX -> {status: \"PASS\"}
expect improve()[0].version == 9 AND RtestResult.status == \"PASS\"
.endtest
.test \"it is told nothing\" region=PATCHER
expect improve()[0] == NULL AND lastRewriteFailed
.endtest
";
    let image = asking(main, patcher);
    let mut machine = start(&image);
    let mut asked = 0;
    while let Pause::Effect(request) = machine.run(u64::MAX, &mut ()) {
        asked += 1;
        let answered = match &request.code {
            Some(code) => answer(&Patch::of(code.program(), "PATCHER").expect("it is there")),
            None => Answer::output(Value::Int(10), 0),
        };
        machine.answer(request.id, answered, &mut ()).expect("it waits");
    }
    let said = avm_ir::value::to_json(&ended(&machine));
    assert!(said.contains(r#""passed":2"#), "{said}");
    assert_eq!(asked, 2, "the patch, and the tool once");
    assert_eq!(machine.image().program_hash(), image.program_hash());
    assert!(machine.versions().is_empty() && machine.checkpoints().is_empty());
    assert_eq!((machine.store().count(), machine.observes()), (0, true));
}
