//! The table of agents that a terminal shows while a world goes on.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use avm_asm::render::visible;
use avm_ir::Gas;
use avm_vm::{
    Answer, Machine, Meter, World,
    world::{AgentId, Doing, Happened, Keep, SECOND},
};

use super::{drive::Watch, summary::agents};

/// Time between two pictures.
const PAUSE: Duration = Duration::from_millis(100);
/// Agents shown.
const ROWS: usize = 16;

/// Counts messages of agents, and shows them where somebody looks.
#[derive(Debug)]
pub(crate) struct Table {
    /// Messages that each agent sent and got.
    counts: Vec<(u64, u64)>,
    /// Nobody looks where standard error is no terminal.
    shown: bool,
    last: Option<Instant>,
    /// Lines of the last picture.
    lines: usize,
}

impl Table {
    /// Shown on standard error if that is a terminal and somebody wants it.
    pub(crate) fn new(wanted: bool) -> Self {
        let shown = wanted && io::stderr().is_terminal();
        Self { counts: Vec::new(), shown, last: None, lines: 0 }
    }

    fn count(&mut self, agent: AgentId) -> &mut (u64, u64) {
        let at = agent.0 as usize;
        if self.counts.len() <= at {
            self.counts.resize(at + 1, (0, 0));
        }
        &mut self.counts[at]
    }

    fn draw(&mut self, world: &World) {
        let text = self.picture(world);
        let mut out = String::new();
        if self.lines > 0 {
            // Up to where the last picture began, and what is below is cleared.
            let _ = write!(out, "\x1b[{}A\x1b[J", self.lines);
        }
        self.lines = text.lines().count();
        out.push_str(&text);
        // Nobody is left to be told that standard error is closed.
        let _ = io::stderr().write_all(out.as_bytes());
    }

    fn picture(&self, world: &World) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{:<24} {:<6} {:>8} {:>8} {:>14} {:>10}",
            "agent", "state", "sent", "got", "gas", "credits"
        );
        for agent in agents(world).take(ROWS) {
            let Some(machine) = world.machine(agent) else { continue };
            let state = match world.doing(agent) {
                Some(Doing::Runs) => "runs",
                Some(Doing::Waits) => "waits",
                Some(Doing::Asks) => "asks",
                Some(Doing::Over) | None => "over",
            };
            let (sent, got) = self.counts.get(agent.0 as usize).copied().unwrap_or_default();
            let name: String = world.name(agent).unwrap_or_default().chars().take(24).collect();
            let _ = writeln!(
                out,
                "{:<24} {state:<6} {sent:>8} {got:>8} {:>14} {:>10}",
                visible(&name),
                Gas(machine.gas_used()).to_string(),
                Meter::Credits.show(machine.used(Meter::Credits)),
            );
        }
        if world.len() > ROWS {
            let _ = writeln!(out, "… {} more", world.len() - ROWS);
        }
        let time = (world.now() - world.rules().epoch) as f64 / SECOND as f64;
        let _ = writeln!(
            out,
            "round {}, {time:.3} s of virtual time, {} messages",
            world.rounds(),
            world.sent()
        );
        out
    }
}

impl Keep for Table {
    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        ().answer(agent, machine, answer);
    }

    fn saw(&mut self, _: u64, happened: &Happened<'_>) {
        if !self.shown {
            return;
        }
        match happened {
            Happened::Sent(sent) => {
                self.count(sent.from).0 += 1;
                if sent.answer {
                    self.count(sent.to).1 += 1;
                }
            }
            Happened::Took { agent, .. } => self.count(*agent).1 += 1,
            _ => {}
        }
    }
}

impl Watch for Table {
    fn look(&mut self, world: &World) {
        if !self.shown || self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        self.last = Some(Instant::now());
        self.draw(world);
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // The summary says it all.
        if self.lines > 0 {
            let _ = write!(io::stderr(), "\x1b[{}A\x1b[J", self.lines);
        }
    }
}
