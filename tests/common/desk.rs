//! An agent's folder on a machine that has nothing else: no network, no key, no environment.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// Some folders of `programs/`, copied, and the program among them that is run.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) program: PathBuf,
}

impl Desk {
    /// `folders` lie side by side as they do in `programs/`; `program` is a path below it.
    pub(crate) fn new(folders: &[&str], program: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
        for name in folders {
            copy(&programs.join(name), &folder.path().join(name));
        }
        Self { folder, program: PathBuf::from(program) }
    }

    /// `avm COMMAND PROGRAM ARGS`
    pub(crate) fn avm(&self, command: &[&str], args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_avm"))
            .current_dir(self.folder.path())
            .env_clear()
            .args(command)
            .arg(&self.program)
            .args(args)
            .output()
            .expect("avm starts")
    }

    /// The program has no findings, all its names are granted, and it is in canonical form.
    pub(crate) fn assert_neat(&self) {
        for command in [&["check", "--grants"][..], &["fmt", "--check"]] {
            let output = self.avm(command, &[]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && !said.contains("warning["), "{said}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(path, to).expect("a copy");
        }
    }
}
