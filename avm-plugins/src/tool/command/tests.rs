//! Programs that misbehave, as tools.
#![allow(clippy::disallowed_methods, reason = "real processes take real time")]

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use avm_ir::{Value, value::from_json};
use avm_vm::{FailureCode, IdempotencyKey, Spend};

use super::Command;
use crate::{
    host::{Host, NoHost},
    provider::{Call, Outcome, Plugin, Provider, Refusal, Tool},
    settings::{BadSettings, Settings},
};

/// A host with one variable of the environment.
#[derive(Default)]
struct Variable(NoHost);

impl Host for Variable {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.read(path)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path(path)
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        match name {
            "SECRET" => Some(OsString::from("s3cret")),
            "PATH" => Some(OsString::from("relative:/nonexistent:/bin:/usr/bin")),
            _ => None,
        }
    }

    fn now(&self) -> Duration {
        self.0.now()
    }

    fn unix_time(&self) -> i64 {
        self.0.unix_time()
    }

    fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }
}

fn settings(table: &str) -> Settings {
    let host = Arc::new(Variable::default());
    Settings { name: "T".to_owned(), table: table.parse().expect("TOML"), host }
}

fn tool(table: &str) -> Result<Command, BadSettings> {
    Command::tool(&settings(table))
}

/// A script of the shell as a tool; its one argument is on standard input.
fn script(script: &str, more: &str) -> Command {
    tool(&format!("command = [\"/bin/sh\", \"-c\", '''{script}''']\n{more}")).expect("a tool")
}

fn call(millis: u64, max_bytes: u64) -> Call {
    Call {
        max_bytes,
        max_units: u64::MAX,
        max_gas: u64::MAX,
        max_spend: Spend::UNLIMITED,
        timeout: Duration::from_millis(millis),
        idempotency_key: IdempotencyKey::Given([0; 32]),
    }
}

fn json(text: &str) -> Value {
    from_json(text, 1 << 20).expect("JSON")
}

fn run(tool: &Command, args: &Value) -> Outcome {
    tool.read(&call(20_000, 1 << 20), args)
}

fn output(outcome: Outcome) -> Value {
    outcome.expect("an answer").outputs.remove(0)
}

fn failure(outcome: Outcome) -> (FailureCode, String) {
    let Refusal { failure, .. } = outcome.expect_err("a failure");
    (failure.code, failure.message)
}

/// Runs a script that is to be stopped by its time-out, and tells that it was.
fn late(text: &str) {
    let start = Instant::now();
    let outcome = script(text, "").read(&call(60, 1 << 20), &Value::Null);
    let message = "no answer of tool \"T\" within 60ms".to_owned();
    assert_eq!(failure(outcome), (FailureCode::Timeout, message), "{text}");
    assert!(start.elapsed() < Duration::from_secs(5), "{text}");
}

