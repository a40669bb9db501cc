//! Lua 5.4, unmetered.

use anyhow::Result;
use avm_bench_lua::Script;

use super::{Contender, Prepared, Sample};
use crate::workload::Task;

/// Lua 5.4 in this process.
pub struct Lua;

impl Contender for Lua {
    fn name(&self) -> &'static str {
        "Lua 5.4"
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(source) = task.source("lua")? else { return Ok(None) };
        let script = Script::new(&source, task.size, &task.text)?;
        Ok(Some(Box::new(move || {
            let (check, time) = script.run()?;
            Ok(Sample { check, time })
        })))
    }
}
