//! The machine as providers may know it: the configuration's files, the clock, sleep.

use std::{
    ffi::OsString,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use avm_plugins::host::Host;

use crate::files;

/// Largest file that a configuration may name, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// The real machine, with paths relative to a folder.
pub(crate) struct Machine {
    folder: PathBuf,
    start: Instant,
}

impl Machine {
    /// Paths are relative to `folder`.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder, start: Instant::now() }
    }
}

impl Host for Machine {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        files::read(&self.path(path), MAX_BYTES).map_err(|failure| format!("{:#}", failure.error))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn unix_time(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
