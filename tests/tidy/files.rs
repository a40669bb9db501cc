//! The files of the repository.

use std::{fs, path::Path};

/// A text file.
pub(crate) struct File {
    /// Path from the root of the repository, with `/`.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

/// What is not ours or no source.
const SKIP: &[&str] = &["target", ".git", ".avm", "node_modules"];

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&full).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether a file or folder of the repository exists.
pub(crate) fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists()
}

/// Every text file below a folder, sorted by path.
pub(crate) fn below(folder: &str) -> Vec<File> {
    let mut files = Vec::new();
    let mut open = vec![String::from(folder)];
    while let Some(folder) = open.pop() {
        let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder);
        let Ok(entries) = fs::read_dir(full) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let Ok(kind) = entry.file_type() else { continue };
            // In a work tree beside another `.git` is a file.
            if SKIP.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The Rust files below a folder.
pub(crate) fn sources(folder: &str) -> Vec<File> {
    let mut files = below(folder);
    files.retain(|file| file.path.ends_with(".rs"));
    files
}

/// Every Rust file.
pub(crate) fn rust() -> Vec<File> {
    sources("")
}

/// Numbered lines of a file up to its tests, without comments; none of a file of tests.
pub(crate) fn code_lines(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let tests = file.path.ends_with("tests.rs") || file.path.contains("/tests/");
    let lines = (1..).zip(file.text.lines());
    lines
        .take_while(move |(_, line)| !tests && *line != "#[cfg(test)]")
        .map(|(number, line)| (number, line.split("//").next().unwrap_or("").trim()))
        .filter(|(_, line)| !line.is_empty())
}
