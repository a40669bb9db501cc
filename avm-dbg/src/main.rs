//! The step debugger's command. Not built yet, and says so.

use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let text = "error: the step debugger is not built yet; `avm run FILE --registers` shows the \
                registers at the end of a run";
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(2)
}
