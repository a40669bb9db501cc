//! The agent of `programs/guarded`, which rewrites itself to be noted less: with its policy every way
//! out is denied for its own reason, and the trace and the history have each; without it some work.

#[path = "common/desk.rs"]
mod desk;

use std::fs;

use desk::Desk;
use serde_json::Value;

/// Each way out, in order, and what stands against it.
const DENIED: [&str; 6] = [
    "region NOTES is locked",
    "policy clause region.AGENT_STRATEGY.keep: ",
    "policy clause region.AGENT_STRATEGY.invariants: all_noted(tasks) does not hold: T10",
    "policy clause region.AGENT_STRATEGY.tests_pass: it answers right: ",
    "policy clause region.AGENT_STRATEGY.forbid: ",
    "policy clause region.AGENT_STRATEGY.invariants: all_noted(tasks) does not hold: a function",
];

fn desk() -> Desk {
    Desk::new(&["guarded"], "guarded/checked_agent.avm")
}

/// Standard output of a command that ends well.
fn said(desk: &Desk, command: &[&str], args: &[&str]) -> String {
    let output = desk.avm(command, args);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_way_out_is_denied_and_an_honest_one_is_taken() {
    let desk = desk();
    desk.assert_neat();
    let ran = said(&desk, &["run"], &["--run", "kept", "-q"]);
    let denied: Vec<&str> = ran.lines().filter(|line| line.contains(": denied: ")).collect();
    assert_eq!(denied.len(), DENIED.len(), "{ran}");
    for (line, why) in denied.iter().zip(DENIED) {
        assert!(line.contains(why), "{line}");
    }
    assert!(ran.ends_with("one that works: score 4, right answers 4\n[2,4]\n"), "{ran}");

    // The trace has each attempt, and the one rewrite.
    let kept = Desk { program: "kept".into(), ..desk };
    let trace = said(&kept, &["trace", "--json", "--opcode", "SELF_MODIFY"], &[]);
    let records = trace.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let (mut attempts, mut rewrites) = (Vec::new(), 0);
    for record in records {
        match record["kind"].as_str() {
            Some("rewrite") => rewrites += 1,
            Some("effect") => attempts.push(record.to_string()),
            _ => {}
        }
    }
    assert_eq!((attempts.len(), rewrites), (DENIED.len() + 1, 1), "{trace}");
    for (attempt, why) in attempts.iter().zip(DENIED) {
        assert!(attempt.contains(why), "{attempt}");
    }
    // So has the history.
    let history = said(&kept, &["history"], &[]);
    for why in DENIED {
        assert!(history.contains(why), "{history}");
    }
    assert_eq!(said(&kept, &["replay", "-q"], &[]), ran);
}

/// The policy is what stands between the agent and a score that says nothing.
#[test]
fn without_the_policy_a_strategy_that_notes_nothing_has_all_points() {
    let desk = desk();
    let config = desk.folder.path().join("guarded/avm.toml");
    let text = fs::read_to_string(&config).expect("it is there");
    fs::write(&config, text.replace("policy = ", "# policy = ")).expect("written");
    let output = desk.avm(&["run"], &["-q"]);
    let ran = String::from_utf8_lossy(&output.stdout).into_owned();
    for way in ["that does not call it", "calls it where it never comes", "turns the check off"] {
        let fooled = |line: &str| line.contains(way) && line.ends_with("score 4, right answers 0");
        assert!(ran.lines().any(fooled), "{way}\n{ran}");
    }
    // What is locked is locked without it, too.
    assert!(ran.contains(DENIED[0]), "{ran}");
}
