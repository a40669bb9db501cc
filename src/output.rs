//! Standard output and standard error: nothing that a program wrote may command a terminal, and a
//! reader that went away stops neither the run nor the command.

use std::{
    io::{self, BufWriter, Write},
    sync::Mutex,
};

use avm_asm::render::{json, visible};
use avm_ir::{Value, value::Record};

/// Why standard output could not take everything.
static FAILURE: Mutex<Option<String>> = Mutex::new(None);

/// Why output is missing, once it was handed on; `None` also where the reader went away, which is
/// its own choice.
pub(crate) fn failure() -> Option<String> {
    FAILURE.lock().ok().and_then(|mut failure| failure.take())
}

/// Buffered standard output. Once a write fails, the rest is dropped and the run goes on: what it
/// does to its stores and its state is worth more than its output.
pub(crate) struct Out {
    stdout: BufWriter<io::Stdout>,
    broken: bool,
}

impl Out {
    pub(crate) fn new() -> Self {
        Self { stdout: BufWriter::new(io::stdout()), broken: false }
    }

    /// Nothing is written.
    pub(crate) fn none() -> Self {
        Self { stdout: BufWriter::new(io::stdout()), broken: true }
    }

    /// A text of which no part can command a terminal, and a line break.
    pub(crate) fn line(&mut self, text: &str) {
        self.bytes(visible(text).as_bytes());
        self.bytes(b"\n");
    }

    /// A text as it is, but for what could command a terminal.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(visible(text).as_bytes());
    }

    /// An event as one line of JSON.
    pub(crate) fn event(&mut self, name: &str, mut fields: Record) {
        fields.insert("event".into(), Value::text(name));
        self.bytes(json(fields).as_bytes());
        self.bytes(b"\n");
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if !self.broken {
            let written = self.stdout.write_all(bytes);
            self.note(written);
        }
    }

    /// Hands on what was written so far.
    pub(crate) fn flush(&mut self) {
        if !self.broken {
            let flushed = self.stdout.flush();
            self.note(flushed);
        }
    }

    fn note(&mut self, result: io::Result<()>) {
        let Err(error) = result else { return };
        self.broken = true;
        if error.kind() != io::ErrorKind::BrokenPipe
            && let Ok(mut failure) = FAILURE.lock()
        {
            *failure = Some(error.to_string());
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Writes lines to standard error, without what could command a terminal.
pub(crate) fn note(text: &str) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(io::stderr(), "{}", visible(text));
}

/// Writes a text to standard error that was made safe already and may be coloured.
pub(crate) fn note_styled(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
