//! The agents of `programs/support` and `programs/digest`, copied to an empty machine: each runs by
//! one command with what lies beside it, without network, key or environment. What they say, what
//! they cost and how they end is pinned.

#[path = "common/desk.rs"]
mod desk;

use std::fs;

use desk::Desk as Folder;

/// An agent's folder, and questions to it.
struct Desk {
    desk: Folder,
}

impl Desk {
    fn support() -> Self {
        Self { desk: Folder::new(&["support"], "support/customer_support.avm") }
    }

    fn digest() -> Self {
        Self { desk: Folder::new(&["digest"], "digest/research_digest.avm") }
    }

    fn file(&self, path: &str, content: &str) {
        let path = self.desk.folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, content).expect("a file");
    }

    /// Standard output, why the run ended if not by itself, and what it used up.
    fn run(&self, args: &[&str]) -> String {
        let output = self.desk.avm(&["run"], args);
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        let (why, summary) = stderr.split_once("---\n").unwrap_or((&stderr, ""));
        let used = ["gas        ", "tokens     "];
        let used = summary.lines().filter(|line| {
            let is_share = line.contains(" %  ");
            !is_share && used.iter().any(|name| line.starts_with(name))
        });
        let used: Vec<&str> = used.collect();
        let exit = output.status.code().unwrap_or(-1);
        format!("{stdout}---\n{why}exit       {exit}\n{}\n", used.join("\n"))
    }

    /// What is said, alone.
    fn says(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        ran.split_once("\n---\n").map_or(ran.as_str(), |(said, _)| said).to_owned()
    }

    fn ask(&self, question: &str) -> String {
        self.says(&["--ask", question])
    }
}

#[test]
fn support_shows_a_conversation() {
    insta::assert_snapshot!(Desk::support().run(&[]));
}

#[test]
fn support_answers_from_documents() {
    insta::assert_snapshot!(Desk::support().run(&["--ask", "Can I pay by card?"]));
    let desk = Desk::support();
    for (question, figure) in [
        ("What does shipping to Spain cost?", "4.90 euros"),
        ("How long is the warranty of a kettle?", "two years"),
        ("How do I brew green tea?", "75 degrees"),
        ("When is the shop open?", "10 to 18"),
        ("How long is a gift card valid?", "three years"),
    ] {
        let answer = desk.ask(question);
        assert!(answer.contains(figure), "{question}\n{answer}");
    }
}

#[test]
fn support_hands_over_what_it_does_not_know() {
    insta::assert_snapshot!(Desk::support().run(&["--ask", "Do you sell bicycles?"]));
}

#[test]
fn support_looks_orders_up_for_the_customer_who_asks() {
    let desk = Desk::support();
    insta::assert_snapshot!(desk.run(&["--ask", "Where is my order 1042?"]));
    assert_eq!(desk.ask("where is order 1088?"), "There is no order 1088 of yours.");
    let bob = ["--input", "customer=bob@example.com", "--ask", "where is order 1042?"];
    assert_eq!(desk.says(&bob), "There is no order 1042 of yours.");
    // What the customer writes is data for the database.
    let sql = "where is order 1088' OR '1'='1; DROP TABLE orders?";
    assert!(desk.ask(sql).starts_with("Which order is it?"), "{}", desk.ask(sql));
    assert!(desk.ask("Where is my parcel?").starts_with("Which order is it?"));
}

#[test]
fn support_says_that_a_tool_failed() {
    let desk = Desk::support();
    insta::assert_snapshot!(desk.run(&["--ask", "Where is my order 1077?"]));
    desk.file("down.toml", "[[write]]\nfail = \"unavailable\"\n");
    let ran =
        desk.run(&["--tool", "Tickets=fixture:down.toml", "--ask", "Please refund order 1001"]);
    insta::assert_snapshot!("support_cannot_open_a_ticket", ran);
    let answer = desk.says(&["--tool", "Tickets=fixture:down.toml", "--ask", "Do you sell cars?"]);
    assert!(answer.contains("cannot reach my colleagues"), "{answer}");
}

