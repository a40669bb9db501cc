//! The machine that providers run on, as far as they may know it. The command gives them the real
//! one; tests give them one whose clock they turn themselves.

use std::{ffi::OsString, path::PathBuf, time::Duration};

/// Files, time and threads.
pub trait Host: Send + Sync {
    /// A file that the operator's configuration names, relative to the configuration's folder.
    ///
    /// # Errors
    /// The operating system's words, with the path.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// The same path as the operating system wants it, for what opens files itself (databases) or
    /// starts programs.
    fn path(&self, path: &str) -> PathBuf;

    /// A variable of the environment that the operator's configuration names.
    fn variable(&self, _name: &str) -> Option<OsString> {
        None
    }

    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// Whole seconds since 1970.
    fn unix_time(&self) -> i64;

    /// Comes back after that time.
    fn sleep(&self, time: Duration);
}

/// A host without files, whose clock moves only when somebody sleeps.
#[derive(Debug, Default)]
pub struct NoHost {
    slept: std::sync::Mutex<Duration>,
}

impl Host for NoHost {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path}: there are no files here"))
    }

    fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(path)
    }

    fn now(&self) -> Duration {
        self.slept.lock().map_or(Duration::ZERO, |slept| *slept)
    }

    fn unix_time(&self) -> i64 {
        i64::try_from(self.now().as_secs()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, time: Duration) {
        if let Ok(mut slept) = self.slept.lock() {
            *slept = slept.saturating_add(time);
        }
    }
}
