//! What a rule gives: a value with holes that the input fills.

use avm_ir::{Value, value::Record};

use super::{MAX_INSERTED_CHARS, condition::Path};

/// A value in which texts such as `"$mean"` and `"mean ${mean}"` stand for what the input has.
#[derive(Clone, Debug)]
pub(super) enum Template {
    Fixed(Value),
    Path(Path),
    /// Pieces of one text.
    Text(Vec<Piece>),
    List(Vec<Template>),
    Record(Vec<(String, Template)>),
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Fixed(String),
    Path(Path),
}

impl Template {
    /// A text: `"$mean"` is what stands at the path, `"${mean}"` within a text its words, and `"$$5"`
    /// the text `$5`.
    pub(super) fn text(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("$$") {
            return Ok(Self::Fixed(Value::from(format!("${rest}"))));
        }
        if let Some(path) = text.strip_prefix('$').filter(|rest| !rest.starts_with('{')) {
            return Self::path(text, path).map(Self::Path);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((path, after)) = after.split_once('}') else {
                return Err(format!("\"{text}\" has ${{ without }}"));
            };
            pieces.push(Piece::Fixed(before.to_owned()));
            pieces.push(Piece::Path(Self::path(text, path)?));
            rest = after;
        }
        if pieces.is_empty() {
            return Ok(Self::Fixed(Value::text(text)));
        }
        pieces.push(Piece::Fixed(rest.to_owned()));
        Ok(Self::Text(pieces))
    }

    fn path(text: &str, path: &str) -> Result<Path, String> {
        if path.is_empty() || path.contains(|c: char| c.is_whitespace() || "${}".contains(c)) {
            return Err(format!(
                "\"{text}\": \"{path}\" is not a path; write $$ for a text that begins with $"
            ));
        }
        Ok(Path::parse(path))
    }

    /// The value for an input. Recursion is bounded by [`super::MAX_DEPTH`].
    pub(super) fn fill(&self, input: &Value) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Path(path) => path.find(input).clone(),
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Fixed(piece) => text.push_str(piece),
                        Piece::Path(path) => insert(&mut text, path.find(input)),
                    }
                }
                Value::from(text)
            }
            Self::List(items) => Value::list(items.iter().map(|item| item.fill(input)).collect()),
            Self::Record(fields) => Value::Record(Record::from_iter(
                fields.iter().map(|(name, field)| (name.as_str(), field.fill(input))),
            )),
        }
    }
}

fn insert(text: &mut String, value: &Value) {
    let words = avm_ir::value::to_text(value);
    match words.char_indices().nth(MAX_INSERTED_CHARS) {
        Some((end, _)) => {
            text.push_str(&words[..end]);
            text.push('…');
        }
        None => text.push_str(&words),
    }
}
