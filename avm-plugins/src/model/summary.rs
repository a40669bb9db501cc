//! `builtin:summary`: the sentences of a text that say most, in their order.
//!
//! What it is: a choice of sentences. A word weighs more the more sentences have it, a sentence as
//! much as its words for its length, a little more near the beginning and where it shares words with
//! the title; what a sentence chosen before says already weighs less. What it is not: a language
//! model. It writes nothing of its own, shortens no sentence but one that is too long for the whole
//! summary, and knows nothing of what the text means. Logarithms and roots come from a software
//! library or are exact, so the summary is the same on every CPU.

use std::collections::{BTreeMap, BTreeSet};

use avm_ir::{Value, value::Record};

use super::{
    extractive::sentences::{self, Sentence},
    words::{is_stop_word, stem, telling, words},
};
use crate::provider::Refusal;

/// Name under which programs select this model.
pub const NAME: &str = "builtin:summary";

/// Only this many leading bytes of the texts are read (1 MiB), which bounds time and memory.
pub const MAX_INPUT_BYTES: usize = 1 << 20;

/// Sentences of a summary where the input does not say.
pub const DEFAULT_SENTENCES: usize = 3;

/// Most sentences of a summary.
pub const MAX_SENTENCES: usize = 50;

/// Characters of a summary where the input does not say.
pub const DEFAULT_CHARS: usize = 1000;

/// Weight of a word that a chosen sentence has already.
const SAID: f64 = 0.3;
/// Weight of the first sentence of a text besides what it says; later ones have less.
const FIRST: f64 = 0.4;
/// Weight of a word of the title.
const TITLE: f64 = 2.5;
/// Sentences of fewer telling words count as if they had so many.
const SHORT: usize = 5;

/// What to summarise, and how short.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The title; empty if there is none.
    pub title: &'a str,
    /// Most sentences.
    pub sentences: usize,
    /// Most characters.
    pub chars: usize,
}

impl Default for Task<'_> {
    fn default() -> Self {
        Self { title: "", sentences: DEFAULT_SENTENCES, chars: DEFAULT_CHARS }
    }
}

/// The summary of an input: a text, a list of texts, or a record with `text` (one of those) and, as
/// wanted, `title`, `sentences` and `chars`.
///
/// # Errors
/// [`avm_vm::FailureCode::InvalidArgument`] for anything else, and for numbers below 1.
pub fn summary(input: &Value) -> Result<String, Refusal> {
    let Value::Record(record) = input else {
        return Ok(summarize(&texts(input)?, &Task::default()));
    };
    let text = record.get("text").ok_or_else(|| Refusal::invalid("the record has no text"))?;
    let title = match record.get("title") {
        None | Some(Value::Null) => "",
        Some(Value::Text(title)) => title,
        Some(_) => return Err(Refusal::invalid("title must be a text")),
    };
    let task = Task {
        title,
        sentences: at_least_one(record, "sentences", DEFAULT_SENTENCES)?,
        chars: at_least_one(record, "chars", DEFAULT_CHARS)?,
    };
    Ok(summarize(&texts(text)?, &task))
}

fn texts<'a>(value: &'a Value) -> Result<Vec<&'a str>, Refusal> {
    let found = |value: &Value| {
        let found = value.type_name();
        Refusal::invalid(format!(
            "wants a text, a list of texts, or a record with text, found {found}"
        ))
    };
    match value {
        Value::Text(text) => Ok(vec![text]),
        Value::List(list) => {
            let text = |item: &'a Value| match item {
                Value::Text(text) => Ok(text.as_str()),
                other => Err(found(other)),
            };
            list.iter().map(text).collect()
        }
        other => Err(found(other)),
    }
}

fn at_least_one(record: &Record, name: &str, default: usize) -> Result<usize, Refusal> {
    match record.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Int(int)) if *int >= 1 => Ok(usize::try_from(*int).unwrap_or(usize::MAX)),
        Some(_) => Err(Refusal::invalid(format!("{name} must be an int of at least 1"))),
    }
}

