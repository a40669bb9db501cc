use super::blobs::{Blobs, HASH_BYTES, Hash, at, sync_folder};
use super::{Store, StoreError, Visit, check_entry, check_key, check_tree};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Values up to this size, in bytes, live in the database itself, larger ones in files beside it.
const MAX_INLINE_BYTES: usize = 4096;

/// First byte of a stored value: what the rest is.
const INLINE: u8 = 0;
const BLOB: u8 = 1;

/// Tree names get this prefix, so that none meets a tree of the database's own.
const PREFIX: &str = "t:";

/// A store on disk: a sled database for keys and small values, a folder of files for large values.
///
/// Layout under the folder that the caller names: `sled/` and `blobs/`. One process at a time.
///
/// Three things sled 0.34 leaves to us. Its `flush` asks Linux only for `sync_file_range`, which is
/// no promise after a power cut, so [`Store::flush`] also syncs the database file itself. It keeps
/// large values badly, so they go to files that are complete and synced before the database refers
/// to them. And nothing removes a file when its last reference goes: call [`SledStore::sweep`].
#[derive(Debug)]
pub struct SledStore {
    db: sled::Db,
    file: PathBuf,
    blobs: Blobs,
    /// Held for reading by every operation and for writing by `sweep`: a file may be written before
    /// the database refers to it, or read after the reference was taken, and must not go meanwhile.
    sweeping: RwLock<()>,
}

impl SledStore {
    /// Opens the store in `folder`, making it if needed.
    ///
    /// # Errors
    /// The folder cannot be used, another process has it open, or the database is damaged.
    pub fn open(folder: &Path) -> Result<SledStore, StoreError> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let database = folder.join("sled");
        let blobs = Blobs::open(folder.join("blobs"))?;
        let db = sled::Config::new().path(&database).open()?;
        sync_folder(&database)?;
        sync_folder(folder)?;
        if let Some(parent) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        Ok(SledStore { db, file: database.join("db"), blobs, sweeping: RwLock::new(()) })
    }

    /// Removes the files that no entry refers to any more; tells how many. Flushes first, so that
    /// no reference that a power cut could bring back loses its file.
    ///
    /// # Errors
    /// A failing disk or an entry that cannot be read; then nothing, or not everything, is removed.
    pub fn sweep(&self) -> Result<u64, StoreError> {
        let _all = self.sweeping.write().unwrap_or_else(PoisonError::into_inner);
        self.sync()?;
        let mut keep = BTreeSet::new();
        for name in self.db.tree_names() {
            if !name.starts_with(PREFIX.as_bytes()) {
                continue;
            }
            let tree = self.db.open_tree(&name)?;
            for entry in &tree {
                if let Stored::Blob(hash, _) = parse(&String::from_utf8_lossy(&name), &entry?.1)? {
                    keep.insert(hash);
                }
            }
        }
        self.blobs.sweep(&keep)
    }

    fn shared<T>(&self, f: impl FnOnce() -> T) -> T {
        let _some = self.sweeping.read().unwrap_or_else(PoisonError::into_inner);
        f()
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush()?;
        File::open(&self.file).and_then(|f| f.sync_data()).map_err(at(&self.file))
    }

    /// The tree if it exists. Opening creates, and reading must not fill the disk with empty trees.
    fn existing(&self, tree: &str) -> Result<Option<sled::Tree>, StoreError> {
        let name = format!("{PREFIX}{tree}");
        if !self.db.tree_names().iter().any(|n| n == name.as_bytes()) {
            return Ok(None);
        }
        Ok(Some(self.db.open_tree(name)?))
    }

    fn load(
        &self,
        name: &str,
        tree: &sled::Tree,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(value) = tree.get(key)? else { return Ok(None) };
        match parse(name, &value)? {
            Stored::Inline(bytes) => Ok(Some(bytes.to_vec())),
            Stored::Blob(hash, len) => match self.blobs.read(&hash, len)? {
                Ok(bytes) => Ok(Some(bytes)),
                Err(why) => Err(StoreError::Corrupt { tree: name.to_owned(), why }),
            },
        }
    }
}

impl Store for SledStore {
    fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(tree, key)?;
        let Some(entries) = self.existing(tree)? else { return Ok(None) };
        self.shared(|| self.load(tree, &entries, key))
    }

    fn put(&self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        check_entry(tree, key, value)?;
        self.shared(|| {
            let stored = if value.len() <= MAX_INLINE_BYTES {
                [&[INLINE], value].concat()
            } else {
                let hash = self.blobs.write(value)?;
                [&[BLOB][..], &hash, &(value.len() as u64).to_le_bytes()].concat()
            };
            self.db.open_tree(format!("{PREFIX}{tree}"))?.insert(key, stored)?;
            Ok(())
        })
    }

    fn delete(&self, tree: &str, key: &[u8]) -> Result<bool, StoreError> {
        check_key(tree, key)?;
        let Some(entries) = self.existing(tree)? else { return Ok(false) };
        Ok(entries.remove(key)?.is_some())
    }

    fn scan(&self, tree: &str, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        check_key(tree, prefix)?;
        let Some(entries) = self.existing(tree)? else { return Ok(()) };
        for key in entries.scan_prefix(prefix).keys() {
            let key = key?;
            // Read anew: the iterator may hold an older value whose file is swept by now.
            let Some(value) = self.shared(|| self.load(tree, &entries, &key))? else { continue };
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn drop_tree(&self, tree: &str) -> Result<bool, StoreError> {
        check_tree(tree)?;
        let Some(entries) = self.existing(tree)? else { return Ok(false) };
        let had = !entries.is_empty();
        drop(entries);
        self.db.drop_tree(format!("{PREFIX}{tree}"))?;
        Ok(had)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.sync()
    }
}

enum Stored<'a> {
    Inline(&'a [u8]),
    Blob(Hash, u64),
}

fn parse<'a>(tree: &str, value: &'a [u8]) -> Result<Stored<'a>, StoreError> {
    match value.split_first() {
        Some((&INLINE, rest)) => Ok(Stored::Inline(rest)),
        Some((&BLOB, rest)) if rest.len() == HASH_BYTES + 8 => {
            let (hash, len) = rest.split_at(HASH_BYTES);
            let (mut h, mut l) = ([0; HASH_BYTES], [0; 8]);
            h.copy_from_slice(hash);
            l.copy_from_slice(len);
            Ok(Stored::Blob(h, u64::from_le_bytes(l)))
        }
        _ => Err(StoreError::Corrupt {
            tree: tree.to_owned(),
            why: "a stored value has neither known form".to_owned(),
        }),
    }
}
