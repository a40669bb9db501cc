//! rhai, a tree-walking language for embedding, with its limit on operations.

use anyhow::Result;
use rhai::{Dynamic, Engine, ImmutableString, Map, Scope};

use super::{Contender, Prepared, timed};
use crate::workload::Task;

/// rhai.
pub struct Rhai;

impl Contender for Rhai {
    fn name(&self) -> &'static str {
        "rhai"
    }

    fn is_slow(&self) -> bool {
        true
    }

    fn is_metered(&self) -> bool {
        true
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let Some(source) = task.source("rhai")? else { return Ok(None) };
        let mut engine = Engine::new();
        engine
            .set_max_operations(u64::MAX)
            .set_max_call_levels(1_000)
            .register_fn("lookup", lookup);
        let ast = engine.compile(source).map_err(|error| anyhow::anyhow!("{error}"))?;
        let (size, text) = (task.size, ImmutableString::from(&*task.text));
        Ok(Some(Box::new(move || {
            let mut scope = Scope::new();
            let args = (size, text.clone());
            timed(|| {
                let check = engine.call_fn::<i64>(&mut scope, &ast, "run", args);
                check.map_err(|error| anyhow::anyhow!("{error}"))
            })
        })))
    }
}

/// What the host answers in the workload `agent`.
fn lookup(args: Map) -> Map {
    let id = args.get("id").and_then(|id| id.as_int().ok()).unwrap_or(0);
    Map::from_iter([
        ("name".into(), Dynamic::from(format!("item {id}"))),
        ("price".into(), Dynamic::from(id * 7 % 97)),
        ("stock".into(), Dynamic::from(id % 5)),
    ])
}
