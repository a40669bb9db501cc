//! The trading agents: the whitepaper's own text in each of its branches, by the configurations in
//! `programs/paper/trading`, and the mended one in `programs/trading`. Each run is one command, offline.
//! What they say, which effects they ask and which of those fail, what they cost and how they end is
//! pinned.

#[path = "common/desk.rs"]
mod desk;

use std::{collections::BTreeSet, fmt::Write as _, fs};

use desk::Desk;
use serde_json::Value;

/// A run in lines: notes as they are, an effect after `>` with its failure, and the end.
fn run(desk: &Desk, args: &[&str]) -> String {
    let output = desk.avm(&["run"], &[args, &["--json"]].concat());
    let mut lines = String::new();
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let _ = match word(&event, "event") {
            "log" => match &event["note"] {
                Value::String(note) => writeln!(lines, "{note}"),
                note => writeln!(lines, "{note}"),
            },
            "effect" => {
                // The machine refuses some without asking anybody.
                let by = event["provider"].as_str().unwrap_or("the machine");
                let _ = write!(lines, "> {} by {by}", word(&event, "opcode"));
                match word(&event, "failure") {
                    "" => writeln!(lines),
                    failure => writeln!(lines, ", {failure}: {}", word(&event, "message")),
                }
            }
            "end" => end(&mut lines, &event),
            _ => Ok(()),
        };
    }
    let _ = writeln!(lines, "exit {}", output.status.code().unwrap_or(-1));
    // Without an end the run was refused, and standard error says why.
    assert!(lines.contains("\nend "), "{lines}{}", String::from_utf8_lossy(&output.stderr));
    lines
}

fn end(lines: &mut String, event: &Value) -> std::fmt::Result {
    write!(lines, "end {}", word(event, "end"))?;
    for part in ["trap", "meter", "message"] {
        if let Some(words) = event[part].as_str() {
            write!(lines, ", {words}")?;
        }
    }
    if let Some(line) = event["line"].as_u64() {
        write!(lines, ", line {line}")?;
    }
    let gas = avm_ir::gas::Gas(event["gas_used"].as_u64().expect("gas"));
    writeln!(lines, "\ngas {gas}")?;
    if !event["used"].is_null() {
        writeln!(lines, "used {}", event["used"])?;
    }
    match &event["value"] {
        Value::Null => Ok(()),
        value => writeln!(lines, "value {value}"),
    }
}

/// A text of an event, empty if it has none.
fn word<'a>(event: &'a Value, name: &str) -> &'a str {
    event[name].as_str().unwrap_or_default()
}

