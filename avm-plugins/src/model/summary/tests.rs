use avm_ir::value::from_json;
use proptest::prelude::*;

use super::*;

const BEES: &str = "\
Honeybees live in colonies of many thousand bees. A colony has one queen, some drones and many \
workers. Yesterday it rained in our town. The workers collect nectar, and the colony makes honey of \
the nectar. My uncle drinks his coffee black. In winter the bees of a colony keep the queen warm and \
live on their honey. Without honey a colony of bees does not live through the winter.";

const AVALANCHE: &str = "\
# Fees

The network changed how it charges fees in March. Since then a fee has a fixed part and a part for \
the size of a transaction.

| size | fee |
|---|---|
| small | 1 |

```
fee(tx)
```

- Small transactions cost less than before.
- Large transactions cost more, because the network has to keep them.

People were surprised. The team says that fees will change again when the network is used more. Some \
like it. Others do not.";

fn of(text: &str, sentences: usize) -> String {
    summarize(&[text], &Task { sentences, ..Task::default() })
}

#[test]
fn picks_what_says_most_in_its_order() {
    assert_eq!(
        of(BEES, 2),
        "Honeybees live in colonies of many thousand bees. In winter the bees of a colony keep the \
         queen warm and live on their honey."
    );
    let three = of(BEES, 3);
    assert!(!three.contains("rained") && !three.contains("coffee"), "{three}");
    let fees = of(AVALANCHE, 2);
    assert_eq!(
        fees,
        "The network changed how it charges fees in March. Small transactions cost less than before."
    );
}

#[test]
fn the_title_draws() {
    let task = Task { title: "How my uncle drinks his coffee", sentences: 2, ..Task::default() };
    let summary = summarize(&[BEES], &task);
    assert!(summary.contains("My uncle drinks his coffee black."), "{summary}");
}

#[test]
fn a_summary_does_not_say_a_thing_twice() {
    let text = "Bees make honey in summer. Bees make honey in summer. Rain fills rivers.";
    assert_eq!(of(text, 2), "Bees make honey in summer. Rain fills rivers.");
}

#[test]
fn lengths() {
    assert_eq!(of(BEES, 1).matches('.').count(), 1);
    assert_eq!(of(BEES, 50), BEES);
    let short = |chars| summarize(&[BEES], &Task { chars, ..Task::default() });
    assert!(short(40).chars().count() <= 40 && short(40).ends_with('…'), "{}", short(40));
    assert_eq!(short(2).chars().count(), 2);
    assert!(short(150).chars().count() <= 150);
    assert_eq!(of("", 3), "");
    assert_eq!(of("... !", 3), "");
    assert_eq!(of("One sentence only", 3), "One sentence only");
    assert_eq!(of("| a | b |\n|---|---|\n| 1 | 2 |", 3), "1 2");
}

#[test]
fn inputs() {
    let of = |json: &str| summary(&from_json(json, 1 << 20).unwrap());
    let one = "Bees make honey.";
    assert_eq!(of("\"Bees make honey.\""), Ok(one.to_owned()));
    assert_eq!(of("{\"text\":\"Bees make honey.\",\"title\":\"Bees\"}"), Ok(one.to_owned()));
    assert_eq!(
        of("[\"Bees make honey.\",\"Cows make milk.\"]").unwrap(),
        "Bees make honey. Cows make milk."
    );
    assert_eq!(of("{\"text\":[\"Bees make honey.\",\"Cows run.\"],\"sentences\":1}").unwrap(), one);
    assert_eq!(of("[]"), Ok(String::new()));
    for bad in [
        "3",
        "null",
        "[3]",
        "{}",
        "{\"text\":3}",
        "{\"text\":\"a\",\"sentences\":0}",
        "{\"text\":\"a\",\"chars\":1.5}",
        "{\"text\":\"a\",\"title\":1}",
    ] {
        assert!(of(bad).is_err(), "{bad}");
    }
}

#[test]
fn large_texts_take_linear_time() {
    for sentence in ["a b. ", "One more line of text here.\n", "x", "。", "| a |\n", "word "] {
        let text = sentence.repeat(MAX_INPUT_BYTES / 8 / sentence.len());
        assert!(of(&text, 3).chars().count() <= DEFAULT_CHARS);
    }
}

proptest! {
    #[test]
    fn never_longer_than_the_input(texts in prop::collection::vec("([ a-cA-C.!。é#|`\n-]|The |bees |honey. |\n\\| ){0,60}", 0..4), sentences in 1usize..6, chars in 1usize..80) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let task = Task { title: "bees", sentences, chars };
        let out = summarize(&texts, &task);
        prop_assert!(out.len() <= texts.join("\n").len());
        prop_assert!(out.chars().count() <= chars);
        prop_assert_eq!(&out, &summarize(&texts, &task));
    }
}
