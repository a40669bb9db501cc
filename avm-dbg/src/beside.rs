//! Runs that leave a recorded one, beside it. Of the command, not of the library.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write},
    path::PathBuf,
};

use avm_dbg::live::{Home, Outside};
use avm_ir::Reach;
use avm_vm::{Answer, EffectRequest, journal::Start};

/// Most runs that leave those of one folder.
const MAX_FORKS: usize = 10_000;

/// Keeps the journals of new runs in a folder.
pub(crate) struct Beside {
    /// Of the run that is left.
    pub(crate) folder: PathBuf,
}

impl Home for Beside {
    fn fork(&mut self, _: &mut Start, _: &[EffectRequest]) -> Result<Box<dyn Outside>, String> {
        for number in 1..=MAX_FORKS {
            let name = format!("fork-{number}.avmj");
            let path = self.folder.join(&name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Box::new(Kept { name, file })),
                // What is there stays.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(format!(
                        "the new run cannot be kept as {}: {error}; copy the run to a folder that \
                         can be written",
                        path.display()
                    ));
                }
            }
        }
        Err(format!("{MAX_FORKS} runs were forked here already; delete some fork-N.avmj"))
    }

    fn answers(&self) -> bool {
        false
    }
}

/// A run whose journal is a file.
struct Kept {
    name: String,
    file: File,
}

impl Outside for Kept {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn keep(&mut self, bytes: &[u8], _: Option<Reach>) -> Result<(), String> {
        self.file.write_all(bytes).map_err(|error| format!("{}: {error}", self.name))
    }

    fn answer(&mut self, _: &EffectRequest) -> Result<Answer, String> {
        // Runs here are answered as recorded, and stop where nothing was.
        Err("the debugger asks nobody here".into())
    }
}
