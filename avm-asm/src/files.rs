//! `.include` from the file system: only below a project's root folder.

use std::{
    fs, io,
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
        Ok(Self { root: marked.unwrap_or(&own).to_path_buf() })
    }

    /// The files below a folder.
    ///
    /// # Errors
    /// What the operating system says about the path.
    pub fn below(root: &Path) -> io::Result<Self> {
        Ok(Self { root: fs::canonicalize(root)? })
    }

    /// The name by which the assembler knows a file or folder: its path from the root with forward
    /// slashes, or the path as it is where it lies elsewhere.
    ///
    /// # Errors
    /// What the operating system says about the path.
    pub fn name(&self, path: &Path) -> io::Result<String> {
        let path = fs::canonicalize(path)?;
        Ok(self.inside(&path).unwrap_or_else(|| path.to_string_lossy().into_owned()))
    }

    fn inside(&self, path: &Path) -> Option<String> {
        let parts = path.strip_prefix(&self.root).ok()?.components().map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
    }
}

impl Sources for Files {
    fn load(&mut self, from: &str, path: &str) -> Result<(String, String), LoadError> {
        let folder = self.root.join(from);
        let folder = folder.parent().unwrap_or(&self.root);
        // What lies outside is refused whether it exists or not.
        if !lexical(&folder.join(path)).starts_with(&self.root) {
            return Err(LoadError::OutsideRoot);
        }
        let found = fs::canonicalize(folder.join(path)).map_err(|error| refused(&error))?;
        let name = self.inside(&found).ok_or(LoadError::OutsideRoot)?;
        let size = fs::metadata(&found).map_err(|error| refused(&error))?.len();
        if size > MAX_SOURCE as u64 {
            return Err(LoadError::Io(format!("it has {size} bytes, the limit is {MAX_SOURCE}")));
        }
        let bytes = fs::read(&found).map_err(|error| refused(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| LoadError::NotUtf8)?;
        Ok((name, text))
    }
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
        io::ErrorKind::NotFound => LoadError::NotFound,
        _ => LoadError::Io(error.to_string()),
    }
}
