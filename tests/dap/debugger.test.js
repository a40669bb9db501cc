// The debug adapters `avm-dbg --dap`, over the recorded runs of this repository, and `avm debug --dap`,
// over a program that runs, as editors know them: driven by the client library of the protocol's
// authors. `.ci/dap` runs this.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { afterEach, beforeEach, test } = require("node:test");
const { DebugClient } = require("@vscode/debugadapter-testsupport");

const ROOT = path.join(__dirname, "..", "..");
const ADAPTER = process.env.AVM_DBG ?? path.join(ROOT, "target", "debug", "avm-dbg");
const AVM = process.env.AVM ?? path.join(ROOT, "target", "debug", "avm");
const thread = { threadId: 1 };

let client;

beforeEach(async () => {
    client = new DebugClient(ADAPTER, "--dap", "avm");
    client.defaultTimeout = 30_000;
    await client.start();
});

afterEach(() => client.stop());

const program = (name) => path.join(ROOT, "programs", `${name}.avm`);
const run = (name) => ({ run: `programs/${name}.avmj`, cwd: ROOT });

/** Opens a run; `configure` says what there is to say before it begins. Gives where it stops. */
async function open(name, more = {}, configure = async () => {}) {
    const initialized = client.waitForEvent("initialized");
    const stopped = client.waitForEvent("stopped");
    await client.initializeRequest();
    await client.launchRequest({ ...run(name), ...more });
    await initialized;
    await configure();
    await client.configurationDoneRequest();
    return (await stopped).body;
}

/** Does what goes somewhere; gives where it stopped. */
async function go(request) {
    const stopped = client.waitForEvent("stopped");
    await request;
    return (await stopped).body;
}

/** The frame where the run stands. */
async function top() {
    const { stackFrames } = (await client.stackTraceRequest(thread)).body;
    return stackFrames[0];
}

async function evaluate(expression, context = "watch") {
    return (await client.evaluateRequest({ expression, context })).body;
}

const ask = async (command, body) => (await client.customRequest(command, body)).body;

test("a breakpoint in a source that is at hand", async () => {
    const at = { path: program("basics/hanoi"), line: 14 };
    await client.hitBreakpoint(run("basics/hanoi"), at);
    const frame = await top();
    assert.equal(frame.name, "carry");
    assert.equal(frame.source.sourceReference ?? 0, 0);
    assert.match(frame.instructionPointerReference, /^main:\d+$/);
});

test("a breakpoint that is moved to the next line with code", async () => {
    const path = program("basics/hanoi");
    const moved = { path, line: 10, verified: true };
    await client.hitBreakpoint(run("basics/hanoi"), { path, line: 8 }, { path, line: 10 }, moved);
});

test("steps both ways", async () => {
    const entry = await open("algorithms/quicksort", { stopOnEntry: true });
    assert.equal(entry.reason, "entry");
    assert.equal((await top()).line, 27);
    assert.equal((await go(client.stepInRequest(thread))).reason, "step");
    assert.equal((await top()).name, "quicksort");
    const inside = [];
    for (let step = 0; step < 3; step++) {
        inside.push((await top()).line);
        await go(client.nextRequest(thread));
    }
    for (const line of inside.reverse()) {
        assert.equal((await go(client.stepBackRequest(thread))).reason, "step");
        assert.equal((await top()).line, line);
    }
    await go(client.stepOutRequest(thread));
    assert.equal((await top()).name, "main");
    const start = await go(client.reverseContinueRequest(thread));
    assert.equal(start.description, "The start of the run");
    const instruction = { ...thread, granularity: "instruction" };
    await go(client.stepInRequest(instruction));
    const before = (await top()).instructionPointerReference;
    await go(client.nextRequest(instruction));
    await go(client.stepBackRequest(instruction));
    assert.equal((await top()).instructionPointerReference, before);
});

test("to the end and back", async () => {
    const end = await open("algorithms/quicksort");
    assert.equal(end.reason, "end");
    assert.equal(end.text, "the run halted with 100");
    await assert.rejects(client.exceptionInfoRequest(thread), /nothing failed here/);
    const start = await go(client.reverseContinueRequest(thread));
    assert.equal(start.reason, "entry");
});

test("conditions, counts and messages", async () => {
    const source = { path: program("basics/hanoi") };
    const set = async (breakpoint) => {
        const { body } = await client.setBreakpointsRequest({ source, breakpoints: [breakpoint] });
        assert.ok(body.breakpoints[0].verified, body.breakpoints[0].message);
    };
    await open("basics/hanoi", {}, () => set({ line: 14, condition: "count == 3" }));
    assert.equal((await evaluate("count")).result, "3");
    await go(client.reverseContinueRequest(thread));
    await set({ line: 14, hitCondition: "7" });
    await go(client.continueRequest(thread));
    const step = (await evaluate("where", "repl")).result;
    await go(client.continueRequest(thread));
    await go(client.reverseContinueRequest(thread));
    assert.equal((await evaluate("where", "repl")).result, step);
    await set({ line: 18, logMessage: "disc {disc} to {target}" });
    await go(client.reverseContinueRequest(thread));
    await Promise.all([
        client.assertOutput("console", "disc 1 to B\ndisc 2 to C\n"),
        go(client.continueRequest(thread)),
    ]);
});

