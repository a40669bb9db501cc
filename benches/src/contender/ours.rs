//! Aither, as `avm run` runs it.

use anyhow::Result;
pub use avm_bench_ours::machine::{drive, image, machine};

use super::{Contender, Prepared, timed};
use crate::workload::Task;

/// This machine.
pub struct Ours;

impl Contender for Ours {
    fn name(&self) -> &'static str {
        "Aither"
    }

    fn is_metered(&self) -> bool {
        true
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(source) = task.source("avm")? else { return Ok(None) };
        let (image, task) = (image(&source)?, task.clone());
        Ok(Some(Box::new(move || {
            let mut machine = machine(&image, &task)?;
            timed(|| {
                let check = drive(&mut machine)?;
                // Peers free what they made as well.
                drop(machine);
                Ok(check)
            })
        })))
    }
}
