//! One run of a workload at its small size, in a process that callgrind watches. It counts inside
//! of the loop that drives the machine and nowhere else.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use avm_ir::{Opcode, verify::CodePlace};
use avm_vm::{Machine, Observer};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::{
    machine::{SLICE, image, limited, machine, watched},
    workload::{ALL, Task},
};

/// What is run, and how.
#[derive(Args, Clone, Copy)]
pub struct Kernel {
    /// Name of the workload.
    #[arg(value_parser = name)]
    pub workload: &'static str,
    /// Who watches.
    #[arg(long, default_value = "nobody")]
    pub observer: Watching,
    /// Instructions between two looks at the outside.
    #[arg(long, default_value_t = SLICE)]
    pub slice: u64,
    /// Memory without a limit.
    #[arg(long)]
    pub unlimited: bool,
}

/// Who watches a run.
#[derive(Clone, Copy, ValueEnum)]
pub enum Watching {
    /// The unit observer.
    Nobody,
    /// An observer that takes nothing and wants no steps.
    Silent,
    /// One that wants every step and does nothing with it.
    Steps,
    /// What `avm run --profile` does at each step.
    Profile,
}

impl Kernel {
    /// A workload as it is run where nothing else is said.
    pub fn plain(workload: &'static str) -> Self {
        Self { workload, observer: Watching::Nobody, slice: SLICE, unlimited: false }
    }

    /// Runs it and prints the steps of our machine.
    pub fn run(&self) -> Result<()> {
        let workload = ALL.iter().find(|workload| workload.name == self.workload);
        let task = Task::new(workload.context("no such workload")?, true);
        let image = image(&task.source("avm")?.context("not written for ours")?)?;
        let mut machine = match self.unlimited {
            true => limited(&image, &task, u64::MAX)?,
            false => machine(&image, &task)?,
        };
        self.drive(&mut machine)?;
        println!("{}", machine.steps());
        Ok(())
    }

    fn drive(&self, machine: &mut Machine) -> Result<i64> {
        match self.observer {
            Watching::Nobody => watched(machine, self.slice, &mut ()),
            Watching::Silent => watched(machine, self.slice, &mut Silent),
            Watching::Steps => watched(machine, self.slice, &mut Steps),
            Watching::Profile => watched(machine, self.slice, &mut Profile::default()),
        }
    }

    /// Runs it under callgrind in a process of this program.
    ///
    /// # Errors
    /// What valgrind says where it gives no count.
    pub fn count(&self) -> Result<Counts> {
        self.count_in(&std::env::current_exe()?)
    }

    /// The same in another build of this program.
    ///
    /// # Errors
    /// As those of [`Self::count`].
    pub fn count_in(&self, program: &Path) -> Result<Counts> {
        let observer = self.observer.to_possible_value().context("no such observer")?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            // Collects inside of this function only.
            .arg("--toggle-collect=*avm_bench_ours*machine*watched*")
            .arg(program)
            .args(["kernel", self.workload, "--observer", observer.get_name(), "--slice"])
            .arg(self.slice.to_string())
            .args(self.unlimited.then_some("--unlimited"))
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let instructions = errors.lines().find_map(|line| line.split_once("Collected : "));
        let (_, instructions) = instructions.with_context(|| errors.clone().into_owned())?;
        let steps = String::from_utf8_lossy(&output.stdout).trim().parse()?;
        Ok(Counts { instructions: instructions.trim().parse()?, steps })
    }
}

/// What one run took.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub struct Counts {
    /// Instructions of the processor.
    pub instructions: u64,
    /// Instructions of our machine.
    pub steps: u64,
}

/// Whether there is a valgrind; says so where there is none.
pub fn can_count() -> bool {
    let there = Command::new("valgrind").arg("--version").output().is_ok();
    if !there {
        println!("valgrind is not found: nothing is counted");
    }
    there
}

fn name(name: &str) -> Result<&'static str, String> {
    let workload = ALL.iter().find(|workload| workload.name == name);
    workload.map(|workload| workload.name).ok_or_else(|| format!("no workload {name}"))
}

struct Silent;

impl Observer for Silent {
    const STEPS: bool = false;
}

struct Steps;

impl Observer for Steps {}

/// Nanogas by region and opcode.
#[derive(Default)]
struct Profile(Vec<u64>);

impl Observer for Profile {
    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        let index = at.region as usize * 256 + usize::from(opcode as u8);
        if index >= self.0.len() {
            self.0.resize(index + 256, 0);
        }
        self.0[index] += gas;
    }
}