test("functions, instructions, data and effects", async () => {
    const entry = await open("agents/notebook", { stopOnEntry: true });
    assert.equal(entry.reason, "entry");
    await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: "take_note" }] });
    assert.equal((await go(client.continueRequest(thread))).reason, "function breakpoint");
    assert.equal((await top()).name, "take_note");
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });

    const { instructionPointerReference } = await top();
    await go(client.stepOutRequest(thread));
    const { breakpoints } = await ask("setInstructionBreakpoints", {
        breakpoints: [{ instructionReference: instructionPointerReference, offset: 1 }],
    });
    assert.ok(breakpoints[0].verified);
    assert.equal((await go(client.continueRequest(thread))).reason, "instruction breakpoint");
    await ask("setInstructionBreakpoints", { breakpoints: [] });

    const { scopes } = (await client.scopesRequest({ frameId: 1 })).body;
    const info = await client.dataBreakpointInfoRequest({
        variablesReference: scopes[0].variablesReference,
        name: "number",
    });
    const { dataId } = info.body;
    await client.setDataBreakpointsRequest({ breakpoints: [{ dataId, accessType: "write" }] });
    assert.equal((await go(client.continueRequest(thread))).reason, "data breakpoint");
    assert.equal((await evaluate("number")).result, "2");
    assert.equal((await go(client.reverseContinueRequest(thread))).reason, "data breakpoint");
    assert.equal((await evaluate("number")).result, "1");
    await client.setDataBreakpointsRequest({ breakpoints: [] });
});

test("effects are caught like exceptions", async () => {
    const stopped = await open("support/customer_support", {}, () =>
        client.setExceptionBreakpointsRequest({ filters: ["effect"] }),
    );
    assert.equal(stopped.reason, "exception");
    const info = (await client.exceptionInfoRequest(thread)).body;
    assert.equal(info.exceptionId, "effect");
    assert.equal(info.breakMode, "always");
});

test("values and what can be typed", async () => {
    const source = { path: program("basics/hanoi") };
    await open("basics/hanoi", {}, () =>
        client.setBreakpointsRequest({ source, breakpoints: [{ line: 16 }] }),
    );
    const { scopes } = (await client.scopesRequest({ frameId: (await top()).id })).body;
    assert.deepEqual(
        scopes.map((scope) => scope.name),
        ["Registers", "Agent", "Status words", "Meters", "Store", "Run"],
    );
    const inside = async (variablesReference, more = {}) =>
        (await client.variablesRequest({ variablesReference, ...more })).body.variables;
    const registers = await inside(scopes[0].variablesReference);
    const pegs = registers.find((variable) => variable.name === "pegs");
    assert.equal(pegs.namedVariables, 4);
    const peg = (await inside(pegs.variablesReference)).find((variable) => variable.name === "A");
    const page = await inside(peg.variablesReference, { filter: "indexed", start: 1, count: 1 });
    assert.deepEqual(page.map((item) => item.name), ["[1]"]);
    assert.equal((await evaluate(page[0].evaluateName)).result, page[0].value);
    assert.equal((await evaluate("pegs.A[-1]", "hover")).result, "2");
    await assert.rejects(evaluate("nobody", "hover"), /no register nobody/);
    assert.match((await evaluate("meters", "repl")).result, /gas: /);
    const moved = client.waitForEvent("stopped");
    await evaluate("run-to 3", "repl");
    assert.equal((await moved).body.reason, "goto");
    const completed = await client.completionsRequest({ text: "print pe", column: 9 });
    assert.deepEqual(completed.body.targets.map((target) => target.label), ["pegs"]);
});

test("places and texts", async () => {
    await open("algorithms/quicksort", { stopOnEntry: true });
    const source = { path: program("algorithms/quicksort") };
    const { sources } = await ask("loadedSources");
    assert.equal(sources.length, 1);
    assert.equal(fs.realpathSync(sources[0].path), fs.realpathSync(source.path));
    const { content } = await ask("source", { source, sourceReference: 0 });
    assert.equal(content, fs.readFileSync(source.path, "utf8"));
    const { breakpoints } = await ask("breakpointLocations", { source, line: 6, endLine: 9 });
    assert.deepEqual(breakpoints.map((at) => at.line), [7, 8]);
    const { targets } = (await client.gotoTargetsRequest({ source, line: 16 })).body;
    assert.equal(targets.length, 1);
    const there = await go(client.gotoRequest({ ...thread, targetId: targets[0].id }));
    assert.equal(there.reason, "goto");
    const frame = await top();
    assert.equal(frame.line, 16);
    const { instructions } = (
        await client.disassembleRequest({
            memoryReference: frame.instructionPointerReference,
            instructionOffset: -2,
            instructionCount: 5,
        })
    ).body;
    assert.equal(instructions.length, 5);
    assert.ok(instructions[2].instruction.startsWith(frame.instructionPointerReference));
    assert.equal(instructions[2].line, 16);
});

