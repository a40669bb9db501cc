//! Documents: folders, collections, stores.

use super::harness::Bench;

const SEARCH: &str = "\
.input q = \"apples\"
CALC_EMBED q, \"text-embedding-3-small\" -> v
DOC_SEARCH \"Fruit\", v, 10 -> found
SET titles = []
FOR d IN found DO
  PUSH titles, d.title
ENDFOR
SORT titles -> titles
RETURN titles
";

fn bench() -> Bench {
    let bench = Bench::with(SEARCH);
    bench.file("docs/a.md", "# Apples\n\nRed apples are sweet.\n\n# Pears\n\nPears are green.\n");
    bench.file("docs/sub/b.txt", "Plums are blue.\n");
    bench.file("docs/c.rs", "fn not_indexed() {}\n");
    bench.file("docs/.hidden.md", "Hidden apples.\n");
    bench.file("docs/target/d.md", "Built apples.\n");
    bench.file("outside/e.md", "Other apples.\n");
    bench
}

#[test]
fn folder_becomes_the_collection_that_the_program_names() {
    let bench = bench();
    #[cfg(unix)]
    for (link, to) in
        [("docs/link.md", "outside/e.md"), ("docs/linked", "outside"), ("docs/loop", "docs")]
    {
        let (link, to) = (bench.path().join(link), bench.path().join(to));
        std::os::unix::fs::symlink(to, link).expect("a link");
    }
    let ran = bench.run(&["run", "a.avm", "--docs", "docs"]);
    insta::assert_snapshot!(ran.show());
}

#[test]
fn collection_is_chosen_by_name() {
    let bench = bench();
    let ran = bench.run(&["run", "a.avm", "-q", "--docs", "Fruit=docs/sub", "--docs", "Else=docs"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "[\"b.txt\"]\n"));
    let ran = bench.run(&["run", "a.avm", "-q"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "[]\n"));
    assert_eq!(bench.run(&["run", "a.avm", "-q", "--docs", "nowhere"]).exit, 3);
}

#[test]
fn configuration_names_folders_and_the_command_line_stands_for_them() {
    let bench = bench();
    // Relative to the configuration, and read only where the program searches.
    bench.file("avm.toml", "[docs]\nFruit = \"outside\"\nNobodySearches = \"nowhere\"\n");
    let ran = bench.run(&["run", "a.avm", "-q"]);
    assert_eq!(ran.stdout, "[\"e.md\"]\n", "{}", ran.stderr);
    let ran = bench.run(&["run", "a.avm", "-q", "--docs", "docs/sub"]);
    assert_eq!(ran.stdout, "[\"b.txt\"]\n", "{}", ran.stderr);
    bench.file("sub/avm.toml", "base = \"../avm.toml\"\n[docs]\nFruit = \"own\"\n");
    bench.file("sub/own/f.md", "Figs.\n");
    let ran = bench.run(&["run", "a.avm", "-q", "--config", "sub/avm.toml"]);
    assert_eq!(ran.stdout, "[\"f.md\"]\n", "{}", ran.stderr);
    bench.file("avm.toml", "[docs]\nFruit = \"nowhere\"\n");
    assert_eq!(bench.run(&["run", "a.avm", "-q"]).exit, 3);
}

#[test]
fn store_keeps_collections_and_forgets_passages_that_are_gone() {
    let bench = bench();
    let args = ["run", "a.avm", "-q", "--store", "kept"];
    let with = |more: &[&str]| bench.run(&[&args[..], more].concat()).stdout;
    let all = "[\"a.md > Apples\",\"a.md > Pears\",\"sub/b.txt\"]\n";
    assert_eq!(with(&["--docs", "docs"]), all);
    assert_eq!(with(&[]), all);
    bench.file("docs/a.md", "# Apples\n\nGreen apples.\n");
    assert_eq!(with(&["--docs", "docs"]), "[\"a.md > Apples\",\"sub/b.txt\"]\n");
}

#[test]
fn program_that_stores_and_fetches() {
    let bench = Bench::with(
        "DOC_EMBED \"C\", \"one\", \"first text\", \"builtin:hash-embed\" -> s\n\
         DOC_FETCH \"C\", \"one\" -> (text, v)\n\
         DOC_FETCH \"C\", \"two\" -> (none, w)\n\
         RETURN [s, text, LEN(v), none, lastPluginFailed]\n",
    );
    let ran = bench.run(&["run", "a.avm"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "[\"OK\",\"first text\",768,null,true]\n"));
    assert!(
        ran.stderr.contains("not-found: collection \"C\" has no document \"two\""),
        "{}",
        ran.stderr
    );
}

#[test]
fn bot_answers_from_its_documents() {
    let bot = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/rag_bot.avm");
    let bench = Bench::new();
    bench.file(
        "docs/gas.md",
        "# Gas\n\n| instruction | gas |\n|---|---|\n| SELF_MODIFY | 50 + 0.5 x codeSize |\n| HALT | 0 |\n",
    );
    bench.file("docs/other.md", "# Weather\n\nIt rains.\n");
    let ask = |question| bench.run(&["run", bot, "-q", "--docs", "docs", "--ask", question]);
    let ran = ask("What does SELF_MODIFY cost?");
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("50 + 0.5 x codeSize"), "{}", ran.stdout);
    assert!(ran.stdout.contains("gas.md > Gas"), "{}", ran.stdout);
    assert_eq!(
        ask("Who painted the Mona Lisa?").stdout,
        "The passages given do not answer this.\n"
    );
    let silent = bench.run(&["run", bot, "-q", "--docs", "docs"]);
    assert!(silent.stdout.starts_with("Ask me something"), "{}", silent.stdout);
    let bare = bench.run(&["run", bot, "-q", "--ask", "Well?"]);
    assert!(bare.stdout.starts_with("I have no documents"), "{}", bare.stdout);
}
