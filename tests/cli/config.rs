//! `avm.toml`.

use super::harness::Bench;

const ASK: &str = "GPU_INFER \"Sage\", \"why?\" -> answer\nRETURN answer\n";

#[test]
fn settings_come_from_the_file_and_the_command_line_wins() {
    let bench = Bench::new();
    bench.file("avm.toml", "[models]\nSage = \"builtin:extractive\"\n[run]\ngas = \"0.5\"\n");
    bench.file("deep/down/a.avm", ASK);
    let poor = bench.run(&["run", "deep/down/a.avm", "-q"]);
    assert_eq!(poor.exit, 5, "{}", poor.stderr);
    let rich = bench.run(&["run", "deep/down/a.avm", "--gas", "100"]);
    assert_eq!(rich.exit, 0);
    assert!(rich.stderr.contains("Sage -> builtin:extractive (avm.toml)"), "{}", rich.stderr);
    let other = bench.run(&[
        "run",
        "deep/down/a.avm",
        "--gas",
        "100",
        "--model",
        "Sage=builtin:hash-embed",
    ]);
    assert!(other.stderr.contains("Sage -> builtin:hash-embed (command line)"), "{}", other.stderr);
}

#[test]
fn mistakes_in_the_file_have_their_place() {
    let mut shown = String::new();
    for text in [
        "[run]\ngass = 5\n",
        "[run]\ngas = \"lots\"\n",
        "[run]\nmemory = -1\n",
        "[run]\non_exhausted = \"panic\"\n",
        "[run]\ndialect = \"dutch\"\n",
        "[models]\nX = \"builtin:genius\"\n",
        "[models]\nX = { use = \"builtin:extractive\", sources = 2 }\n",
        "[modles]\n",
        "run = [\n",
    ] {
        let bench = Bench::with("RETURN 1\n");
        bench.file("avm.toml", text);
        let ran = bench.run(&["run", "a.avm", "-q"]);
        assert_eq!(ran.exit, 3, "{text}");
        shown.push_str(&ran.show());
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn check_grants_shows_who_answers() {
    let bench = Bench::with(
        "GPU_INFER \"LLama\", \"hi\" -> r\nSQL_FETCH \"SELECT 1 AS one\" -> rows\n\
         CHECK_PERMISSIONS \"clerk\", \"send\" -> fine\nREAD_FROM_TOOL \"Mail\", 1 -> mail\nWAIT 1\n",
    );
    let refused = bench.run(&["check", "--grants", "a.avm"]);
    assert_eq!(refused.exit, 3);
    bench.file(
        "avm.toml",
        "[sql]\nuse = \"builtin:sqlite\"\n[tools]\nMail = \"fixture:mail.toml\"\n",
    );
    bench.file("mail.toml", "");
    let allowed = bench.run(&["check", "--grants", "a.avm"]);
    assert_eq!(allowed.exit, 0);
    insta::assert_snapshot!(refused.stdout + &allowed.stdout);
}