#[test]
fn support_refunds_what_the_rules_allow() {
    let desk = Desk::support();
    insta::assert_snapshot!(desk.run(&["--ask", "Please refund order 1012"]));
    for (order, reason) in [
        ("1009", "gift cards cannot be returned"),
        ("1020", "the 30 days to return it are over"),
        ("1042", "the order has not been delivered yet"),
    ] {
        let answer = desk.ask(&format!("Please refund order {order}"));
        assert!(answer.contains(reason) && answer.contains("T-601"), "{answer}");
    }
    // The last of the 30 days, and the day after it.
    let on = |day| desk.says(&["--input", day, "--ask", "Please refund order 1001"]);
    assert!(on("today=2026-04-07").contains("T-501"));
    assert!(on("today=2026-04-08").contains("the 30 days"));
}

#[test]
fn support_without_rules_refunds_nothing() {
    let desk = Desk::support();
    let path = desk.desk.folder.path().join("support/avm.toml");
    let config = fs::read_to_string(&path).expect("the configuration");
    let at = config.find("# What may be refunded").expect("the policy stands last");
    fs::write(&path, &config[..at]).expect("a file");
    let answer = desk.ask("Please refund order 1001");
    assert!(answer.starts_with("I may not refund order 1001 myself: "), "{answer}");
}

#[test]
fn support_remembers_from_run_to_run() {
    let desk = Desk::support();
    let mut said = String::new();
    for question in ["Please refund order 1001.", "Please refund order 1001."] {
        said += &desk.run(&["--state", "ann.state", "--ask", question]);
    }
    insta::assert_snapshot!(said);
}

#[test]
fn support_keeps_within_its_tokens() {
    let desk = Desk::support();
    let ask = ["--ask", "Can I pay by card?", "--budget", "tokens=100"];
    insta::assert_snapshot!("support_out_of_tokens", desk.run(&ask));
    let denied = desk.run(&[&ask[..], &["--on-exhausted", "deny"]].concat());
    insta::assert_snapshot!("support_denied_tokens", denied);
}

#[test]
fn digest_has_a_line_for_each_text() {
    let desk = Desk::digest();
    let ran = desk.run(&[]);
    insta::assert_snapshot!(ran);
    assert_eq!(ran, desk.run(&["--workers", "1"]), "threads change nothing");
    insta::assert_snapshot!(
        "digest_with_longer_summaries",
        desk.run(&["--input", "sentences=3", "--input", "width=500", "--input", "longest=10000"])
    );
}

#[test]
fn digest_goes_on_where_a_model_fails() {
    let desk = Desk::digest();
    // One text on which a model fails costs its own line, a model that is away its own column.
    desk.file(
        "model.toml",
        "[[infer]]\nwhen = { sentences = 2 }\ngive = \"A summary.\"\ntimes = 4\n\
         [[infer]]\nfail = \"internal\"\n",
    );
    desk.file("away.toml", "[[infer]]\nfail = \"unavailable\"\n");
    insta::assert_snapshot!(desk.run(&[
        "--model",
        "Summariser=fixture:model.toml",
        "--model",
        "MoodModel=fixture:away.toml",
        "--workers",
        "1",
    ]));
}

#[test]
fn digest_keeps_within_its_tokens() {
    let desk = Desk::digest();
    insta::assert_snapshot!("digest_out_of_tokens", desk.run(&["--budget", "tokens=1"]));
    // Texts for which nothing is left fail one by one.
    insta::assert_snapshot!("digest_short_of_tokens", desk.run(&["--budget", "tokens=500"]));
    let denied = desk.run(&["--budget", "tokens=3000", "--on-exhausted", "deny"]);
    insta::assert_snapshot!("digest_denied_tokens", denied);
}

#[test]
fn digest_of_other_folders() {
    let desk = Desk::digest();
    desk.file("notes/b.txt", "Solar panels on the roof gave 4,000 units last year.");
    desk.file("notes/a.md", "# Nights\n\nThe child slept well.\n");
    desk.file("notes/empty.md", "");
    fs::create_dir(desk.desk.folder.path().join("none")).expect("a folder");
    insta::assert_snapshot!(desk.run(&["--docs", "notes"]) + &desk.run(&["--docs", "none"]));
}

#[test]
fn agents_have_no_findings_and_are_in_canonical_form() {
    for agent in [Desk::support(), Desk::digest()] {
        agent.desk.assert_neat();
    }
}
