//! What comes in. It is read on a thread of its own, so that what interrupts is seen while something
//! else is done.

use std::{
    collections::{BTreeSet, VecDeque},
    io::{self, BufRead},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use serde_json::Value as Json;

use super::wire::{self, WireError};

/// Messages that wait; the client waits behind them.
const WAITING: usize = 64;
/// Requests that were called off before they came up.
const MAX_CANCELLED: usize = 256;

/// A request as it came.
#[derive(Debug)]
pub(super) struct Request {
    /// Its number.
    pub(super) seq: i64,
    pub(super) command: String,
    pub(super) arguments: Json,
    /// Whether it asked for what is running to stop.
    interrupts: bool,
}

/// What came in.
#[derive(Debug)]
pub(super) enum Incoming {
    Request(Request),
    /// A message that is no request: its number, where it has one, and what is wrong.
    Wrong(i64, String),
    /// Nothing comes any more.
    Closed(Result<(), WireError>),
}

/// What both threads know.
#[derive(Debug, Default)]
struct Shared {
    /// Requests that interrupt, and were not taken up yet.
    interrupts: usize,
    /// The request that is worked on.
    running: Option<i64>,
    /// Requests that were called off.
    cancelled: BTreeSet<i64>,
    /// What makes the session stop what it does.
    flag: Arc<AtomicBool>,
}

impl Shared {
    fn interrupt(&mut self) {
        self.interrupts += 1;
        self.flag.store(true, Ordering::Relaxed);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // What is in there is whole after each line that changes it.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where requests wait.
#[derive(Debug)]
pub(super) struct Inbox {
    shared: Arc<Mutex<Shared>>,
    receiver: Receiver<Incoming>,
    /// Looked at already, not taken up.
    waiting: VecDeque<Incoming>,
}

impl Inbox {
    /// Begins to read.
    pub(super) fn start<R: BufRead + Send + 'static>(input: R) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let shared = Arc::default();
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name(String::from("dap input"))
            .spawn(move || listen(input, &theirs, &sender))?;
        Ok(Self { shared, receiver, waiting: VecDeque::new() })
    }

    /// Waits for the next message.
    pub(super) fn next(&mut self) -> Incoming {
        let next = self.waiting.pop_front().unwrap_or_else(|| receive(&self.receiver));
        if let Incoming::Request(request) = &next {
            self.settle(request);
        }
        next
    }

    /// Takes an interrupt back: its request is taken up.
    fn settle(&self, request: &Request) {
        if request.interrupts {
            let mut shared = lock(&self.shared);
            shared.interrupts = shared.interrupts.saturating_sub(1);
            shared.flag.store(shared.interrupts > 0, Ordering::Relaxed);
        }
    }

    /// Begins work on a request; `false` if it was called off.
    pub(super) fn begin(&self, seq: i64) -> bool {
        let mut shared = lock(&self.shared);
        shared.running = Some(seq);
        !shared.cancelled.remove(&seq)
    }

    /// Ends it.
    pub(super) fn end(&self) {
        lock(&self.shared).running = None;
    }

    /// Interrupts reach this session from now on.
    pub(super) fn reaches(&self, flag: Arc<AtomicBool>) {
        let mut shared = lock(&self.shared);
        flag.store(shared.interrupts > 0, Ordering::Relaxed);
        shared.flag = flag;
    }

    /// Whether something wants what is running to stop.
    pub(super) fn interrupted(&self) -> bool {
        lock(&self.shared).interrupts > 0
    }

    /// Takes out the requests of a command that waits, where something interrupts.
    pub(super) fn interrupting(&mut self, command: &str) -> Vec<Request> {
        let is = |incoming: &Incoming| match incoming {
            Incoming::Request(request) => request.interrupts,
            Incoming::Closed(_) => true,
            Incoming::Wrong(..) => false,
        };
        // Who interrupts says so before the message is there.
        while self.interrupted() && !self.waiting.iter().any(is) {
            self.waiting.push_back(receive(&self.receiver));
        }
        let (found, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|incoming| matches!(incoming, Incoming::Request(r) if r.command == command));
        self.waiting = rest;
        let found: VecDeque<Incoming> = found;
        let mut requests = Vec::new();
        for incoming in found {
            if let Incoming::Request(request) = incoming {
                self.settle(&request);
                requests.push(request);
            }
        }
        requests
    }

    /// A request was called off, and is not waiting any more.
    pub(super) fn forget(&self, seq: i64) {
        lock(&self.shared).cancelled.remove(&seq);
    }
}

fn receive(receiver: &Receiver<Incoming>) -> Incoming {
    receiver.recv().unwrap_or(Incoming::Closed(Ok(())))
}

/// Reads until there is nothing more, or nobody to read for.
fn listen(mut input: impl BufRead, shared: &Mutex<Shared>, sender: &SyncSender<Incoming>) {
    loop {
        let incoming = match wire::receive(&mut input) {
            Ok(Some(body)) => understand(&body, shared),
            Ok(None) => Incoming::Closed(Ok(())),
            Err(error) => Incoming::Closed(Err(error)),
        };
        let last = matches!(incoming, Incoming::Closed(_));
        if last {
            lock(shared).interrupt();
        }
        if sender.send(incoming).is_err() || last {
            return;
        }
    }
}

/// A message as a request.
fn understand(body: &[u8], shared: &Mutex<Shared>) -> Incoming {
    let mut message: Json = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(error) => return Incoming::Wrong(0, format!("the message is no JSON: {error}")),
    };
    let Some(seq) = message.get("seq").and_then(Json::as_i64) else {
        return Incoming::Wrong(0, String::from("the message has no whole number `seq`"));
    };
    if message.get("type").and_then(Json::as_str) != Some("request") {
        return Incoming::Wrong(seq, String::from("the message's `type` is not \"request\""));
    }
    let Some(command) = message.get("command").and_then(Json::as_str).map(str::to_owned) else {
        return Incoming::Wrong(seq, String::from("the request has no `command`"));
    };
    let arguments = message.get_mut("arguments").map_or(Json::Null, Json::take);
    let interrupts = match command.as_str() {
        "pause" | "terminate" | "restart" | "disconnect" => true,
        "cancel" => match arguments.get("requestId").and_then(Json::as_i64) {
            Some(id) => {
                let mut shared = lock(shared);
                let running = shared.running == Some(id);
                if !running && shared.cancelled.len() < MAX_CANCELLED {
                    shared.cancelled.insert(id);
                }
                running
            }
            None => false,
        },
        _ => false,
    };
    if interrupts {
        lock(shared).interrupt();
    }
    Incoming::Request(Request { seq, command, arguments, interrupts })
}
