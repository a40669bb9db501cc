//! How the command ends: exit codes, and errors that know theirs.

/// Exit codes of the command; part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The program halted, or the command did what it was asked.
    Done = 0,
    /// Errors in a program's text or bytecode.
    Program = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A file, folder or the configuration.
    Files = 3,
    /// The program was stopped for its own fault.
    Trap = 4,
    /// The gas or another budget is used up.
    Exhausted = 5,
    /// A budget is used up and the run waits for more.
    Suspended = 6,
    /// A bug of ours.
    Bug = 70,
}

/// The part of `avm --help` that lists them.
pub(crate) const HELP: &str = "\
Exit codes:
  0   the program halted; the command did what it was asked
  1   errors in the program's text or bytecode (fmt --check: not formatted)
  2   the command line makes no sense
  3   a file, folder or the configuration
  4   trap: the program was stopped for its own fault
  5   the gas or another budget is used up
  6   suspended: a budget is used up and the run waits for more
  70  a bug of avm itself";

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the command exits with.
    pub(crate) exit: Exit,
    /// What to say.
    pub(crate) error: anyhow::Error,
}

/// What commands return.
pub(crate) type Outcome<T = Exit> = Result<T, Failure>;

impl Failure {
    /// A failure in words.
    pub(crate) fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self { exit, error: anyhow::anyhow!("{message}") }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A file, folder or the configuration.
    pub(crate) fn files(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Files, message)
    }
}

/// What goes wrong without saying how is a matter of files.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Files, error }
    }
}
