//! Who runs: one file each, all behind one trait.

mod evm;
mod lua;
mod native;
pub mod ours;
mod process;
mod rhai;
mod rune;
mod wasmi;
mod wasmtime;

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::workload::Task;

/// A machine that runs programs.
pub trait Contender {
    /// Name of its column.
    fn name(&self) -> &'static str;

    /// Whether the reported sizes would take it minutes; it is then compared at the small ones.
    fn is_slow(&self) -> bool {
        false
    }

    /// Whether it counts what a program uses up, as we do.
    fn is_metered(&self) -> bool {
        false
    }

    /// The task loaded, compiled and ready to run; `None` if it is not written for this machine.
    fn prepare(&self, task: &Task) -> Result<Option<Prepared>>;
}

/// Runs a task once.
pub type Prepared = Box<dyn FnMut() -> Result<Sample>>;

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What the program computed; all machines must agree on it.
    pub check: i64,
    /// How long it took, without setting up.
    pub time: Duration,
}

/// Times the part that counts.
pub fn timed(run: impl FnOnce() -> Result<i64>) -> Result<Sample> {
    let begin = Instant::now();
    let check = run()?;
    Ok(Sample { check, time: begin.elapsed() })
}

/// Ours first, then those that are here.
pub fn all() -> Vec<Box<dyn Contender>> {
    let mut all: Vec<Box<dyn Contender>> = vec![Box::new(ours::Ours), Box::new(lua::Lua)];
    all.extend(process::luajit().map(|c| Box::new(c) as Box<dyn Contender>));
    all.push(Box::new(wasmi::Wasmi::new()));
    all.push(Box::new(wasmtime::Wasmtime));
    all.push(Box::new(evm::Evm));
    all.push(Box::new(rune::Rune));
    all.push(Box::new(rhai::Rhai));
    all.extend(process::python().map(|c| Box::new(c) as Box<dyn Contender>));
    all.push(Box::new(native::Native));
    all
}
