//! What an instruction costs: the schedule's formulas, resolved to operands once, evaluated by the
//! loop. Handlers neither charge nor know prices.

use alloc::vec::Vec;

use avm_ir::{
    Instr, OpInfo, Opcode, Schedule, Slot, StatusWord, Value,
    gas::{GAS, MILLI, Measure, Term},
    instr::Role,
    opcode::OPS,
    operand::Kind,
};

use crate::rewrite::about_code;

/// Where a measured operand lies.
#[derive(Clone, Copy, Debug)]
enum From {
    /// Register `a`.
    A,
    /// A slot behind `a`.
    Slot(usize),
    /// All slots from here on.
    Rest(usize),
    /// A result.
    Output(usize),
}

#[derive(Clone, Copy, Debug)]
enum What {
    One,
    Size(From),
    Weight(From),
    Scan(From),
    Count(From),
    Dim(From),
    Value(From),
    SortWork(From),
    Times(From, From),
    Product(From, From),
    Steps(From, From, From),
    Units,
}

#[derive(Clone, Copy, Debug)]
struct Priced {
    coefficient: u64,
    what: What,
}

/// The formulas of one instruction.
#[derive(Clone, Debug, Default)]
struct Row {
    before: Vec<Priced>,
    after: Vec<Priced>,
}

/// A schedule, ready to be charged.
#[derive(Clone, Debug)]
pub(crate) struct Prices {
    pub(crate) intrinsic: u64,
    rows: Vec<Row>,
}

/// Operands of one instruction, as far as prices need them.
pub(crate) struct Operands<'a> {
    pub(crate) a: &'a Value,
    pub(crate) slots: &'a [Slot],
    pub(crate) value: &'a dyn Fn(Slot) -> &'a Value,
}

/// What a finished instruction brought back.
pub(crate) struct Results<'a> {
    /// `None` if it failed: then nothing came back that could be measured.
    pub(crate) outputs: Option<&'a [Value]>,
    pub(crate) units: u64,
}

impl Prices {
    pub(crate) fn new(schedule: &Schedule) -> Self {
        let mut rows = alloc::vec![Row::default(); 256];
        for info in OPS {
            let row = &mut rows[info.opcode as usize];
            let names: Vec<&str> = info.inputs.iter().map(|operand| operand.name).collect();
            for term in schedule.formulas[info.opcode as usize] {
                let priced = Priced { coefficient: term.coefficient, what: resolve(info, term) };
                if needs_result(&term.measure, &names) {
                    row.after.push(priced);
                } else {
                    row.before.push(priced);
                }
            }
        }
        Self { intrinsic: schedule.intrinsic, rows }
    }

    /// The same in a test, where nobody works for an answer: what asks somebody costs so little that
    /// a test can afford it, and enough that one of few gas does not do it for long.
    pub(crate) fn of_tests(&self) -> Self {
        let mut prices = self.clone();
        for info in OPS {
            let rewrites = info.sets == Some(StatusWord::Rewrite);
            let coefficient = match (rewrites || about_code(info.opcode), info.reach) {
                (true, _) => GAS / 10,
                (false, Some(_)) => MILLI,
                (false, None) => continue,
            };
            let before = alloc::vec![Priced { coefficient, what: What::One }];
            prices.rows[info.opcode as usize] = Row { before, after: Vec::new() };
        }
        prices
    }

    /// Nanogas to charge before the instruction, besides the intrinsic minimum.
    pub(crate) fn before(&self, op: Opcode, operands: &Operands<'_>) -> u64 {
        let none = Results { outputs: None, units: 0 };
        sum(&self.rows[op as usize].before, operands, &none)
    }

    /// Nanogas to charge after the instruction.
    pub(crate) fn after(&self, op: Opcode, operands: &Operands<'_>, results: &Results<'_>) -> u64 {
        sum(&self.rows[op as usize].after, operands, results)
    }

    /// Whether nothing is charged after an instruction.
    pub(crate) fn answers_are_free(&self, op: Opcode) -> bool {
        self.rows[op as usize].after.is_empty()
    }

    /// Whether an instruction costs nothing but the intrinsic minimum where its operands are scalars.
    pub(crate) fn scalars_are_free(&self, op: Opcode) -> bool {
        self.is_free(op, |what| matches!(what, What::Weight(_) | What::Scan(_)))
    }

    /// The same whatever its operands are, but for texts that are not ASCII.
    pub(crate) fn containers_are_free(&self, op: Opcode) -> bool {
        self.is_free(op, |what| matches!(what, What::Scan(_)))
    }

