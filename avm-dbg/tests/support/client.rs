//! A client of the debug adapter that goes step by step and writes down what is said.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, PipeWriter, Write},
    sync::mpsc::{Receiver, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use avm_dbg::{
    Session,
    dap::{Launch, Opened, ServeError, serve},
};
use serde_json::{Value as Json, json};

/// A server that does not answer for so long has stopped working.
const PATIENCE: Duration = Duration::from_secs(20);

/// A conversation with a server in a thread of its own.
pub(crate) struct Client {
    to: Option<PipeWriter>,
    from: Receiver<Json>,
    server: JoinHandle<Result<(), ServeError>>,
    seq: i64,
    /// What was said, a message a line.
    pub(crate) said: String,
}

/// A request in its frame.
pub(crate) fn framed(message: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{message}", message.len()).into_bytes()
}

/// The next message of a server; `None` at the end.
pub(crate) fn receive(input: &mut impl BufRead) -> Option<Json> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).expect("it reads") == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(bytes) => length = bytes.parse().expect("a length"),
            None => break,
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).expect("a whole message");
    Some(serde_json::from_slice(&body).expect("JSON"))
}

impl Client {
    /// Talks with a server that opens sessions so.
    pub(crate) fn new(
        open: impl FnMut(&Launch) -> Result<Opened, String> + Send + 'static,
    ) -> Self {
        let (theirs, to) = io::pipe().expect("a pipe");
        let (back, out) = io::pipe().expect("a pipe");
        let server = thread::spawn(move || serve(BufReader::new(theirs), out, open));
        let (sender, from) = channel();
        thread::spawn(move || {
            let mut back = BufReader::new(back);
            while let Some(message) = receive(&mut back) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self { to: Some(to), from, server, seq: 0, said: String::new() }
    }

    /// The same for one journal, whatever is asked for.
    pub(crate) fn of(journal: Vec<u8>) -> Self {
        Self::new(move |_| Ok(Session::open(&journal).expect("it opens").into()))
    }

    /// Says something that may be no message.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let to = self.to.as_mut().expect("the server listens");
        to.write_all(bytes).expect("the server listens");
    }

    /// Sends a request and does not wait.
    pub(crate) fn send(&mut self, command: &str, arguments: &Json) -> i64 {
        self.seq += 1;
        let seq = self.seq;
        let _ = writeln!(self.said, "\n-> {seq} {command} {arguments}");
        let request =
            json!({ "seq": seq, "type": "request", "command": command, "arguments": arguments });
        self.raw(&framed(&request.to_string()));
        seq
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Json {
        let message = self.from.recv_timeout(PATIENCE);
        let message = message.unwrap_or_else(|_| panic!("nothing behind this:\n{}", self.said));
        let body = message.get("body").unwrap_or(&Json::Null);
        let _ = match message["type"].as_str() {
            Some("event") => writeln!(
                self.said,
                "<- {} event {} {body}",
                message["seq"],
                message["event"].as_str().unwrap_or("?")
            ),
            _ => writeln!(
                self.said,
                "<- {} answer to {} {} {body}",
                message["seq"],
                message["request_seq"],
                if message["success"] == true { "ok" } else { "FAILED" }
            ),
        };
        message
    }

    /// Waits for the answer to a request: its body.
    pub(crate) fn answer(&mut self, seq: i64) -> Json {
        loop {
            let mut message = self.next();
            if message["type"] == "response" && message["request_seq"] == seq {
                return message["body"].take();
            }
        }
    }

    /// Waits for an event: its body.
    pub(crate) fn until(&mut self, event: &str) -> Json {
        loop {
            let mut message = self.next();
            if message["event"] == event {
                return message["body"].take();
            }
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn ask(&mut self, command: &str, arguments: Json) -> Json {
        let seq = self.send(command, &arguments);
        self.answer(seq)
    }

    /// Sends a request that goes somewhere, and waits until it has stopped.
    pub(crate) fn go(&mut self, command: &str) -> Json {
        self.go_by(command, json!({ "threadId": 1 }))
    }

    /// The same with arguments.
    pub(crate) fn go_by(&mut self, command: &str, arguments: Json) -> Json {
        let seq = self.send(command, &arguments);
        self.answer(seq);
        self.until("stopped")
    }

    /// Begins at the start of the run.
    pub(crate) fn start(&mut self) {
        self.ask("initialize", json!({ "adapterID": "avm", "supportsVariableType": true }));
        self.ask("launch", json!({ "run": "a run", "stopOnEntry": true }));
        self.until("initialized");
        self.go("configurationDone");
    }

    /// Says goodbye; what was said.
    pub(crate) fn end(mut self) -> String {
        self.ask("disconnect", json!({}));
        self.close().expect("a clean end");
        self.said
    }

    /// Hangs up; how the server takes it.
    fn close(&mut self) -> Result<(), ServeError> {
        self.to = None;
        while let Ok(message) = self.from.recv_timeout(PATIENCE) {
            let _ = writeln!(self.said, "<- {message}");
        }
        let server = std::mem::replace(&mut self.server, thread::spawn(|| Ok(())));
        server.join().expect("the server does not panic")
    }

    /// Hangs up without a word; how the server takes it.
    pub(crate) fn hang_up(mut self) -> (Result<(), ServeError>, String) {
        let result = self.close();
        (result, self.said)
    }
}
