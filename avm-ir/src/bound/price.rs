//! What one instruction costs by what is known of its operands.
//!
//! This is `Prices` of the machine over facts instead of values; the fuzzer holds one against the
//! other.

use super::{
    Step,
    fact::{Fact, Span, Types},
    infer::Operands,
};
use crate::{
    gas::{GAS, Measure, Schedule},
    info::OpInfo,
    instr::Instr,
    operand::Kind,
    value::Value,
};

pub(super) fn step(schedule: &Schedule, instr: &Instr, operands: &Operands<'_>) -> Step {
    let info = instr.op.info();
    let mut step = Step { nanogas: schedule.intrinsic, exact: true, open: 0 };
    for (number, term) in schedule.formulas[instr.op as usize].iter().enumerate() {
        match measure(&term.measure, info, operands) {
            Some((least, most)) => {
                let cost = term.coefficient.saturating_mul(most);
                step.nanogas = step.nanogas.saturating_add(cost);
                step.exact &= least == most;
            }
            None => step.open |= 1 << (number as u32).min(14),
        }
    }
    if info.reach.is_some() {
        // Its provider may ask for more, and where it fails it may cost less.
        step.open |= Step::PROVIDER;
        // A limit that is not known may cut off even what is.
        step.exact &= operands.named(info, LIMIT).is_none();
        if let Some(limit) = own_limit(info, operands) {
            step = Step { nanogas: limit.max(schedule.intrinsic), exact: false, open: 0 };
        }
    }
    step
}

/// The operand that limits what one call may cost.
const LIMIT: &str = "gas_limit";

/// The call's own limit in nanogas, rounded up, if it is known.
fn own_limit(info: &OpInfo, operands: &Operands<'_>) -> Option<u64> {
    match operands.named(info, LIMIT)?.literal? {
        Value::Int(gas) => Some(u64::try_from(*gas).unwrap_or(0).saturating_mul(GAS)),
        // The cast goes down to whole gas and saturates.
        Value::Float(gas) => Some((*gas as u64).saturating_add(1).saturating_mul(GAS)),
        _ => None,
    }
}

/// The least and the most that a measure can be; `None` if there is no most.
fn measure(measure: &Measure, info: &OpInfo, operands: &Operands<'_>) -> Option<(u64, u64)> {
    let input = |name: &str| info.inputs.iter().position(|operand| operand.name == name);
    let is_result = |name: &str| input(name).is_none();
    let fact = |name: &str| operands.named(info, name);
    match measure {
        Measure::One => Some((1, 1)),
        Measure::Units(_) => None,
        Measure::Weight(name) if is_result(name) => part(info, operands),
        Measure::Size(name) | Measure::Count(name) | Measure::Dim(name) if is_result(name) => None,
        Measure::Size(name) => fact(name).map_or(Some((0, 0)), |fact| ends(fact.size)),
        Measure::Weight(name) => fact(name).map_or(Some((0, 0)), |fact| weight(&fact)),
        Measure::Scan(name) => fact(name).map_or(Some((0, 0)), |fact| scan(&fact)),
        Measure::Count(name) => match input(name).map(|input| info.inputs[input].kind) {
            Some(Kind::Args) => Some((u64::from(operands.many), u64::from(operands.many))),
            _ => fact(name).map_or(Some((0, 0)), |fact| ends(fact.count)),
        },
        Measure::Dim(name) => fact(name).map_or(Some((0, 0)), |fact| dimension(&fact)),
        Measure::Value(name) => fact(name).map_or(Some((0, 0)), |fact| number(&fact)),
        Measure::SortWork(name) => {
            let work = |n: u64| {
                let log = n.max(1).next_power_of_two().trailing_zeros();
                n.saturating_mul(u64::from(log))
            };
            let (least, most) = fact(name).map_or(Some((0, 0)), |fact| ends(fact.count))?;
            Some((work(least), work(most)))
        }
        Measure::Times(a, n) => {
            let size = fact(a).map_or(Some((0, 0)), |fact| ends(fact.size));
            let times = fact(n).map_or(Some((0, 0)), |fact| number(&fact));
            product(size, times)
        }
        Measure::Product(a, b) => {
            let size = fact(a).map_or(Some((0, 0)), |fact| ends(fact.size));
            let containers = Types::LIST.or(Types::RECORD);
            let times = fact(b).map_or(Some((0, 0)), |fact| match fact.types {
                types if types.within(containers) => ends(fact.count),
                types if !types.meets(containers) => ends(fact.size),
                _ => ends(fact.count.hull(fact.size)),
            });
            product(size, times)
        }
        Measure::Steps(a, b, s) => {
            let literal = |name: &str| fact(name).and_then(|fact| fact.literal);
            match (literal(a), literal(b), literal(s)) {
                (Some(Value::Int(start)), Some(Value::Int(end)), Some(Value::Int(step))) => {
                    let steps = match step.unsigned_abs() {
                        0 => 0,
                        step => start.abs_diff(*end).div_ceil(step),
                    };
                    Some((steps, steps))
                }
                _ => None,
            }
        }
    }
}

fn ends(span: Span) -> Option<(u64, u64)> {
    (span.most != Span::NO_LIMIT).then_some((u64::from(span.least), u64::from(span.most)))
}

fn product(a: Option<(u64, u64)>, b: Option<(u64, u64)>) -> Option<(u64, u64)> {
    // Nothing times anything is nothing.
    if a == Some((0, 0)) || b == Some((0, 0)) {
        return Some((0, 0));
    }
    let (a, b) = (a?, b?);
    Some((a.0.saturating_mul(b.0), a.1.saturating_mul(b.1)))
}

fn weight(fact: &Fact<'_>) -> Option<(u64, u64)> {
    if fact.types.within(Types::SCALAR) {
        return Some((0, 0));
    }
    let (least, most) = ends(fact.size)?;
    Some((if fact.types.meets(Types::SCALAR) { 0 } else { least }, most))
}

fn scan(fact: &Fact<'_>) -> Option<(u64, u64)> {
    if !fact.types.meets(Types::TEXT) {
        return Some((0, 0));
    }
    match fact.literal {
        Some(Value::Text(text)) if text.is_ascii() => Some((0, 0)),
        Some(Value::Text(text)) => Some((text.len() as u64, text.len() as u64)),
        _ => ends(Span::to(fact.size.most)),
    }
}

fn dimension(fact: &Fact<'_>) -> Option<(u64, u64)> {
    if !fact.types.meets(Types::VECTOR) {
        return Some((0, 0));
    }
    match fact.literal {
        Some(Value::Vector(vector)) => Some((vector.len() as u64, vector.len() as u64)),
        // Four bytes for each component.
        _ => ends(Span::to(fact.size.most)).map(|(_, most)| (0, most / 4)),
    }
}

fn number(fact: &Fact<'_>) -> Option<(u64, u64)> {
    if !fact.types.meets(Types::NUMBER) {
        return Some((0, 0));
    }
    match fact.literal? {
        Value::Int(int) => u64::try_from(*int).ok().or(Some(0)).map(|n| (n, n)),
        // The cast saturates and makes NaN 0.
        Value::Float(float) => Some((*float as u64, *float as u64)),
        _ => Some((0, 0)),
    }
}

/// Weight of a part of a value: at most that of the whole.
fn part(info: &OpInfo, operands: &Operands<'_>) -> Option<(u64, u64)> {
    let whole = operands.named(info, "value")?;
    weight(&whole).map(|(_, most)| (0, most))
}
