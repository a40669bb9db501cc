//! `avm debug`, `avm fork`, `avm diff`: a run is gone through, left, and compared; nobody is asked twice.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdout, Stdio},
};

use super::harness::{Bench, Ran};

/// Asks a tool three times; the second question is made from the first answer.
const ASKS: &str = "\
SET n = 1
READ_FROM_TOOL \"Teller\", {ask: \"first\", n: n} -> a
SET n = n + a.count
LOG \"now \" + n
READ_FROM_TOOL \"Teller\", {ask: \"second\", n: n} -> b
READ_FROM_TOOL \"Teller\", {ask: \"third\"} -> c
RETURN [a.count, b.count, c.count, n]
";

/// A tool outside that counts: each call is a line in a file, and the answer is how many there are.
const TELLER: &str = "\
#!/bin/sh
cat >> asked.txt
echo >> asked.txt
echo \"{\\\"count\\\": $(wc -l < asked.txt)}\"
";

struct Desk(Bench);

impl Desk {
    fn new() -> Self {
        let bench = Bench::with(ASKS);
        bench.file("teller.sh", TELLER);
        bench.file(
            "avm.toml",
            "[tools]\nTeller = { use = \"command\", command = [\"sh\", \"teller.sh\"] }\n",
        );
        bench.file("asked.txt", "");
        Self(bench)
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.0.run(args)
    }

    /// How often the tool was asked so far.
    fn asked(&self) -> usize {
        String::from_utf8(self.0.read("asked.txt")).expect("a text").lines().count()
    }
}

#[test]
fn a_program_is_debugged_while_it_is_recorded() {
    let desk = Desk::new();
    let script = "break effect\nc\nc\nstep\nback 3\nprint a\nc\nquit\n";
    let looked = desk.0.feed(&["debug", "a.avm"], script);
    insta::assert_snapshot!(looked.show());
    assert_eq!(desk.asked(), 2, "going back and forth asks nobody again");
    let went_on = desk.run(&["resume", ".avm/runs/a-1"]);
    assert_eq!((went_on.exit, desk.asked()), (0, 3), "{}", went_on.stderr);
    assert!(went_on.stdout.ends_with("[1,2,3,2]\n"), "{}", went_on.stdout);
    let replayed = desk.run(&["replay", ".avm/runs/a-1"]);
    assert_eq!((replayed.exit, desk.asked()), (0, 3), "{}", replayed.stderr);
}

#[test]
fn a_fork_asks_only_what_comes_behind() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["run", "a.avm", "--quiet"]).exit, 0);
    assert_eq!(desk.asked(), 3);
    let forked =
        desk.run(&["fork", ".avm/runs/a-1", "--effect", "1", "--answer", "{\"count\": -40}", "-q"]);
    assert_eq!((forked.exit, desk.asked()), (0, 4), "{}", forked.stderr);
    assert_eq!(forked.stdout, "[1,-40,4,2]\n");
    let diff = desk.run(&["diff", ".avm/runs/a-1", ".avm/runs/a-2"]);
    insta::assert_snapshot!(diff.show());
    let shown = diff.show();
    assert_eq!(desk.run(&["diff"]).show(), shown, "the latest one and the one that it left");
    let same = desk.run(&["diff", ".avm/runs/a-1", ".avm/runs/a-1", "--json"]);
    assert_eq!((same.exit, desk.asked()), (0, 4));
    assert!(same.stdout.contains("\"first\":null"), "{}", same.stdout);
    let listed = desk.run(&["runs"]);
    assert!(listed.stdout.contains("from .avm/runs/a-1 at step 8"), "{}", listed.stdout);
}