    fn is_free(&self, op: Opcode, costs_nothing: fn(&What) -> bool) -> bool {
        let row = &self.rows[op as usize];
        row.after.is_empty() && row.before.iter().all(|priced| costs_nothing(&priced.what))
    }

    /// What a byte of the first operand, or of each of the first two, costs, where nothing else is
    /// priced; 0 where something else is.
    pub(crate) fn byte(&self, op: Opcode, operands: usize) -> u16 {
        let row = &self.rows[op as usize];
        let Some(first) = row.before.first() else { return 0 };
        let weighed = |n| {
            row.before.iter().any(|priced| {
                let is_it = matches!(priced.what, What::Weight(From::Slot(slot)) if slot == n);
                is_it && priced.coefficient == first.coefficient
            })
        };
        let all = row.before.len() == operands && (0..operands).all(weighed);
        match u16::try_from(first.coefficient) {
            Ok(price) if all && row.after.is_empty() => price,
            _ => 0,
        }
    }

    /// What a byte of the result costs, where nothing else is priced but texts that are not ASCII.
    pub(crate) fn result_byte(&self, op: Opcode) -> Option<u16> {
        let row = &self.rows[op as usize];
        let free = row.before.iter().all(|priced| matches!(priced.what, What::Scan(_)));
        match row.after.as_slice() {
            [Priced { coefficient, what: What::Weight(From::Output(0)) }] if free => {
                u16::try_from(*coefficient).ok()
            }
            _ => None,
        }
    }

    /// What each operand of a list of operands costs, where nothing else is priced.
    pub(crate) fn counted(&self, op: Opcode) -> Option<u64> {
        let row = &self.rows[op as usize];
        match (row.before.as_slice(), row.after.as_slice()) {
            ([Priced { coefficient, what: What::Count(From::Rest(0)) }], []) => Some(*coefficient),
            _ => None,
        }
    }

    /// Most bytes and units that an amount of nanogas buys after the instruction.
    pub(crate) fn caps(&self, op: Opcode, nanogas: u64) -> (u64, u64) {
        let (mut bytes, mut units) = (u64::MAX, u64::MAX);
        for term in &self.rows[op as usize].after {
            let bought = nanogas.checked_div(term.coefficient).unwrap_or(u64::MAX);
            match term.what {
                What::Units => units = units.min(bought),
                // These say nothing about the bytes of all outputs together.
                What::Dim(_) | What::Count(_) => {}
                _ => bytes = bytes.min(bought),
            }
        }
        (bytes, units)
    }
}

pub(crate) const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

fn resolve(info: &OpInfo, term: &Term) -> What {
    let from = |name: &str| place_of(info, name);
    match term.measure {
        Measure::One => What::One,
        Measure::Size(a) => What::Size(from(a)),
        Measure::Weight(a) => What::Weight(from(a)),
        Measure::Scan(a) => What::Scan(from(a)),
        Measure::Count(a) => What::Count(from(a)),
        Measure::Dim(a) => What::Dim(from(a)),
        Measure::Value(a) => What::Value(from(a)),
        Measure::SortWork(a) => What::SortWork(from(a)),
        Measure::Times(a, n) => What::Times(from(a), from(n)),
        Measure::Product(a, b) => What::Product(from(a), from(b)),
        Measure::Steps(a, b, s) => What::Steps(from(a), from(b), from(s)),
        Measure::Units(_) => What::Units,
    }
}

/// Where the operand of a name lies. A name that is none of the row's would be a mistake in the
/// table; a test of the table finds it.
fn place_of(info: &OpInfo, name: &str) -> From {
    let Some(input) = info.inputs.iter().position(|operand| operand.name == name) else {
        let output = info.outputs.iter().position(|output| output.name == name);
        return From::Output(output.unwrap_or(usize::MAX));
    };
    if info.place_in_a() == Some(input) {
        return From::A;
    }
    let slot = info.slot_roles().position(|role| role == Role::Input(input)).unwrap_or(usize::MAX);
    if info.inputs[input].kind == Kind::Args { From::Rest(slot) } else { From::Slot(slot) }
}

const NULL: &Value = &Value::Null;

fn sum(terms: &[Priced], operands: &Operands<'_>, results: &Results<'_>) -> u64 {
    let mut total = 0_u64;
    for term in terms {
        let amount = measure(term.what, operands, results);
        total = total.saturating_add(term.coefficient.saturating_mul(amount));
    }
    total
}

