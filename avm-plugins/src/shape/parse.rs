//! Shapes from their text form.

use std::str::FromStr;

use super::{Field, Shape};

/// Deepest nesting of a shape's text.
const MAX_DEPTH: usize = 32;

/// A text that is not a shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a shape at byte {at}: {why}")]
pub struct ShapeError {
    /// Where in the text, in bytes.
    pub at: usize,
    /// What is wrong.
    pub why: &'static str,
}

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let mut parser = Parser { text, at: 0 };
        let shape = parser.one_of(0)?;
        parser.space();
        if parser.at < text.len() {
            return Err(parser.error("there is more than one shape"));
        }
        Ok(shape)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn error(&self, why: &'static str) -> ShapeError {
        ShapeError { at: self.at, why }
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, symbol: char) -> bool {
        self.space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        found
    }

    fn word(&mut self) -> &str {
        self.space();
        let start = self.at;
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        self.at += self.rest().find(|c| !is_word(c)).unwrap_or(self.rest().len());
        &self.text[start..self.at]
    }

    fn one_of(&mut self, depth: usize) -> Result<Shape, ShapeError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let first = self.single(depth)?;
        if !self.take('|') {
            return Ok(first);
        }
        let mut shapes = vec![first];
        loop {
            shapes.push(self.single(depth)?);
            if !self.take('|') {
                return Ok(Shape::OneOf(shapes));
            }
        }
    }

    fn single(&mut self, depth: usize) -> Result<Shape, ShapeError> {
        let shape = if self.take('[') {
            let item = self.one_of(depth + 1)?;
            if !self.take(']') {
                return Err(self.error("expected ]"));
            }
            Shape::list(item)
        } else if self.take('{') {
            Shape::Record(self.fields(depth)?)
        } else if self.take('"') {
            let Some(end) = self.rest().find('"') else {
                return Err(self.error("expected a closing quote"));
            };
            let literal = self.rest()[..end].to_owned();
            self.at += end + 1;
            Shape::Literal(literal)
        } else {
            let start = self.at;
            let word = self.word().to_owned();
            named(&word).ok_or(ShapeError {
                at: start,
                why: "expected any, null, bool, int, number, text, bytes, vector, [ ], { } or \"text\"",
            })?
        };
        // `number?` is a number or nothing.
        Ok(if self.take('?') { Shape::OneOf(vec![shape, Shape::Null]) } else { shape })
    }

    fn fields(&mut self, depth: usize) -> Result<Vec<Field>, ShapeError> {
        let mut fields = Vec::new();
        while !self.take('}') {
            if !fields.is_empty() && !self.take(',') {
                return Err(self.error("expected , or }"));
            }
            let name = self.word().to_owned();
            if name.is_empty() {
                return Err(self.error("expected a field's name"));
            }
            let optional = self.take('?');
            if !self.take(':') {
                return Err(self.error("expected :"));
            }
            fields.push(Field { name, shape: self.one_of(depth + 1)?, optional });
        }
        Ok(fields)
    }
}

fn named(word: &str) -> Option<Shape> {
    Some(match word {
        "any" => Shape::Any,
        "null" => Shape::Null,
        "bool" => Shape::Bool,
        "int" => Shape::Int,
        "number" => Shape::Number,
        "text" => Shape::Text,
        "bytes" => Shape::Bytes,
        "vector" => Shape::Vector,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use avm_ir::{Value, value::Record};

    use super::super::Shape;

    #[test]
    fn text_form_round_trips() {
        for text in [
            "any",
            "[text]",
            "{city: text, days?: int}",
            "\"BUY\" | \"SELL\" | null",
            "{items: [{name: text, at?: [number]}], vec: vector | null}",
        ] {
            let shape: Shape = text.parse().expect(text);
            assert_eq!(shape.to_string(), text);
        }
        assert_eq!("number?".parse::<Shape>().expect("shape").to_string(), "number | null");
    }

    #[test]
    fn what_is_no_shape_says_where() {
        for (text, at) in [("", 0), ("txt", 0), ("[text", 5), ("{a text}", 3), ("text text", 5)] {
            let error = text.parse::<Shape>().expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
        }
        assert!("[".repeat(100).parse::<Shape>().is_err());
    }

    #[test]
    fn mismatch_names_the_place() {
        let shape: Shape = "{tweets: [{text: text, likes?: int}]}".parse().expect("shape");
        let tweet = |text: Value| Value::Record(Record::from_iter([("text", text)]));
        let record =
            |items: Vec<Value>| Value::Record(Record::from_iter([("tweets", Value::list(items))]));
        assert_eq!(shape.check(&record(vec![tweet(Value::text("up"))])), Ok(()));
        let wrong = shape.check(&record(vec![tweet(Value::text("up")), tweet(Value::Int(3))]));
        let wrong = wrong.expect_err("a number is no text").to_string();
        assert_eq!(wrong, ".tweets[1].text must be text, found int");
    }
}
