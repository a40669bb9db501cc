//! A folder of its own for each test, and the command run in it.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// A folder with files, and the command run in it.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What the command did.
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A bench with one program, `a.avm`.
    pub(crate) fn with(program: &str) -> Self {
        let bench = Self::new();
        bench.file("a.avm", program);
        bench
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("folders");
        }
        fs::write(path, content).expect("a file");
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path().join(path)).expect("the file exists")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_avm"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env("NO_COLOR", "1");
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.ran(self.command(args).output().expect("the command starts"))
    }

    /// Runs the command with a text on standard input.
    pub(crate) fn feed(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        // The command may be done before it has read everything.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        self.ran(child.wait_with_output().expect("the command ends"))
    }

    fn ran(&self, output: Output) -> Ran {
        let folder = self.path().canonicalize().expect("the folder exists");
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("the command prints UTF-8");
            without_times(&text.replace(&*folder.to_string_lossy(), "FOLDER"))
        };
        Ran {
            exit: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ran {
    /// All of it as one text, without what changes from build to build.
    pub(crate) fn show(&self) -> String {
        let mut out = format!("exit {}\n", self.exit);
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                out.push_str(&format!("--- {name}\n{}\n", text.trim_end()));
            }
        }
        without_hashes(&out)
    }
}

/// Hashes change with the format and the schedule, which have tests of their own.
pub(crate) fn without_hashes(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
        if digits >= 16 {
            out.push_str("HASH");
            out.push_str(&word[digits..]);
        } else {
            out.push_str(word);
        }
    }
    out
}

/// Durations differ from run to run: `in 0.3 ms` and `"ms":0.3` lose their numbers.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((at, mark)) =
        ["\"ms\":", " in "].iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min()
    {
        let (before, after) = rest.split_at(at + mark.len());
        out.push_str(before);
        let digits = after.find(|c: char| !c.is_ascii_digit() && !".e-".contains(c));
        let (number, tail) = after.split_at(digits.unwrap_or(after.len()));
        let timed = *mark == "\"ms\":" || tail.starts_with(" ms");
        out.push_str(if timed && !number.is_empty() { "T" } else { number });
        rest = tail;
    }
    out + rest
}

/// The number behind `"name":` in JSON lines.
pub(crate) fn number(json: &str, name: &str) -> u64 {
    let mark = format!("\"{name}\":");
    let at = json.rfind(&mark).expect("the field is there") + mark.len();
    let digits: String = json[at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}
