//! wasmtime, a WebAssembly compiler, with fuel: what a second tier of ours could reach.

use anyhow::Result;
use wasmtime::{Config, Engine, Instance, Module, Store};

use super::{Contender, Prepared, timed};
use crate::workload::Task;

/// wasmtime with fuel.
pub struct Wasmtime;

impl Contender for Wasmtime {
    fn name(&self) -> &'static str {
        "wasmtime + fuel"
    }

    fn is_metered(&self) -> bool {
        true
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(source) = task.source("wat")? else { return Ok(None) };
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, wat::parse_str(source)?)?;
        let size = task.size;
        Ok(Some(Box::new(move || {
            let mut store = Store::new(&engine, ());
            store.set_fuel(u64::MAX / 2)?;
            let instance = Instance::new(&mut store, &module, &[])?;
            let run = instance.get_typed_func::<i64, i64>(&mut store, "run")?;
            timed(|| Ok(run.call(&mut store, size)?))
        })))
    }
}
