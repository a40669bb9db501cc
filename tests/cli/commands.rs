//! Every other command.

use super::harness::Bench;

const PROGRAM: &str =
    ".input x = 2\n.region Double perms=read,execute\n  SET y = x * 2\n.endregion\nRETURN y\n";

#[test]
fn help_lists_commands_and_exit_codes() {
    insta::assert_snapshot!(Bench::new().run(&["--help"]).stdout);
}

#[test]
fn bytecode_runs_and_comes_back_as_text() {
    let bench = Bench::with(PROGRAM);
    let asm = bench.run(&["asm", "a.avm", "-o", "out.avmb"]);
    assert_eq!((asm.exit, asm.stdout.as_str()), (0, ""));
    assert_eq!(bench.run(&["run", "out.avmb", "-q", "--input", "x=21"]).stdout, "42\n");
    let dis = bench.run(&["dis", "out.avmb"]);
    insta::assert_snapshot!(dis.show());
    bench.file("again.avm", &dis.stdout);
    bench.run(&["asm", "again.avm", "--strip"]);
    bench.run(&["asm", "a.avm", "--strip"]);
    assert_eq!(bench.read("again.avmb"), bench.read("a.avmb"));
}

#[test]
fn bytecode_goes_to_standard_output() {
    let bench = Bench::with(PROGRAM);
    bench.run(&["asm", "a.avm"]);
    let output = bench.command(&["asm", "a.avm", "-o", "-"]).output().expect("the command starts");
    assert_eq!(output.stdout, bench.read("a.avmb"));
}

#[test]
fn signed_programs_name_their_signer_and_forged_ones_do_not_run() {
    let bench = Bench::with(PROGRAM);
    let key = bench.run(&["key", "new", "my.key"]);
    assert_eq!((key.exit, key.stdout.trim().len()), (0, 64));
    assert_eq!(bench.run(&["key", "new", "my.key"]).exit, 3, "keys are not overwritten");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(bench.path().join("my.key")).expect("the key").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
    bench.run(&["asm", "a.avm", "--sign", "my.key"]);
    let verify = bench.run(&["verify", "a.avmb"]);
    assert!(
        verify.stdout.contains(&format!("signed by  {}", key.stdout.trim())),
        "{}",
        verify.stdout
    );
    assert_eq!(bench.run(&["run", "a.avmb", "-q"]).stdout, "4\n");

    let mut bytes = bench.read("a.avmb");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bench.file("a.avmb", &bytes);
    for command in ["run", "verify", "dis", "check"] {
        let ran = bench.run(&[command, "a.avmb"]);
        assert_eq!(ran.exit, 1, "{command}: {}", ran.show());
    }
}

#[test]
fn verify_shows_what_a_program_can_reach() {
    let bench = Bench::with(
        ".region Strategy perms=read,modify,execute\n  GPU_INFER \"LLama\", \"hi\" -> r\n.endregion\n\
         DOC_FETCH \"Docs\", \"one\" -> (t, v)\nSET name = \"x\" + t\nREAD_FROM_TOOL name, 1 -> z\nGET_CURRENT_TIME -> now\n.input t = \"a\"\n",
    );
    insta::assert_snapshot!(bench.run(&["verify", "a.avm"]).show());
}

#[test]
fn fmt_rewrites_or_checks() {
    let bench = Bench::with("set  a=1 ; one\nif a==1 then\nlog a\nendif\n");
    let check = bench.run(&["fmt", "--check", "a.avm"]);
    assert_eq!((check.exit, check.stdout.as_str()), (1, "a.avm: not in canonical form\n"));
    assert_eq!(bench.run(&["fmt", "a.avm"]).exit, 0);
    insta::assert_snapshot!(String::from_utf8(bench.read("a.avm")).expect("text"));
    assert_eq!(bench.run(&["fmt", "--check", "a.avm"]).exit, 0);
    assert_eq!(bench.feed(&["fmt", "-"], "log 1\n").stdout, "  LOG 1\n");

    bench.file("bad.avm", "IF\n");
    let bad = bench.run(&["fmt", "bad.avm", "missing.avm", "a.avm"]);
    assert_eq!(bad.exit, 3);
    assert_eq!(bench.read("bad.avm"), b"IF\n");
}