#[test]
fn a_fork_can_change_a_register_an_answer_or_an_input() {
    let desk = Desk::new();
    desk.run(&["run", "a.avm", "--quiet"]);
    let mut out = String::new();
    for args in [
        &["--at", "8", "--set", "n=10", "--set", "a.count=7"][..],
        &["--at", "line 5", "--set", "n=10", "--closed"],
        &["--effect", "2", "--fail", "timeout gone home"],
        &["--at", "9"],
        &["--at", "9", "--closed"],
        &["--at", "9", "--into", "other"],
        &["--input", "nobody=3"],
        &["--at", "0", "--answer", "1"],
        &["--at", "8", "--set", "nothing=1"],
        &["--at", "8", "--set", "n=yes"],
        &["--at", "nowhere"],
        &["--at", "end"],
        &["--effect", "9"],
        &["--effect", "1", "--fail", "tired"],
        &[],
    ] {
        let ran = desk.run(&[&["fork", ".avm/runs/a-1", "-q"], args].concat());
        out.push_str(&format!("avm fork {}\n{}\n", args.join(" "), ran.show()));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn an_abnormal_end_is_opened_where_it_is() {
    let desk = Desk::new();
    desk.0.file("trap.avm", "SET x = 1\nSET y = x / 0\nLOG y\n");
    desk.0.file("loop.avm", ":a\nSET x = 1\nJUMP a\n");
    // Who answers kills whoever asks.
    desk.0.file("kill.sh", "kill -9 $PPID\n");
    let tool = "[tools]\nTeller = { use = \"command\", command = [\"sh\", \"kill.sh\"] }\n";
    desk.0.file("kill.toml", tool);
    desk.0.file("denied.avm", "LOG 0\n.region shut perms=read\nLOG 1\n.endregion\n");
    let wish = "\
SECURITY_CHECK {action: \"SELL\"} -> ok
JUMP_IF_PLUGIN_FAILED sorry
RETURN ok
:sorry
RAISE \"not allowed\"
";
    desk.0.file("policy.avm", wish);
    let rule =
        "[[require]]\nname = \"action\"\nwhen = { action = \"BUY\" }\nreason = \"only BUY\"\n";
    desk.0.file("rules.toml", rule);
    desk.0.file("policy.toml", "[policy]\nuse = \"builtin:policy\"\nrules = \"rules.toml\"\n");
    let runs: [(i32, &[&str], &str, &str); 6] = [
        (4, &["trap.avm"], "trap-1", "back\nprint x\n"),
        (5, &["loop.avm", "--gas", "0.000007"], "loop-1", "meters\n"),
        (6, &["loop.avm", "--gas", "0.000007", "--on-exhausted", "suspend"], "loop-2", ""),
        (-1, &["a.avm", "--config", "kill.toml"], "a-1", ""),
        (4, &["denied.avm"], "denied-1", "back\n"),
        (4, &["policy.avm", "--config", "policy.toml"], "policy-1", "status\nrc denial\n"),
    ];
    let mut out = String::new();
    for (exit, args, name, script) in runs {
        let ran = desk.run(&[&["run"], args].concat());
        assert_eq!(ran.exit, exit, "{args:?}: {}", ran.show());
        let run = format!(".avm/runs/{name}");
        // Who is killed has no time to say so.
        let told = exit < 0 || ran.stderr.contains(&format!("avm debug {run}"));
        assert!(told, "{}", ran.stderr);
        let looked = desk.0.feed(&["debug", &run], &format!("where\nend\n{script}"));
        out += &format!("avm run {}\n{}", args.join(" "), looked.show());
    }
    insta::assert_snapshot!(out);
}

#[test]
fn scripts_and_mistakes() {
    let desk = Desk::new();
    desk.0.file("script.dbg", "# to the second question\nrun-to 8\nprint a.count\n");
    desk.run(&["run", "a.avm", "--quiet"]);
    let mut out = desk.run(&["debug", "-x", "script.dbg", "--json"]).show();
    for args in [
        &["debug", "nothing.avm"][..],
        &["debug", ".avm/runs/a-1", "--gas", "5"],
        &["debug", "-x", "nothing.dbg"],
        &["debug", "a.avm", "--input", "x"],
        &["diff", ".avm/runs/a-1", "nothing.avmj"],
    ] {
        out += &format!("avm {}\n{}", args.join(" "), desk.run(args).show());
    }
    desk.0.file("bad.avm", "SET x =\n");
    out += &desk.run(&["debug", "bad.avm"]).show();
    out += &desk.0.feed(&["debug"], "fly\n").show();
    insta::assert_snapshot!(out);
}

#[test]
fn forks_in_the_debugger_ask_the_providers_of_the_run() {
    let desk = Desk::new();
    desk.run(&["run", "a.avm", "--quiet"]);
    let script = "run-to 8\nset n = 10\nc\ndiff\nanswers recorded\nswitch 1\nfork\nc\nruns\n";
    let looked = desk.0.feed(&["debug", ".avm/runs/a-1"], script);
    insta::assert_snapshot!(looked.show());
    assert_eq!(desk.asked(), 5);
}

#[test]
fn a_live_run_is_signed_and_keeps_its_state() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["key", "new", "me.key"]).exit, 0);
    desk.0.file("b.avm", "KV_STORE \"seen\", 3\nRETURN 1\n");
    let args = ["debug", "b.avm", "--sign", "me.key", "--state", "s.avms", "--journal", "b.avmj"];
    let looked = desk.0.feed(&args, "run-to end\n");
    assert_eq!(looked.exit, 0, "{}", looked.stderr);
    let replayed = desk.run(&["replay", "b.avmj"]);
    assert!(replayed.stderr.contains("signed by"), "{}", replayed.stderr);
    desk.0.file("c.avm", "KV_FETCH \"seen\" -> x\nRETURN x\n");
    let next = desk.run(&["run", "c.avm", "--state", "s.avms", "-q"]);
    assert_eq!(next.stdout, "3\n", "{}", next.stderr);
}

