//! The bot over the project's own standard: `avm run programs/rag_bot.avm --docs spec/ --ask …`
//! answers questions about it offline, with the right figure first, and names where it read it.

use std::process::Command;

/// Starts the bot as a reader of the repository would; gives standard output.
fn ask(question: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_avm"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "programs/rag_bot.avm", "--quiet", "--docs", "spec/", "--ask", question])
        .output()
        .expect("avm starts");
    assert!(output.status.success(), "{question}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Questions, what the first quotation has to say, and the page it has to come from.
const QUESTIONS: &[(&str, &str, &str)] = &[
    ("What does SELF_MODIFY cost?", "50 + 0.5 × codeSize", "isa.md"),
    ("What does GPU_INFER cost?", "10 + 0.01 × size(input)", "isa.md"),
    ("What happens when the gas is used up?", "ends *exhausted*", "gas.md"),
    ("What is the exit code when a run is out of gas?", "is 5", "gas.md"),
    ("What is the default lambda of DOC_SEARCH?", "0.7", "isa.md"),
    ("How long may a program text be?", "16 MiB", "limits.md"),
    ("How large is an instruction?", "eight bytes", "bytecode.md"),
    ("How many registers may a program name?", "200 registers", "bytecode.md"),
    ("How deep may lists be nested?", "64 levels", "errors.md"),
    ("How much memory may an agent use?", "256 MiB", "limits.md"),
    ("Which trap is a division by zero?", "T03", "errors.md"),
    ("What does JUMP_IF_PLUGIN_FAILED read?", "lastPluginFailed", "effects.md"),
    ("What is a region?", "self-contained piece of code", "bytecode.md"),
];

#[test]
fn the_standard_answers_for_itself() {
    for (question, figure, page) in QUESTIONS {
        let answer = ask(question);
        let first = answer.lines().next().unwrap_or_default();
        assert!(first.contains(figure), "{question}\n{answer}");
        // `"QUOTATION" [N]`, and the passage with that number stands among the sources.
        let number = first.rsplit(' ').next().unwrap_or_default();
        let sources = answer.lines().last().and_then(|l| l.strip_prefix("Sources: "));
        let source = format!("{number} {page} > ");
        assert!(sources.is_some_and(|s| s.contains(&source)), "{question}\n{answer}");
    }
}

#[test]
fn other_subjects_are_refused() {
    for question in [
        "Who painted the Mona Lisa?",
        "What does LAUNCH_ROCKET cost?",
        "How many people live in Tokyo?",
    ] {
        let answer = ask(question);
        assert_eq!(answer.trim_end(), "The passages given do not answer this.", "{question}");
    }
}
