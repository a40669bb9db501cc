//! From Markdown to a quoted answer: passages, embedding, diverse search, sentence picking.

use avm_plugins::docs::collection::{Collection, Document};
use avm_plugins::docs::mmr::Mmr;
use avm_plugins::docs::passages::passages;
use avm_plugins::model::{extractive, hash_embed};

const GAS: &str = "\
# Gas

Every instruction pays at least the minimum of 0.001 gas, so that no loop is free.

## Instructions that change code

| instruction | result | gas |
|---|---|---|
| SELF_READ(REGION) | text | 2 |
| SELF_MODIFY(REGION, NEW_CODE_REF) | status | 50 + 0.5 x codeSize |
| REVERT_CODE(REGION, SNAPSHOT_ID) | none | 10 |

## Instructions for documents

| instruction | result | gas |
|---|---|---|
| DOC_STORE(COLLECTION, DOC_ID, TEXT, EMBED_VEC) | status | 0.000002 x dimension |
| DELETE_DOC(COLLECTION, DOC_ID) | status | 0.0005 |
";

const LIMITS: &str = "\
# When a limit is reached

An agent that runs out of gas halts before the step it cannot pay. Its state is kept.

With the policy `suspend` it waits for a top-up instead.

# Regions

A region is a part of the code with permission bits. SELF_MODIFY is refused where the write bit is
missing, and the refusal is written to the trace.

# Command line

Run a program with `avm run FILE --gas LIMIT`. The exit code is 3 when the gas is used up.
";

fn ask(question: &str) -> String {
    let files = [("limits.md", LIMITS), ("gas.md", GAS)];
    let mut collection = Collection::default();
    for p in passages(files).passages {
        let vector = hash_embed::embed(&p.search_text());
        collection.put(Document { id: p.id, title: p.title, text: p.text, vector }).unwrap();
    }
    let hits = collection.search_mmr(&hash_embed::embed(question), 3, Mmr::default()).unwrap();
    let mut input = format!("{question}\n");
    for (n, hit) in (1..).zip(&hits) {
        let document = collection.get(&hit.id).unwrap();
        input.push_str(&format!("\n[{n}] {}\n{}\n", document.title, document.text));
    }
    extractive::answer(&input)
}

#[test]
fn the_right_sentence_is_quoted() {
    for (question, quote) in [
        (
            "What does SELF_MODIFY cost?",
            "instruction: SELF_MODIFY(REGION, NEW_CODE_REF); result: status; \
             gas: 50 + 0.5 x codeSize",
        ),
        (
            "What happens when an agent runs out of gas?",
            "An agent that runs out of gas halts before the step it cannot pay.",
        ),
        ("How do I set the `--gas` limit?", "Run a program with `avm run FILE --gas LIMIT`."),
    ] {
        let answer = ask(question);
        let first = answer.lines().next().unwrap();
        assert!(first.starts_with(&format!("\"{quote}\" [")), "{question}\n{answer}");
        assert!(answer.lines().last().unwrap().starts_with("Sources: ["), "{answer}");
    }
}

#[test]
fn other_subjects_are_refused() {
    for question in ["Who painted the Mona Lisa?", "What does LAUNCH_ROCKET cost?"] {
        assert_eq!(ask(question), extractive::REFUSAL);
    }
}
