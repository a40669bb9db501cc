//! Looking at runs: the step debugger's core, and a view of a machine at rest.
//!
//! A [`Session`] is a run that is gone through in both directions. It never asks a provider: a
//! [`avm_vm::journal::Player`] executes the run again from its journal, and every place of it comes
//! back by executing up to there.
//!
//! ```text
//!   commands ── one row each: name, aliases, help, twin in the other direction ──► Reply
//!      │                                                                      text and data
//!      ├── moves   step, line, next, finish, continue, run-to, and back
//!      ├── stops   breakpoints and watches: what is looked for, and a condition
//!      └── views   position, registers, calls, store, meters, log, effects, …
//!            │
//!   search ──┤ the next or the last place where something holds: watch a stretch, note
//!            │ candidates, look at the values of those
//!   timeline ┘ checkpoints (clones of the player) that bound time and memory of going anywhere
//! ```
//!
//! - *Places are steps.* At step n the machine is about to execute instruction n of the run, from
//!   0. What came from outside just before it (an answer, a top-up, an edit) comes with the step.
//! - *Backwards is forwards from a checkpoint.* Nothing is undone, so there is no second semantics
//!   that could differ.
//! - *Who looks changes nothing.* After any moves the machine's state is that of a fresh player at
//!   the same step.
//! - *Time.* To the end takes the time of the run in fast code; only stretches that are searched
//!   are watched step by step.
//!
//! | module | what it holds |
//! |---|---|
//! | [`session`] | [`Session`]: opening a journal, and where it stands |
//! | [`timeline`] | checkpoints and how to get to a step |
//! | [`search`] | finding places, forwards and backwards |
//! | [`diff`] | what is different in two runs |
//! | [`fork`] | runs that leave another one |
//! | [`live`] | runs that go on while they are looked at |
//! | [`stops`] | breakpoints and watches as they are written |
//! | [`expr`] | expressions of the language over registers, for conditions and `print` |
//! | [`code`] | the program as people name it |
//! | [`commands`] | the table of commands |
//! | `repl` | the debugger at a terminal |
//! | `dap` | the debugger in editors: the Debug Adapter Protocol |
//! | [`reply`] | answers as text and as data |

#![warn(clippy::disallowed_methods)]

mod asked;
pub mod code;
pub mod commands;
#[cfg(feature = "dap")]
pub mod dap;
pub mod diff;
pub mod expr;
pub mod fork;
pub mod live;
#[cfg(feature = "repl")]
pub mod repl;
pub mod reply;
pub mod search;
pub mod session;
pub mod stops;
mod summary;
pub mod timeline;
mod views;

pub use asked::Asked;
pub use reply::Reply;
pub use session::{Message, OpenError, Session};
pub use summary::{show_value as show, view};