/// The summary of texts: at most so many sentences, joined by blanks, and never longer than the
/// texts, joined by line breaks. Takes time linear in the texts.
pub fn summarize(texts: &[&str], task: &Task<'_>) -> String {
    let sentences = read(texts);
    let mut chosen = choose(&sentences, task);
    chosen.sort_unstable();
    let mut out = String::new();
    for text in chosen.into_iter().map(|at| sentences[at].text.as_str()) {
        // Nothing may have stood between sentences that end in a wide mark.
        if !out.is_empty() && !out.ends_with(['。', '！', '？']) {
            out.push(' ');
        }
        out.push_str(text);
    }
    cut(out, task.chars)
}

/// A sentence with what it is chosen by.
struct Scored {
    text: String,
    /// Its telling stems, each once.
    stems: Vec<String>,
    chars: usize,
    /// Its place in its own text.
    place: usize,
}

fn read(texts: &[&str]) -> Vec<Scored> {
    let mut left = MAX_INPUT_BYTES;
    let mut all = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let mut end = text.len().min(left);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        left -= end;
        let split = sentences::split(index, &text[..end]);
        // Code and tables are for looking up; they stand for a text that has nothing else.
        let prose = |sentence: &&Sentence| !sentence.code && sentence.row.is_none();
        let is_prose = split.iter().any(|sentence| prose(&sentence));
        for (place, sentence) in split.iter().filter(|s| !is_prose || prose(s)).enumerate() {
            let text = sentence.row.as_ref().map_or(&sentence.text, |(cells, _)| cells).clone();
            let stems = stems(&text);
            all.push(Scored { chars: text.chars().count(), text, stems, place });
        }
    }
    all
}

/// The telling stems of a text, each once.
fn stems(text: &str) -> Vec<String> {
    let parts = words(text).into_iter().flat_map(|word| word.parts);
    let stems = parts.filter(|part| !is_stop_word(part)).map(|part| stem(&part));
    stems.collect::<BTreeSet<_>>().into_iter().collect()
}

fn choose(sentences: &[Scored], task: &Task<'_>) -> Vec<usize> {
    let mut weights: BTreeMap<&str, f64> = BTreeMap::new();
    for stem in sentences.iter().flat_map(|sentence| &sentence.stems) {
        *weights.entry(stem).or_default() += 1.0;
    }
    let title = stems(task.title);
    for (stem, weight) in &mut weights {
        let in_title = title.binary_search_by(|title| title.as_str().cmp(stem)).is_ok();
        *weight = libm::log1p(*weight) * telling(stem) * if in_title { TITLE } else { 1.0 };
    }
    let mut chosen: Vec<usize> = Vec::new();
    let mut left = task.chars;
    while chosen.len() < task.sentences.min(MAX_SENTENCES) {
        let mut best: Option<(f64, usize)> = None;
        for (at, sentence) in sentences.iter().enumerate() {
            // The best sentence is taken though too long, and cut, so that there is a summary.
            let fits = chosen.is_empty() || sentence.chars < left;
            if !fits || chosen.contains(&at) {
                continue;
            }
            let said: f64 = sentence.stems.iter().map(|stem| weights[stem.as_str()]).sum();
            let length = sentence.stems.len().max(SHORT) as f64;
            let score = said / length.sqrt() * (1.0 + FIRST / (1.0 + sentence.place as f64));
            if score > 0.0 && best.is_none_or(|(most, _)| score > most) {
                best = Some((score, at));
            }
        }
        let Some((_, at)) = best else { break };
        left = left.saturating_sub(sentences[at].chars + 1);
        for stem in &sentences[at].stems {
            if let Some(weight) = weights.get_mut(stem.as_str()) {
                *weight *= SAID;
            }
        }
        chosen.push(at);
    }
    chosen
}

/// The text in so many characters; one that is cut ends in `…`.
fn cut(text: String, chars: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(chars) else { return text };
    // The mark has three bytes, and what is cut must be no longer than it was.
    let keep = chars.saturating_sub(3);
    let end = text.char_indices().nth(keep).map_or(end, |(end, _)| end);
    let cut = text[..end].trim_end();
    if cut.is_empty() { text.chars().take(chars).collect() } else { format!("{cut}…") }
}

#[cfg(test)]
mod tests;
