//! `builtin:sentiment`: how positive or negative an English text is, from a list of words.
//!
//! What it is: a lexicon of some hundreds of words, phrases, emoji and words of markets
//! (`sentiment/lexicon.txt`), each with a weight, and a few rules of how words change one another:
//! "not good", "hardly ever fails", "very good", "slightly bad", "nice, but broken", "although it
//! fell, …", capitals, exclamation marks, "soooo good". What it is not: a language model. It knows no
//! irony, no context and no other language, and a text without a word of the list has the score 0.
//!
//! The arithmetic is in whole thousandths; only the last step takes a square root, which IEEE 754
//! makes exact, so the score is the same on every CPU.

mod lexicon;
mod tokens;
mod weigh;

use avm_ir::Value;

use crate::provider::Refusal;

/// Name under which programs select this model.
pub const NAME: &str = "builtin:sentiment";

/// Only this many leading bytes of a text are read (256 KiB), which bounds time and memory.
pub const MAX_TEXT_BYTES: usize = 1 << 18;

/// How slowly the score nears 1: with this (in squares of a weight of 1.0) one "good", weight 2.0,
/// has the score 0.46 and three have 0.84.
const SLOWNESS: f64 = 15.0;

/// The score of a text, from -1 (negative) to 1 (positive), rounded to four places.
///
/// The weights of all words are added up and bent into that range; the more sentences a text has,
/// the more words it takes. Takes time linear in the text.
pub fn score(text: &str) -> f64 {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (mut sum, mut sentences) = (0i64, 0u32);
    for sentence in tokens::sentences(&text[..end]) {
        sum = sum.saturating_add(weigh::sentence(&sentence));
        sentences += 1;
    }
    if sum == 0 {
        return 0.0;
    }
    let sum = sum as f64 / 1000.0;
    let bent = sum / (sum * sum + SLOWNESS * f64::from(sentences)).sqrt();
    (bent * 10_000.0).round() / 10_000.0
}

/// The score of an input: a text, a record with a field `text` (such as a tweet), or a list of
/// those, of which the mean is taken; `NULL` in a list is skipped.
///
/// # Errors
/// [`avm_vm::FailureCode::InvalidArgument`] for anything else, and for a list without texts.
pub fn sentiment(input: &Value) -> Result<f64, Refusal> {
    let Value::List(list) = input else { return one(input) };
    let (mut sum, mut count) = (0.0, 0u32);
    for item in list.iter().filter(|item| !matches!(item, Value::Null)) {
        sum += one(item)?;
        count += 1;
    }
    if count == 0 {
        return Err(Refusal::invalid("the list has no text"));
    }
    Ok((sum / f64::from(count) * 10_000.0).round() / 10_000.0 + 0.0)
}

fn one(input: &Value) -> Result<f64, Refusal> {
    let text = match input {
        Value::Record(record) => record.get("text").unwrap_or(&Value::Null),
        other => other,
    };
    match (text, input) {
        (Value::Text(text), _) => Ok(score(text)),
        (_, Value::Record(_)) => Err(Refusal::invalid("the record has no field text with a text")),
        (other, _) => {
            let found = other.type_name();
            Err(Refusal::invalid(format!(
                "wants a text, a record with text, or a list of those, found {found}"
            )))
        }
    }
}

#[cfg(test)]
mod tests;