#[test]
fn check_reports_all_files() {
    let bench = Bench::with("LOG lots\nSET lost = 1\nFOO 1\nHALT\n:never\nLOG 2\n");
    bench.file("b.avm", "LOG 1\n");
    let text = bench.run(&["check", "a.avm", "b.avm"]).show();
    let json = bench.run(&["check", "--json", "a.avm", "b.avm"]).show();
    let fine = bench.run(&["check", "b.avm"]).show();
    insta::assert_snapshot!([text, json, fine].join("\n"));
}

/// `avm check` shows what lints find, other commands say in a line how much it is.
#[test]
fn lints_are_for_check() {
    let bench = Bench::with("#define LIMIT 5\nLOG 1\n");
    let check = bench.run(&["check", "a.avm"]);
    assert_eq!((check.exit, check.stderr.contains("AVM0913")), (0, true), "{}", check.stderr);
    for command in ["run", "asm"] {
        let ran = bench.run(&[command, "a.avm"]);
        assert!(ran.stderr.starts_with("1 lint finding; see avm check a.avm\n"), "{}", ran.stderr);
        assert!(ran.exit == 0 && !ran.stderr.contains("AVM0913"), "{}", ran.stderr);
    }
    let json = bench.run(&["run", "--json", "a.avm"]);
    assert!(!json.stdout.contains("AVM0913") && !json.stderr.contains("lint"), "{}", json.stderr);
    bench.file("a.avm", ".allow AVM0913 \"for later\"\n#define LIMIT 5\nLOG 1\n");
    assert_eq!(bench.run(&["check", "a.avm"]).stdout, "1 file, 0 errors, 0 warnings\n");
}

#[test]
fn paper_dialect() {
    let bench = Bench::with("#define LIMIT 5\nRETURN LIMIT_TESTS\n");
    assert_eq!(bench.run(&["run", "a.avm", "-q"]).exit, 1);
    let ran = bench.run(&["run", "a.avm", "-q", "--dialect", "paper"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "5\n"));
    assert_eq!(ran.stderr, "");
    let warned = bench.run(&["run", "a.avm", "--dialect", "paper"]);
    assert!(warned.stderr.contains("AVM0901"), "{}", warned.stderr);
    // What is said beside the program holds for all commands, unless the command line says otherwise.
    bench.file("avm.toml", "[run]\ndialect = \"paper\"\n");
    for command in ["run", "check", "asm", "gas", "verify", "dis"] {
        let ran = bench.run(&[command, "a.avm"]);
        assert_eq!(ran.exit, 0, "{command}: {}", ran.stderr);
    }
    for command in ["run", "check", "asm", "gas"] {
        assert_eq!(bench.run(&[command, "a.avm", "--dialect", "standard"]).exit, 1, "{command}");
    }
    bench.file("other.toml", "");
    assert_eq!(bench.run(&["run", "a.avm", "--config", "other.toml"]).exit, 1);
    assert_eq!(bench.run(&["test", "--bless", "a.avm"]).exit, 0);
    assert_eq!(bench.run(&["test"]).exit, 0);
    assert_eq!(bench.run(&["replay", "a.avmj", "--with", "a.avm"]).exit, 0);
}

