//! Tables in Markdown, which a terminal shows well enough, and the page they are kept in.

use std::{ops::Range, path::Path, process::Command};

use anyhow::{Context, Result};

/// The page of figures.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/benchmarks.md");

/// A table with columns as wide as they need to be; those with numbers are flush right.
pub fn render(header: &[String], rows: &[Vec<String>], numbers: Range<usize>) -> String {
    let wide = |index: usize| {
        let cells = rows.iter().map(|row| &row[index]).chain([&header[index]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(wide).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(index, (cell, &width))| {
            if numbers.contains(&index) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(index, width)| {
        if numbers.contains(&index) {
            format!("{}:", "-".repeat(width - 1))
        } else {
            "-".repeat(*width)
        }
    });
    let rule = line(&rule.collect::<Vec<_>>());
    [line(header), rule].into_iter().chain(rows.iter().map(|row| line(row))).collect()
}

/// When, where and of what a measurement was taken.
pub fn circumstances(command: &str) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let commit = said("git", &["describe", "--always", "--dirty"]);
    format!(
        "`{command}`, {}, {cores} cores of {model}, load {} before, {}, commit {commit}.\n",
        said("date", &["-u", "+%F %H:%M UTC"]),
        load(),
        said("rustc", &["--version"]),
    )
}

/// How many processes wanted to run over the last minute.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

/// The first line that a command prints.
pub fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let line = text.ok().and_then(|text| text.lines().next().map(str::to_owned));
    line.unwrap_or_else(|| String::from("unknown"))
}

/// Puts a text between two marks of the page.
pub fn publish(mark: &str, text: &str) -> Result<()> {
    let path = Path::new(PAGE);
    let page = std::fs::read_to_string(path).with_context(|| PAGE.to_owned())?;
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = page.split_once(&begin).with_context(|| format!("no {begin}"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("no {end}"))?;
    std::fs::write(path, format!("{before}{begin}\n{text}\n{end}{after}"))?;
    Ok(())
}
