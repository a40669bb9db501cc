//! The agents of `programs/self_learning` that rewrite themselves: what they learn, that a run of one
//! plays again with its rewrites, and that the trace shows each of them.

#[path = "common/desk.rs"]
mod desk;

use std::{fmt::Write as _, fs, path::Path, process::Output};

use desk::Desk;
use serde_json::Value;

/// The seeds of the agent, each with a series of prices of its own.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;
/// The runs of which the trace is looked at too, which takes as long as the run.
const TRACED: u64 = 3;
/// How many of the ten have to do better on prices that they did not learn from.
const WANTED: usize = 8;

fn trader() -> Desk {
    Desk::new(&["self_learning"], "self_learning/trading_agent.avm")
}

fn stdout(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What came of one run.
struct Learnt {
    seed: u64,
    result: Value,
}

impl Learnt {
    fn number(&self, version: usize, what: &str) -> i64 {
        self.versions()[version][what].as_i64().expect("a number")
    }

    fn versions(&self) -> &[Value] {
        self.result["versions"].as_array().expect("a list")
    }

    /// What was earned on prices that decided nothing, at first and at last.
    fn unseen(&self) -> (i64, i64) {
        (self.number(0, "unseen"), self.number(self.versions().len() - 1, "unseen"))
    }
}

/// Runs the agent, plays the run again, and looks at its trace.
fn learn(seed: u64) -> Learnt {
    let desk = trader();
    let series = format!("series={seed}");
    let seed_text = seed.to_string();
    let args = ["--seed", &seed_text, "--input", &series, "--run", "kept", "-q"];
    let said = stdout(desk.avm(&["run"], &args));
    let kept = Desk { program: "kept".into(), ..desk };
    assert_eq!(stdout(kept.avm(&["replay", "-q"], &[])), said, "seed {seed}: the replay");
    if seed <= TRACED {
        let trace = ["trace", "--json", "--opcode", "SELF_MODIFY", "--opcode", "REVERT_CODE"];
        rewrites_of(&stdout(kept.avm(&trace, &[])), 20);
    }
    let result = said.lines().next_back().expect("a result");
    Learnt { seed, result: serde_json::from_str(result).expect("JSON") }
}

/// Every change of the code is in the trace with what it was before, what it is after, and the
/// difference; and what one change leaves is what the next one finds.
fn rewrites_of(trace: &str, least: usize) {
    let records: Vec<Value> =
        trace.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |kind: &str| -> Vec<&Value> {
        records.iter().filter(|record| record["kind"] == kind).collect()
    };
    let rewrites = of("rewrite");
    assert!(rewrites.len() >= least, "{}", rewrites.len());
    assert_eq!(rewrites.len(), of("step").len());
    for pair in rewrites.windows(2) {
        assert_eq!(pair[0]["after"], pair[1]["before"]);
    }
    for rewrite in rewrites {
        assert_ne!(rewrite["before"]["hash"], rewrite["after"]["hash"]);
        let diff = rewrite["diff"].as_str().expect("a difference");
        assert!(diff.starts_with("@@ ") && diff.contains("\n-") && diff.contains("\n+"), "{diff}");
    }
}

/// Ten runs, side by side.
fn ten() -> Vec<Learnt> {
    std::thread::scope(|scope| {
        let runs: Vec<_> = SEEDS.map(|seed| scope.spawn(move || learn(seed))).collect();
        runs.into_iter().map(|run| run.join().expect("a run")).collect()
    })
}

#[test]
fn the_agent_learns_what_holds_for_prices_that_it_has_not_seen() {
    let runs = ten();
    let better = runs.iter().filter(|run| run.unseen().1 > run.unseen().0).count();
    assert!(better >= WANTED, "{better} of {}", runs.len());
    let mut table = String::from(
        "| seed | climbs | best | seen, at first | seen, at last | not seen, at first | not seen, at last |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for run in &runs {
        let last = run.versions().len() - 1;
        let (first, unseen) = run.unseen();
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "| {} | {} | {last} | {} | {} | {first} | {unseen} |",
            run.seed,
            run.result["climbs"],
            run.number(0, "seen"),
            run.number(last, "seen"),
        );
    }
    let gains = runs.iter().filter(|run| run.unseen().1 > 0).count();
    let _ = writeln!(
        table,
        "\nBetter at last than at first on prices not seen: {better} of {}. Better there than not \
         trading at all, which earns 0: {gains} of {0}.",
        runs.len()
    );
    keep(&table);
}

