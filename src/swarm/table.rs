//! The table of agents that a terminal shows while a world goes on.

#[cfg(test)]
mod tests;

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
use console::Term;

use super::{drive::Watch, summary::agents};

/// Time between two pictures.
const PAUSE: Duration = Duration::from_millis(100);
/// Agents shown.
const ROWS: usize = 16;
/// Width of a terminal that does not say.
const WIDTH: usize = 80;
/// Most and fewest characters of a name.
const NAME: (usize, usize) = (40, 8);
/// Columns behind the name: what they are called, how wide they are. Where the terminal is too narrow, the
/// last ones are left out.
const COLUMNS: [(&str, usize); 5] =
    [("state", 6), ("sent", 8), ("got", 8), ("gas", 14), ("credits", 10)];

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

    /// Takes the picture away, until the next one is drawn.
    pub(crate) fn clear(&mut self) {
        if self.lines > 0 {
            let _ = write!(io::stderr(), "\x1b[{}A\x1b[J", self.lines);
            self.lines = 0;
        }
    }

    fn count(&mut self, agent: AgentId) -> &mut (u64, u64) {
        let at = agent.0 as usize;
        if self.counts.len() <= at {
            self.counts.resize(at + 1, (0, 0));
        }
        &mut self.counts[at]
    }

    fn draw(&mut self, world: &World) {
        let width = Term::stderr().size_checked().map_or(WIDTH, |(_, columns)| columns.into());
        let text = self.picture(world, width);
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

    /// The table, in lines that a terminal of a width does not break: they are counted to be drawn over.
    fn picture(&self, world: &World, width: usize) -> String {
        let mut out = String::new();
        let mut line = |text: &str| {
            let text: String = text.chars().take(width).collect();
            let _ = writeln!(out, "{}", text.trim_end());
        };
        // Columns as long as they fit beside the shortest name; the names have what is left.
        let (mut columns, mut taken) = (0, 0);
        for (_, wide) in COLUMNS {
            if taken + 1 + wide + NAME.1 > width {
                break;
            }
            (columns, taken) = (columns + 1, taken + 1 + wide);
        }
        let shown = || agents(world).take(ROWS).filter_map(|agent| world.name(agent));
        let longest = shown().map(|name| visible(name).chars().count()).max().unwrap_or_default();
        let room = longest.max("agent".len()).min(NAME.0).min(width - taken.min(width));
        let row = |name: &str, cells: [&str; COLUMNS.len()]| {
            let name: String = visible(name).chars().take(room).collect();
            let mut text = format!("{name:<room$}");
            for (cell, (column, wide)) in cells.into_iter().zip(COLUMNS).take(columns) {
                let _ = match column {
                    "state" => write!(text, " {cell:<wide$}"),
                    _ => write!(text, " {cell:>wide$}"),
                };
            }
            text
        };
        line(&row("agent", COLUMNS.map(|(name, _)| name)));
        for agent in agents(world).take(ROWS) {
            let Some(machine) = world.machine(agent) else { continue };
            let state = match world.doing(agent) {
                Some(Doing::Runs) => "runs",
                Some(Doing::Waits) => "waits",
                Some(Doing::Asks) => "asks",
                Some(Doing::Over) | None => "over",
            };
            let (sent, got) = self.counts.get(agent.0 as usize).copied().unwrap_or_default();
            let (sent, got) = (sent.to_string(), got.to_string());
            let gas = Gas(machine.gas_used()).to_string();
            let credits = Meter::Credits.show(machine.used(Meter::Credits));
            let name = world.name(agent).unwrap_or_default();
            line(&row(name, [state, &sent, &got, &gas, &credits]));
        }
        if world.len() > ROWS {
            line(&format!("… {} more", world.len() - ROWS));
        }
        let time = (world.now() - world.rules().epoch) as f64 / SECOND as f64;
        let (rounds, messages) = (world.rounds(), world.sent());
        line(&format!("round {rounds}, {time:.3} s of virtual time, {messages} messages"));
        out
    }
}

impl Keep for Table {
    const SEES_PLAIN: bool = false;

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
        self.clear();
    }
}
