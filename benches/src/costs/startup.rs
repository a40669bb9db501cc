//! How long the command takes to start, and how large it is.

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
    size(&avm, costs)
}

/// Size of the program as it was built, and without symbols where there is a `strip`.
fn size(avm: &Path, costs: &mut Vec<Cost>) -> Result<()> {
    let megabytes =
        |path: &Path| anyhow::Ok(format!("{:.2} MB", std::fs::metadata(path)?.len() as f64 / 1e6));
    costs.push(cost("the program `avm`", megabytes(avm)?, "release build, all features"));
    let bare = std::env::temp_dir().join(format!("avm-bare-{}", std::process::id()));
    let strip = Command::new("strip").arg("-o").arg(&bare).arg(avm).status();
    if strip.is_ok_and(|status| status.success()) {
        let stripped = megabytes(&bare);
        std::fs::remove_file(&bare)?;
        costs.push(cost("the same stripped", stripped?, "without symbols"));
    }
    Ok(())
}
