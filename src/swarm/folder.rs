//! The folder of a swarm's run: what stands around its journal, so that it can go on from anywhere.
//!
//! ```text
//! world.avmw        what came to the world from outside; the programs are in it
//! world.avmw.new    the same before the world has begun: a run that was killed then never was
//! started.toml      the file of the swarm, and the folder in which it was started
//! swarm.toml        a copy of the file
//! summary.json      what came of it
//! ```

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::tape;
use crate::{
    exit::{Failure, Outcome},
    files, journal, run_dir,
};

const RECORD: &str = "started.toml";
const COPY: &str = "swarm.toml";
pub(crate) const SUMMARY: &str = "summary.json";
const VERSION: u32 = 1;
/// Largest file of a swarm, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What `started.toml` says.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    /// The file of the swarm as it was named.
    file: PathBuf,
    /// The folder in which it was started: relative to the folder of the run if that lies in it, so that
    /// both can be moved together.
    started_in: PathBuf,
}

/// Makes the folder of a new run, which must hold nothing, or what is left of a run that never began.
pub(crate) fn create(named: Option<&Path>, file: &Path) -> Outcome<PathBuf> {
    let folder = match named {
        None => run_dir::new_folder(file)?,
        Some(named) => {
            fs::create_dir_all(named).map_err(|error| files::about(named, error))?;
            clear(named)?;
            named.to_owned()
        }
    };
    let about = |error| files::about(&folder, error);
    let at = fs::canonicalize(&folder).map_err(about)?;
    let here = env::current_dir().and_then(fs::canonicalize).map_err(about)?;
    let started_in = match at.strip_prefix(&here) {
        Ok(inside) => inside.components().map(|_| "..").collect(),
        Err(_) => here,
    };
    let record = Record { version: VERSION, file: file.to_owned(), started_in };
    let record = toml::to_string(&record)
        .map_err(|error| Failure::files(format!("{}: {error}", folder.display())))?;
    files::write(&folder.join(COPY), &files::read(file, MAX_FILE)?)?;
    files::write(&folder.join(RECORD), record.as_bytes())?;
    Ok(folder)
}

/// Takes away what is left of a run that never began.
fn clear(folder: &Path) -> Outcome<()> {
    let about = |error| files::about(folder, error);
    let mut known = Vec::new();
    for entry in fs::read_dir(folder).map_err(about)? {
        let path = entry.map_err(about)?.path();
        if !path
            .file_name()
            .is_some_and(|name| [RECORD, COPY, tape::NEW].iter().any(|k| name == *k))
        {
            let folder = folder.display();
            return Err(Failure::files(format!("{folder}: is not empty; name a new folder")));
        }
        known.push(path);
    }
    let new = folder.join(tape::NEW);
    if let Ok(file) = File::open(&new) {
        // Somebody may be about to begin there.
        journal::lock(&file, &new)?;
    }
    known.iter().try_for_each(fs::remove_file).map_err(about)
}

/// Finds a run that goes on, and enters the folder in which it was started, to which everything about it
/// is relative. Gives the folder of the run, and the file of the swarm.
pub(crate) fn enter(named: &Path) -> Outcome<(PathBuf, PathBuf)> {
    let folder = fs::canonicalize(named).map_err(|error| files::about(named, error))?;
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::files(format!("{}: {why}", named.join(RECORD).display()))
    };
    if !folder.join(tape::FILE).is_file() {
        let why = match folder.join(tape::NEW).is_file() {
            true => "the run was cut off before it began; run its file again",
            false => "not a run of a swarm",
        };
        return Err(Failure::files(format!("{}: {why}", named.display())));
    }
    let record = record(&folder, named)?;
    let here = env::current_dir().and_then(fs::canonicalize);
    let started_in = folder.join(&record.started_in);
    let started_in = fs::canonicalize(&started_in).map_err(|error| {
        wrong(&format!("started_in: {}", files::about(&record.started_in, error).error))
    })?;
    env::set_current_dir(&started_in).map_err(|error| files::about(&started_in, error))?;
    // The name has to hold in that folder too.
    let same = here.is_ok_and(|here| here == started_in);
    Ok((if same { named.to_owned() } else { folder }, record.file))
}

/// What was noted of a run, whose folder is called something.
fn record(folder: &Path, named: &Path) -> Outcome<Record> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::files(format!("{}: {why}", named.join(RECORD).display()))
    };
    let text = files::read_text(&folder.join(RECORD), MAX_FILE)?;
    let record: Record = toml::from_str(&text).map_err(|error| wrong(&error))?;
    match record.version {
        VERSION => Ok(record),
        version => Err(wrong(&format!("version {version} is not known here"))),
    }
}

/// Whether a folder is one of a swarm's run.
pub(crate) fn is_one(folder: &Path) -> bool {
    [RECORD, tape::FILE].iter().any(|file| folder.join(file).is_file())
}

/// The file of a swarm, as it was named when the run was started.
pub(crate) fn file_of(folder: &Path) -> Outcome<PathBuf> {
    record(folder, folder).map(|record| record.file)
}

/// Keeps what came of a run.
pub(crate) fn sum_up(folder: &Path, json: &str) -> Outcome<()> {
    files::write(&folder.join(SUMMARY), json.as_bytes())
}