test("a source that is not at hand comes out of the journal", async () => {
    const copy = fs.mkdtempSync(path.join(os.tmpdir(), "avm-dap-"));
    try {
        const journal = path.join(copy, "run.avmj");
        fs.copyFileSync(path.join(ROOT, "programs", "basics", "hanoi.avmj"), journal);
        await open("", { run: journal, cwd: copy, stopOnEntry: true });
        const { source } = await top();
        assert.ok(source.sourceReference > 0);
        const { content } = await ask("source", { source, ...source });
        assert.match(content, /^;; The towers of Hanoi/);
    } finally {
        fs.rmSync(copy, { recursive: true });
    }
});

test("again, and away", async () => {
    const source = { path: program("algorithms/quicksort") };
    const first = await open("algorithms/quicksort", {}, () =>
        client.setBreakpointsRequest({ source, breakpoints: [{ line: 12 }] }),
    );
    const again = await go(client.restartRequest({}));
    assert.deepEqual(again.hitBreakpointIds, first.hitBreakpointIds);
    const terminated = client.waitForEvent("terminated");
    await client.terminateRequest();
    await terminated;
    await assert.rejects(client.threadsRequest(), /no run is open/);
});

test("a run that is not there", async () => {
    await client.initializeRequest();
    await assert.rejects(client.launchRequest(run("nothing")), /nothing\.avmj/);
    await assert.rejects(client.launchRequest({}), /Give "run"/);
    await client.launchRequest({ program: program("basics/hanoi") });
});

/** A program with a tool that counts how often it is asked, in a folder of its own. */
const COUNTED = {
    "count.avm": `SET n = 1
READ_FROM_TOOL "Teller", {ask: "first", n: n} -> a
SET n = n + a.count
LOG "now " + n
READ_FROM_TOOL "Teller", {ask: "second", n: n} -> b
RETURN [a.count, b.count, n]
`,
    "teller.sh": `cat >> asked.txt
echo >> asked.txt
echo "{\\"count\\": $(wc -l < asked.txt)}"
`,
    "avm.toml": `[tools]
Teller = { use = "command", command = ["sh", "teller.sh"] }
`,
    "asked.txt": "",
};

test("a program that runs under `avm debug --dap`, with its providers", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "avm-live-"));
    for (const [name, text] of Object.entries(COUNTED)) {
        fs.writeFileSync(path.join(folder, name), text);
    }
    const asked = () => fs.readFileSync(path.join(folder, "asked.txt"), "utf8").split("\n").length - 1;
    await client.stop();
    client = new DebugClient(AVM, "debug --dap", "avm", { shell: true, cwd: folder });
    client.defaultTimeout = 30_000;
    try {
        await client.start();
        const edits = client.waitForEvent("capabilities");
        const source = { path: path.join(folder, "count.avm") };
        const launch = { run: undefined, program: "count.avm", cwd: folder, stopOnEntry: true };
        const entry = await open("", launch, () =>
            client.setBreakpointsRequest({ source, breakpoints: [{ line: 3 }, { line: 5 }] }),
        );
        assert.equal(entry.reason, "entry");
        assert.equal((await edits).body.capabilities.supportsSetVariable, true);
        assert.equal(asked(), 0);
        assert.equal((await go(client.continueRequest(thread))).reason, "breakpoint");
        assert.equal((await evaluate("a.count")).result, "1");
        assert.equal(asked(), 1);
        await go(client.continueRequest(thread));
        assert.equal((await top()).line, 5);

        // Back and forth over the question: nobody is asked again.
        assert.equal((await go(client.stepBackRequest(thread))).reason, "step");
        assert.equal((await top()).line, 4);
        await go(client.reverseContinueRequest(thread));
        assert.equal((await top()).line, 3);
        const start = await go(client.reverseContinueRequest(thread));
        assert.equal(start.description, "The start of the run");
        await go(client.continueRequest(thread));
        await go(client.continueRequest(thread));
        assert.equal(asked(), 1);

        // Another value: the run leaves the recorded one here.
        const { scopes } = (await client.scopesRequest({ frameId: (await top()).id })).body;
        const set = { variablesReference: scopes[0].variablesReference, name: "n", value: "30" };
        assert.equal((await client.setVariableRequest(set)).body.value, "30");
        assert.match((await evaluate("runs", "repl")).result, /left 1 at step/);
        const end = await go(client.continueRequest(thread));
        assert.equal(end.text, "the run halted with [1,2,30]");
        assert.equal(asked(), 2);
        const { result } = await evaluate("diff 1", "repl");
        assert.match(result, /^first difference: .*: before it n is 30, was 2$/m);
        assert.match(fs.readFileSync(path.join(folder, "asked.txt"), "utf8"), /"n":30/);
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
});
