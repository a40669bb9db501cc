//! Reading and writing files: with limits, with the path in every error, and never half.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::exit::{Failure, Outcome};

/// What stands for standard input or output.
pub(crate) const DASH: &str = "-";

/// Whether a path means standard input or output.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == DASH
}

/// The name by which a program is known in messages and debug data.
pub(crate) fn name_of(program: &Path) -> String {
    if is_dash(program) { "<stdin>".to_owned() } else { program.to_string_lossy().into_owned() }
}

/// A file, or standard input, of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if is_dash(path) {
        io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        let about = |error| about(path, error);
        let file = File::open(path).map_err(about)?;
        if file.metadata().map_err(about)?.is_dir() {
            return Err(Failure::files(format!("{}: is a folder, not a file", path.display())));
        }
        file.take(limit + 1).read_to_end(&mut bytes)
    };
    read.map_err(|error| about(path, error))?;
    if bytes.len() as u64 > limit {
        let path = path.display();
        return Err(Failure::files(format!("{path}: larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// A UTF-8 file, or standard input, of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Outcome<String> {
    String::from_utf8(read(path, limit)?)
        .map_err(|_| Failure::files(format!("{}: not UTF-8 text", path.display())))
}

/// The error of a file operation with its path.
pub(crate) fn about(path: &Path, error: io::Error) -> Failure {
    let path = if is_dash(path) { "standard input".into() } else { path.to_string_lossy() };
    Failure::files(match error.kind() {
        io::ErrorKind::NotFound => format!("{path}: no such file or folder"),
        io::ErrorKind::PermissionDenied => format!("{path}: permission denied"),
        _ => format!("{path}: {error}"),
    })
}

/// Replaces a file by new content, or leaves it as it was: a crash or a full disk leaves no half
/// file behind. Permissions of an existing file are kept, and a link keeps pointing to it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let result = replace(&target, bytes);
    result.map_err(|error| about(path, error))
}

fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    if target.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder, not a file"));
    }
    let (temporary, mut file) = temporary(target)?;
    let written = (|| {
        file.write_all(bytes)?;
        if let Ok(old) = fs::metadata(target) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, target)?;
        File::open(folder_of(target))?.sync_all()
    })();
    if written.is_err() {
        // It may be renamed already; there is nothing better to do if it cannot be removed.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// A new file beside the target, so that renaming stays on one file system.
fn temporary(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..100 {
        let name = format!(".{name}.{}-{attempt}.tmp", std::process::id());
        let path = target.with_file_name(name);
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// The folder that a file lies in; the current one for standard input.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
