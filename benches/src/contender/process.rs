//! Machines in a process of their own, which times itself. It gets `size length` and the text, then
//! a line for each run, and answers each with `check nanoseconds`.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

use super::{Contender, Prepared, Sample};
use crate::{build, workload::Task};

/// A machine in a process of its own.
pub struct Process {
    name: &'static str,
    program: PathBuf,
    /// Arguments before the workload's file.
    args: Vec<PathBuf>,
    extensions: &'static [&'static str],
}

/// LuaJIT with its compiler off, if it can be built: one process holds one Lua.
pub fn luajit() -> Option<Process> {
    let program = build::release("avm-bench-luajit", Path::new(env!("CARGO_MANIFEST_DIR")))
        .inspect_err(|error| eprintln!("no LuaJIT: {error:#}"))
        .ok()?;
    let extensions = &["luajit", "lua"];
    Some(Process { name: "LuaJIT (jit off)", program, args: Vec::new(), extensions })
}

/// CPython, if `python3` is there.
pub fn python() -> Option<Process> {
    let program = PathBuf::from("python3");
    let there = Command::new(&program).arg("--version").stdout(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("no CPython: python3 is not found");
        return None;
    }
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/runner.py");
    Some(Process { name: "CPython", program, args: vec![runner], extensions: &["py"] })
}

impl Contender for Process {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(file) = task.file(self.extensions) else { return Ok(None) };
        let mut running = Running::start(Command::new(&self.program).args(&self.args).arg(file))?;
        writeln!(running.input, "{} {}", task.size, task.text.len())?;
        running.input.write_all(task.text.as_bytes())?;
        let name = self.name;
        Ok(Some(Box::new(move || running.run().with_context(|| format!("{name} failed")))))
    }
}

struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self { child, input, output })
    }

    fn run(&mut self) -> Result<Sample> {
        self.input.write_all(b"\n")?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let (check, time) = line.trim().split_once(' ').context("no result")?;
        Ok(Sample { check: check.parse()?, time: Duration::from_nanos(time.parse()?) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
