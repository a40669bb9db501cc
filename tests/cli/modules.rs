//! Code references: modules that an agent takes into its regions by name or hash.

use super::harness::Bench;

const REGION: &str = "
.region STRATEGY detached perms=read,modify,execute
.func decide(x)
  RETURN x + 1
.endfunc
.endregion
.test \"it grows\" region=STRATEGY
  expect decide(1) > 1
.endtest
";

const MODULE: &str = "\
;; Ten times as much.
.func decide(x)
  RETURN x * 10
.endfunc
";

fn bench(main: &str) -> Bench {
    let bench = Bench::with(&format!("SELF_OBSERVER_MODE true\n{main}\n{REGION}"));
    bench.file("modules/tenfold.avm", MODULE);
    bench.file("avm.toml", "[code.modules]\nTenfold = \"modules/tenfold.avm\"\n");
    bench
}

/// A run and its replay, which has no store to ask.
fn run(bench: &Bench, more: &[&str]) -> String {
    let ran = bench.run(&[&["run", "a.avm", "-q"], more].concat());
    for file in ["avm.toml", "modules/tenfold.avm"] {
        let path = bench.path().join(file);
        if path.exists() {
            std::fs::remove_file(path).expect("removed");
        }
    }
    let replayed = bench.run(&["replay", "-q"]);
    assert_eq!((replayed.exit, &replayed.stdout), (0, &ran.stdout), "{}", replayed.stderr);
    ran.show()
}

#[test]
fn a_module_is_taken_by_name_and_by_hash() {
    let hash = blake3::hash(MODULE.as_bytes()).to_hex();
    let main = format!(
        "SELF_MODIFY_SANDBOX \"STRATEGY\", \"Tenfold\"\nLOG RtestResult.status\n\
         SELF_MODIFY \"STRATEGY\", new_code_ref=\"Tenfold\" -> one\nLOG decide(4)\n\
         REVERT_CODE \"STRATEGY\", one.snapshot_id\nLOG decide(4)\n\
         SELF_MODIFY \"STRATEGY\", \"{hash}\" -> two\nRETURN [decide(4), one.hash == two.hash]"
    );
    let by_name = run(&bench(&main), &[]);
    insta::assert_snapshot!(by_name);
    // The same from the command line alone, and from a folder.
    let plain = bench(&main);
    plain.file("avm.toml", "");
    assert_eq!(run(&plain, &["--module", "Tenfold=modules/tenfold.avm"]), by_name);
    let folder = bench(&main);
    folder.file("modules/Tenfold.avm", MODULE);
    std::fs::remove_file(folder.path().join("modules/tenfold.avm")).expect("removed");
    folder.file("avm.toml", "[code]\nfolder = \"modules\"\n");
    assert_eq!(run(&folder, &[]), by_name);
}

