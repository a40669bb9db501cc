//! What goes wrong before a program runs: an exit code and a sentence, never a panic.

use super::harness::Bench;

/// Runs and adds to the text.
fn show(bench: &Bench, args: &[&str], exit: i32, shown: &mut String) {
    let ran = bench.run(args);
    assert_eq!(ran.exit, exit, "{args:?}: {}", ran.show());
    shown.push_str(&format!("$ avm {}\n{}\n", args.join(" "), ran.show()));
}

#[test]
fn files_that_are_none() {
    let bench = Bench::with("RETURN 1\n");
    bench.file("binary.avm", [0xFF, 0xFE, 0x00, 0x01]);
    bench.file("nul.avm", b"LOG 1\0\n");
    bench.file("bad.json", "{\"a\":");
    bench.file("bad.state", "something else");
    bench.file("bad.key", "aither-secret-key-ed25519:12");
    std::fs::create_dir(bench.path().join("folder")).expect("a folder");
    let mut shown = String::new();
    show(&bench, &["run", "missing.avm"], 3, &mut shown);
    show(&bench, &["run", "folder"], 3, &mut shown);
    show(&bench, &["run", "binary.avm"], 1, &mut shown);
    show(&bench, &["run", "nul.avm"], 1, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x=@missing.json"], 3, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x=@bad.json"], 3, &mut shown);
    show(&bench, &["run", "a.avm", "--state", "bad.state"], 3, &mut shown);
    show(&bench, &["asm", "a.avm", "-o", "folder"], 3, &mut shown);
    show(&bench, &["asm", "a.avm", "-o", "nowhere/a.avmb"], 3, &mut shown);
    show(&bench, &["asm", "a.avm", "--sign", "bad.key"], 3, &mut shown);
    show(&bench, &["dis", "missing.avmb"], 3, &mut shown);
    insta::assert_snapshot!(shown);
}

#[test]
fn command_lines_that_make_no_sense() {
    let bench = Bench::with(".input x\nRETURN x\n");
    let mut shown = String::new();
    show(&bench, &[], 2, &mut shown);
    show(&bench, &["walk"], 2, &mut shown);
    show(&bench, &["run"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--gas", "lots"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--gas", "-1"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--memory", "1TB"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--seed", "x"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--seed", "-1"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--workers", "0"], 2, &mut shown);
    show(&bench, &["profile", "--rows", "many"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--on-exhausted", "cry"], 2, &mut shown);
    show(&bench, &["run", "a.avm"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x=1", "--input", "x=2"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x=1", "--input", "y=2"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x={bad", "--input", "y=2"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x=1", "--ask", "why?"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x=1", "--model", "LLama"], 2, &mut shown);
    show(&bench, &["run", "a.avm", "--input", "x=1", "--model", "LLama=gpt"], 2, &mut shown);
    show(&bench, &["asm", "a.avm", "-o", "a.avm"], 2, &mut shown);
    show(&bench, &["asm", "-"], 2, &mut shown);
    insta::assert_snapshot!(shown);
}

#[test]
fn damaged_bytecode_is_refused() {
    let bench = Bench::with("SET a = [1, 2]\nLOG a\nRETURN a[0] + 1\n");
    bench.run(&["asm", "a.avm"]);
    let bytes = bench.read("a.avmb");
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 0x55;
        // Every tenth place is run; the codec's own tests try them all.
        if at % 10 != 0 {
            continue;
        }
        bench.file("bad.avmb", &bad);
        let ran = bench.run(&["run", "bad.avmb", "-q", "--gas", "1"]);
        // Some damage makes another valid program, in names or constants.
        assert!([0, 1, 4, 5].contains(&ran.exit), "byte {at}: {}", ran.show());
        assert!(!ran.stderr.contains("panicked"), "byte {at}: {}", ran.show());
    }
    bench.file("cut.avmb", &bytes[..bytes.len() / 2]);
    insta::assert_snapshot!(bench.run(&["run", "cut.avmb"]).show());
}

#[test]
fn every_error_of_a_text_is_reported_with_its_place() {
    let bench = Bench::with("LOG nothing\nSET = 5\nDOC_SERCH \"Docs\", 1, 2\nJUMP nowhere\n");
    insta::assert_snapshot!(bench.run(&["run", "a.avm"]).show());
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_behind_standard_output_is_an_error() {
    let bench = Bench::with("RETURN 1\n");
    for args in [&["run", "a.avm", "-q"][..], &["explain"], &["dis", "a.avm"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("the device");
        let output = bench.command(args).stdout(full).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("standard output"), "{args:?}");
    }
}
