//! A folder of immutable files, each named by the blake3 hash of its content.
//!
//! A file appears under its name only after its content is on disk, and reading checks the hash, so
//! a torn or altered file is an error and never a wrong value.

use super::{MAX_VALUE_BYTES, StoreError};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub(super) const HASH_BYTES: usize = blake3::OUT_LEN;
pub(super) type Hash = [u8; HASH_BYTES];

/// Ending of a file that is being written; a leftover of a crash is removed by [`Blobs::sweep`].
const UNFINISHED: &str = "tmp";

#[derive(Debug)]
pub(super) struct Blobs {
    folder: PathBuf,
    /// Two writers of the same content would share the name of the unfinished file.
    writing: Mutex<()>,
}

impl Blobs {
    pub(super) fn open(folder: PathBuf) -> Result<Blobs, StoreError> {
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        Ok(Blobs { folder, writing: Mutex::new(()) })
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        self.folder.join(blake3::Hash::from_bytes(*hash).to_hex().as_str())
    }

    /// Writes `content` unless it is there already. On return it survives a power cut.
    pub(super) fn write(&self, content: &[u8]) -> Result<Hash, StoreError> {
        let hash = *blake3::hash(content).as_bytes();
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // An existing file may be torn, so it counts only if it reads back; its name may not be
        // durable yet if the process that wrote it was killed.
        if matches!(self.read(&hash, content.len() as u64), Ok(Ok(_))) {
            sync_folder(&self.folder)?;
            return Ok(hash);
        }
        let path = self.path(&hash);
        let unfinished = path.with_extension(UNFINISHED);
        let mut file = File::create(&unfinished).map_err(at(&unfinished))?;
        file.write_all(content).map_err(at(&unfinished))?;
        file.sync_all().map_err(at(&unfinished))?;
        drop(file);
        fs::rename(&unfinished, &path).map_err(at(&path))?;
        sync_folder(&self.folder)?;
        Ok(hash)
    }

    /// The content of that hash and length; the inner error says how the file is damaged.
    #[allow(clippy::type_complexity, reason = "the two errors are reported differently")]
    pub(super) fn read(
        &self,
        hash: &Hash,
        len: u64,
    ) -> Result<Result<Vec<u8>, String>, StoreError> {
        let path = self.path(hash);
        let damaged = |why: &str| Ok(Err(format!("blob {} {why}", path.display())));
        let file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return damaged("is missing"),
            other => other.map_err(at(&path))?,
        };
        let mut content = Vec::new();
        file.take(MAX_VALUE_BYTES as u64 + 1).read_to_end(&mut content).map_err(at(&path))?;
        if content.len() as u64 != len {
            return damaged(&format!("has {} bytes instead of {len}", content.len()));
        }
        if blake3::hash(&content) != blake3::Hash::from_bytes(*hash) {
            return damaged("does not match its hash");
        }
        Ok(Ok(content))
    }

    /// Removes every file that is not in `keep`; tells how many. Leaves files of other names alone.
    pub(super) fn sweep(&self, keep: &BTreeSet<Hash>) -> Result<u64, StoreError> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder).map_err(at(&self.folder))? {
            let path = entry.map_err(at(&self.folder))?.path();
            let unfinished = path.extension().is_some_and(|e| e == UNFINISHED);
            let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            let Ok(hash) = blake3::Hash::from_hex(stem) else { continue };
            let finished = path.extension().is_none();
            if unfinished || (finished && !keep.contains(hash.as_bytes())) {
                fs::remove_file(&path).map_err(at(&path))?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Makes the names in a folder durable. Only Unix lets a folder be opened for that.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder).and_then(|f| f.sync_all()).map_err(at(folder))?;
    }
    Ok(())
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |source| StoreError::Io { path: path.to_owned(), source }
}
