//! `builtin:extractive`: answers a question by quoting sentences from passages it is given.
//!
//! What it is: a ranking of sentences by the words they share with the question (BM25 weights over
//! the sentences at hand), with strong weight on exact identifiers, some for the title a sentence
//! stands under, on words that stand together in both, and on the form that suits the kind of question
//! ("how much" wants a number, "what is a" wants "a … is a"). What it is not: a
//! language model. It writes no sentence of its own, draws no conclusion and knows nothing beyond
//! the passages; a question whose words do not occur in them gets [`REFUSAL`].
//!
//! The input is one text, the canonical passages form: the question, then for each passage a line
//! `[N] TITLE` with N counting from 1, then its text. Logarithms come from a software library, so
//! the answer is the same on every CPU.

mod bag;
mod input;
mod question;
mod rank;
pub(super) mod sentences;

/// Name under which programs select this model.
pub const NAME: &str = "builtin:extractive";

/// The answer where the passages do not answer the question.
pub const REFUSAL: &str = "The passages given do not answer this.";

/// Only this many leading bytes of the input are read (1 MiB), which bounds time and memory.
pub const MAX_INPUT_BYTES: usize = 1 << 20;

/// Most sentences in an answer.
pub const MAX_QUOTES: usize = 3;

/// A longer sentence is cut to this many characters and ends in `…`.
pub const MAX_QUOTE_CHARS: usize = 400;

/// Answers the question in `input` from the passages in `input`.
///
/// The answer is one to [`MAX_QUOTES`] lines `"SENTENCE" [N]` and a last line
/// `Sources: [N] TITLE; [M] TITLE`, or [`REFUSAL`]. A row of a table is quoted as
/// `header: cell; header: cell`. Takes time linear in the input.
pub fn answer(input: &str) -> String {
    let mut end = input.len().min(MAX_INPUT_BYTES);
    while !input.is_char_boundary(end) {
        end -= 1;
    }
    let input = input::parse(&input[..end]);
    let sentences: Vec<_> = (0..)
        .zip(&input.passages)
        .flat_map(|(index, passage)| {
            let heading = sentences::heading(index, passage.title);
            heading.into_iter().chain(sentences::split(index, passage.text))
        })
        .collect();
    let quotes = rank::choose(&input, &sentences);
    if quotes.is_empty() {
        return REFUSAL.to_owned();
    }
    let mut out = String::new();
    let mut sources = Vec::new();
    for sentence in quotes.iter().map(|&at| &sentences[at]) {
        out.push('"');
        out.push_str(&shorten(&sentence.text));
        out.push_str(&format!("\" [{}]\n", sentence.passage + 1));
        sources.push(sentence.passage);
    }
    sources.sort_unstable();
    sources.dedup();
    let name = |&at: &usize| format!("[{}] {}", at + 1, input.passages[at].title);
    let sources: Vec<String> = sources.iter().map(name).collect();
    out.push_str("Sources: ");
    out.push_str(sources.join("; ").trim_end());
    out
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
