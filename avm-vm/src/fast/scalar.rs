//! What fast code does with scalars: the same as the handlers, or `None` where they would do
//! something unusual.

use avm_ir::Value;

use super::op::{Bits, Compare, Unary};
use crate::exec::arith::to_int;

/// Functions that write a scalar over a value. Where that is a scalar too it needs no destructor;
/// where it is a container, dropping it is a call, and one without a value to carry along.
macro_rules! setters {
    ($($(#[$doc:meta])+ $set:ident, $drop:ident: $scalar:ident: $type:ty => $value:expr;)*) => {
        $(
            $(#[$doc])+
            #[inline(always)]
            pub(super) fn $set(slot: &mut Value, $scalar: $type) {
                if slot.is_heap() {
                    $drop(slot, $scalar);
                } else {
                    overwrite(slot, $value);
                }
            }

            #[cold]
            #[inline(never)]
            fn $drop(slot: &mut Value, $scalar: $type) {
                *slot = $value;
            }
        )*
    };
}

setters! {
    /// Writes an int over a value.
    set_int, drop_for_int: int: i64 => Value::Int(int);
    /// Writes a float that is no NaN over a value.
    set_float, drop_for_float: float: f64 => Value::Float(float);
    /// Writes a bool over a value.
    set_bool, drop_for_bool: bool: bool => Value::Bool(bool);
    /// Writes any value over another.
    set, replace: value: Value => value;
}

/// Writes `NULL` over a value.
#[inline(always)]
pub(super) fn set_null(slot: &mut Value) {
    if slot.is_heap() {
        drop_for_null(slot);
    } else {
        overwrite(slot, Value::Null);
    }
}

#[cold]
#[inline(never)]
fn drop_for_null(slot: &mut Value) {
    *slot = Value::Null;
}

/// Writes a value over a scalar, which needs no destructor; saying so saves a call.
#[inline(always)]
pub(super) fn overwrite(slot: &mut Value, value: Value) {
    core::mem::forget(core::mem::replace(slot, value));
}

/// Whether a value may not be divided by.
#[inline(always)]
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Int(int) => *int == 0,
        Value::Float(float) => *float == 0.0,
        _ => false,
    }
}

/// A number as a float.
const fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

/// Two numbers, not both ints, as floats.
#[cold]
#[inline(never)]
pub(super) fn mixed(x: &Value, y: &Value) -> Option<(f64, f64)> {
    Some((number(x)?, number(y)?))
}

/// Whether a comparison holds for floats.
#[inline(always)]
pub(super) fn floats_hold(how: Compare, x: f64, y: f64) -> bool {
    match how {
        Compare::Lt => x < y,
        Compare::Le => x <= y,
        Compare::Gt => x > y,
        Compare::Ge => x >= y,
        Compare::Eq => x == y,
        Compare::Ne => x != y,
    }
}

/// Whether a comparison holds; `None` for what somebody else has to look at: without `HEAP`, all
/// but two ints or two floats.
#[inline(always)]
pub(super) fn compare<const HEAP: bool>(how: Compare, x: &Value, y: &Value) -> Option<bool> {
    match (x, y) {
        (Value::Int(x), Value::Int(y)) => Some(how.holds(x.cmp(y))),
        (Value::Float(x), Value::Float(y)) => Some(floats_hold(how, *x, *y)),
        (x, y) if HEAP => compare_any(how, x, y),
        _ => None,
    }
}

/// The same with a constant.
#[inline(always)]
pub(super) fn compare_int<const HEAP: bool>(how: Compare, x: &Value, k: i64) -> Option<bool> {
    match x {
        Value::Int(x) => Some(how.holds(x.cmp(&k))),
        x if HEAP => compare_with_int(how, x, k),
        _ => None,
    }
}

#[cold]
#[inline(never)]
fn compare_with_int(how: Compare, x: &Value, k: i64) -> Option<bool> {
    compare_any(how, x, &Value::Int(k))
}

/// The same with a constant that is no NaN.
#[inline(always)]
pub(super) fn compare_float<const HEAP: bool>(how: Compare, x: &Value, k: f64) -> Option<bool> {
    match x {
        Value::Float(x) => Some(floats_hold(how, *x, k)),
        x if HEAP => compare_with_float(how, x, k),
        _ => None,
    }
}

#[cold]
#[inline(never)]
fn compare_with_float(how: Compare, x: &Value, k: f64) -> Option<bool> {
    compare_any(how, x, &Value::Float(k))
}

#[cold]
#[inline(never)]
fn compare_any(how: Compare, x: &Value, y: &Value) -> Option<bool> {
    if x.is_heap() || y.is_heap() {
        return None;
    }
    match how {
        Compare::Eq => Some(x.equals(y)),
        Compare::Ne => Some(!x.equals(y)),
        how => x.compare(y).map(|order| how.holds(order)),
    }
}

/// A bool, or `NULL` as false.
#[inline(always)]
pub(super) const fn condition(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(bool) => Some(*bool),
        Value::Null => Some(false),
        _ => None,
    }
}

/// Two of them.
#[inline(always)]
pub(super) fn both(x: &Value, y: &Value) -> Option<(bool, bool)> {
    Some((condition(x)?, condition(y)?))
}

/// Bits of ints; `None` for a shift that there is not.
#[inline(always)]
pub(super) const fn bits(how: Bits, x: i64, y: i64) -> Option<i64> {
    Some(match how {
        Bits::Or => x | y,
        Bits::Left if 0 <= y && y < 64 => x << y,
        Bits::Right if 0 <= y && y < 64 => x >> y,
        Bits::Left | Bits::Right => return None,
        Bits::MulWrap => x.wrapping_mul(y),
        Bits::AddWrap => x.wrapping_add(y),
    })
}

/// A function of one number.
#[cold]
#[inline(never)]
pub(super) fn unary(how: Unary, x: &Value) -> Option<Value> {
    Some(match (how, x) {
        (Unary::Neg, Value::Int(x)) => Value::Int(x.checked_neg()?),
        (Unary::Neg, Value::Float(x)) => Value::float(-x),
        (Unary::Abs, Value::Int(x)) => Value::Int(x.checked_abs()?),
        (Unary::Abs, Value::Float(x)) => Value::float(libm::fabs(*x)),
        (Unary::Floor | Unary::Ceil | Unary::ToInt, Value::Int(x)) => Value::Int(*x),
        (Unary::Floor, Value::Float(x)) => Value::Int(to_int(libm::floor(*x))?),
        (Unary::Ceil, Value::Float(x)) => Value::Int(to_int(libm::ceil(*x))?),
        (Unary::ToInt, Value::Float(x)) => Value::Int(to_int(libm::trunc(*x))?),
        (Unary::ToFloat, x) => Value::float(number(x)?),
        _ => return None,
    })
}