/// The page has this table; else it is written, and the test fails once.
fn keep(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/learning.md");
    let page = fs::read_to_string(&path).expect("the page exists");
    let (head, rest) = page.split_once("<!-- table -->\n").expect("it has a place for the table");
    let (old, tail) = rest.split_once("<!-- end -->\n").expect("the table has an end");
    if old != table {
        let new = format!("{head}<!-- table -->\n{table}<!-- end -->\n{tail}");
        fs::write(&path, new).expect("docs/ can be written");
        panic!("regenerated docs/learning.md: review and commit");
    }
}

/// The prices are what the program that stands beside them makes, and nothing else.
#[test]
fn the_prices_are_made_by_their_program() {
    let desk = Desk::new(&["self_learning"], "self_learning/prices.avm");
    let file = desk.folder.path().join("self_learning/fixtures/prices.toml");
    let file: toml::Table = fs::read_to_string(file).expect("the file").parse().expect("TOML");
    let entries = file["read"].as_array().expect("entries");
    assert_eq!(entries.len(), SEEDS.count());
    for (seed, entry) in SEEDS.zip(entries) {
        let seed_text = seed.to_string();
        let made = stdout(desk.avm(&["run"], &["--seed", &seed_text, "--no-journal", "-q"]));
        let made: Vec<i64> = serde_json::from_str(&made).expect("a list");
        let kept: Vec<i64> = entry["give"].clone().try_into().expect("a list of ints");
        assert_eq!((made, entry["when"]["series"].as_integer()), (kept, Some(seed as i64)));
    }
}

#[test]
fn modules_are_adopted_where_they_pass_and_models_where_they_are_better() {
    let folders = ["self_learning", "paper", "trading"];
    let desk = Desk::new(&folders, "self_learning/plugin_registry.avm");
    desk.assert_neat();
    insta::assert_snapshot!(stdout(desk.avm(&["run"], &["-q"])));
    // The whitepaper's own line.
    let paper = Desk::new(&folders, "paper/adopt.avm");
    paper.assert_neat();
    insta::assert_snapshot!(stdout(paper.avm(&["run"], &["-q"])));
}

/// The whitepaper's own text tries a patch, takes it, and goes on to trade.
#[test]
fn the_papers_agent_takes_a_patch() {
    let folders = ["self_learning", "paper", "trading"];
    let desk = Desk::new(&folders, "paper/learning_agent.avm");
    let said = stdout(desk.avm(&["run"], &["--run", "kept", "-q"]));
    assert!(said.ends_with("\nPatch applied successfully; agent strategy updated.\n"), "{said}");
    let kept = Desk { program: "kept".into(), ..desk };
    assert_eq!(stdout(kept.avm(&["replay", "-q"], &[])), said);
    let trace = stdout(kept.avm(&["trace"], &["--json", "--opcode", "SELF_MODIFY"]));
    rewrites_of(&trace, 1);
}

#[test]
fn the_second_run_loses_less_than_the_first() {
    let desk = Desk::new(&["self_learning"], "self_learning/wisdom.avm");
    desk.assert_neat();
    let lost = |args: &[&str]| {
        let said = stdout(desk.avm(&["run"], &[&["-q", "--no-journal"], args].concat()));
        let result: Value =
            serde_json::from_str(said.lines().next_back().expect("a result")).expect("JSON");
        result["lost"].as_array().expect("a list").len()
    };
    let state = ["--state", "wisdom.state"];
    assert_eq!([lost(&state), lost(&state), lost(&[])], [3, 0, 3]);
}
