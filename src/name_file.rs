//! A registry of names as a file, and what is remembered of it in another one.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use avm_ir::{program::Signature, wire::hex};
use avm_vm::identity::{Registry, SeenHead, SignedHead, registry::HeadError};

use crate::{
    exit::{Failure, Outcome},
    files,
    report::unhex,
};

/// Largest registry that is read, in bytes.
const MAX_REGISTRY: u64 = 1 << 30;

/// A registry that was checked and is, as far as anybody here remembers, not an older one.
pub(crate) struct NameFile {
    path: PathBuf,
    seen: PathBuf,
    pub(crate) registry: Registry,
    /// What was remembered of it.
    pub(crate) before: Option<SeenHead>,
    /// Keeps others from changing it meanwhile.
    _lock: Option<File>,
}

impl NameFile {
    /// Opens one to look at.
    pub(crate) fn open(path: &Path, seen: Option<&Path>) -> Outcome<Self> {
        let there = path.try_exists().unwrap_or(false);
        // Where nothing can be written, nobody changes it with this command either.
        let lock = if there { lock(path).ok() } else { None };
        Self::read(path, seen, lock, None)
    }

    /// Opens one to look at, and leaves nothing behind.
    pub(crate) fn look(path: &Path, seen: Option<&Path>) -> Outcome<Self> {
        Self::read(path, seen, None, None)
    }

    /// Opens one to change. If it is not there, it is made where a keeper is named.
    pub(crate) fn change(
        path: &Path,
        seen: Option<&Path>,
        keeper: Option<[u8; 32]>,
    ) -> Outcome<Self> {
        if keeper.is_some() {
            let folder = files::folder_of(path);
            fs::create_dir_all(folder).map_err(|error| files::about(folder, error))?;
        } else {
            fs::metadata(path).map_err(|error| files::about(path, error))?;
        }
        let lock = lock(path).map_err(|error| files::about(path, error))?;
        Self::read(path, seen, Some(lock), keeper)
    }

    fn read(
        path: &Path,
        seen: Option<&Path>,
        lock: Option<File>,
        keeper: Option<[u8; 32]>,
    ) -> Outcome<Self> {
        let seen = seen.map_or_else(|| path.with_extension("seen"), Path::to_owned);
        let before = match seen.try_exists() {
            Ok(false) => None,
            _ => Some(parse(&seen)?.0),
        };
        let wrong =
            |why: &dyn std::fmt::Display| Failure::files(format!("{}: {why}", path.display()));
        let registry = match keeper {
            Some(keeper) if path.try_exists().is_ok_and(|there| !there) => Registry::new(keeper),
            _ => {
                let bytes = files::read(path, MAX_REGISTRY)?;
                Registry::read(&bytes).map_err(|error| wrong(&error))?
            }
        };
        if let Some(before) = &before {
            registry
                .extends(before)
                .map_err(|error| wrong(&format_args!("{error}, as {} says", seen.display())))?;
        }
        Ok(Self { path: path.to_owned(), seen, registry, before, _lock: lock })
    }

    /// Writes the registry, then remembers it: a crash in between leaves an older head behind, which
    /// the registry extends.
    pub(crate) fn save(&self) -> Outcome<()> {
        files::write(&self.path, &self.registry.to_bytes())?;
        self.remember()
    }

    /// Remembers the registry as it is.
    pub(crate) fn remember(&self) -> Outcome<()> {
        let SeenHead { count, head } = self.registry.head();
        if self.before == Some(self.registry.head()) {
            return Ok(());
        }
        files::write(&self.seen, format!("{count} {}\n", hex(&head)).as_bytes())
    }

    /// Where it is remembered.
    pub(crate) fn seen(&self) -> &Path {
        &self.seen
    }

    /// Whether whoever puts back the registry's folder puts back what is remembered, too.
    pub(crate) fn is_beside(&self) -> bool {
        let folder = |path| fs::canonicalize(files::folder_of(path)).ok();
        folder(&self.seen) == folder(&self.path)
    }

    /// Whether a signed head in a file is part of it.
    pub(crate) fn extends(&self, file: &Path) -> Outcome<SignedHead> {
        let (seen, signature) = parse(file)?;
        let wrong = |why: HeadError| {
            let path = self.path.display();
            Failure::files(format!("{path}: {why}, as {} says", file.display()))
        };
        let signature = signature.ok_or_else(|| {
            Failure::files(format!("{}: the head in it is not signed", file.display()))
        })?;
        let signed = SignedHead { seen, signature };
        self.registry.extends_signed(&signed).map_err(wrong)?;
        Ok(signed)
    }
}

/// A signed head as a line of text; without the last two words it is one that was seen.
pub(crate) fn line(signed: &SignedHead) -> String {
    let SignedHead { seen, signature } = signed;
    let (head, key, bytes) = (hex(&seen.head), hex(&signature.key), hex(&signature.bytes));
    format!("{} {head} {key} {bytes}", seen.count)
}

fn parse(path: &Path) -> Outcome<(SeenHead, Option<Signature>)> {
    let text = files::read_text(path, 4096)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let parsed = match words.as_slice() {
        [count, head] => seen(count, head).map(|seen| (seen, None)),
        [count, head, key, bytes] => seen(count, head)
            .zip(signature(key, bytes))
            .map(|(seen, signature)| (seen, Some(signature))),
        _ => None,
    };
    parsed.ok_or_else(|| {
        let path = path.display();
        Failure::files(format!("{path}: not the head of a registry: a count and 64 digits"))
    })
}

fn seen(count: &str, head: &str) -> Option<SeenHead> {
    Some(SeenHead { count: count.parse().ok()?, head: unhex(head)? })
}

fn signature(key: &str, digits: &str) -> Option<Signature> {
    let (left, right) = digits.split_at_checked(64)?;
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&unhex(left)?);
    bytes[32..].copy_from_slice(&unhex(right)?);
    Some(Signature { key: unhex(key)?, bytes })
}

/// Waits until nobody else changes the registry. A file of its own, because the registry is replaced.
fn lock(path: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.with_extension("lock"))?;
    file.lock()?;
    Ok(file)
}
