//! Vectors: sums in binary64, in order, so that every host computes the same bits.

use avm_ir::{Instr, Slot, Value};

use super::{Cpu, Done, Exit, fault, type_fault};
use crate::trap::TrapCode;

fn vector<'a>(cpu: &'a Cpu<'_>, i: Instr, slot: Slot) -> Result<&'a [f32], Exit> {
    match cpu.get(slot) {
        Value::Vector(vector) => Ok(vector),
        other => Err(type_fault(i.op, "a vector", other)),
    }
}

/// Sum from +0.0 on; `Iterator::sum` starts from -0.0, which shows in the sum of nothing.
fn total(terms: impl Iterator<Item = f64>) -> f64 {
    terms.fold(0.0, |sum, term| sum + term)
}

fn product(left: &[f32], right: &[f32]) -> Result<f64, Exit> {
    if left.len() != right.len() {
        return Err(fault(TrapCode::InvalidArgument, "the vectors differ in dimension"));
    }
    Ok(total(left.iter().zip(right).map(|(a, b)| f64::from(*a) * f64::from(*b))))
}

fn length(vector: &[f32]) -> f64 {
    libm::sqrt(total(vector.iter().map(|x| f64::from(*x) * f64::from(*x))))
}

pub(super) fn dot(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let product = product(vector(cpu, i, i.b)?, vector(cpu, i, i.c)?)?;
    cpu.put(i.a, Value::float(product));
    Ok(())
}

pub(super) fn cosine(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let (left, right) = (vector(cpu, i, i.b)?, vector(cpu, i, i.c)?);
    let (product, lengths) = (product(left, right)?, length(left) * length(right));
    let similarity = if lengths == 0.0 { 0.0 } else { product / lengths };
    cpu.put(i.a, Value::float(similarity.clamp(-1.0, 1.0)));
    Ok(())
}

pub(super) fn norm(cpu: &mut Cpu<'_>, i: Instr) -> Done {
    let length = length(vector(cpu, i, i.b)?);
    cpu.put(i.a, Value::float(length));
    Ok(())
}
