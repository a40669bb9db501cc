//! `avm key`: secret keys for signing, as files that only their owner can read.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

use avm_ir::program::public_key;

use crate::{
    cli::{Key, KeyCommand},
    exit::{Exit, Failure, Outcome},
    files,
    output::Out,
    random::random,
    report::{hex, unhex},
};

/// What a key file starts with; 64 hexadecimal digits follow.
const PREFIX: &str = "aither-secret-key-ed25519:";

/// Makes a key.
pub(crate) fn run(args: &Key) -> Outcome {
    let KeyCommand::New { file } = &args.command;
    let secret = random()?;
    create(file, &format!("{PREFIX}{}\n", hex(&secret))).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::files(format!("{}: exists already, keys are not overwritten", file.display()))
        }
        _ => files::about(file, error),
    })?;
    Out::new().line(&hex(&public_key(&secret)));
    Ok(Exit::Done)
}

/// The secret key in a file.
pub(crate) fn read(path: &Path) -> Outcome<[u8; 32]> {
    let text = files::read_text(path, 4096)?;
    let secret = text.trim().strip_prefix(PREFIX).and_then(unhex);
    secret.ok_or_else(|| {
        let path = path.display();
        Failure::files(format!("{path}: not a secret key; make one with `avm key new FILE`"))
    })
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
