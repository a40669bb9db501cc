//! Shapes of values: what a function takes and gives, checked once for all providers.
//!
//! A shape has a text form, used in manifests that people read and in configuration that they write:
//! `text`, `number?` (or `NULL`), `[text]` (a list of texts), `{city: text, days?: int}` (a record
//! with an optional field; more fields are fine), `"BUY" | "SELL"` (one of), `any`.

mod parse;

use std::fmt;

use avm_ir::Value;

pub use parse::ShapeError;

/// What a value has to look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Every value.
    Any,
    /// `NULL`.
    Null,
    /// `true` or `false`.
    Bool,
    /// An int.
    Int,
    /// An int or a float.
    Number,
    /// A text.
    Text,
    /// Exactly this text.
    Literal(String),
    /// Bytes.
    Bytes,
    /// A vector.
    Vector,
    /// A list of such items.
    List(Box<Self>),
    /// A record with at least these fields.
    Record(Vec<Field>),
    /// A value of one of these shapes.
    OneOf(Vec<Self>),
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
    /// Whether it may be left out or `NULL`.
    pub optional: bool,
}

/// A value that does not have the shape it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where in the value, as a path such as `.city` or `[3].name`; empty for the value itself.
    pub path: String,
    /// What should be there.
    pub wanted: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, wanted, found } = self;
        if path.is_empty() {
            write!(f, "must be {wanted}, found {found}")
        } else {
            write!(f, "{path} must be {wanted}, found {found}")
        }
    }
}

impl Shape {
    /// A list of such items.
    pub fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    /// A record; a name that ends with `?` is optional.
    pub fn record<const N: usize>(fields: [(&str, Self); N]) -> Self {
        let field = |(name, shape): (&str, Self)| {
            let (name, optional) = match name.strip_suffix('?') {
                Some(name) => (name, true),
                None => (name, false),
            };
            Field { name: name.to_owned(), shape, optional }
        };
        Self::Record(fields.into_iter().map(field).collect())
    }

    /// Whether a value has this shape.
    ///
    /// # Errors
    /// The first place where it has not.
    pub fn check(&self, value: &Value) -> Result<(), Mismatch> {
        // Values nest at most 64 deep, so this does as well.
        let fits = match (self, value) {
            (Self::Any, _)
            | (Self::Null, Value::Null)
            | (Self::Bool, Value::Bool(_))
            | (Self::Int | Self::Number, Value::Int(_))
            | (Self::Number, Value::Float(_))
            | (Self::Text, Value::Text(_))
            | (Self::Bytes, Value::Bytes(_))
            | (Self::Vector, Value::Vector(_)) => true,
            (Self::Literal(literal), Value::Text(text)) => &**text == literal.as_str(),
            (Self::List(shape), Value::List(list)) => {
                for (index, item) in list.iter().enumerate() {
                    shape.check(item).map_err(|error| error.under(&format!("[{index}]")))?;
                }
                true
            }
            (Self::Record(fields), Value::Record(record)) => {
                for field in fields {
                    let value = record.get(&field.name).unwrap_or(&Value::Null);
                    if !(field.optional && *value == Value::Null) {
                        let checked = field.shape.check(value);
                        checked.map_err(|error| error.under(&format!(".{}", field.name)))?;
                    }
                }
                true
            }
            (Self::OneOf(shapes), _) => shapes.iter().any(|shape| shape.check(value).is_ok()),
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let found = value.type_name().to_owned();
        Err(Mismatch { path: String::new(), wanted: self.to_string(), found })
    }
}

impl Mismatch {
    fn under(self, place: &str) -> Self {
        Self { path: format!("{place}{}", self.path), ..self }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Number => f.write_str("number"),
            Self::Text => f.write_str("text"),
            Self::Literal(text) => write!(f, "{text:?}"),
            Self::Bytes => f.write_str("bytes"),
            Self::Vector => f.write_str("vector"),
            Self::List(item) => write!(f, "[{item}]"),
            Self::Record(fields) => {
                f.write_str("{")?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    let mark = if field.optional { "?" } else { "" };
                    write!(f, "{comma}{}{mark}: {}", field.name, field.shape)?;
                }
                f.write_str("}")
            }
            Self::OneOf(shapes) => {
                for (index, shape) in shapes.iter().enumerate() {
                    let bar = if index == 0 { "" } else { " | " };
                    write!(f, "{bar}{shape}")?;
                }
                Ok(())
            }
        }
    }
}
