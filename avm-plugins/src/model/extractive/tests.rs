use super::*;
use proptest::prelude::*;

const SHOP: &str = "\
[1] shop.md > Prices
| item | price |
|---|---|
| GREEN_TEA | 2.50 per cup |
| BLACK_TEA | 2 per cup, 12 per pot |

[2] shop.md > Opening
The shop opens at nine and closes at six. On Sundays it stays closed, because the baker rests.

To order ahead, run `shop order --pickup TIME`.

[3] shop.md > Orders
An order is kept for two hours. It is cancelled when nobody picks it up.
";

fn ask(question: &str) -> String {
    answer(&format!("{question}\n\n{SHOP}"))
}

#[test]
fn quotes_the_row_the_question_names() {
    assert_eq!(
        ask("What does GREEN_TEA cost?"),
        "\"item: GREEN_TEA; price: 2.50 per cup\" [1]\nSources: [1] shop.md > Prices"
    );
}

#[test]
fn quotes_sentences() {
    assert_eq!(
        ask("When does the shop open?").lines().next(),
        Some("\"The shop opens at nine and closes at six.\" [2]")
    );
    assert_eq!(
        ask("Why is it closed on Sundays?").lines().next(),
        Some("\"On Sundays it stays closed, because the baker rests.\" [2]")
    );
    assert_eq!(
        ask("What does `--pickup` do?").lines().next(),
        Some("\"To order ahead, run `shop order --pickup TIME`.\" [2]")
    );
    assert_eq!(
        ask("How long is an order kept?").lines().next(),
        Some("\"An order is kept for two hours.\" [3]")
    );
}

#[test]
fn the_kind_of_question_chooses_among_sentences_with_the_same_words() {
    let passages = "\
[1] a.md > Kettles
A kettle is often red. Kettles boil water, and a kettle holds two litres.

[2] a.md > What a kettle is
A kettle is a pot with a lid and a spout.

[3] a.md > E17: kettle without water
Fill it and try again.";
    let first = |question: &str| {
        let answer = answer(&format!("{question}\n\n{passages}"));
        answer.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(first("What is a kettle?"), "\"A kettle is a pot with a lid and a spout.\" [2]");
    assert_eq!(
        first("How much does a kettle hold?"),
        "\"Kettles boil water, and a kettle holds two litres.\" [1]"
    );
    assert_eq!(
        first("Which error is a kettle without water?"),
        "\"E17: kettle without water\" [3]"
    );
}

#[test]
fn refuses_what_the_passages_do_not_say() {
    for question in [
        "Who won the football match?",
        "What does WHITE_COFFEE cost?",
        "",
        "what is it",
        "Which planets have rings, and which of them opens the longest list of moons?",
    ] {
        assert_eq!(ask(question), REFUSAL, "{question}");
    }
    assert_eq!(answer("What does GREEN_TEA cost?"), REFUSAL);
    assert_eq!(answer(""), REFUSAL);
}

#[test]
fn long_sentences_and_inputs_are_cut() {
    let long = format!("Is tea green?\n\n[1] T\nTea is green {}", "and good ".repeat(300_000));
    let out = answer(&long);
    let quote = out.lines().next().unwrap();
    assert!(quote.chars().count() <= MAX_QUOTE_CHARS + "\"\" [1]…".chars().count());
    assert!(quote.ends_with("…\" [1]"));
    let many = "x is a. ".repeat(200_000);
    let out = answer(&format!("What is x?\n\n[1] T\n{many}"));
    assert!(out.ends_with("\nSources: [1] T"), "{out}");
}

proptest! {
    #[test]
    fn any_input_is_answered_the_same_twice(text in "([\\[\\]1-3 |`#.a-cA_é\n-]|\n\\[1\\] |\n\\[2\\] ){0,120}") {
        let out = answer(&text);
        prop_assert_eq!(&out, &answer(&text));
        prop_assert!(out == REFUSAL || out.lines().last().unwrap().starts_with("Sources: ["));
    }
}