#[test]
fn a_call_goes_in_as_one_document_and_comes_back_as_one() {
    let args = json(r#"{"city": "Rome", "days": [1, 2.5, null]}"#);
    let wanted = r#"{"function": "read", "args": {"city": "Rome", "days": [1, 2.5, null]}}"#;
    assert_eq!(output(run(&script("cat", ""), &args)), json(wanted));
    assert_eq!(output(run(&script("cat", "input = \"args\""), &args)), args);
    let text = script("cat", "input = \"text\"\noutput = \"text\"");
    assert_eq!(output(run(&text, &Value::text("a\nb\n"))), Value::text("a\nb"));
    assert_eq!(failure(run(&text, &args)).0, FailureCode::InvalidArgument);
    let written = script("cat", "").write(&call(20_000, 1 << 20), &Value::Null);
    assert_eq!(output(written), json(r#"{"function": "write", "args": null}"#));

    let table = "command = [\"/bin/cat\"]\n[functions.score]\nresult = \"number\"\n";
    let plugin = Command::plugin(&settings(table)).expect("a plugin");
    assert_eq!(plugin.manifest().functions[0].name, "score");
    let called = Plugin::call(&plugin, &call(20_000, 1 << 20), "score", &Value::Int(3));
    assert_eq!(output(called), json(r#"{"function": "score", "args": 3}"#));
}

#[test]
fn what_floods_is_cut_off() {
    for text in ["yes", "cat /dev/zero", "yes 1>&2 & yes"] {
        let outcome = script(text, "").read(&call(20_000, 4096), &Value::Null);
        let message = "tool \"T\" gave more than 4096 bytes and was cut off".to_owned();
        assert_eq!(failure(outcome), (FailureCode::TooLarge, message), "{text}");
    }
}

#[test]
fn what_hangs_is_killed_with_all_that_it_started() {
    late("sleep 1000");
    late("trap '' TERM INT HUP; while :; do sleep 1000; done");
    late("exec >&- 2>&- <&-; sleep 1000");
    late("yes >&2");
    late("kill -STOP $$");
    late("(trap '' HUP; sleep 1000) & (sleep 1000) & wait");
}

#[test]
#[cfg(target_os = "linux")]
fn a_grandchild_that_holds_the_output_is_not_waited_for_and_does_not_outlive_the_call() {
    let outcome = run(&script("sleep 1000 & echo $!", ""), &Value::Null);
    let Value::Int(grandchild) = output(outcome) else { panic!("no number of a process") };
    let stat = format!("/proc/{grandchild}/stat");
    // It is killed when the call comes back, and gone a moment later.
    let start = Instant::now();
    loop {
        let text = std::fs::read_to_string(&stat).unwrap_or_default();
        let dead = text.is_empty() || text.contains(") Z ") || text.contains(") X ");
        if dead {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{text}");
        std::thread::yield_now();
    }
}

#[test]
fn what_does_not_read_its_input_is_no_trouble() {
    let large = Value::text(&"x".repeat(1 << 20));
    let tool = script("echo 1", "");
    assert_eq!(output(run(&tool, &large)), Value::Int(1));
    let outcome = script("sleep 1000", "").read(&call(60, 1 << 20), &large);
    assert_eq!(failure(outcome).0, FailureCode::Timeout);
    let echoed = script("cat", "input = \"args\"").read(&call(20_000, 2 << 20), &large);
    assert_eq!(output(echoed), large, "both pipes are full at once");
}

#[test]
fn a_failing_program_says_why() {
    for (text, code, message) in [
        (
            "echo no such city >&2; echo more >&2; exit 3",
            FailureCode::Internal,
            "ended with exit code 3: no such city",
        ),
        ("exit 1", FailureCode::Internal, "ended with exit code 1"),
        ("exit 64", FailureCode::InvalidArgument, "ended with exit code 64"),
        ("exit 66", FailureCode::NotFound, "ended with exit code 66"),
        ("exit 69", FailureCode::Unavailable, "ended with exit code 69"),
        ("exit 75", FailureCode::Unavailable, "ended with exit code 75"),
        ("exit 77", FailureCode::Denied, "ended with exit code 77"),
        ("kill -9 $$", FailureCode::Internal, "was killed by signal 9"),
        (
            "printf '\\033[31mred\\a\\n' >&2; exit 1",
            FailureCode::Internal,
            "ended with exit code 1: [31mred",
        ),
        ("echo hello", FailureCode::Internal, "gave no JSON: expected value at line 1 column 1"),
        ("echo 1 2", FailureCode::Internal, "gave no JSON: trailing characters at line 1 column 3"),
        (
            "true",
            FailureCode::Internal,
            "gave no JSON: EOF while parsing a value at line 1 column 0",
        ),
        ("printf '\\377'", FailureCode::Internal, "gave no UTF-8 text"),
    ] {
        let (found, said) = failure(run(&script(text, ""), &Value::Null));
        assert_eq!((found, said), (code, format!("tool \"T\" {message}")), "{text}");
    }
    let long = run(&script("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1", ""), &Value::Null);
    assert!(failure(long).1.len() < 300);
    let nested = format!("printf '%s' '{}'", "[".repeat(200));
    assert_eq!(failure(run(&script(&nested, ""), &Value::Null)).0, FailureCode::Internal);
    let found = tool("command = [\"cat\"]").expect("a program on PATH");
    run(&found, &Value::Null).expect("it runs");
    let missing = tool("command = [\"/nonexistent/tool\"]").expect("a tool");
    let (code, message) = failure(run(&missing, &Value::Null));
    assert_eq!(code, FailureCode::Internal);
    assert!(
        message.starts_with("tool \"T\" cannot run /nonexistent/tool: No such file"),
        "{message}"
    );
}

#[test]
fn the_environment_is_empty_but_for_what_is_listed() {
    let env = |more: &str| {
        let tool = tool(&format!("command = [\"/usr/bin/env\"]\noutput = \"text\"\n{more}"));
        output(run(&tool.expect("a tool"), &Value::Null))
    };
    let key = format!("AVM_IDEMPOTENCY_KEY={}", "0".repeat(64));
    assert_eq!(env(""), Value::from(key.clone()));
    let more = "env = [\"SECRET\", \"HOME\"]\nset = { A = \"1\" }";
    let all = format!("A=1\n{key}\nSECRET=s3cret");
    assert_eq!(env(more), Value::from(all), "this host has no other variable");
    for bad in ["env = [\"A=B\"]", "env = [\"\"]", "set = { \"A=B\" = \"1\" }"] {
        assert!(tool(&format!("command = [\"/usr/bin/env\"]\n{bad}")).is_err(), "{bad}");
    }
}

#[test]
fn an_agent_fills_in_whole_arguments_and_no_options() {
    let tool = |fill: &str| {
        let command =
            "command = [\"/usr/bin/printf\", \"%s|\", \"{city}\", \"at {city}\", \"{x}\"]";
        tool(&format!("{command}\noutput = \"text\"\nfill = [{fill}]")).expect("a tool")
    };
    let of = |city: &str| json(&format!("{{\"city\": {city}}}"));
    let unlisted = run(&tool(""), &of("\"Rome\""));
    assert_eq!(output(unlisted), Value::text("{city}|at {city}|{x}|"));
    let listed = tool("\"city\"");
    let filled = |city: &str| output(run(&listed, &of(city)));
    assert_eq!(filled("\"Rome\""), Value::text("Rome|at {city}|{x}|"));
    assert_eq!(filled("\"$(id) `id`; * {x}\""), Value::text("$(id) `id`; * {x}|at {city}|{x}|"));
    assert_eq!(filled("7"), Value::text("7|at {city}|{x}|"));
    for bad in ["\"-rf\"", "\"--help\"", "-1", "\"\"", "\"a\\u0000b\"", "null", "[1]", "1.5"] {
        assert_eq!(failure(run(&listed, &of(bad))).0, FailureCode::InvalidArgument, "{bad}");
    }
    let huge = Value::text(&"x".repeat(5000));
    let args = Value::Record(avm_ir::value::Record::from_iter([("city", huge)]));
    assert_eq!(failure(run(&listed, &args)).0, FailureCode::InvalidArgument);
    assert_eq!(failure(run(&listed, &Value::text("Rome"))).0, FailureCode::InvalidArgument);
}

#[test]
fn what_is_wrong_with_the_keys_is_said() {
    for (table, wanted) in [
        ("command = []", "command: wants a program and its arguments, such as [\"bin/tool\"]"),
        (
            "command = [\"nosuch\"]",
            "command: no program \"nosuch\" beside the configuration or on PATH",
        ),
        ("command = \"ls -l\"", "invalid type: string \"ls -l\", expected a sequence"),
        (
            "command = [\"/a\"]\nshell = true",
            "unknown field `shell`, expected one of `command`, `fill`, `env`, `set`, `cwd`, `input`, `output`, `functions`, `cost`",
        ),
        ("command = [\"/a\"]\nfill = [\"x\"]", "fill: no argument of command is \"{x}\""),
        ("command = [\"/{x}\"]\nfill = [\"x\"]", "fill: no argument of command is \"{x}\""),
        (
            "command = [\"/a\"]\n[functions.reed]",
            "functions.reed: a tool has the functions read and write",
        ),
        (
            "command = [\"/a\"]\n[functions.read]\nargs = \"txt\"",
            "functions.read.args: not a shape at byte 0: expected any, null, bool, int, number, text, bytes, vector, [ ], { } or \"text\"",
        ),
    ] {
        let error = tool(table).err().expect(table);
        assert_eq!(error, BadSettings::new(wanted));
    }
    let plugin = Command::plugin(&settings("command = [\"/a\"]"));
    assert!(plugin.err().expect("no functions").0.starts_with("a plugin needs functions"));
    let reads = tool("command = [\"/bin/cat\"]\n[functions.read]").expect("a tool");
    let (code, message) = failure(reads.write(&call(1000, 100), &Value::Null));
    assert_eq!(code, FailureCode::InvalidArgument);
    assert_eq!(message, "this tool cannot be written to");
}
