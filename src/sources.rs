//! Where `.include` finds its files: below the project's root and nowhere else.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use avm_asm::{LoadError, Sources};

use crate::files;

/// Largest source file, in bytes; see `spec/language.md`.
pub(crate) const MAX_SOURCE: u64 = 16 << 20;
/// The name of a program from standard input.
pub(crate) const STDIN: &str = "<stdin>";

/// The files of one program.
pub(crate) struct Folder {
    /// No file outside is read; canonical. `None` where there is no folder, then nothing is.
    root: Option<PathBuf>,
    /// Folder of the program, canonical, and as the user named it.
    base: PathBuf,
    named: PathBuf,
    /// Canonical path of each file by the name it goes by.
    paths: BTreeMap<String, PathBuf>,
}

impl Folder {
    /// The files that a program may include. The root is the folder of `avm.toml`, else the
    /// program's own.
    pub(crate) fn of(program: &Path, project: Option<&Path>) -> Self {
        let named =
            if files::is_dash(program) { Path::new(".") } else { files::folder_of(program) };
        let base = fs::canonicalize(named).unwrap_or_else(|_| named.to_owned());
        let root = project.map(Path::to_owned).or_else(|| fs::canonicalize(named).ok());
        let mut paths = BTreeMap::new();
        let main = fs::canonicalize(program).unwrap_or_else(|_| base.join(STDIN));
        paths.insert(name_of(program), main);
        Self { root, base, named: named.to_owned(), paths }
    }

    /// The name that a file goes by: its path seen from where the user stands.
    fn name(&self, path: &Path) -> String {
        if let Some((name, _)) = self.paths.iter().find(|(_, known)| known.as_path() == path) {
            return name.clone();
        }
        let mut ups = PathBuf::new();
        let mut from = self.base.as_path();
        let inside = loop {
            match (path.strip_prefix(from), from.parent()) {
                (Ok(inside), _) => break inside,
                (Err(_), Some(parent)) => from = parent,
                (Err(_), None) => break path,
            }
            ups.push(Component::ParentDir);
        };
        let folder = if self.named == Path::new(".") { Path::new("") } else { &self.named };
        folder.join(ups).join(inside).to_string_lossy().into_owned()
    }
}

/// The name by which a program is known in messages and debug data.
pub(crate) fn name_of(program: &Path) -> String {
    if files::is_dash(program) { STDIN.to_owned() } else { program.to_string_lossy().into_owned() }
}

impl Sources for Folder {
    fn load(&mut self, from: &str, path: &str) -> Result<(String, String), LoadError> {
        let from = self.paths.get(from).ok_or(LoadError::NotFound)?;
        let wanted = files::folder_of(from).join(path);
        let target = fs::canonicalize(&wanted).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LoadError::NotFound,
            _ => LoadError::Io(error.to_string()),
        })?;
        match &self.root {
            Some(root) if target.starts_with(root) => {}
            _ => return Err(LoadError::OutsideRoot),
        }
        let text = read(&target)?;
        let name = self.name(&target);
        self.paths.insert(name.clone(), target);
        Ok((name, text))
    }
}

fn read(path: &Path) -> Result<String, LoadError> {
    let failed = |error: io::Error| LoadError::Io(error.to_string());
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(LoadError::Io("not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_SOURCE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_SOURCE {
        return Err(LoadError::Io("larger than 16 MiB".to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| LoadError::NotUtf8)
}
