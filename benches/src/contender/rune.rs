//! rune, a bytecode language for embedding, with its budget of instructions.

use std::sync::Arc;

use anyhow::Result;
use rune::{
    Context, Module, Source, Sources, Vm,
    alloc::{String as RuneString, clone::TryClone},
    runtime::{Object, VmResult, budget},
};

use super::{Contender, Prepared, timed};
use crate::workload::Task;

/// rune.
pub struct Rune;

impl Contender for Rune {
    fn name(&self) -> &'static str {
        "rune + budget"
    }

    fn is_metered(&self) -> bool {
        true
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(source) = task.source("rn")? else { return Ok(None) };
        let mut module = Module::new();
        module.function("lookup", lookup).build()?;
        let mut context = Context::with_default_modules()?;
        context.install(module)?;
        let mut sources = Sources::new();
        sources.insert(Source::memory(source)?)?;
        let unit = Arc::new(rune::prepare(&mut sources).with_context(&context).build()?);
        let runtime = Arc::new(context.runtime()?);
        let (size, text) = (task.size, RuneString::try_from(&*task.text)?);
        Ok(Some(Box::new(move || {
            let mut vm = Vm::new(runtime.clone(), unit.clone());
            let args = (size, text.try_clone()?);
            timed(|| {
                let value = budget::with(usize::MAX - 1, || vm.call(["run"], args)).call()?;
                Ok(rune::from_value(value)?)
            })
        })))
    }
}

/// What the host answers in the workload `agent`.
fn lookup(args: Object) -> VmResult<Object> {
    let item = || -> Result<Object, rune::support::Error> {
        let id: i64 = args.get("id").map_or(Ok(0), |id| rune::from_value(id.clone()))?;
        let mut item = Object::new();
        let mut set = |name: &str, value| item.insert(RuneString::try_from(name)?, value).map(drop);
        set("name", rune::to_value(RuneString::try_from(format!("item {id}"))?)?)?;
        set("price", rune::to_value(id * 7 % 97)?)?;
        set("stock", rune::to_value(id % 5)?)?;
        Ok(item)
    };
    match item() {
        Ok(item) => VmResult::Ok(item),
        Err(error) => VmResult::panic(error.to_string()),
    }
}
