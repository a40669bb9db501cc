//! The Debug Adapter Protocol over a pair of byte streams: a front end for editors, without logic of
//! its own.
//!
//! ```text
//!   input ─► wire ─► inbox ─► adapter ─► requests, one row each ─► Session ─► wire ─► output
//!   a thread: what interrupts is seen while a search runs        commands, views, stops
//! ```
//!
//! Every request is looked up in one table. Moves, breakpoints and texts are those of
//! [`crate::commands`] and [`crate::stops`]; what is here is the protocol: numbers of frames and
//! variables, paths of sources, hit conditions and log messages.
//!
//! - *A recorded run has no last stop.* Where it ends, a `stopped` event says so, and one can go
//!   back from there. `terminated` comes when somebody asks for it.
//! - *One thing at a time.* Requests are answered in the order in which they came. `pause`,
//!   `cancel`, `terminate`, `restart` and `disconnect` also stop what is running.
//! - *Any bytes.* A message is bounded, one that cannot be understood is answered with an error,
//!   and what has no frame ends the conversation with a [`ServeError`].
//!
//! | module | what it holds |
//! |---|---|
//! | `wire` | frames around messages |
//! | `inbox` | the reading thread, and what interrupts |
//! | `protocol` | the part of the protocol that is spoken here, as types |
//! | `adapter` | the table of requests, answers and events |
//! | `moves` | continue, steps, goto, and where they stopped |
//! | `stopping` | breakpoints of all kinds |
//! | `variables` | frames, scopes, values, evaluation |
//! | `places` | sources, lines, instructions |

mod adapter;
mod inbox;
mod moves;
mod places;
mod protocol;
mod stopping;
mod variables;
mod wire;

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, Write},
};

use serde::Deserialize;
use serde_json::Value as Json;

pub use adapter::requests;
pub use wire::{MAX_BODY, MAX_HEADER, WireError};

use crate::session::Session;
use adapter::Adapter;
use inbox::Inbox;

/// What `launch` or `attach` asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Launch {
    /// A recorded run: a journal, or a folder with one.
    #[serde(deserialize_with = "or_default")]
    pub run: Option<String>,
    /// The program's source.
    #[serde(deserialize_with = "or_default")]
    pub program: Option<String>,
    /// Where sources are looked for.
    #[serde(deserialize_with = "or_default")]
    pub cwd: Option<String>,
    /// Whether to stop at the first instruction instead of going on to a breakpoint.
    #[serde(deserialize_with = "or_default")]
    pub stop_on_entry: bool,
    /// Whether to run to the end without breakpoints, and leave.
    #[serde(deserialize_with = "or_default")]
    pub no_debug: bool,
    /// Whether it was `attach`.
    #[serde(skip)]
    pub attach: bool,
    /// Every argument, with those that are not named here.
    #[serde(skip)]
    pub arguments: Json,
}

/// `null` is what is not there: editors fill in what nobody wrote.
fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A session that was opened for an editor.
#[derive(Debug)]
pub struct Opened {
    session: Session,
    /// Files of the debug data that are at hand, and their paths for the editor.
    files: BTreeMap<String, String>,
}

impl From<Session> for Opened {
    fn from(session: Session) -> Self {
        Self { session, files: BTreeMap::new() }
    }
}

impl Opened {
    /// Looks for the program's sources: `look` gets the name of a file as debug data has it, and
    /// gives the path and the text of the file at hand. One whose text is not what ran is left out,
    /// since the journal has the text that did.
    #[must_use]
    pub fn with_files(mut self, mut look: impl FnMut(&str) -> Option<(String, String)>) -> Self {
        let code = self.session.code();
        let debug = code.program().debug.as_ref();
        for name in debug.map_or(&[][..], |debug| &debug.files) {
            let Some((path, text)) = look(name) else { continue };
            let recorded = places::text(code, name);
            let same = |recorded: &String| recorded.lines().eq(text.lines());
            if recorded.as_ref().is_none_or(same) {
                self.files.insert(name.clone(), path);
            }
        }
        self
    }
}

/// Why a conversation ended before its time.
#[derive(Debug)]
pub enum ServeError {
    /// What came in is no message, or could not be read.
    Read(WireError),
    /// Nothing can be said any more.
    Write(io::Error),
    /// Nobody can listen.
    Thread(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "{error}"),
            Self::Write(error) => write!(f, "the client does not listen: {error}"),
            Self::Thread(error) => write!(f, "no thread to read with: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Talks with a client until it disconnects or its input ends. `open` makes the session of `launch`
/// and `attach`, and again of `restart`; what it says where it fails is the answer.
///
/// The input is read on a thread of its own, which may outlive the call by one read.
pub fn serve<R: BufRead + Send + 'static, W: Write>(
    input: R,
    mut output: W,
    mut open: impl FnMut(&Launch) -> Result<Opened, String>,
) -> Result<(), ServeError> {
    let inbox = Inbox::start(input).map_err(ServeError::Thread)?;
    Adapter::new(&mut output, &mut open, inbox).run()
}
