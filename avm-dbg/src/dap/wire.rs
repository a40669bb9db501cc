//! Frames around messages: a header with a length, an empty line, so many bytes of JSON.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
};

/// Most bytes of a header.
pub const MAX_HEADER: u64 = 4096;
/// Most bytes of a message.
pub const MAX_BODY: u64 = 1 << 20;

/// Why bytes are no message.
#[derive(Debug)]
pub enum WireError {
    /// A line of the header is none, or there are too many.
    Header(String),
    /// The input ends inside of a message.
    Torn,
    /// The input cannot be read.
    Io(io::Error),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(what) => write!(f, "the header of a message: {what}"),
            Self::Torn => f.write_str("the input ends inside of a message"),
            Self::Io(error) => write!(f, "the input: {error}"),
        }
    }
}

impl std::error::Error for WireError {}

/// The bytes of the next message; `None` where the input ends between messages.
pub(super) fn receive(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, WireError> {
    let mut length = None;
    let mut header = input.take(MAX_HEADER);
    let mut first = true;
    loop {
        let mut line = Vec::new();
        header.read_until(b'\n', &mut line).map_err(WireError::Io)?;
        if line.is_empty() && first {
            return Ok(None);
        }
        first = false;
        if line.pop() != Some(b'\n') {
            return Err(match header.limit() {
                0 => WireError::Header(format!("it has more than {MAX_HEADER} bytes")),
                _ => WireError::Torn,
            });
        }
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned();
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| WireError::Header(format!("{} is no field", cut(&line))))?;
        if name.trim().eq_ignore_ascii_case("Content-Length") {
            let value = value.trim();
            let bytes: u64 = value.parse().map_err(|_| {
                WireError::Header(format!("Content-Length {} is no length", cut(value)))
            })?;
            if bytes > MAX_BODY {
                let message = format!("a message of {bytes} bytes; at most {MAX_BODY} are read");
                return Err(WireError::Header(message));
            }
            length = Some(bytes);
        }
    }
    let length =
        length.ok_or_else(|| WireError::Header(String::from("there is no Content-Length")))?;
    let mut body = Vec::new();
    let read = input.take(length).read_to_end(&mut body).map_err(WireError::Io)?;
    if (read as u64) < length { Err(WireError::Torn) } else { Ok(Some(body)) }
}

/// Sends the bytes of a message.
pub(super) fn send(output: &mut dyn Write, body: &[u8]) -> io::Result<()> {
    write!(output, "Content-Length: {}\r\n\r\n", body.len())?;
    output.write_all(body)?;
    output.flush()
}

/// The beginning of what may be anything, in quotes.
fn cut(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    format!("{short:?}")
}
