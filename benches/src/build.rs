//! Builds programs that cannot be part of this one.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Builds a package of the workspace in a folder and gives the path of its program of that name.
pub fn release(package: &str, folder: &Path) -> Result<PathBuf> {
    let exe = std::env::current_exe()?;
    // target/release/avm-bench
    let target = exe.ancestors().nth(2).context("this program is in no target folder")?;
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--package", package, "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if !status.success() {
        bail!("{package} does not build");
    }
    Ok(target.join("release").join(package))
}
