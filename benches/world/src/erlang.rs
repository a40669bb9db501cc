//! The same in Erlang, where that is installed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::kernel::Cost;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/erlang/world.erl");

/// An Erlang with our module compiled.
pub struct Erlang {
    modules: PathBuf,
}

impl Erlang {
    /// `None` where there is no compiler of Erlang.
    ///
    /// # Errors
    /// A module that does not compile.
    pub fn find() -> Result<Option<Self>> {
        let modules = std::env::temp_dir().join(format!("avm-bench-world-{}", std::process::id()));
        std::fs::create_dir_all(&modules)?;
        let Ok(output) = Command::new("erlc").arg("-o").arg(&modules).arg(SOURCE).output() else {
            return Ok(None);
        };
        if !output.status.success() {
            bail!("erlc: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(Some(Self { modules }))
    }

    /// Runs one thing once, with so many schedulers.
    ///
    /// # Errors
    /// A run that says nothing.
    pub fn run(&self, name: &str, sizes: &[usize], threads: usize) -> Result<Cost> {
        let mut command = Command::new("erl");
        command.args(["-noshell", "-noinput", "+P", "4000000", "+S"]);
        command.arg(format!("{threads}:{threads}")).arg("-pa").arg(&self.modules);
        command.args(["-run", "world", "main", name]);
        command.args(sizes.iter().map(usize::to_string));
        Cost::of(&mut command)
    }

    /// What it calls itself.
    pub fn version() -> String {
        let print = "io:format(\"~s, ~s\", [string:trim(erlang:system_info(system_version)), \
            erlang:system_info(emu_flavor)]), halt(0).";
        let output = Command::new("erl").args(["-noshell", "-eval", print]).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().replace(" [source]", "")
    }
}

impl Drop for Erlang {
    fn drop(&mut self) {
        // What is left is a small folder of temporary files.
        let _ = std::fs::remove_dir_all(&self.modules);
    }
}

impl Cost {
    /// What a process prints of itself.
    ///
    /// # Errors
    /// A process that fails or prints something else.
    pub fn of(command: &mut Command) -> Result<Self> {
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let both = text.trim().split_once(' ').filter(|_| output.status.success());
        let (seconds, bytes) = both.with_context(|| {
            format!("{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr))
        })?;
        Ok(Self { seconds: seconds.parse()?, bytes: bytes.parse()? })
    }

    /// This program, run for one thing.
    ///
    /// # Errors
    /// As those of [`Self::of`].
    pub fn ours(name: &str, sizes: &[usize], threads: usize) -> Result<Self> {
        let this: &Path = &std::env::current_exe()?;
        let mut command = Command::new(this);
        command.args(["kernel", name, "--threads", &threads.to_string()]);
        command.args(sizes.iter().map(usize::to_string));
        Self::of(&mut command)
    }
}