#[test]
fn includes_stay_in_the_project() {
    let bench = Bench::new();
    bench.file("project/avm.toml", "");
    bench.file("project/lib/two.avm", "SET two = 2\n");
    bench.file("project/src/a.avm", ".include \"../lib/two.avm\"\nRETURN two\n");
    bench.file("project/src/b.avm", ".include \"../../secret.avm\"\n");
    bench.file("project/src/c.avm", ".include \"c.avm\"\n");
    bench.file("secret.avm", "SET secret = 1\n");
    assert_eq!(bench.run(&["run", "project/src/a.avm", "-q"]).stdout, "2\n");
    let outside = bench.run(&["check", "project/src/b.avm"]).show();
    let cycle = bench.run(&["check", "project/src/c.avm"]).show();
    insta::assert_snapshot!([outside, cycle].join("\n"));
}

#[test]
fn included_files_go_by_names_that_the_user_finds_them_by() {
    let bench = Bench::new();
    bench.file("project/.git/HEAD", "");
    bench.file("project/lib/bad.avm", "LOG nothing\n");
    bench.file("project/src/a.avm", ".include \"../lib/bad.avm\"\n");
    let places = |folder: &str, program: &str| {
        let mut command = bench.command(&["check", program]);
        let output = command.current_dir(bench.path().join(folder)).output().expect("it starts");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    for (folder, program, name) in [
        (".", "project/src/a.avm", "project/src/../lib/bad.avm:1:5"),
        ("project", "src/a.avm", "src/../lib/bad.avm:1:5"),
        ("project/src", "a.avm", " ../lib/bad.avm:1:5"),
        ("project/lib", "../src/a.avm", "../src/../lib/bad.avm:1:5"),
    ] {
        let text = places(folder, program);
        assert!(text.contains(name), "{text}");
    }
    let program = bench.path().join("project/src/a.avm");
    assert!(places(".", &program.to_string_lossy()).contains("/project/src/../lib/bad.avm:1:5"));
}

#[test]
fn json_stays_json_whatever_it_carries() {
    let program = "LOG \"a\\u{202e}b\\u{1b}[2J\"\nLOG other\nSET x = \"\u{202e}\"\n";
    let bench = Bench::with(program);
    bench.file("b.avm", program.replace("LOG other", ""));
    for args in [["check", "--json", "a.avm"], ["run", "--json", "b.avm"]] {
        let ran = bench.run(&args);
        assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{}", ran.show());
        for line in ran.stdout.lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert!(event["event"].is_string(), "{line}");
        }
    }
    assert!(bench.run(&["run", "--json", "b.avm"]).stdout.contains("a\\u202eb\\u001b[2J"));
}

#[test]
fn everything_is_explained() {
    let bench = Bench::new();
    let all = [
        "AVM0200",
        "doc_search",
        "T07",
        "out-of-memory",
        "no-provider",
        "invalid-argument",
        "GOTO",
        "DOC_SERCH",
        "quarterly",
    ];
    let all = all.map(|what| format!("=== {what}\n{}", bench.run(&["explain", what]).show()));
    insta::assert_snapshot!(all.join("\n"));
    let list = bench.run(&["explain"]).stdout;
    for what in ["HALT", "CREATE_SYSTEM_CHECKPOINT", "T07 out-of-memory", "no-provider", "AVM0200"]
    {
        assert!(list.contains(what), "{what}");
    }
}

#[test]
fn new_agents_run_at_once() {
    let bench = Bench::new();
    let new = bench.run(&["new", "scout"]);
    assert_eq!((new.exit, new.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(bench.run(&["run", "scout/agent.avm"]).show());
    assert_eq!(bench.run(&["check", "scout/agent.avm"]).stdout, "1 file, 0 errors, 0 warnings\n");
    assert_eq!(bench.run(&["fmt", "--check", "scout/agent.avm"]).exit, 0);
    assert_eq!(bench.run(&["new", "scout"]).exit, 3, "nothing is overwritten");
    for bad in ["", "..", "a b", "-x", "a/b/c"] {
        assert_ne!(bench.run(&["new", "--", bad]).exit, 0, "{bad}");
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Bench::new().run(&["completions", shell]);
        assert_eq!(ran.exit, 0);
        assert!(ran.stdout.contains("explain"), "{shell}");
    }
}
