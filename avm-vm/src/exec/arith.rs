//! Numbers: 64-bit ints whose overflow is a trap, binary64 floats with one NaN, bits, vectors.
//!
//! Mathematical functions come from libm, so that every host computes the same bits.

use alloc::{sync::Arc, vec::Vec};

use avm_ir::{
    Instr, Value,
    value::{LEAF_OVERHEAD, to_text},
};

use super::{Cpu, Done, Exit, fault, type_fault};
use crate::{
    passages::{append_passages, passages_bound},
    trap::{Fault, TrapCode},
};

#[cold]
fn overflow(i: Instr) -> Exit {
    let message = alloc::format!("the result of {} does not fit 64 bits", i.op.mnemonic());
    Fault { code: TrapCode::IntegerOverflow, message }.into()
}

#[inline(always)]
fn put_int(cpu: &mut Cpu<'_>, i: Instr, result: Option<i64>) -> Done {
    match result {
        Some(result) => {
            cpu.put(i.a, Value::Int(result));
            Ok(())
        }
        None => Err(overflow(i)),
    }
}

#[inline(always)]
fn put_float(cpu: &mut Cpu<'_>, i: Instr, result: f64) -> Done {
    cpu.put(i.a, Value::float(result));
    Ok(())
}

/// The float of a number.
#[inline(always)]
fn float(i: Instr, value: &Value) -> Result<f64, Exit> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        other => Err(type_fault(i.op, "numbers", other)),
    }
}

fn int(i: Instr, value: &Value) -> Result<i64, Exit> {
    match value {
        Value::Int(value) => Ok(*value),
        other => Err(type_fault(i.op, "ints", other)),
    }
}

#[inline(always)]
pub(super) fn add(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Int(a), Value::Int(b)) => {
            let sum = a.checked_add(*b);
            put_int(cpu, i, sum)
        }
        (Value::Float(a), Value::Float(b)) => {
            let sum = a + b;
            put_float(cpu, i, sum)
        }
        _ => add_any(cpu, i),
    }
}

/// Joins and mixed sums.
fn add_any(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Text(a), Value::Text(b)) => {
            let (a, b) = (a.clone(), b.clone());
            join(cpu, i, a, &b)
        }
        (Value::Text(a), b @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))) => {
            let (a, b) = (a.clone(), to_text(b));
            join(cpu, i, a, &b)
        }
        (a @ (Value::Int(_) | Value::Float(_) | Value::Bool(_)), Value::Text(b)) => {
            let (a, b) = (to_text(a), b.clone());
            join(cpu, i, a.into(), &b)
        }
        (Value::Text(text), Value::List(list)) => {
            let (text, list) = (text.clone(), list.clone());
            cpu.reserve(passages_bound(&text, &list))?;
            cpu.write(i.a, Value::from(append_passages(&text, &list)))
        }
        (Value::List(a), Value::List(b)) => {
            let (heap, a, b) = (a.heap() + b.heap(), a.clone(), b.clone());
            cpu.reserve(heap)?;
            cpu.write(i.a, a.iter().chain(b.iter()).cloned().collect::<Vec<_>>().into())
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            let joined = [a.as_slice(), b.as_slice()];
            let heap = (a.len() + b.len()) as u64;
            let joined = joined.concat();
            cpu.reserve(heap)?;
            cpu.write(i.a, Value::Bytes(Arc::new(joined)))
        }
        (Value::Vector(a), Value::Vector(b)) => {
            let sum = zip(a, b, |a, b| a + b)?;
            cpu.write(i.a, sum)
        }
        (a, b) => {
            let wanted = "two numbers, texts, lists or vectors, or a text and a scalar or list";
            let sum = match (a, b) {
                (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                    float(i, a)? + float(i, b)?
                }
                (Value::Int(_) | Value::Float(_) | Value::Text(_), b) => {
                    return Err(type_fault(i.op, wanted, b));
                }
                (a, _) => return Err(type_fault(i.op, wanted, a)),
            };
            put_float(cpu, i, sum)
        }
    }
}

/// Appends a text in place where the result goes back to the register it came from and nobody else
/// holds it.
fn join(cpu: &mut Cpu<'_>, i: Instr, left: avm_ir::value::Text, right: &str) -> Done {
    cpu.reserve((left.len() + right.len()) as u64 + LEAF_OVERHEAD)?;
    let mut text = left;
    if i.b.as_reg() == Some(i.a) {
        cpu.put(i.a, Value::Null);
    }
    text.push_str(right);
    cpu.write(i.a, Value::Text(text))
}

