//! Reading the canonical passages form.

/// A question with the passages that may answer it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Input<'a> {
    pub(super) question: &'a str,
    pub(super) passages: Vec<Passage<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passage<'a> {
    pub(super) title: &'a str,
    pub(super) text: &'a str,
}

/// Splits at the lines that begin with `[1] `, `[2] `, …, each number looked for after the one before.
pub(super) fn parse(input: &str) -> Input<'_> {
    // Offsets of the heads, then the end of the input.
    let mut heads = Vec::new();
    let mut wanted = "[1] ".to_owned();
    let mut at = 0;
    for line in input.split_inclusive('\n') {
        if line.starts_with(&wanted) {
            heads.push((at, wanted.len()));
            wanted = format!("[{}] ", heads.len() + 1);
        }
        at += line.len();
    }
    let question = input[..heads.first().map_or(input.len(), |&(at, _)| at)].trim();
    let ends = heads.iter().skip(1).map(|&(at, _)| at).chain([input.len()]);
    let passages = heads
        .iter()
        .zip(ends)
        .map(|(&(at, mark), end)| {
            let body = &input[at + mark..end];
            let (title, text) = body.split_once('\n').unwrap_or((body, ""));
            Passage { title: title.trim(), text: text.trim_matches(['\r', '\n']) }
        })
        .collect();
    Input { question, passages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_begin_at_the_next_number_only() {
        let input =
            parse("Why?\nReally?\n\n[1] A > B\none\n\n[3] not yet\n[1] nor this\n\n[2] C\ntwo\n");
        assert_eq!(input.question, "Why?\nReally?");
        assert_eq!(
            input.passages,
            [
                Passage { title: "A > B", text: "one\n\n[3] not yet\n[1] nor this" },
                Passage { title: "C", text: "two" },
            ]
        );
    }

    #[test]
    fn odd_inputs() {
        assert_eq!(parse(""), Input { question: "", passages: vec![] });
        assert_eq!(parse("[2] x").passages, []);
        assert_eq!(parse("[1] ").passages, [Passage { title: "", text: "" }]);
    }
}
