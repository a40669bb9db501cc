//! One verb per file.

pub(crate) mod approve;
pub(crate) mod asm;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod debug;
pub(crate) mod diff;
pub(crate) mod dis;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod fork;
pub(crate) mod gas;
pub(crate) mod history;
pub(crate) mod key;
pub(crate) mod name;
pub(crate) mod new;
pub(crate) mod policy;
pub(crate) mod profile;
pub(crate) mod replay;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod swarm;
pub(crate) mod test;
pub(crate) mod trace;
pub(crate) mod verify;
pub(crate) mod wallet;