#[test]
fn what_a_run_did_behind_its_last_answer_is_done_and_told_when_it_goes_on() {
    let desk = Desk::new();
    desk.0.file(
        "tail.avm",
        "READ_FROM_TOOL \"Teller\", {ask: 1} -> a\nLOG \"behind\"\nRETURN a.count\n",
    );
    let looked = desk.0.feed(&["debug", "tail.avm"], "step\nrun-to 1\nquit\n");
    assert_eq!((looked.exit, desk.asked()), (0, 1), "{}", looked.stdout);
    let went_on = desk.run(&["resume", ".avm/runs/tail-1"]);
    assert_eq!((went_on.exit, went_on.stdout.as_str()), (0, "behind\n1\n"), "{}", went_on.stderr);
    assert_eq!(desk.asked(), 1);
    assert_eq!(desk.run(&["replay", ".avm/runs/tail-1"]).exit, 0);
}

/// An editor that speaks the Debug Adapter Protocol.
struct Editor {
    child: Child,
    output: BufReader<ChildStdout>,
    requests: usize,
}

impl Editor {
    fn new(bench: &Bench) -> Self {
        let mut command = bench.command(&["debug", "--dap"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, output, requests: 0 }
    }

    /// Asks, and reads up to a message that has a mark.
    fn ask(&mut self, command: &str, arguments: &str, until: &str) -> String {
        self.requests += 1;
        let body = format!(
            "{{\"seq\":{},\"type\":\"request\",\"command\":\"{command}\",\"arguments\":{arguments}}}",
            self.requests
        );
        let input = self.child.stdin.as_mut().expect("a pipe");
        write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("it listens");
        loop {
            let mut length = String::new();
            self.output.read_line(&mut length).expect("a header");
            let length = length.trim().trim_start_matches("Content-Length: ").parse::<usize>();
            self.output.read_line(&mut String::new()).expect("an empty line");
            let mut body = vec![0; length.expect("it answers")];
            self.output.read_exact(&mut body).expect("a body");
            let body = String::from_utf8(body).expect("UTF-8");
            if body.contains(until) {
                return body;
            }
        }
    }
}

#[test]
fn an_editor_debugs_a_program_and_changes_it() {
    let desk = Desk::new();
    let mut editor = Editor::new(&desk.0);
    editor.ask("initialize", "{\"adapterID\":\"avm\"}", "supportsStepBack");
    let args = "{\"program\":\"a.avm\",\"stopOnEntry\":true,\"args\":[\"--gas\",\"77\"]}";
    editor.ask("launch", args, "\"initialized\"");
    editor.ask("setFunctionBreakpoints", "{\"breakpoints\":[{\"name\":\"effect\"}]}", "verified");
    editor.ask("configurationDone", "{}", "\"stopped\"");
    let thread = "{\"threadId\":1}";
    editor.ask("continue", thread, "\"stopped\"");
    editor.ask("continue", thread, "\"stopped\"");
    editor.ask("stepBack", thread, "\"stopped\"");
    editor.ask("reverseContinue", thread, "\"stopped\"");
    editor.ask("continue", thread, "\"stopped\"");
    assert_eq!(desk.asked(), 1);
    let mut evaluate = |text: &str, until: &str| {
        let args = format!("{{\"expression\":\"{text}\",\"context\":\"repl\"}}");
        editor.ask("evaluate", &args, until)
    };
    evaluate("set n = 30", "\"stopped\"");
    evaluate("delete all", "result");
    editor.ask("setFunctionBreakpoints", "{\"breakpoints\":[]}", "breakpoints");
    editor.ask("continue", thread, "\"stopped\"");
    let mut evaluate = |text: &str, until: &str| {
        let args = format!("{{\"expression\":\"{text}\",\"context\":\"repl\"}}");
        editor.ask("evaluate", &args, until)
    };
    evaluate("end", "[1,2,3,30]");
    evaluate("meters", "of 77");
    editor.ask("disconnect", "{}", "\"disconnect\"");
    assert!(editor.child.wait().expect("it ends").success());
    assert_eq!(desk.asked(), 3, "the first question is asked once");
    let listed = desk.run(&["runs"]);
    assert!(listed.stdout.contains("from .avm/runs/a-1"), "{}", listed.stdout);
}
