//! Rust, compiled: the floor.

mod lists;
mod numbers;
mod texts;

use std::hint::black_box;

use anyhow::Result;

use super::{Contender, Prepared, timed};
use crate::workload::Task;

/// Native Rust.
pub struct Native;

impl Contender for Native {
    fn name(&self) -> &'static str {
        "Rust"
    }

    fn prepare(&self, task: &Task) -> Result<Option<Prepared>> {
        let run: fn(i64, &str) -> i64 = match task.name {
            "loop" => |n, _| numbers::integer_loop(n),
            "fib" => |n, _| numbers::fib(n),
            "nbody" => |n, _| numbers::nbody(n),
            "fields" => |n, _| numbers::fields(n),
            "sieve" => |n, _| lists::sieve(n as usize),
            "matrix" => |n, _| lists::matrix(n as usize),
            "quicksort" => |n, _| lists::quicksort(n as usize),
            "words" => |_, text| texts::words(text),
            "strings" => |n, _| texts::strings(n),
            "json" => |_, text| texts::json(text),
            "agent" => |n, _| texts::agent(n),
            _ => return Ok(None),
        };
        let task = task.clone();
        Ok(Some(Box::new(move || timed(|| Ok(run(black_box(task.size), black_box(&task.text)))))))
    }
}
