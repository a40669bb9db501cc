//! wasmi, a WebAssembly interpreter, with fuel.

use anyhow::Result;
use wasmi::{Config, Engine, Linker, Module, Store};

use super::{Contender, Prepared, timed};
use crate::workload::Task;

/// wasmi with fuel.
pub struct Wasmi {
    engine: Engine,
}

impl Wasmi {
    /// An engine that counts fuel.
    pub fn new() -> Self {
        let mut config = Config::default();
        config.consume_fuel(true);
        Self { engine: Engine::new(&config) }
    }
}

impl Contender for Wasmi {
    fn name(&self) -> &'static str {
        "wasmi + fuel"
    }

    fn is_metered(&self) -> bool {
        true
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(source) = task.source("wat")? else { return Ok(None) };
        let (engine, size) = (self.engine.clone(), task.size);
        let module = Module::new(&engine, wat::parse_str(source)?)?;
        Ok(Some(Box::new(move || {
            let mut store = Store::new(&engine, ());
            store.set_fuel(u64::MAX / 2)?;
            let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
            let run = instance.get_typed_func::<i64, i64>(&store, "run")?;
            timed(|| Ok(run.call(&mut store, size)?))
        })))
    }
}
