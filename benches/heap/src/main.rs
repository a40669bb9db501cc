//! Counts the heap bytes that agents ask for, and prints one row a line: the bytes of one of a kind.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use avm_asm::{NoSources, Options, assemble};
use avm_bench_heap::{ASKING, DEEP, DEPTH, IDLE, TEN_MEGABYTES};
use avm_ir::Schedule;
use avm_vm::{Config, Image, Limits, Machine, Pause};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// How many of a kind are counted.
const COUNT: usize = 1_000;

fn main() -> Result<()> {
    let _profiler = dhat::Profiler::builder().testing().build();
    let idle = image(IDLE)?;
    println!("idle {}", held(COUNT, || each(|| agent(&idle)))?);
    let asking = image(ASKING)?;
    println!("parked {}", held(COUNT, || each(|| Ok(waiting(&asking)?.park())))?);
    let deep = image(DEEP)?;
    let shallow = image(ASKING)?;
    let flat = held(1, || waiting(&shallow))?;
    println!("frame {}", held(1, || waiting(&deep))?.saturating_sub(flat) / DEPTH);
    let large = waiting(&image(TEN_MEGABYTES)?)?;
    println!("fork {}", held(COUNT, || each(|| Ok(large.clone())))?);
    Ok(())
}

fn each<T>(make: impl Fn() -> Result<T>) -> Result<Vec<T>> {
    (0..COUNT).map(|_| make()).collect()
}

/// Heap bytes that each of the `count` pieces holds which `make` gives.
fn held<T>(count: usize, make: impl FnOnce() -> Result<T>) -> Result<usize> {
    let before = dhat::HeapStats::get().curr_bytes;
    let made = make()?;
    let after = dhat::HeapStats::get().curr_bytes;
    drop(made);
    Ok(after.saturating_sub(before) / count)
}

fn image(source: &str) -> Result<Arc<Image>> {
    let options = Options { lints: false, ..Options::default() };
    let assembly = assemble("heap.avm", source, &mut NoSources, &options);
    let program = assembly.program.with_context(|| format!("{:?}", assembly.diagnostics))?;
    let verified = avm_ir::verify(program).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok(Arc::new(Image::new(verified, &Schedule::v1())))
}

fn agent(image: &Arc<Image>) -> Result<Machine> {
    let limits = Limits { memory: 8 << 30, ..Limits::default() };
    let config = Config { gas: u64::MAX / 2, limits, ..Config::default() };
    Machine::new(image.clone(), config).map_err(|error| anyhow::anyhow!("{error}"))
}

/// An agent that stands at its first question.
fn waiting(image: &Arc<Image>) -> Result<Machine> {
    let mut machine = agent(image)?;
    match machine.run(u64::MAX, &mut ()) {
        Pause::Effect(_) => Ok(machine),
        pause => bail!("{pause:?} instead of a question"),
    }
}
