//! Threads that run the turns of a round. Which thread runs which turn shows nowhere.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use avm_vm::world::Turn;

/// Parts that a round is split into for each thread: short turns make up for long ones.
const PARTS: usize = 4;

/// Turns that were run, or the panic of a thread.
type Done = Result<Vec<Turn>, Box<dyn Any + Send>>;

/// Threads that wait for turns.
pub(super) struct Pool {
    /// Nobody is there where the turns are run by whoever has them.
    threads: usize,
    to: Sender<Vec<Turn>>,
    done: Receiver<Done>,
}

impl Pool {
    /// Does something with so many threads, which end with it.
    pub(super) fn with<R>(threads: usize, work: impl FnOnce(&Self) -> R) -> R {
        let (to, jobs) = channel::<Vec<Turn>>();
        let (give, done) = channel();
        let threads = if threads > 1 { threads } else { 0 };
        let pool = Self { threads, to, done };
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
    pub(super) fn run(&self, mut turns: Vec<Turn>) -> Vec<Turn> {
        if self.threads == 0 || turns.len() < 2 {
            turns.iter_mut().for_each(|turn| turn.run(&mut ()));
            return turns;
        }
        let size = turns.len().div_ceil(PARTS * self.threads);
        let all = turns.len();
        let mut parts = 0;
        while !turns.is_empty() {
            let rest = turns.split_off(turns.len().saturating_sub(size));
            // They live as long as the pool does.
            let _ = self.to.send(rest);
            parts += 1;
        }
        let mut done = Vec::with_capacity(all);
        for _ in 0..parts {
            match self.done.recv() {
                Ok(Ok(part)) => done.extend(part),
                Ok(Err(panic)) => panic::resume_unwind(panic),
                Err(_) => break,
            }
        }
        done
    }
}

fn serve(jobs: &Mutex<Receiver<Vec<Turn>>>, give: &Sender<Done>) {
    loop {
        // Nobody panics while holding it.
        let job = jobs.lock().ok().and_then(|jobs| jobs.recv().ok());
        let Some(mut turns) = job else { return };
        let done = panic::catch_unwind(AssertUnwindSafe(move || {
            turns.iter_mut().for_each(|turn| turn.run(&mut ()));
            turns
        }));
        if give.send(done).is_err() {
            return;
        }
    }
}