fn measure(what: What, operands: &Operands<'_>, results: &Results<'_>) -> u64 {
    let value = |from: From| match from {
        From::A => Some(operands.a),
        From::Slot(i) | From::Rest(i) => match operands.slots.get(i) {
            Some(&Slot::ABSENT) | None => None,
            Some(slot) => Some((operands.value)(*slot)),
        },
        From::Output(i) => results.outputs.map(|outputs| outputs.get(i).unwrap_or(NULL)),
    };
    match what {
        What::One => 1,
        What::Units => results.units,
        What::Size(from) => value(from).map_or(0, Value::size),
        What::Weight(from) => value(from).map_or(0, weight),
        What::Scan(from) => match value(from) {
            Some(Value::Text(text)) if !text.is_ascii() => text.len() as u64,
            _ => 0,
        },
        What::Count(From::Rest(i)) => operands.slots.len().saturating_sub(i) as u64,
        What::Count(from) => value(from).map_or(0, count),
        What::Dim(from) => match value(from) {
            Some(Value::Vector(vector)) => vector.len() as u64,
            _ => 0,
        },
        What::Value(from) => value(from).map_or(0, number),
        What::SortWork(from) => {
            let n = value(from).map_or(0, count);
            n.saturating_mul(u64::from(n.max(1).next_power_of_two().trailing_zeros()))
        }
        What::Times(a, n) => {
            value(a).map_or(0, Value::size).saturating_mul(value(n).map_or(0, number))
        }
        What::Product(a, b) => {
            let b = value(b).map_or(0, |b| match b {
                Value::List(_) | Value::Record(_) => count(b),
                other => other.size(),
            });
            value(a).map_or(0, Value::size).saturating_mul(b)
        }
        What::Steps(a, b, s) => steps(value(a), value(b), value(s)),
    }
}

fn weight(value: &Value) -> u64 {
    if value.is_heap() { value.size() } else { 0 }
}

fn count(value: &Value) -> u64 {
    match value {
        Value::List(list) => list.len() as u64,
        Value::Record(record) => record.len() as u64,
        Value::Null => 0,
        _ => 1,
    }
}

/// The whole part of a number that is not negative.
fn number(value: &Value) -> u64 {
    match value {
        Value::Int(int) => u64::try_from(*int).unwrap_or(0),
        // The cast saturates and makes NaN 0.
        Value::Float(float) => *float as u64,
        _ => 0,
    }
}

fn steps(start: Option<&Value>, end: Option<&Value>, step: Option<&Value>) -> u64 {
    match (start, end, step) {
        (Some(Value::Int(start)), Some(Value::Int(end)), Some(Value::Int(step))) => {
            match step.unsigned_abs() {
                0 => 0,
                step => start.abs_diff(*end).div_ceil(step),
            }
        }
        _ => 0,
    }
}

/// What the loop has to do about a row's price, known at compile time.
#[derive(Clone, Copy)]
pub(crate) struct RowPrice {
    /// There is something to charge before.
    pub(crate) before: bool,
    /// … but nothing as long as both operands are scalars.
    pub(crate) only_weights: bool,
    /// There is something to charge after.
    pub(crate) after: bool,
}

impl RowPrice {
    pub(crate) const fn of(info_inputs: &[&str], terms: &[Term]) -> Self {
        let mut price = Self { before: false, only_weights: true, after: false };
        let mut i = 0;
        while i < terms.len() {
            if needs_result(&terms[i].measure, info_inputs) {
                price.after = true;
            } else {
                price.before = true;
                if !matches!(terms[i].measure, Measure::Weight(_) | Measure::Scan(_)) {
                    price.only_weights = false;
                }
            }
            i += 1;
        }
        price
    }
}

/// Whether a measure can be known only when the instruction is done.
const fn needs_result(measure: &Measure, inputs: &[&str]) -> bool {
    let name = match measure {
        Measure::Units(_) => return true,
        Measure::Size(name) | Measure::Weight(name) | Measure::Count(name) | Measure::Dim(name) => {
            name
        }
        _ => return false,
    };
    let mut i = 0;
    while i < inputs.len() {
        if same(inputs[i].as_bytes(), name.as_bytes()) {
            return false;
        }
        i += 1;
    }
    true
}

/// The operands of an instruction with inline or pooled slots.
pub(crate) fn slots_of<'a>(instr: &Instr, pool: &'a [Slot]) -> avm_ir::instr::Slots<'a> {
    // A verified program's operand lists lie inside the pool.
    instr.slots(pool).unwrap_or(avm_ir::instr::Slots::Pool(&[]))
}
