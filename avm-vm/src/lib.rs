//! What an Aither program does: a pure, sans-IO machine.
//!
//! A [`Machine`] runs until it ends, uses up its slice, or yields an [`EffectRequest`]; whoever
//! drives it answers and lets it run on. It knows no files, clocks, threads, sockets or hash
//! order: same program, inputs and answers give the same states, gas and hashes on every host.
//!
//! | module | what it holds |
//! |---|---|
//! | [`machine`] | one agent: loading, running, answering, ends, snapshots, state hash |
//! | `exec` | the loop (charge, dispatch, observe) and one file of handlers per family of the table |
//! | `fast` | what is run where nobody watches single steps, derived from canonical code |
//! | [`effect`] | requests to the outside and answers, as data |
//! | [`identity`] | who agents are: ids, the registry of names, signed messages |
//! | [`journal`] | what came from outside during a run, as bytes, and the run again from it |
//! | [`ledger`] | who has how much of what in a world of agents, and every movement |
//! | [`meter`] | what a run can be limited in beside gas |
//! | [`policy`] | what an operator allows agents to do with their own code |
//! | [`trap`] | the program's own faults, with stable numbers |
//! | [`observer`] | watching a run without being part of it |
//! | [`trace`] | every instruction of a run as bytes, and what they say |
//! | [`world`] | many agents: messages, channels, time, one seeded schedule |
//! | [`passages`] | the canonical text of a list of documents |

#![no_std]
#![warn(clippy::disallowed_methods)]

extern crate alloc;

mod agent;
pub mod effect;
mod exec;
mod fast;
pub mod identity;
pub mod journal;
pub mod ledger;
pub mod machine;
pub mod marks;
pub mod meter;
pub mod observer;
pub mod passages;
pub mod policy;
mod price;
mod rewrite;
pub mod trace;
pub mod trap;
pub mod world;

pub use agent::{Checkpoint, LogEntry, Version};
pub use effect::{
    Answer, Args, EffectRequest, Failure, FailureCode, Handover, IdempotencyKey, OwnCode,
};
pub use machine::{
    Config, End, Image, InputError, InterruptError, Limits, Machine, OnExhausted, Parked, Pause,
    SnapshotError, Tested, Verdict,
};
pub use marks::Marks;
pub use meter::{Budget, Meter, Spend};
pub use observer::Observer;
pub use policy::Policy;
pub use rewrite::MAX_VERSIONS;
pub use trap::{Trap, TrapCode};
pub use world::World;