#[test]
fn a_module_may_be_bytecode_of_a_program_with_the_region() {
    let bench = bench("SELF_MODIFY \"STRATEGY\", \"Tenfold\"\nRETURN decide(4)");
    let other = format!("RETURN decide(1)\n{}", REGION.replace("x + 1", "x * 10"));
    bench.file("other.avm", other);
    let made = bench.run(&["asm", "other.avm", "-o", "other.avmb"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let ran = bench.run(&["run", "a.avm", "-q", "--module", "Tenfold=other.avmb"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "40\n"), "{}", ran.stderr);
}

/// What cannot be taken leaves the code as it is and says why.
#[test]
fn what_is_no_module_says_what_there_is() {
    let none = "0".repeat(64);
    let main = format!(
        "FOR wanted IN [\"Twofold\", \"{none}\", \"Greedy\", \"Wrong\"] DO\n\
         SELF_MODIFY \"STRATEGY\", wanted\nIF lastRewriteFailed THEN\n\
         SELF_INTROSPECT \"last_failure\" -> why\nLOG why\nENDIF\nENDFOR\nRETURN decide(4)"
    );
    let bench = bench(&main);
    bench.file("greedy.avm", "READ_FROM_TOOL \"Bank\", NULL -> y\n.func decide(x)\n.endfunc\n");
    bench.file("wrong.avm", ".func other(x)\n  RETURN nothing\n.endfunc\n");
    let shown = run(&bench, &["--module", "Greedy=greedy.avm", "--module", "Wrong=wrong.avm"]);
    insta::assert_snapshot!(shown);
    let empty = Bench::with(&format!(
        "SELF_OBSERVER_MODE true\nSELF_MODIFY \"STRATEGY\", \"Tenfold\"\n\
         SELF_INTROSPECT \"last_failure\" -> why\nRETURN why\n{REGION}"
    ));
    insta::assert_snapshot!(empty.run(&["run", "a.avm", "-q"]).show());
}

/// A module that cannot be one is a mistake of the operator, said before the run.
#[test]
fn bad_files_are_refused_before_the_run() {
    let bench = bench("RETURN 1");
    bench.file("broken.avm", ".func decide(x)\n  RETURN x +\n.endfunc\n");
    bench.file("binary.avm", [0, 159, 146, 150]);
    bench.file("damaged.avmb", b"AVMB\x01\x00 and then nothing of the kind");
    bench.file("diff.avm", "@@ -1 +1 @@\n-a\n+b\n");
    let mut shown = String::new();
    for module in [
        "Broken=broken.avm",
        "Binary=binary.avm",
        "Damaged=damaged.avmb",
        "Diff=diff.avm",
        "Missing=missing.avm",
        "Folder=modules",
        "HALT=modules/tenfold.avm",
        "a-b=modules/tenfold.avm",
        "Nothing",
    ] {
        let ran = bench.run(&["run", "a.avm", "-q", "--no-journal", "--module", module]);
        shown += &format!("# {module}\n{}\n", ran.show());
    }
    insta::assert_snapshot!(shown);
    bench.file("avm.toml", "[code.modules]\nBroken = \"broken.avm\"\n");
    insta::assert_snapshot!(bench.run(&["run", "a.avm"]).show());
    bench.file("avm.toml", "[code]\nmodule = \"broken.avm\"\n");
    assert_eq!(bench.run(&["run", "a.avm"]).exit, 3);
}

#[test]
fn a_check_of_grants_lists_the_modules() {
    let bench = bench("SELF_MODIFY \"STRATEGY\", \"Tenfold\"");
    insta::assert_snapshot!(bench.run(&["check", "--grants", "a.avm"]).show());
}

/// A run that was suspended goes on with the modules of its command line.
#[test]
fn a_resumed_run_has_the_modules_of_its_command_line() {
    let bench = bench(
        "SET k = 0\nWHILE k < 100000 DO\n  SET k = k + 1\nENDWHILE\n\
         SELF_MODIFY \"STRATEGY\", \"Other\"\nRETURN decide(4)",
    );
    let module = ["--module", "Other=modules/tenfold.avm"];
    let args = ["run", "a.avm", "--gas", "1", "--on-exhausted", "suspend", "-q"];
    let suspended = bench.run(&[&args[..], &module].concat());
    assert_eq!(suspended.exit, 6, "{}", suspended.stderr);
    let ended = bench.run(&["resume", ".avm/runs/a-1", "--gas", "+100", "-q"]);
    assert_eq!((ended.exit, ended.stdout.as_str()), (0, "40\n"), "{}", ended.stderr);
}

/// What a file says wins over the file that it starts from, and a name over the folder.
#[test]
fn folders_and_files_that_start_from_one_another() {
    let bench = bench("SELF_MODIFY \"STRATEGY\", \"Tenfold\"\nRETURN decide(4)");
    bench.file("store/Tenfold.avm", MODULE.replace("10", "100"));
    bench.file("store/readme.md", "no module");
    let result = |config: &str| {
        bench.file("avm.toml", config);
        let ran = bench.run(&["run", "a.avm", "-q", "--no-journal"]);
        (ran.exit, ran.stdout + &ran.stderr)
    };
    assert_eq!(result("[code]\nfolder = \"store\"\n"), (0, "400\n".to_owned()));
    let both = "[code]\nfolder = \"store\"\n[code.modules]\nTenfold = \"modules/tenfold.avm\"\n";
    assert_eq!(result(both), (0, "40\n".to_owned()));
    bench.file("base/avm.toml", "[code]\nfolder = \"../store\"\n");
    let based = "base = \"base/avm.toml\"\n";
    assert_eq!(result(based), (0, "400\n".to_owned()));
    let over = "base = \"base/avm.toml\"\n[code.modules]\nTenfold = \"modules/tenfold.avm\"\n";
    assert_eq!(result(over), (0, "40\n".to_owned()));
    bench.file("store/Tenfold.avmb", "");
    let (exit, said) = result(based);
    assert!(exit == 3 && said.contains("have one name"), "{said}");
    let (exit, said) = result("[code]\nfolder = \"nowhere\"\n");
    assert!(exit == 3 && said.contains("code.folder: "), "{said}");
}
