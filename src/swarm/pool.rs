//! Threads that run the turns of a round. Which thread runs which turn shows nowhere.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use avm_ir::Value;
use avm_vm::{
    Observer,
    world::{AgentId, Turn},
};

/// Parts that a round is split into for each thread: short turns make up for long ones.
const PARTS: usize = 4;

/// Rounds shorter than that are not worth handing over.
const WORTH: Duration = Duration::from_micros(100);

/// Turns that were run, and what agents wrote down in them.
#[derive(Default)]
struct Ran {
    turns: Vec<Turn>,
    notes: Vec<(AgentId, Value)>,
}

/// What was run, or the panic of a thread.
type Done = Result<Ran, Box<dyn Any + Send>>;

/// Notes of an agent in its turn.
#[derive(Default)]
struct Notes(Vec<Value>);

impl Observer for Notes {
    fn log(&mut self, note: &Value) {
        self.0.push(note.clone());
    }
}

/// Threads that wait for turns.
pub(super) struct Pool {
    /// Nobody is there where the turns are run by whoever has them.
    threads: usize,
    to: Sender<Vec<Turn>>,
    done: Receiver<Done>,
    /// How long a turn took lately.
    turn: Cell<Duration>,
    /// What agents wrote down in the last round, in the order of their numbers.
    notes: RefCell<Vec<(AgentId, Value)>>,
}

impl Pool {
    /// Does something with so many threads, which end with it.
    pub(super) fn with<R>(threads: usize, work: impl FnOnce(&Self) -> R) -> R {
        let (to, jobs) = channel::<Vec<Turn>>();
        let (give, done) = channel();
        let threads = if threads > 1 { threads } else { 0 };
        let pool =
            Self { threads, to, done, turn: Cell::new(Duration::ZERO), notes: RefCell::default() };
        let jobs = Mutex::new(jobs);
        thread::scope(|scope| {
            for _ in 0..threads {
                let (jobs, give) = (&jobs, give.clone());
                scope.spawn(move || serve(jobs, &give));
            }
            let result = work(&pool);
            // Nothing comes any more: they end.
            drop(pool);
            result
        })
    }

    /// Runs turns, each to its end.
    pub(super) fn run(&self, turns: Vec<Turn>) -> Vec<Turn> {
        let Ok(count @ 1..) = u32::try_from(turns.len()) else { return turns };
        let hand_over = self.threads > 0 && count > 1 && self.turn.get() * count >= WORTH;
        let begin = Instant::now();
        let Ran { turns, mut notes } = if hand_over { self.hand_over(turns) } else { alone(turns) };
        if !notes.is_empty() {
            // Those of one agent keep their order.
            notes.sort_by_key(|(agent, _)| *agent);
        }
        self.notes.replace(notes);
        let side_by_side = if hand_over { self.threads.min(turns.len()) } else { 1 };
        let took = begin.elapsed() * u32::try_from(side_by_side).unwrap_or(1) / count;
        self.turn.set((3 * self.turn.get() + took) / 4);
        turns
    }

    /// Takes what agents wrote down in the last round.
    pub(super) fn notes(&self) -> Vec<(AgentId, Value)> {
        self.notes.take()
    }

    fn hand_over(&self, mut turns: Vec<Turn>) -> Ran {
        let size = turns.len().div_ceil(PARTS * self.threads);
        let all = turns.len();
        let mut parts = 0;
        while !turns.is_empty() {
            let rest = turns.split_off(turns.len().saturating_sub(size));
            // They live as long as the pool does.
            let _ = self.to.send(rest);
            parts += 1;
        }
        let mut done = Ran { turns: Vec::with_capacity(all), notes: Vec::new() };
        for _ in 0..parts {
            match self.done.recv() {
                Ok(Ok(part)) => {
                    done.turns.extend(part.turns);
                    done.notes.extend(part.notes);
                }
                Ok(Err(panic)) => panic::resume_unwind(panic),
                Err(_) => break,
            }
        }
        done
    }
}

fn alone(turns: Vec<Turn>) -> Ran {
    let mut ran = Ran { turns, notes: Vec::new() };
    for turn in &mut ran.turns {
        let mut notes = Notes::default();
        turn.run(&mut notes);
        let agent = turn.agent();
        ran.notes.extend(notes.0.into_iter().map(|note| (agent, note)));
    }
    ran
}

fn serve(jobs: &Mutex<Receiver<Vec<Turn>>>, give: &Sender<Done>) {
    loop {
        // Nobody panics while holding it.
        let job = jobs.lock().ok().and_then(|jobs| jobs.recv().ok());
        let Some(turns) = job else { return };
        let done = panic::catch_unwind(AssertUnwindSafe(move || alone(turns)));
        if give.send(done).is_err() {
            return;
        }
    }
}
