use super::*;
use proptest::prelude::*;

fn one(path: &str, text: &str) -> Vec<Passage> {
    let out = passages([(path, text)]);
    assert_eq!(out.warnings, []);
    out.passages
}

fn show(passages: &[Passage]) -> String {
    passages
        .iter()
        .map(|p| format!("{} {} @{}\n{}\n====\n", p.id, p.title, p.line, p.text))
        .collect()
}

#[test]
fn markdown_is_cut_at_headings_tables_and_fences() {
    let text = "\
Before any heading.

# Shop #
Opens at nine.

Closes at six.

## Prices
All with tax:

| item | price |
|:-----|------:|
| tea | 2 |
| cake | 3 |
| juice | 4 |
| soup | 5 |
After the table.

```sh
# not a heading

shop --open
```
Third part
----------
Underlined.
";
    let expected = "\
a.md#1 a.md @1
Before any heading.
====
a.md#2 a.md > Shop @4
Opens at nine.

Closes at six.
====
a.md#3 a.md > Shop > Prices @9
All with tax:
====
a.md#4 a.md > Shop > Prices @11
| item | price |
|---|---|
| tea | 2 |
====
a.md#5 a.md > Shop > Prices @14
| item | price |
|---|---|
| cake | 3 |
====
a.md#6 a.md > Shop > Prices @15
| item | price |
|---|---|
| juice | 4 |
====
a.md#7 a.md > Shop > Prices @16
| item | price |
|---|---|
| soup | 5 |
====
a.md#8 a.md > Shop > Prices @17
After the table.

```sh
# not a heading

shop --open
```
====
a.md#9 a.md > Shop > Third part @26
Underlined.
====
";
    assert_eq!(show(&one("a.md", text)), expected);
}

#[test]
fn long_paragraphs_are_cut_at_sentences() {
    let text = "A sentence of some length. ".repeat(100);
    let parts = one("a.txt", &text);
    assert!(parts.len() >= 4);
    for part in &parts {
        assert!(part.text.chars().count() <= TARGET_CHARS);
        assert!(part.text.starts_with("A sentence") && part.text.ends_with("length."));
    }
}

#[test]
fn plain_paragraphs_are_merged_up_to_the_target() {
    let text = format!("{}\r\n\r\n{}\n\n\n{}", "a".repeat(400), "b".repeat(200), "c".repeat(200));
    let parts = one("notes", &text);
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].text, format!("{}\n\n{}", "a".repeat(400), "b".repeat(200)));
    assert_eq!((parts[1].line, parts[1].id.as_str()), (6, "notes#2"));
}

#[test]
fn code_stays_whole_where_it_fits() {
    let code = |lines| format!("```\n{}```\n", "0123456789\n".repeat(lines));
    assert_eq!(one("a.md", &code(200)).len(), 1);
    assert_eq!(one("a.md", &code(400)).len(), 2);
}

#[test]
fn order_of_arrival_does_not_matter_and_bad_files_are_named() {
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("b.txt", b"two".to_vec()),
        ("a.txt", b"\xef\xbb\xbfone".to_vec()),
        ("bin", b"x\0y".to_vec()),
        ("latin", b"na\xefve".to_vec()),
        ("huge", vec![b' '; MAX_FILE_BYTES + 1]),
        ("empty.md", vec![]),
    ];
    let out = passages(files.clone());
    assert_eq!(out, passages(files.into_iter().rev()));
    assert_eq!(out.passages.iter().map(|p| &*p.text).collect::<Vec<_>>(), ["one", "two"]);
    let warnings: Vec<_> = out.warnings.iter().map(Warning::to_string).collect();
    assert_eq!(
        warnings,
        [
            "bin: skipped, not UTF-8 text (byte 1)",
            "huge: skipped, 4194305 bytes are more than 4194304",
            "latin: skipped, not UTF-8 text (byte 2)",
        ]
    );
    let twice = passages([("a", "1"), ("a", "2"), ("a", "3")]);
    assert_eq!(twice.warnings, [Warning::Duplicate { path: "a".into() }]);
    assert_eq!(twice.passages[0].text, "3");
}

#[test]
fn a_repeated_header_cannot_blow_up() {
    let text = format!("|{}|\n|-|\n{}", "h".repeat(300), "|\n".repeat(500_000));
    let out = passages([("a.md", text)]);
    assert_eq!(out.passages.len(), MAX_PASSAGES);
    assert_eq!(out.warnings, [Warning::TooManyPassages { path: "a.md".into() }]);
}

proptest! {
    #[test]
    fn any_text_gives_every_word_back(text in "([#|`~=>-]{0,3}[a-c é]{0,9}[\n]{0,2}){0,60}") {
        for path in ["a.md", "a.txt"] {
            let out = one(path, &text);
            let all: String = out.iter().map(|p| format!("{}\n{}\n", p.title, p.text)).collect();
            for word in text.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()) {
                prop_assert!(path == "a.md" && text.contains('#') || all.contains(word), "{word:?}");
            }
            for (i, p) in out.iter().enumerate() {
                prop_assert_eq!(&p.id, &format!("{path}#{}", i + 1));
                prop_assert!(!p.text.trim().is_empty());
            }
        }
    }
}

#[test]
fn search_text_has_the_nearest_heading_only() {
    let parts = one("a.md", "# A\n## B\ntext");
    assert_eq!(parts[0].search_text(), "B\ntext");
    assert_eq!(one("a.txt", "text")[0].search_text(), "text");
}