fn zip(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> Result<Value, Exit> {
    if a.len() != b.len() {
        return Err(fault(TrapCode::InvalidArgument, "the vectors differ in dimension"));
    }
    Ok(Value::vector(a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()))
}

#[inline(always)]
pub(super) fn sub(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Int(a), Value::Int(b)) => {
            let difference = a.checked_sub(*b);
            put_int(cpu, i, difference)
        }
        (Value::Vector(a), Value::Vector(b)) => {
            let difference = zip(a, b, |a, b| a - b)?;
            cpu.write(i.a, difference)
        }
        (a, b) => {
            let difference = float(i, a)? - float(i, b)?;
            put_float(cpu, i, difference)
        }
    }
}

#[inline(always)]
pub(super) fn mul(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Int(a), Value::Int(b)) => {
            let product = a.checked_mul(*b);
            put_int(cpu, i, product)
        }
        (Value::Vector(_), _) | (_, Value::Vector(_)) => mul_vector(cpu, i),
        (a, b) => {
            let product = float(i, a)? * float(i, b)?;
            put_float(cpu, i, product)
        }
    }
}

fn mul_vector(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let product = match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Vector(a), Value::Vector(b)) => zip(a, b, |a, b| a * b)?,
        (Value::Vector(vector), scalar) | (scalar, Value::Vector(vector)) => {
            let factor = float(i, scalar)? as f32;
            Value::vector(vector.iter().map(|component| component * factor).collect())
        }
        (a, _) => return Err(type_fault(i.op, "a vector", a)),
    };
    cpu.write(i.a, product)
}

#[cold]
fn zero_division(i: Instr) -> Exit {
    let message = alloc::format!("{} by zero", i.op.mnemonic());
    Fault { code: TrapCode::DivisionByZero, message }.into()
}

/// Two ints stay an int; division by zero is a trap for ints and floats alike.
#[inline(always)]
fn divide(
    cpu: &mut Cpu<'_>,
    i: Instr,
    ints: fn(i64, i64) -> Option<i64>,
    floats: fn(f64, f64) -> f64,
) -> Done {
    match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Int(_), Value::Int(0)) => Err(zero_division(i)),
        (Value::Int(a), Value::Int(b)) => {
            let result = ints(*a, *b);
            put_int(cpu, i, result)
        }
        (a, b) => {
            let (a, b) = (float(i, a)?, float(i, b)?);
            if b == 0.0 {
                return Err(zero_division(i));
            }
            put_float(cpu, i, floats(a, b))
        }
    }
}

#[inline(always)]
pub(super) fn div(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    divide(cpu, i, i64::checked_div, |a, b| a / b)
}

#[inline(always)]
pub(super) fn rem(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    // The remainder of the smallest int by -1 is 0, though the quotient does not fit.
    divide(cpu, i, |a, b| Some(a.wrapping_rem(b)), libm::fmod)
}

pub(super) fn neg(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match cpu.get(i.b) {
        Value::Int(value) => {
            let negated = value.checked_neg();
            put_int(cpu, i, negated)
        }
        other => {
            let negated = -float(i, other)?;
            put_float(cpu, i, negated)
        }
    }
}

pub(super) fn abs(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match cpu.get(i.b) {
        Value::Int(value) => {
            let magnitude = value.checked_abs();
            put_int(cpu, i, magnitude)
        }
        other => {
            let magnitude = libm::fabs(float(i, other)?);
            put_float(cpu, i, magnitude)
        }
    }
}

fn choose(cpu: &mut Cpu<'_>, i: Instr, right_wins: core::cmp::Ordering) -> Done {
    let (a, b) = (cpu.get(i.b), cpu.get(i.c));
    let chosen = match b.compare(a) {
        Some(order) if order == right_wins => b.clone(),
        Some(_) => a.clone(),
        None => {
            // NaN compares with nothing and is the result; anything else is the wrong type.
            match (a, b) {
                (Value::Float(nan), Value::Int(_) | Value::Float(_)) if nan.is_nan() => a.clone(),
                (Value::Int(_) | Value::Float(_), Value::Float(_)) => b.clone(),
                (Value::Int(_) | Value::Float(_) | Value::Text(_), b) => {
                    return Err(type_fault(i.op, "two numbers or two texts", b));
                }
                (a, _) => return Err(type_fault(i.op, "two numbers or two texts", a)),
            }
        }
    };
    cpu.write(i.a, chosen)
}

pub(super) fn min(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    choose(cpu, i, core::cmp::Ordering::Less)
}

pub(super) fn max(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    choose(cpu, i, core::cmp::Ordering::Greater)
}

