//! The debug adapter as a client sees it. Every script is a snapshot of a whole conversation, and
//! together they cover whatever the adapter says that it can do.

#[path = "support/client.rs"]
mod client;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/outside.rs"]
mod outside;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/recording.rs"]
mod recording;

use std::{
    io::{BufReader, Cursor, Read},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use avm_dbg::{
    Session,
    dap::{Launch, MAX_BODY, MAX_HEADER, Opened, ServeError, requests, serve},
    live::Live,
};
use avm_ir::Schedule;
use avm_vm::{
    Config, Image,
    journal::{Event, Start},
};
use client::{Client, framed, receive};
use outside::World;
use recording::{FILE, Recording, journal};
use serde_json::{Value as Json, json};

/// A loop with calls and a list, a record, effects that work and fail, a store.
const TOUR: &str = r#"
.input n = 3
.uses model "m"
SET total = 0
SET items = []
SET r = {price: NULL, name: "x", parts: [{id: 1}, {id: 2}]}
SET k = 0
:loop
SET total = plus(total, k)
SET items = items + [total]
SET k = k + 1
IF k < n THEN
  JUMP loop
ENDIF
SET r.price = total
KV_STORE "total", total
GPU_INFER "m", "hello" -> answer
LOG answer
GPU_INFER "m", "nobody" -> answer
GPU_INFER "m", "forbidden" -> answer
LOG "sorry"
.region LAST
SET closing = plus(total, 1)
.endregion
RETURN closing
.func plus(a, b)
  SET sum = a + b
  RETURN sum
.endfunc
"#;

/// Where an editor has the source.
const PATH: &str = "/home/me/project/test.avm";

fn source() -> Json {
    json!({ "path": PATH })
}

fn tour() -> Client {
    Client::of(journal(TOUR))
}

fn on(lines: &[i64]) -> Json {
    let lines: Vec<Json> = lines.iter().map(|line| json!({ "line": line })).collect();
    json!({ "source": source(), "breakpoints": lines })
}

/// From the first word to the last, with everything there is to see.
fn looks() -> String {
    let mut client = tour();
    client.ask(
        "initialize",
        json!({ "adapterID": "avm", "clientID": "test", "supportsVariableType": true }),
    );
    client.ask("launch", json!({ "run": "a run", "more": [1] }));
    client.until("initialized");
    client.ask("setBreakpoints", on(&[27]));
    client.ask("setExceptionBreakpoints", json!({ "filters": [] }));
    client.go("configurationDone");
    client.ask("threads", Json::Null);
    client.ask("stackTrace", json!({ "threadId": 1 }));
    client.ask("stackTrace", json!({ "threadId": 1, "startFrame": 1, "levels": 5 }));
    client.ask("stackTrace", json!({ "threadId": 1, "levels": 1 }));
    client.ask("stackTrace", json!({ "threadId": 1, "startFrame": -1 }));
    client.ask("scopes", json!({ "frameId": 1 }));
    client.ask("scopes", json!({ "frameId": 3 }));
    let scopes = client.ask("scopes", json!({ "frameId": 2 }));
    let references: Vec<Json> = scopes["scopes"]
        .as_array()
        .expect("scopes")
        .iter()
        .map(|s| s["variablesReference"].clone())
        .collect();
    for reference in &references {
        client.ask("variables", json!({ "variablesReference": reference }));
    }
    let agent = client.ask("variables", json!({ "variablesReference": references[1] }));
    let find = |name: &str| {
        let all = agent["variables"].as_array().expect("variables");
        let found = all.iter().find(|variable| variable["name"] == name);
        found.expect(name)["variablesReference"].clone()
    };
    let record = client.ask("variables", json!({ "variablesReference": find("r") }));
    let parts = record["variables"][1]["variablesReference"].clone();
    client.ask("variables", json!({ "variablesReference": parts }));
    for (filter, start, count) in
        [("indexed", 1, 1), ("indexed", 0, 1), ("named", 0, 9), ("indexed", 7, 1)]
    {
        let page = json!({ "variablesReference": parts, "filter": filter, "start": start, "count": count });
        client.ask("variables", page);
    }
    client.ask(
        "variables",
        json!({ "variablesReference": find("r"), "filter": "named", "start": 1, "count": 1 }),
    );
    client.ask("variables", json!({ "variablesReference": 999 }));
    client.ask("setBreakpoints", on(&[]));
    client.go("continue");
    client.ask("variables", json!({ "variablesReference": references[0] }));
    let scopes = client.ask("scopes", json!({ "frameId": 1 }));
    let run = scopes["scopes"].as_array().expect("scopes").iter().last().expect("a scope");
    let facts = client.ask("variables", json!({ "variablesReference": run["variablesReference"] }));
    let log = facts["variables"].as_array().expect("facts").iter().last().expect("the log");
    client.ask("variables", json!({ "variablesReference": log["variablesReference"] }));
    let store = &scopes["scopes"][3]["variablesReference"];
    client.ask("variables", json!({ "variablesReference": store }));
    client.end()
}

/// Steps by line and by instruction, on and back, to both ends.
fn steps() -> String {
    let mut client = tour();
    client.start();
    for _ in 0..4 {
        client.go("next");
    }
    client.go("stepIn");
    client.go("stepIn");
    client.ask("stackTrace", json!({ "threadId": 1 }));
    client.go_by("restartFrame", json!({ "frameId": 2 }));
    client.ask("stackTrace", json!({ "threadId": 1 }));
    client.go("stepOut");
    client.ask("stepOut", json!({ "threadId": 1 }));
    client.go("stepBack");
    client.go("stepBack");
    client.ask("stackTrace", json!({ "threadId": 1 }));
    let by = |granularity: &str| json!({ "threadId": 1, "granularity": granularity });
    client.go_by("stepIn", by("instruction"));
    client.go_by("stepBack", by("instruction"));
    client.go_by("next", by("instruction"));
    client.go_by("next", by("instruction"));
    client.go_by("next", by("statement"));
    client.ask("stackTrace", json!({ "threadId": 1 }));
    client.ask("next", by("fortnight"));
    client.ask("next", json!({ "threadId": 7 }));
    client.go("continue");
    client.ask("exceptionInfo", json!({ "threadId": 1 }));
    client.go("next");
    client.go("stepBack");
    client.go("reverseContinue");
    client.go("stepBack");
    client.go("next");
    client.go_by("restartFrame", json!({ "frameId": 1 }));
    client.ask("restartFrame", json!({ "frameId": 2 }));
    client.ask("pause", json!({ "threadId": 1 }));
    client.end()
}

/// Breakpoints in lines: conditions, counts and messages, on and back.
fn lines() -> String {
    let mut client = tour();
    client.start();
    client.ask("breakpointLocations", json!({ "source": source(), "line": 4, "endLine": 9 }));
    client.ask("breakpointLocations", json!({ "source": source(), "line": 1 }));
    client.ask("setBreakpoints", on(&[7, 9, 400]));
    client.ask("setBreakpoints", json!({ "source": { "path": "/else/where.avm" }, "lines": [3] }));
    client.go("continue");
    client.go("continue");
    client.go("reverseContinue");
    let one = |breakpoint: Json| json!({ "source": source(), "breakpoints": [breakpoint] });
    client.ask("setBreakpoints", one(json!({ "line": 9, "condition": "k == 2" })));
    client.go("continue");
    client.go("reverseContinue");
    client.ask("setBreakpoints", one(json!({ "line": 9, "condition": "k = = 2" })));
    client.ask("setBreakpoints", one(json!({ "line": 9, "condition": "nothing == 2" })));
    for hits in ["2", ">= 2", "% 2", "many", "%0"] {
        client.ask("setBreakpoints", one(json!({ "line": 9, "hitCondition": hits })));
        client.go("continue");
    }
    client.ask("setBreakpoints", one(json!({ "line": 9, "hitCondition": "<3" })));
    client.go("reverseContinue");
    client.go("reverseContinue");
    // A step over a call that would be stopped inside by the second hit, and is not by the first.
    client.ask("setBreakpoints", one(json!({ "line": 27, "hitCondition": "2" })));
    client.go("reverseContinue");
    client.go("continue");
    client.go("stepOut");
    client.go("stepBack");
    client.go("reverseContinue");
    client.ask("setBreakpoints", on(&[9]));
    client.go("continue");
    client.ask("setBreakpoints", one(json!({ "line": 27, "hitCondition": "1" })));
    client.go("next");
    client.go("next");
    client.go("reverseContinue");
    let log = json!({ "line": 27, "logMessage": "{a} and {b}, {r.parts[1].id} of {{total}" });
    client.ask("setBreakpoints", one(log));
    let log = json!({ "line": 27, "logMessage": "{a} and {b}, {r.parts[1].id}}" });
    client.ask("setBreakpoints", one(log));
    client.go("continue");
    client.go("reverseContinue");
    client.ask("setBreakpoints", on(&[9]));
    client.go("continue");
    client.ask("setBreakpoints", one(json!({ "line": 27, "logMessage": "here" })));
    client.go("next");
    client.go("stepBack");
    // The machine traps where `k` is 0 and 1: told, and once.
    client.go("reverseContinue");
    client.ask(
        "setBreakpoints",
        one(json!({ "line": 9, "condition": "items[k - 1] / (k / 2) > 0" })),
    );
    client.go("continue");
    client.go("reverseContinue");
    client.end()
}

/// Breakpoints on names, instructions, data and what goes wrong.
fn stops() -> String {
    let mut client = tour();
    client.start();
    let names = json!([
        { "name": "plus", "condition": "b == 1" },
        { "name": "LAST" },
        { "name": "opcode KV_STORE" },
        { "name": "gas 5" },
        { "name": "nowhere" },
    ]);
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": names }));
    client.go("continue");
    client.go("continue");
    client.ask(
        "setFunctionBreakpoints",
        json!({ "breakpoints": [{ "name": "loop", "hitCondition": "3" }] }),
    );
    client.go("reverseContinue");
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": [] }));
    let at = [
        json!({ "instructionReference": "main:3" }),
        json!({ "instructionReference": "main:3", "offset": 2 }),
        json!({ "instructionReference": "main:9999" }),
    ];
    client.ask("setInstructionBreakpoints", json!({ "breakpoints": at }));
    client.go("reverseContinue");
    client.go("reverseContinue");
    client.ask("setInstructionBreakpoints", json!({ "breakpoints": [] }));
    client.ask("dataBreakpointInfo", json!({ "name": "r.price" }));
    client.ask("dataBreakpointInfo", json!({ "name": "nothing" }));
    let scopes = client.ask("scopes", json!({ "frameId": 1 }));
    let registers = scopes["scopes"][0]["variablesReference"].clone();
    client.ask("dataBreakpointInfo", json!({ "variablesReference": registers, "name": "total" }));
    let gas = scopes["scopes"][2]["variablesReference"].clone();
    client.ask("dataBreakpointInfo", json!({ "variablesReference": gas, "name": "gas" }));
    let data = json!([
        { "dataId": "/r.price", "accessType": "write" },
        { "dataId": "/total", "condition": "k == 1" },
        { "dataId": "plus/sum", "hitCondition": "2" },
        { "dataId": "/r", "accessType": "read" },
        { "dataId": "?" },
    ]);
    client.ask("setDataBreakpoints", json!({ "breakpoints": data }));
    for _ in 0..4 {
        client.go("continue");
    }
    for _ in 0..4 {
        client.go("reverseContinue");
    }
    client.ask("setDataBreakpoints", json!({ "breakpoints": [] }));
    let options =
        json!([{ "filterId": "effect", "condition": "k > 2" }, { "filterId": "weather" }]);
    client.ask(
        "setExceptionBreakpoints",
        json!({ "filters": ["failure", "denial"], "filterOptions": options }),
    );
    client.go("continue");
    client.ask("exceptionInfo", json!({ "threadId": 1 }));
    client.go("continue");
    client.go("continue");
    client.ask("exceptionInfo", json!({ "threadId": 1 }));
    client.go("continue");
    client.go("continue");
    client.ask("exceptionInfo", json!({ "threadId": 1 }));
    client.end()
}

/// What can be typed and hovered over.
fn words() -> String {
    let mut client = tour();
    client.start();
    client.ask(
        "setFunctionBreakpoints",
        json!({ "breakpoints": [{ "name": "plus", "condition": "b == 2" }] }),
    );
    client.go("continue");
    for (context, text) in [
        ("watch", "items"),
        ("watch", "items[-1]"),
        ("hover", "r.parts[0].id"),
        ("watch", "k > 1 and total < 5"),
        ("watch", "nothing"),
        ("watch", "1 +"),
        ("clipboard", "r"),
        ("repl", "a"),
        ("repl", "where"),
        ("repl", "print r.parts"),
        ("repl", "gibberish"),
        ("repl", ""),
    ] {
        client.ask("evaluate", json!({ "expression": text, "context": context }));
    }
    client.ask("evaluate", json!({ "expression": "a", "frameId": 1 }));
    client.ask("evaluate", json!({ "expression": "a", "frameId": 2 }));
    client.ask("evaluate", json!({ "expression": "a", "frameId": 9 }));
    let typed = |text: &str| json!({ "expression": text, "context": "repl" });
    client.go_by("evaluate", typed("back 3"));
    client.ask("evaluate", typed("break line 15 if k > 1"));
    client.until("breakpoint");
    client.go("continue");
    client.go("continue");
    client.ask("evaluate", typed("delete all"));
    client.until("breakpoint");
    client.until("breakpoint");
    for (text, column) in [
        ("run-to pl", 10),
        ("tot", 4),
        ("print ", 7),
        ("break effect GPU_INF", 21),
        ("break 😀 i", 11),
        ("x", 0),
    ] {
        client.ask("completions", json!({ "text": text, "column": column }));
    }
    client.ask("completions", json!({ "text": "where\nste", "column": 4, "line": 2 }));
    client.ask("evaluate", typed("quit"));
    client.until("terminated");
    client.end()
}

/// Sources, instructions and jumps.
fn places() -> String {
    let mut client = tour();
    client.start();
    client.ask("loadedSources", Json::Null);
    client.ask("source", json!({ "sourceReference": 1 }));
    client.ask("source", json!({ "sourceReference": 2 }));
    client.ask("stackTrace", json!({ "threadId": 1 }));
    let targets =
        client.ask("gotoTargets", json!({ "source": { "sourceReference": 1 }, "line": 9 }));
    client.go_by("goto", json!({ "threadId": 1, "targetId": targets["targets"][0]["id"] }));
    client.ask("goto", json!({ "threadId": 1, "targetId": targets["targets"][0]["id"] }));
    client.go("next");
    let targets = client.ask("gotoTargets", json!({ "source": source(), "line": 8 }));
    client.go_by("goto", json!({ "threadId": 1, "targetId": targets["targets"][1]["id"] }));
    client.ask("gotoTargets", json!({ "source": source(), "line": 4000 }));
    let around = json!({ "memoryReference": "main:2", "instructionOffset": -4, "instructionCount": 8, "resolveSymbols": true });
    let code = client.ask("disassemble", around);
    let address = code["instructions"][6]["address"].clone();
    client.ask(
        "disassemble",
        json!({ "memoryReference": address, "offset": 1, "instructionCount": 1 }),
    );
    client.ask("disassemble", json!({ "memoryReference": "LAST", "instructionCount": 30 }));
    client.ask("disassemble", json!({ "memoryReference": "?", "instructionCount": 1 }));
    client
        .ask("disassemble", json!({ "memoryReference": "main:0", "instructionCount": 1_000_000 }));
    // A source that the editor has is called what the editor calls it.
    client.ask("setBreakpoints", on(&[]));
    client.ask("loadedSources", Json::Null);
    client.end()
}

/// A client that counts from 0 and speaks in URIs.
fn from_0() -> String {
    let mut client = tour();
    client.ask(
        "initialize",
        json!({ "adapterID": "avm", "linesStartAt1": false, "columnsStartAt1": false, "pathFormat": "uri" }),
    );
    client.ask("attach", json!({ "program": "/home/me/a%20b/test.avm", "stopOnEntry": null }));
    client.until("initialized");
    let source = json!({ "path": "file:///home/me/a%20b/test.avm" });
    client.ask("setBreakpoints", json!({ "source": source, "breakpoints": [{ "line": 26 }] }));
    client.go("configurationDone");
    client.ask("stackTrace", json!({ "threadId": 1 }));
    client.ask("breakpointLocations", json!({ "source": source, "line": 25, "endLine": 26 }));
    client.ask("completions", json!({ "text": "print to", "column": 8 }));
    client.end()
}

/// Registers that are edited: the run goes on as another one.
fn edits() -> String {
    let run = journal(TOUR);
    let mut client = Client::new(move |_: &Launch| {
        let session = Session::open(&run).expect("it opens");
        Ok(session.at_home(String::from("run-0"), Box::new(World::default())).into())
    });
    client.ask("initialize", json!({ "adapterID": "avm", "supportsInvalidatedEvent": true }));
    client.ask("launch", json!({ "stopOnEntry": true }));
    client.until("initialized");
    client.go("configurationDone");
    client.ask("setBreakpoints", on(&[27]));
    client.go("continue");
    let scopes = client.ask("scopes", json!({ "frameId": 2 }));
    let reference = |at: usize| scopes["scopes"][at]["variablesReference"].clone();
    client.ask("variables", json!({ "variablesReference": reference(0) }));
    client.ask(
        "setVariable",
        json!({ "variablesReference": reference(0), "name": "b", "value": "40" }),
    );
    client.until("invalidated");
    client.ask("evaluate", json!({ "expression": "b", "context": "watch" }));
    client.ask(
        "setVariable",
        json!({ "variablesReference": reference(2), "name": "gas", "value": "1" }),
    );
    let part =
        |frame: i64| json!({ "expression": "r.parts[0].id", "value": "\"one\"", "frameId": frame });
    client.ask("setExpression", part(1));
    client.ask("setExpression", part(2));
    client.ask("setExpression", json!({ "expression": "b", "value": "?" }));
    client.ask("setExpression", json!({ "expression": "b", "value": "1", "frameId": 1 }));
    client.ask("setExpression", json!({ "expression": "b b", "value": "1" }));
    client.go("stepOut");
    client.ask("setExpression", part(1));
    client.until("invalidated");
    client.ask("setBreakpoints", on(&[]));
    client.ask("evaluate", json!({ "expression": "runs", "context": "repl" }));
    client.go("continue");
    client.go_by("evaluate", json!({ "expression": "switch 1", "context": "repl" }));
    client.end()
}

/// Ends of runs, and runs that are opened again.
fn ends() -> String {
    let mut out = String::new();
    let trap = journal("SET x = 1\nSET y = x / 0\n");
    let mut client = Client::of(trap);
    client.start();
    client.go("continue");
    client.ask("exceptionInfo", json!({ "threadId": 1 }));
    client.go("stepBack");
    client.go("continue");
    client.ask("terminate", json!({}));
    client.until("terminated");
    client.ask("threads", Json::Null);
    out.push_str(&client.end());

    let small = Config { gas: 20_000, ..Config::default() };
    let mut recording = Recording::new("SET x = 0\n:loop\nSET x = x + 1\nJUMP loop\n", small);
    recording.go(u64::MAX);
    let mut client = Client::of(recording.bytes());
    client.start();
    client.go("continue");
    client.ask("exceptionInfo", json!({ "threadId": 1 }));
    out.push_str(&client.end());

    // A breakpoint on the first line, and one that is elsewhere after a restart.
    let runs =
        [journal("SET x = 1\nLOG x\nRETURN x\n"), journal("\nSET x = 2\n\nLOG x\nRETURN x\n")];
    let mut opened = 0;
    let mut client = Client::new(move |launch: &Launch| {
        opened += 1;
        if launch.arguments["broken"] == true {
            return Err(String::from("that run is broken"));
        }
        let bytes = &runs[(opened - 1) / 2 % 2];
        Ok(Session::open(bytes).expect("it opens").into())
    });
    client.ask("initialize", json!({ "adapterID": "avm", "supportsInvalidatedEvent": true }));
    client.ask("launch", json!({ "run": 7 }));
    client.ask("launch", json!({ "broken": true }));
    client.ask("launch", json!({}));
    client.until("initialized");
    client.ask("launch", json!({}));
    client.ask(
        "setBreakpoints",
        json!({ "source": { "name": "test.avm" }, "breakpoints": [{ "line": 1 }] }),
    );
    client.go("configurationDone");
    client.ask("configurationDone", Json::Null);
    client.ask("evaluate", json!({ "expression": "break line 2", "context": "repl" }));
    client.until("breakpoint");
    client.go("continue");
    client.ask("restart", json!({ "arguments": { "broken": true } }));
    client.go_by("restart", Json::Null);
    client.go_by("restart", json!({ "arguments": { "stopOnEntry": true } }));
    client.ask("terminate", Json::Null);
    client.until("terminated");
    client.ask("launch", json!({ "noDebug": true }));
    client.until("initialized");
    let seq = client.send("configurationDone", &Json::Null);
    client.answer(seq);
    client.until("terminated");
    out.push_str(&client.end());
    out
}

/// Requests that stop others. All is sent before anything is answered.
fn interrupts() -> String {
    let requests = [
        ("initialize", json!({ "adapterID": "avm" })),
        ("launch", json!({ "stopOnEntry": true })),
        ("configurationDone", json!({})),
        ("continue", json!({ "threadId": 1 })),
        ("pause", json!({ "threadId": 1 })),
        ("evaluate", json!({ "expression": "where", "context": "repl" })),
        ("cancel", json!({ "requestId": 6 })),
        ("cancel", json!({ "requestId": 66 })),
        ("cancel", json!({})),
        ("next", json!({ "threadId": 1 })),
        ("disconnect", json!({})),
    ];
    let mut bytes = Vec::new();
    let mut said = String::new();
    for (seq, (command, arguments)) in (1..).zip(&requests) {
        said.push_str(&format!("-> {seq} {command} {arguments}\n"));
        let request =
            json!({ "seq": seq, "type": "request", "command": command, "arguments": arguments });
        bytes.extend(framed(&request.to_string()));
    }
    let (done, read) = channel();
    let (hold, held) = channel();
    let input = BufReader::new(AllAtOnce { bytes: Cursor::new(bytes), done, held });
    let run = journal(TOUR);
    let mut output = Vec::new();
    let open = |_: &Launch| {
        read.recv().expect("all was read");
        Ok(Opened::from(Session::open(&run).expect("it opens")))
    };
    serve(input, &mut output, open).expect("a clean end");
    drop(hold);
    let mut output = BufReader::new(&output[..]);
    while let Some(message) = receive(&mut output) {
        said.push_str(&format!("<- {message}\n"));
    }
    said
}

/// Bytes, and a word when they were all read.
struct AllAtOnce {
    bytes: Cursor<Vec<u8>>,
    done: Sender<()>,
    held: Receiver<()>,
}

impl Read for AllAtOnce {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        if read == 0 {
            // Nobody may be there any more to be told.
            let _ = self.done.send(());
            let _ = self.held.recv();
        }
        Ok(read)
    }
}

