//! `.include` from the file system: only below a project's root folder.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
};

use crate::{LoadError, Sources, parse::MAX_SOURCE};

/// Names of which one marks the root folder of a project.
const MARKS: [&str; 2] = ["avm.toml", ".git"];

/// Files below one folder.
#[derive(Clone, Debug)]
pub struct Files {
    /// The root with all links resolved.
    root: PathBuf,
    /// The folder from which names are counted, with all links resolved.
    base: PathBuf,
    /// What stands before each name: the base as the user wrote it, with a slash behind it unless
    /// it is empty.
    prefix: String,
}

impl Files {
    /// The files of the project that `main` belongs to: everything below the nearest folder
    /// upwards that holds `avm.toml` or `.git`, or else below its own folder.
    ///
    /// # Errors
    /// What the operating system says about the path.
    pub fn of_project(main: &Path) -> io::Result<Self> {
        let main = fs::canonicalize(main)?;
        Self::around(main.parent().unwrap_or(&main))
    }

    /// The files of the project that a folder belongs to.
    ///
    /// # Errors
    /// What the operating system says about the path.
    pub fn around(folder: &Path) -> io::Result<Self> {
        let own = fs::canonicalize(folder)?;
        let marked =
            own.ancestors().find(|folder| MARKS.iter().any(|mark| folder.join(mark).exists()));
        Ok(Self::within(marked.unwrap_or(&own).to_path_buf()))
    }

    /// The files below a folder.
    ///
    /// # Errors
    /// What the operating system says about the path.
    pub fn below(root: &Path) -> io::Result<Self> {
        Ok(Self::within(fs::canonicalize(root)?))
    }

    fn within(root: PathBuf) -> Self {
        Self { base: root.clone(), root, prefix: String::new() }
    }

    /// The same files by names that people find them by: as the user would write them who wrote
    /// `folder`, and not counted from the root.
    ///
    /// # Errors
    /// What the operating system says about the folder.
    pub fn seen_from(self, folder: &Path) -> io::Result<Self> {
        let mut prefix = folder.to_string_lossy().into_owned();
        match prefix.as_str() {
            "." => prefix.clear(),
            text if text.is_empty() || text.ends_with('/') => {}
            _ => prefix.push('/'),
        }
        Ok(Self { root: self.root, base: fs::canonicalize(folder)?, prefix })
    }

    /// The name by which the assembler knows a file or folder, with forward slashes: its path from
    /// the root, unless [`Files::seen_from`] says otherwise. A path with a part that is not UTF-8
    /// stays as it is.
    ///
    /// # Errors
    /// What the operating system says about the path.
    pub fn name(&self, path: &Path) -> io::Result<String> {
        let path = fs::canonicalize(path)?;
        Ok(self.named(&path).unwrap_or_else(|| path.to_string_lossy().into_owned()))
    }

    /// The name of a resolved path.
    fn named(&self, path: &Path) -> Option<String> {
        let mut ancestors = self.base.ancestors().enumerate();
        let (ups, inside) =
            ancestors.find_map(|(ups, folder)| Some((ups, path.strip_prefix(folder).ok()?)))?;
        let mut parts = vec![".."; ups];
        for part in inside.components() {
            parts.push(part.as_os_str().to_str()?);
        }
        Some(format!("{}{}", self.prefix, parts.join("/")))
    }

    /// The folder of the file that has a name.
    fn folder_of(&self, name: &str) -> PathBuf {
        let file = self.base.join(name.strip_prefix(&self.prefix).unwrap_or(name));
        file.parent().unwrap_or(&self.root).to_path_buf()
    }
}

impl Sources for Files {
    fn load(&mut self, from: &str, path: &str) -> Result<(String, String), LoadError> {
        let folder = self.folder_of(from);
        // What lies outside is refused whether it exists or not.
        if !lexical(&folder.join(path)).starts_with(&self.root) {
            return Err(LoadError::OutsideRoot);
        }
        let found = fs::canonicalize(folder.join(path)).map_err(|error| refused(&error))?;
        if !found.starts_with(&self.root) {
            return Err(LoadError::OutsideRoot);
        }
        let name = self.named(&found).ok_or(LoadError::NotUtf8)?;
        Ok((name, read(&found)?))
    }
}

fn read(path: &Path) -> Result<String, LoadError> {
    let failed = |error: io::Error| refused(&error);
    // Opening a pipe could wait for ever.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(LoadError::Io(String::from("it is not a file")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_SOURCE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_SOURCE {
        return Err(LoadError::Io(format!("it is larger than {} MiB", MAX_SOURCE >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| LoadError::NotUtf8)
}

/// A path without `.` and `..`, links not looked at.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

fn refused(error: &io::Error) -> LoadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LoadError::NotFound,
        _ => LoadError::Io(error.to_string()),
    }
}
