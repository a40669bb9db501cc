//! The built command from outside: what it prints and what it exits with.

mod cli {
    mod blocks;
    mod broken;
    mod commands;
    mod config;
    mod debug;
    mod documents;
    mod golden;
    pub(crate) mod harness;
    mod history;
    mod modules;
    mod name;
    mod policy;
    mod replay;
    mod resume;
    mod rewriting;
    mod run;
    mod runs;
    mod seals;
    mod secrets;
    mod swarm;
    mod swarm_kill;
    mod swarm_snapshots;
    mod swarms;
    mod trace;
}