#[test]
fn looks_at_a_run() {
    insta::assert_snapshot!(looks());
}

#[test]
fn steps_both_ways() {
    insta::assert_snapshot!(steps());
}

#[test]
fn breakpoints_in_lines() {
    insta::assert_snapshot!(lines());
}

#[test]
fn breakpoints_elsewhere() {
    insta::assert_snapshot!(stops());
}

#[test]
fn what_is_typed() {
    insta::assert_snapshot!(words());
}

#[test]
fn what_is_edited() {
    insta::assert_snapshot!(edits());
}

#[test]
fn sources_and_places() {
    insta::assert_snapshot!(places());
}

#[test]
fn clients_that_count_from_0() {
    insta::assert_snapshot!(from_0());
}

#[test]
fn runs_end_and_begin_again() {
    insta::assert_snapshot!(ends());
}

#[test]
fn what_interrupts() {
    insta::assert_snapshot!(interrupts());
}

/// Capabilities, and what of the conversations above shows each.
const SHOWN: &[(&str, &str)] = &[
    ("exceptionBreakpointFilters", r#""filters":["failure","denial"]"#),
    ("supportsBreakpointLocationsRequest", " breakpointLocations "),
    ("supportsCancelRequest", r#""message":"cancelled""#),
    ("supportsClipboardContext", r#""context":"clipboard""#),
    ("supportsCompletionsRequest", " completions "),
    ("supportsConditionalBreakpoints", r#""condition":"k == 2""#),
    ("supportsConfigurationDoneRequest", " configurationDone "),
    ("supportsDataBreakpoints", r#""reason":"data breakpoint""#),
    ("supportsDelayedStackTraceLoading", r#""levels":5"#),
    ("supportsDisassembleRequest", " disassemble "),
    ("supportsEvaluateForHovers", r#""context":"hover""#),
    ("supportsExceptionFilterOptions", r#""filterId":"effect""#),
    ("supportsExceptionInfoRequest", r#""exceptionId""#),
    ("supportsFunctionBreakpoints", r#""reason":"function breakpoint""#),
    ("supportsGotoTargetsRequest", r#""reason":"goto""#),
    ("supportsHitConditionalBreakpoints", r#""hitCondition":"2""#),
    ("supportsInstructionBreakpoints", r#""reason":"instruction breakpoint""#),
    ("supportsLoadedSourcesRequest", " loadedSources "),
    ("supportsLogPoints", r#""logMessage""#),
    ("supportsRestartFrame", r#""reason":"restart""#),
    ("supportsRestartRequest", " restart "),
    // These two come with the run, where it has somewhere to go.
    ("supportsSetExpression", r#""supportsSetExpression":true,"supportsSetVariable":true"#),
    ("supportsSetVariable", " setVariable "),
    ("supportsStepBack", " reverseContinue "),
    ("supportsSteppingGranularity", r#""granularity":"instruction""#),
    ("supportsTerminateRequest", " terminate "),
];

#[test]
fn nothing_is_promised_that_is_not_shown() {
    let mut client = tour();
    let capabilities = client.ask("initialize", json!({ "adapterID": "avm" }));
    client.end();
    let promised: Vec<&str> =
        capabilities.as_object().expect("capabilities").keys().map(String::as_str).collect();
    let shown: Vec<&str> = SHOWN.iter().map(|(name, _)| *name).collect();
    let of_the_run = |name: &&str| matches!(*name, "supportsSetExpression" | "supportsSetVariable");
    assert_eq!(
        promised,
        shown.iter().copied().filter(|name| !of_the_run(name)).collect::<Vec<_>>()
    );
    let said = [looks, steps, lines, stops, words, edits, places, from_0, ends, interrupts]
        .map(|script| script());
    let said = said.concat();
    for (name, mark) in SHOWN {
        assert!(said.contains(mark), "{name}: nothing says {mark}");
    }
    for request in requests() {
        assert!(said.contains(&format!(" {request} ")), "nobody asks for {request}");
    }
}

#[test]
fn what_is_no_request_is_answered() {
    let mut client = tour();
    for message in [
        "",
        "{",
        "[]",
        "7",
        "null",
        r#"{"seq":"one","type":"request","command":"threads"}"#,
        r#"{"seq":2,"type":"event","event":"stopped"}"#,
        r#"{"seq":3,"type":"request"}"#,
        r#"{"seq":4,"type":"request","command":"fly"}"#,
        r#"{"seq":5,"type":"request","command":"threads"}"#,
        r#"{"seq":6,"type":"request","command":"initialize","arguments":[]}"#,
        r#"{"seq":7,"type":"request","command":"initialize","arguments":{"linesStartAt1":"yes"}}"#,
        r#"{"seq":8,"type":"request","command":"initialize","arguments":{"pathFormat":"smoke"}}"#,
        "\u{feff}{}",
    ] {
        client.raw(&framed(message));
        client.next();
    }
    client.raw(&framed(&"[".repeat(100_000)));
    client.next();
    client.raw(b"content-length:2\nX-Other: 1\n\n{}");
    client.next();
    client.raw(&[b"Content-Length: 2\r\n\r\n", &[0xff, 0xfe][..]].concat());
    client.next();
    client.ask("initialize", json!({}));
    client.ask("initialize", json!({}));
    // Nothing but what opens a run works without one.
    for request in requests() {
        if !matches!(request, "initialize" | "launch" | "attach" | "disconnect" | "cancel") {
            client.ask(request, json!({}));
        }
    }
    client.ask("launch", json!({ "stopOnEntry": 1 }));
    client.ask("launch", Json::Null);
    client.until("initialized");
    client.ask("setBreakpoints", json!({ "source": 4 }));
    client.ask("setBreakpoints", json!({ "source": {}, "breakpoints": [] }));
    client.ask("setBreakpoints", json!({ "source": source(), "breakpoints": [{ "line": -1 }, { "line": 1e9 as i64 * 1000 }] }));
    client.ask("setBreakpoints", json!({ "source": source(), "breakpoints": [{ "line": 1.5 }] }));
    client.ask("stackTrace", json!({ "threadId": "1" }));
    client.ask("stackTrace", json!({ "threadId": 2 }));
    client.ask("scopes", json!({ "frameId": 1e300 }));
    client.ask("variables", json!({ "variablesReference": i64::MIN }));
    client.ask("goto", json!({ "threadId": 1, "targetId": i64::MIN }));
    client.ask("disassemble", json!({ "memoryReference": "0x7fffffffffffffff", "offset": i64::MAX, "instructionOffset": i64::MAX, "instructionCount": 1 }));
    client.ask("completions", json!({ "text": "", "column": i64::MIN, "line": i64::MAX }));
    insta::assert_snapshot!(client.end());
}

#[test]
fn what_has_no_frame_ends_the_conversation() {
    let many = "x: y\r\n".repeat(MAX_HEADER as usize / 6 + 1);
    let broken: &[&[u8]] = &[
        b"hello\r\n\r\n",
        b"\r\n",
        b"Content-Length: \r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999999999999\r\n\r\n",
        b"Content-Type: x\r\n\r\n{}",
        b"Content-Length: 5\r\n\r\n{}",
        b"Content-Length: 5",
        b"\xff\xff\xff\r\n\r\n",
        many.as_bytes(),
        &[b'x'; 10_000],
    ];
    let mut said = Vec::new();
    for bytes in broken {
        let mut client = tour();
        client.raw(bytes);
        let (result, rest) = client.hang_up();
        assert_eq!(rest, "");
        match result {
            Err(ServeError::Read(error)) => said.push(error.to_string()),
            other => panic!("{other:?}"),
        }
    }
    let mut client = tour();
    client.raw(format!("Content-Length: {}\r\n\r\n", MAX_BODY + 1).as_bytes());
    said.push(client.hang_up().0.expect_err("too long").to_string());
    insta::assert_snapshot!(said.join("\n"));
    let (result, rest) = tour().hang_up();
    assert!(result.is_ok() && rest.is_empty());
}

#[test]
fn no_listener_is_an_error() {
    struct Deaf;
    impl std::io::Write for Deaf {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let input = Cursor::new(framed(r#"{"seq":1,"type":"request","command":"initialize"}"#));
    let result = serve(input, Deaf, |_: &Launch| Err(String::from("no")));
    assert!(matches!(result, Err(ServeError::Write(_))));
}

/// A run that goes on while it is looked at, and whoever answers it.
fn live(source: &'static str) -> (Client, World) {
    let world = World::default();
    let outside = world.clone();
    let client = Client::new(move |_: &Launch| {
        let options = avm_asm::Options::default();
        let assembly = avm_asm::assemble(FILE, source, &mut avm_asm::NoSources, &options);
        let verified =
            avm_ir::verify(assembly.program.expect("it assembles")).expect("it verifies");
        let image = Arc::new(Image::new(verified, &Schedule::v1()));
        let start = Start::of(&image, Config::default());
        let text = (0, Event::Source { path: FILE.into(), text: source.into() });
        let (live, journal) = Live::begin(Box::new(outside.run()), start, vec![text])?;
        Ok(Session::new(journal, image, Some(live)).expect("it starts").into())
    });
    (client, world)
}

#[test]
fn a_live_run_asks_as_far_as_it_went() {
    let (mut client, world) = live(TOUR);
    client.start();
    client.ask("setBreakpoints", on(&[18]));
    let targets = client.ask("gotoTargets", json!({ "source": source(), "line": 18 }));
    assert_eq!(world.take(), Vec::<String>::new());
    client.go_by("goto", json!({ "threadId": 1, "targetId": targets["targets"][0]["id"] }));
    assert_eq!(world.take(), ["hello"]);
    client.go("reverseContinue");
    client.go("continue");
    client.go("reverseContinue");
    client.go("continue");
    client.ask(
        "setFunctionBreakpoints",
        json!({ "breakpoints": [{ "name": "effect", "hitCondition": "3" }] }),
    );
    client.go("continue");
    // Before the third question.
    assert_eq!(world.take(), ["nobody"]);
    client.go("next");
    assert_eq!(world.take(), ["forbidden"]);
    client.go("continue");
    assert_eq!(world.take(), Vec::<String>::new());
    client.ask("exceptionInfo", json!({ "threadId": 1 }));
    insta::assert_snapshot!(client.end());
}

#[test]
fn a_live_run_that_pauses_stays_near_where_it_is() {
    let (mut client, world) =
        live(".uses model \"m\"\nSET a = 1\nGPU_INFER \"m\", \"x\" -> x\n:loop\nJUMP loop\n");
    client.start();
    let never = json!({ "breakpoints": [{ "name": "loop", "condition": "x == 2" }] });
    client.ask("setFunctionBreakpoints", never);
    let going = client.send("continue", &json!({ "threadId": 1 }));
    client.answer(going);
    while world.take().is_empty() {
        std::thread::yield_now();
    }
    client.send("pause", &json!({ "threadId": 1 }));
    assert_eq!(client.until("stopped")["reason"], "pause");
    // Behind the last thing that came from outside; the loop was searched, and is not gone through.
    let frames = client.ask("stackTrace", json!({ "threadId": 1 }));
    assert_eq!(frames["stackFrames"][0]["line"], 3);
    client.end();
}

#[test]
fn files_at_hand_are_those_that_ran() {
    let run = journal(TOUR);
    for (text, at_hand) in [(TOUR, true), ("SET x = 1", false)] {
        let run = run.clone();
        let mut client = Client::new(move |_: &Launch| {
            let opened = Opened::from(Session::open(&run).expect("it opens"));
            Ok(opened.with_files(|name| Some((format!("/here/{name}"), text.to_owned()))))
        });
        client.start();
        let sources = client.ask("loadedSources", Json::Null);
        let source = &sources["sources"][0];
        assert_eq!(source["path"], if at_hand { "/here/test.avm" } else { "test.avm" });
        assert_eq!(source["sourceReference"], if at_hand { Json::Null } else { 1.into() });
        client.end();
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn any_bytes_end_well() {
    let run = journal(TOUR);
    let mut good = Vec::new();
    for (seq, (command, arguments)) in (1..).zip([
        ("initialize", json!({ "adapterID": "avm" })),
        ("launch", json!({ "stopOnEntry": true })),
        ("configurationDone", json!({})),
        ("setBreakpoints", on(&[9, 27])),
        ("continue", json!({ "threadId": 1 })),
        ("stackTrace", json!({ "threadId": 1 })),
        ("scopes", json!({ "frameId": 1 })),
        ("variables", json!({ "variablesReference": 1 })),
        ("evaluate", json!({ "expression": "total", "context": "watch" })),
        ("disassemble", json!({ "memoryReference": "main:0", "instructionCount": 10 })),
        ("reverseContinue", json!({ "threadId": 1 })),
        ("restart", json!({})),
    ]) {
        let request =
            json!({ "seq": seq, "type": "request", "command": command, "arguments": arguments });
        good.extend(framed(&request.to_string()));
    }
    let mut dice = Dice(1);
    for _ in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..=dice.roll(6) {
            let at = dice.roll(bytes.len());
            match dice.roll(4) {
                0 => bytes[at] = dice.roll(256) as u8,
                1 => bytes[at] = b"0123456789{}[]\",:-"[dice.roll(18)],
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let mut output = Vec::new();
        let open = |_: &Launch| Ok(Opened::from(Session::open(&run).expect("it opens")));
        // Whether it ends in an error is not the question; that it ends is.
        let _ = serve(Cursor::new(bytes), &mut output, open);
        let mut output = BufReader::new(&output[..]);
        let mut seq = 0;
        while let Some(message) = receive(&mut output) {
            seq += 1;
            assert_eq!(message["seq"], seq);
        }
    }
}

#[test]
fn a_run_without_end_can_be_stopped() {
    // Its journal is cut off after a thousand steps, and it goes on for as long as the gas lasts.
    let mut recording = Recording::new(":loop\nSET x = 1\nJUMP loop\n", Config::default());
    recording.go(1000);
    let mut client = Client::of(recording.bytes());
    client.start();
    for command in ["continue", "reverseContinue", "next", "continue"] {
        if command == "next" {
            let never = json!({ "breakpoints": [{ "name": "loop", "condition": "x == 2" }] });
            client.ask("setFunctionBreakpoints", never);
        }
        let going = client.send(command, &json!({ "threadId": 1 }));
        client.answer(going);
        if command == "continue" {
            let pause = client.send("pause", &json!({ "threadId": 1 }));
            client.answer(pause);
        }
        let stopped = client.until("stopped");
        let reason = match command {
            "continue" => "pause",
            "next" => "step",
            _ => "entry",
        };
        assert_eq!(stopped["reason"], reason, "{command}");
    }
    let typed = client.send("evaluate", &json!({ "expression": "continue", "context": "repl" }));
    let cancel = client.send("cancel", &json!({ "requestId": typed }));
    client.answer(typed);
    client.answer(cancel);
    client.send("continue", &json!({ "threadId": 1 }));
    client.end();
}
