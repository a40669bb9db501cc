//! Values of programs as values of the database and back.

use std::sync::Arc;

use avm_ir::{Value, value::to_json};
use rusqlite::{
    Statement,
    types::{ToSqlOutput, Value as Owned, ValueRef},
};

use super::{errors, watch::Watch};
use crate::provider::Refusal;

/// Gives a statement the values of its parameters, as many as it has.
pub(super) fn bind(
    statement: &mut Statement<'_>,
    params: &[Value],
    watch: &Watch,
) -> Result<(), Refusal> {
    let (wanted, given) = (statement.parameter_count(), params.len());
    if wanted != given {
        return Err(Refusal::invalid(format!(
            "the query has {wanted} parameters, and params has {given} values"
        )));
    }
    for (index, value) in params.iter().enumerate() {
        let bound = statement.raw_bind_parameter(index + 1, write(value, index)?);
        bound.map_err(|error| errors::refusal(&error, watch))?;
    }
    Ok(())
}

fn write(value: &Value, index: usize) -> Result<ToSqlOutput<'_>, Refusal> {
    Ok(ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Bool(bool) => ValueRef::Integer(i64::from(*bool)),
        Value::Int(int) => ValueRef::Integer(*int),
        // A database has no NaN; it stores NULL.
        Value::Float(float) => ValueRef::Real(*float),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Bytes(bytes) => ValueRef::Blob(bytes),
        Value::List(_) | Value::Record(_) => {
            return Ok(ToSqlOutput::Owned(Owned::Text(to_json(value))));
        }
        Value::Vector(_) | Value::Handle(..) => {
            return Err(Refusal::invalid(format!(
                "params[{index}]: a database keeps no {}; vectors belong into a collection",
                value.type_name()
            )));
        }
    }))
}

/// A value of a row.
pub(super) fn read(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(int) => Value::Int(int),
        ValueRef::Real(float) => Value::float(float),
        // Whoever else writes the file may have stored what is no UTF-8.
        ValueRef::Text(text) => Value::text(&String::from_utf8_lossy(text)),
        ValueRef::Blob(blob) => Value::Bytes(Arc::new(blob.to_vec())),
    }
}
