//! Ctrl-C: the first lets a world stop cleanly, so that it can go on later; the second ends the command.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{consts::SIGINT, flag};

use crate::exit::{Failure, Outcome};

/// What the shell sees of a command that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Whether somebody wants the command to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens to Ctrl-C from now on.
    pub(crate) fn listen() -> Outcome<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let about = |error: std::io::Error| Failure::files(format!("Ctrl-C: {error}"));
        // In this order: the flag is not set yet when the first comes to the shutdown.
        flag::register_conditional_shutdown(SIGINT, INTERRUPTED, Arc::clone(&stop))
            .map_err(about)?;
        flag::register(SIGINT, Arc::clone(&stop)).map_err(about)?;
        Ok(Self(stop))
    }

    /// Whether it came.
    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
