//! Whatever serde reads, as a value.

use std::fmt;

use avm_ir::{
    Value,
    value::{Record, Text},
};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

/// Levels of a file: the table of the file, the list of rules, a rule, and what is in it.
const MAX_LEVELS: usize = super::MAX_DEPTH * 2 + 8;

/// Reads a value.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
    Level(0).deserialize(from)
}

/// Reads a value this deep in the file.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.0 == MAX_LEVELS {
            return Err(E::custom(format!("nested more than {MAX_LEVELS} levels deep")));
        }
        Ok(Self(self.0 + 1))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bool, a number, a text, a list or a table")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        let int = i64::try_from(value);
        int.map(Value::Int).map_err(|_| E::custom(format!("{value} is too large for an int")))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::text(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let level = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(level)? {
            items.push(item);
        }
        Ok(Value::list(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let level = self.deeper()?;
        let mut record = Record::new();
        while let Some(name) = from.next_key::<String>()? {
            // How the toml crate hands out a date.
            if name.starts_with("$__toml") {
                return Err(A::Error::custom("a date must stand in quotes"));
            }
            let value = from.next_value_seed(level)?;
            record.insert(Text::from(name), value);
        }
        Ok(Value::Record(record))
    }
}
