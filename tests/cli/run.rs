//! `avm run`: output, ends and their exit codes.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use super::harness::{Bench, number, without_hashes};

const COUNT: &str = "\
FOR i IN 3 DO
  LOG \"step \" + i
ENDFOR
RETURN 42
";

/// A gas amount in nanogas as `--gas` takes it.
fn gas(nanogas: u64) -> String {
    format!("{}.{:09}", nanogas / 1_000_000_000, nanogas % 1_000_000_000)
}

#[test]
fn halted_run_prints_notes_result_and_summary() {
    insta::assert_snapshot!(Bench::with(COUNT).run(&["run", "a.avm"]).show());
}

#[test]
fn quiet_run_prints_no_summary() {
    let ran = Bench::with(COUNT).run(&["run", "a.avm", "--quiet"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, "step 0\nstep 1\nstep 2\n42\n");
}

#[test]
fn profile_shows_where_the_gas_went() {
    let bench = Bench::with(
        "GPU_INFER \"LLama\", \"Why?\" -> y\nSET x = 6\nLOG x / 2\n\
         .region other perms=read,execute in=(x)\n  LOG x\n.endregion\n",
    );
    let with_summary = bench.run(&["run", "a.avm", "--profile"]).show();
    let alone = bench.run(&["run", "a.avm", "--profile", "--quiet"]).show();
    let events = bench.run(&["run", "a.avm", "--profile", "--json"]).show();
    insta::assert_snapshot!([with_summary, alone, events].join("\n"));
}

#[test]
fn profile_changes_nothing_and_adds_up() {
    let bench = Bench::with(COUNT);
    let plain = bench.run(&["run", "a.avm", "--json", "--no-journal"]).stdout;
    let watched = bench.run(&["run", "a.avm", "--json", "--no-journal", "--profile"]).stdout;
    let is_profile = |line: &&str| line.contains("\"event\":\"profile\"");
    let (rows, others): (Vec<&str>, Vec<&str>) = watched.lines().partition(is_profile);
    assert_eq!(others.join("\n"), plain.trim_end());
    assert_eq!(rows.len(), 1, "{watched}");
    let gas = rows[0].split("\"gas\":").skip(1).map(|row| number(&format!("\"gas\":{row}"), "gas"));
    assert_eq!(gas.sum::<u64>(), number(&plain, "gas_used"), "{watched}");
}

#[test]
fn events_are_json_lines() {
    let bench = Bench::with(
        "CALC_EMBED \"x\", \"text-embedding-3-small\"\nGPU_INFER \"builtin:hash-embed\", \"hello\" -> y\n\
         LOG {a: [1, NULL, 2.5]}\nRETURN y\n",
    );
    let ran = bench.run(&["run", "a.avm", "--json", "--registers"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(without_hashes(&ran.stdout));
}

#[test]
fn trap_shows_its_line_and_the_registers_it_reads() {
    let bench = Bench::with("SET count = 0\nSET total = 10\nSET mean = total / count\n");
    insta::assert_snapshot!(bench.run(&["run", "a.avm"]).show());
}

#[test]
fn trap_in_a_function_and_in_bytecode_without_source() {
    let bench = Bench::with(".func half(x)\n  RETURN x / 0\n.endfunc\nSET y = half(2)\n");
    let text = bench.run(&["run", "a.avm", "-q"]).show();
    bench.run(&["asm", "a.avm"]);
    let bytecode = bench.run(&["run", "a.avmb", "-q"]).show();
    bench.run(&["asm", "a.avm", "--strip"]);
    let stripped = bench.run(&["run", "a.avmb", "-q"]).show();
    insta::assert_snapshot!([text, bytecode, stripped].join("\n"));
}

#[test]
fn trap_as_json() {
    let bench = Bench::with("RAISE \"no\"\n");
    let ran = bench.run(&["run", "a.avm", "--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (4, ""));
    insta::assert_snapshot!(without_hashes(&ran.stdout));
    let wrong = Bench::with("RAISE no\n").run(&["run", "a.avm", "--json"]);
    assert_eq!((wrong.exit, wrong.stderr.as_str()), (1, ""));
    assert!(wrong.stdout.contains("\"code\":\"AVM0201\""), "{}", wrong.stdout);
}

#[test]
fn gas_is_exact_to_the_nanogas() {
    let bench = Bench::with(COUNT);
    let used = number(&bench.run(&["run", "a.avm", "--json"]).stdout, "gas_used");
    let enough = bench.run(&["run", "a.avm", "-q", "--gas", &gas(used)]);
    assert_eq!((enough.exit, enough.stderr.as_str()), (0, ""));

    let short = bench.run(&["run", "a.avm", "-q", "--gas", &gas(used - 1)]);
    assert_eq!(short.exit, 5);
    assert_eq!(short.stdout, "step 0\nstep 1\nstep 2\n");
    assert!(short.stderr.contains("before RETURN"), "{}", short.stderr);
    assert!(short.stderr.contains("0.000000001 more would buy it"), "{}", short.stderr);
}

#[test]
fn exhausted_and_suspended_say_where_and_what_would_help() {
    let bench = Bench::with(COUNT);
    let halt = bench.run(&["run", "a.avm", "--gas", "0.01"]).show();
    let suspend = bench.run(&["run", "a.avm", "--gas", "0.01", "--on-exhausted", "suspend"]).show();
    insta::assert_snapshot!([halt, suspend].join("\n"));
}

#[test]
fn exhausted_before_an_effect() {
    let bench = Bench::with("GPU_INFER \"LLama\", \"why?\" -> answer\nRETURN answer\n");
    insta::assert_snapshot!(bench.run(&["run", "a.avm", "-q", "--gas", "5"]).show());
}

#[test]
fn denied_effects_fail_and_the_program_goes_on() {
    let bench = Bench::with("GPU_INFER \"LLama\", \"why?\" -> answer\nRETURN lastPluginFailed\n");
    let ran = bench.run(&["run", "a.avm", "-q", "--gas", "5", "--on-exhausted", "deny"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "true\n"));
}

#[test]
fn inputs_are_json_or_text() {
    let bench = Bench::with(
        ".input a\n.input b = 7\n.input c = NULL\n.input d = NULL\nRETURN [a, b, c, d, e]\nSET e = 1\n",
    );
    bench.file("value.json", "{\"deep\": [1, 2]}");
    let ran = bench.run(&[
        "run",
        "a.avm",
        "-q",
        "--input",
        "a=hello world",
        "--input",
        "b=2.5",
        "--input",
        "c=@value.json",
        "--input",
        "d=[true,null]",
        "--input",
        "e=-3",
    ]);
    assert_eq!(
        (ran.exit, ran.stdout.as_str()),
        (0, "[\"hello world\",2.5,{\"deep\":[1,2]},[true,null],-3]\n")
    );
}

#[test]
fn conversation_is_asked_and_answered() {
    let bench = Bench::with(
        "SET question = R_state.conversation[-1].text\n\
         APPEND_MESSAGE R_state.conversation, \"assistant\", \"You said: \" + question\n",
    );
    let ran = bench.run(&["run", "a.avm", "-q", "--ask", "Hello?"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "You said: Hello?\n"));
}

#[test]
fn terminals_are_not_commanded() {
    let bench = Bench::with("LOG \"\\u{1b}[2Jgone\\r\"\nRETURN \"\\u{202e}txt\"\n");
    let ran = bench.run(&["run", "a.avm", "-q"]);
    assert_eq!(ran.stdout, "\\u{1b}[2Jgone\\u{d}\n\\u{202e}txt\n");
    let bench = Bench::with("RAISE \"\\u{1b}]0;title\\u{7}\" ;; \u{1b}[31m\n");
    let ran = bench.run(&["run", "a.avm"]);
    assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}

#[test]
fn state_is_kept_between_runs() {
    let bench = Bench::with(
        "KV_FETCH \"runs\" -> runs\nIF runs == NULL THEN\n  SET runs = 0\nENDIF\n\
         KV_STORE \"runs\", runs + 1\nRETURN runs\n",
    );
    for expected in ["0\n", "1\n", "2\n"] {
        let ran = bench.run(&["run", "a.avm", "-q", "--state", "agent.state"]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, expected), "{}", ran.stderr);
    }
    let mut bytes = bench.read("agent.state");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bench.file("agent.state", &bytes);
    let ran = bench.run(&["run", "a.avm", "-q", "--state", "agent.state"]);
    assert_eq!(ran.exit, 3);
    assert!(ran.stderr.contains("damaged"), "{}", ran.stderr);
    assert_eq!(bench.read("agent.state"), bytes, "a damaged file is not replaced");
}

#[test]
fn seed_decides_random_numbers() {
    let bench = Bench::with("RANDOM 1, 1000000 -> x\nRETURN x\n");
    let run = |seed| bench.run(&["run", "a.avm", "-q", "--seed", seed]).stdout;
    assert_eq!(run("1"), run("1"));
    assert_ne!(run("1"), run("2"));
    assert!(run("1").trim().parse::<u32>().is_ok());
}

#[test]
fn memory_limit_is_a_trap() {
    let bench = Bench::with("SET x = \"x\"\nWHILE true DO\n  SET x = x + x\nENDWHILE\n");
    let ran = bench.run(&["run", "a.avm", "-q", "--memory", "1MiB", "--gas", "1000000"]);
    assert_eq!(ran.exit, 4);
    assert!(ran.stderr.contains("T07"), "{}", ran.stderr);
}

#[test]
fn standard_input_is_a_program() {
    let ran = Bench::new().feed(&["run", "-", "-q"], "RETURN 1 + 1\n");
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "2\n"));
    let ran = Bench::new().feed(&["run", "-"], "RETURN nothing\n");
    insta::assert_snapshot!(ran.show());
}

#[test]
fn closed_pipe_stops_nothing() {
    let bench =
        Bench::with("FOR i IN 100000 DO\n  LOG i\nENDFOR\nKV_STORE \"done\", true\nRETURN 1\n");
    let mut command = bench.command(&["run", "a.avm", "--state", "s", "--gas", "100000"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut first).expect("a line");
    drop(stdout);
    let output = child.wait_with_output().expect("the command ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((first.as_str(), output.status.code()), ("0\n", Some(0)), "{stderr}");
    assert!(!stderr.contains("panic"), "{stderr}");
    assert!(!bench.read("s").is_empty(), "the run went on to its end");
}

#[test]
fn registers_are_shown_at_the_end() {
    let bench = Bench::with("SET a = [1, \"two\\n\"]\nSET b = NULL\nSET c = {x: true}\nHALT\n");
    insta::assert_snapshot!(bench.run(&["run", "a.avm", "-q", "--registers"]).stdout);
}

#[test]
fn quiet_runs_show_errors_and_no_warnings() {
    let warned = "HALT\n:forgotten\nLOG \"x\"\n";
    let bench = Bench::with(warned);
    assert!(bench.run(&["run", "a.avm"]).stderr.contains("warning[AVM0900]"));
    assert_eq!(bench.run(&["run", "a.avm", "-q"]).stderr, "");
    bench.file("a.avm", format!("{warned}LAG 1\n"));
    let wrong = bench.run(&["run", "a.avm", "-q"]);
    assert_eq!((wrong.exit, wrong.stderr.contains("AVM0900")), (1, false), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("error[AVM"), "{}", wrong.stderr);
}