/// The names of the configurations in a folder.
fn branches(desk: &Desk, folder: &str) -> BTreeSet<String> {
    fs::read_dir(desk.folder.path().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

/// The whitepaper's text.
fn paper() -> Desk {
    Desk::new(&["paper", "self_learning", "trading"], "paper/trading_agent.avm")
}

fn paper_run(desk: &Desk, branch: &str, args: &[&str]) -> String {
    let config = format!("paper/trading/{branch}.toml");
    run(desk, &[&["--config", &config], args].concat())
}

/// The mended agent.
fn mended() -> Desk {
    Desk::new(&["trading"], "trading/trading_agent.avm")
}

fn mended_run(desk: &Desk, branch: &str, args: &[&str]) -> String {
    let config = format!("trading/branches/{branch}.toml");
    run(desk, &[&["--config", &config], args].concat())
}

#[test]
fn the_papers_text_in_each_branch() {
    let desk = paper();
    let names = branches(&desk, "paper/trading");
    assert_eq!(names.len(), 16, "{names:?}");
    for name in names {
        insta::assert_snapshot!(format!("paper_{name}"), paper_run(&desk, &name, &[]));
    }
}

#[test]
fn the_papers_text_denied_credits() {
    let deny = ["--on-exhausted", "deny"];
    insta::assert_snapshot!(paper_run(&paper(), "few_credits", &deny));
}

/// A portfolio that was stored is taken; registers that were saved come back, the old forecast with
/// them, and the text decides by it where this run has none.
#[test]
fn the_papers_text_with_a_past() {
    let mut desk = paper();
    let state = ["--state", "trading.state"];
    let text = desk.program.clone();
    desk.program = "paper/trading/portfolio.avm".into();
    assert!(desk.avm(&["run"], &state).status.success());
    desk.program = text;
    insta::assert_snapshot!("paper_portfolio", paper_run(&desk, "trade", &state));
    insta::assert_snapshot!("paper_old_forecast", paper_run(&desk, "no_sentiment", &state));
}

#[test]
fn the_mended_agent() {
    let desk = mended();
    insta::assert_snapshot!("mended_trade", run(&desk, &[]));
    let names = branches(&desk, "trading/branches");
    assert_eq!(names.len(), 13, "{names:?}");
    for name in names {
        insta::assert_snapshot!(format!("mended_{name}"), mended_run(&desk, &name, &[]));
    }
}

/// What it bought it may sell; after trades that did badly it would change its strategy if it could.
#[test]
fn the_mended_agent_with_a_past() {
    let desk = mended();
    let state = ["--state", "trading.state"];
    run(&desk, &state);
    insta::assert_snapshot!("mended_second_run", run(&desk, &state));
    insta::assert_snapshot!("mended_sells", mended_run(&desk, "sell", &state));
}

#[test]
fn the_mended_agent_short_of_a_budget() {
    let desk = mended();
    insta::assert_snapshot!("mended_out_of_credits", run(&desk, &["--budget", "credits=5"]));
    let deny = ["--budget", "credits=5", "--on-exhausted", "deny"];
    insta::assert_snapshot!("mended_denied_credits", run(&desk, &deny));
    insta::assert_snapshot!("mended_out_of_gas", run(&desk, &["--gas", "50"]));
}

/// What needs a world or a code store fails in the run of one agent, also where neither program comes
/// to it, and the status word of its class says so.
#[test]
fn what_a_lone_agent_cannot_do() {
    let mut desk = mended();
    desk.program = "trading/lone.avm".into();
    let code = "\
        SWARM_CONNECT \"TradingSwarm\"\nLOG lastTaskFailed\n\
        PAY_AGENT \"HPCBot\", 10, \"AVM_CREDITS\"\nLOG lastPluginFailed\n\
        SELF_OBSERVER_MODE true\nLOG lastRewriteFailed\n\
        SELF_READ region=\"S\" -> code\nLOG lastRewriteFailed\n\
        SELF_MODIFY_SANDBOX region=\"S\", patch=\"LOG 1\", max_tests=5 -> tested\nLOG lastRewriteFailed\n\
        LOG [code, tested, RtestResult]\n\
        SELF_MODIFY region=\"S\", new_code_ref=\"LOG 1\"\nLOG lastRewriteFailed\n\
        CREATE_SYSTEM_CHECKPOINT label=\"S\"\nLOG lastRewriteFailed\n\
        .region S perms=read,modify,execute\nLOG \"unchanged\"\n.endregion\n";
    fs::write(desk.folder.path().join(&desk.program), code).expect("a file");
    insta::assert_snapshot!(run(&desk, &["--grant", "channel:TradingSwarm"]));
}

#[test]
fn threads_change_nothing() {
    let (paper, mended) = (paper(), mended());
    for workers in ["1", "8"] {
        let workers = ["--workers", workers];
        assert_eq!(paper_run(&paper, "trade", &[]), paper_run(&paper, "trade", &workers));
        assert_eq!(run(&mended, &[]), run(&mended, &workers));
    }
}

#[test]
fn the_mended_agent_has_no_findings() {
    mended().assert_neat();
}

/// Every configuration stands in the index, which says what comes of it.
#[test]
fn every_branch_is_in_the_index() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/README.md");
    let index = fs::read_to_string(path).expect("the index");
    for (desk, folder) in [(paper(), "paper/trading"), (mended(), "trading/branches")] {
        for name in branches(&desk, folder) {
            assert!(index.contains(&format!("\n| {name} |")), "{folder}/{name}");
        }
    }
}

/// Every program but the whitepaper's own texts is in canonical form.
#[test]
fn programs_are_in_canonical_form() {
    let mut desk = Desk::new(&["."], "rag_bot.avm");
    let mut folders = vec![desk.folder.path().to_path_buf()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "avm")
                && !path.parent().is_some_and(|folder| folder.ends_with("paper"))
            {
                desk.program = path;
                let output = desk.avm(&["fmt", "--check"], &[]);
                assert!(output.status.success(), "{}", desk.program.display());
                count += 1;
            }
        }
    }
    assert!(count > 40, "{count}");
}
