//! Swarms: many agents in one world, from the file that describes them.
//!
//! | module | what it does |
//! |---|---|
//! | [`mod@file`], [`tables`] | what the file says, the latter of money, channels and supervision |
//! | [`plan`] | a world before its first tick: programs, agents, who answers them |
//! | [`drive`] | lets a world go on: turns on threads, asks to providers, time |
//! | [`tape`] | writes its journal |
//! | [`folder`] | what stands around it, so that a run that was cut off goes on |
//! | [`snapshots`] | keeps the world beside its journal now and then, so that going on is quick |
//! | [`glance`] | a run in the list of runs |
//! | [`recorded`] | a world again, from its journal |
//! | [`messages`], [`diagram`] | who sent what to whom |
//! | [`names`], [`seals`] | whose agents are, and signatures of all that they sent |
//! | [`agent`] | the journal of one agent out of that of its world |
//! | [`explore`] | many seeds, and what goes wrong with some of them |
//! | [`eyes`], [`table`], [`summary`] | who looks on, and what people see of it |

pub(crate) mod agent;
pub(crate) mod asks;
pub(crate) mod diagram;
pub(crate) mod drive;
pub(crate) mod explore;
pub(crate) mod eyes;
pub(crate) mod file;
pub(crate) mod findings;
pub(crate) mod folder;
pub(crate) mod glance;
pub(crate) mod interrupt;
pub(crate) mod messages;
pub(crate) mod names;
pub(crate) mod plan;
mod pool;
pub(crate) mod recorded;
pub(crate) mod seals;
pub(crate) mod snapshots;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod tables;
pub(crate) mod tape;
