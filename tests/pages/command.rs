//! The list at the end of `spec/command.md`, from what `avm --help` says.

use std::process::Command;

/// The line behind which the page is generated.
pub(crate) const HEADING: &str = "## Exit codes";

/// Everything behind [`HEADING`].
pub(crate) fn list() -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_avm")).arg("--help").output().expect("avm --help runs");
    let help = String::from_utf8_lossy(&output.stdout);
    let (_, codes) = help.split_once("Exit codes:\n").expect("the help lists the exit codes");
    let mut page = String::from("\nGenerated from `avm --help`.\n\n");
    for line in codes.lines().map(str::trim).take_while(|line| !line.is_empty()) {
        let (code, meaning) = line.split_once(' ').expect("a code and its meaning");
        page.push_str(&format!("* Exit code {code} means: {}.\n", meaning.trim()));
    }
    page
}
