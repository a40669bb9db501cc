//! How long the command takes to start.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use super::{Cost, clocked, cost, each, shortest};
use crate::build;

/// Runs `avm run` on a program of one line.
pub fn measure(costs: &mut Vec<Cost>) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let avm = build::release("avm", &folder.join(".."))?;
    let hello = std::env::temp_dir().join(format!("hello-{}.avm", std::process::id()));
    std::fs::write(&hello, "LOG \"hello\"\n")?;
    let start = || {
        let mut command = Command::new(&avm);
        command.arg("run").arg(&hello).stdout(Stdio::null()).stderr(Stdio::null());
        let (status, time) = clocked(|| command.status());
        ensure!(status?.success(), "avm run fails");
        Ok(time)
    };
    let took = shortest(start);
    std::fs::remove_file(&hello)?;
    costs.push(cost("`avm run` of hello", each(1, took?), "the process from start to end"));
    Ok(())
}