pub(super) fn pow(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    match (cpu.get(i.b), cpu.get(i.c)) {
        (Value::Int(base), Value::Int(exponent)) if *exponent >= 0 => {
            let power = match (base, u32::try_from(*exponent)) {
                (0 | 1, _) if *exponent > 0 => Some(*base),
                (-1, _) => Some(if exponent % 2 == 0 { 1 } else { -1 }),
                (base, Ok(exponent)) => base.checked_pow(exponent),
                (_, Err(_)) => None,
            };
            put_int(cpu, i, power)
        }
        (base, exponent) => {
            let power = libm::pow(float(i, base)?, float(i, exponent)?);
            put_float(cpu, i, power)
        }
    }
}

/// A function of one number.
fn map(cpu: &mut Cpu<'_>, i: Instr, f: fn(f64) -> f64) -> Done {
    let result = f(float(i, cpu.get(i.b))?);
    put_float(cpu, i, result)
}

pub(super) fn sqrt(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    if float(i, cpu.get(i.b))? < 0.0 {
        return Err(fault(TrapCode::InvalidArgument, "SQRT of a negative number"));
    }
    map(cpu, i, libm::sqrt)
}

pub(super) fn exp(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    map(cpu, i, libm::exp)
}

pub(super) fn ln(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    if float(i, cpu.get(i.b))? <= 0.0 {
        return Err(fault(TrapCode::InvalidArgument, "LN of a number not above zero"));
    }
    map(cpu, i, libm::log)
}

pub(super) fn sin(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    map(cpu, i, libm::sin)
}

pub(super) fn cos(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    map(cpu, i, libm::cos)
}

pub(super) fn atan2(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let angle = libm::atan2(float(i, cpu.get(i.b))?, float(i, cpu.get(i.c))?);
    put_float(cpu, i, angle)
}

/// The int of a float without fraction; `None` outside 64 bits.
pub(crate) fn to_int(value: f64) -> Option<i64> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    (-TWO_63..TWO_63).contains(&value).then_some(value as i64)
}

fn whole(cpu: &mut Cpu<'_>, i: Instr, f: fn(f64) -> f64) -> Done {
    let result = match cpu.get(i.b) {
        Value::Int(value) => Some(*value),
        other => to_int(f(float(i, other)?)),
    };
    put_int(cpu, i, result)
}

pub(super) fn floor(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    whole(cpu, i, libm::floor)
}

pub(super) fn ceil(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    whole(cpu, i, libm::ceil)
}

pub(super) fn round(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let digits = match cpu.opt(i.c) {
        None | Some(Value::Null) => return whole(cpu, i, libm::round),
        Some(Value::Int(digits @ 0..=15)) => *digits as i32,
        Some(Value::Int(_)) => {
            return Err(fault(TrapCode::InvalidArgument, "ROUND keeps 0 to 15 decimals"));
        }
        Some(other) => return Err(type_fault(i.op, "an int as digits", other)),
    };
    let (value, scale) = (float(i, cpu.get(i.b))?, libm::pow(10.0, f64::from(digits)));
    let scaled = value * scale;
    let rounded = if scaled.is_finite() { libm::round(scaled) / scale } else { value };
    put_float(cpu, i, rounded)
}

#[inline(always)]
fn bits(cpu: &mut Cpu<'_>, i: Instr, f: fn(i64, i64) -> i64) -> Done {
    let result = f(int(i, cpu.get(i.b))?, int(i, cpu.get(i.c))?);
    cpu.put(i.a, Value::Int(result));
    Ok(())
}

#[inline(always)]
pub(super) fn bit_and(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    bits(cpu, i, |a, b| a & b)
}

#[inline(always)]
pub(super) fn bit_or(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    bits(cpu, i, |a, b| a | b)
}

#[inline(always)]
pub(super) fn bit_xor(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    bits(cpu, i, |a, b| a ^ b)
}

fn shift(cpu: &mut Cpu<'_>, i: Instr, f: fn(i64, u32) -> i64) -> Done {
    let value = int(i, cpu.get(i.b))?;
    match int(i, cpu.get(i.c))? {
        count @ 0..=63 => {
            cpu.put(i.a, Value::Int(f(value, count as u32)));
            Ok(())
        }
        _ => Err(fault(TrapCode::InvalidArgument, "shifts go by 0 to 63 bits")),
    }
}

pub(super) fn shift_left(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    shift(cpu, i, |value, count| value << count)
}

pub(super) fn shift_right(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    shift(cpu, i, |value, count| value >> count)
}

pub(super) fn mul_wrap(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    bits(cpu, i, i64::wrapping_mul)
}

pub(super) fn add_wrap(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    bits(cpu, i, i64::wrapping_add)
}
