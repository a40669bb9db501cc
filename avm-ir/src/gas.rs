//! Gas: integer nanogas, formulas as data, and the versioned schedule that a run is priced by.
//!
//! No float takes part. Every executed instruction pays the schedule's intrinsic minimum, so
//! nothing is free and no loop is endless; on top comes the row's formula, a sum of terms
//! `coefficient × measure`. Sizes are those of [`crate::value`]; `codeSize` counts instructions
//! . Coefficients that the whitepaper leaves open carry their name and are argued in
//! `spec/gas.md`.

use alloc::{format, string::String, vec::Vec};

use crate::{opcode::OPS, wire::Writer};

/// One gas, in nanogas.
pub const GAS: u64 = 1_000_000_000;
/// A thousandth of a gas, in nanogas.
pub const MILLI: u64 = 1_000_000;
/// A millionth of a gas, in nanogas.
pub const MICRO: u64 = 1_000;

/// An amount of gas in nanogas; displays as a decimal number of gas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gas(pub u64);

impl core::fmt::Display for Gas {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (whole, fraction) = (self.0 / GAS, self.0 % GAS);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{fraction:09}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl core::str::FromStr for Gas {
    type Err = &'static str;

    /// Reads a decimal number of gas with at most nine decimals, such as `1000` or `0.000001`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str =
            "gas is a decimal number with at most nine decimals, such as 250 or 0.001";
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || text.ends_with('.')
            || fraction.len() > 9
            || !digits(whole)
            || !digits(fraction)
        {
            return Err(FORM);
        }
        let whole: u64 = whole.parse().map_err(|_| FORM)?;
        let fraction: u64 = format!("{fraction:0<9}").parse().map_err(|_| FORM)?;
        whole
            .checked_mul(GAS)
            .and_then(|nanogas| nanogas.checked_add(fraction))
            .map(Gas)
            .ok_or("at most 18446744073 gas")
    }
}

/// What a coefficient is multiplied with. Operands are named as in the table.
///
/// A measure of an operand or of what the instruction knows beforehand is charged before it runs;
/// a measure of an output or of reported units is reserved before and settled after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// 1
    One,
    /// Size of an operand or output in bytes ([`crate::Value::size`]); 0 if absent.
    Size(&'static str),
    /// Size of a text, bytes or container; 0 for null, bool, number and handle.
    Weight(&'static str),
    /// Bytes to walk to find a character's position: the size of a text that is not ASCII, 0 for
    /// anything else.
    Scan(&'static str),
    /// Items of a list, fields of a record, number of variadic operands; 1 for anything else.
    Count(&'static str),
    /// Dimension of a vector; 0 for anything else.
    Dim(&'static str),
    /// Value of an int (or whole part of a float), at least 0.
    Value(&'static str),
    /// n × ⌈log2 n⌉ for a list of n items.
    SortWork(&'static str),
    /// Size of the first operand times the value of the second, at least 0.
    Times(&'static str, &'static str),
    /// Size of the first operand times the item count or size of the second.
    Product(&'static str, &'static str),
    /// Steps from the first operand's value to the second's by the third's.
    Steps(&'static str, &'static str, &'static str),
    /// Units of work that whoever did the work reports with the result; the text says what.
    Units(&'static str),
}

/// One summand of a gas formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Nanogas per unit of the measure.
    pub coefficient: u64,
    /// Name of a coefficient that the whitepaper leaves open.
    pub name: Option<&'static str>,
    /// What it is multiplied with.
    pub measure: Measure,
}

/// A fixed amount of nanogas.
pub const fn base(nanogas: u64) -> Term {
    Term { coefficient: nanogas, name: None, measure: Measure::One }
}

/// So much nanogas per unit of a measure.
pub const fn per(coefficient: u64, measure: Measure) -> Term {
    Term { coefficient, name: None, measure }
}

/// A coefficient that the whitepaper names but does not define; argued in `spec/gas.md`.
pub const fn open(name: &'static str, coefficient: u64, measure: Measure) -> Term {
    Term { coefficient, name: Some(name), measure }
}

/// What every instruction costs, as versioned data. Its hash stands in every journal.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Version number.
    pub version: u16,
    /// Nanogas that every executed instruction pays.
    pub intrinsic: u64,
    /// Formula of each instruction by byte; empty where there is no instruction.
    pub formulas: Vec<&'static [Term]>,
}

impl Schedule {
    /// Version 1: the formulas of the instruction table.
    pub fn v1() -> Self {
        let mut formulas: Vec<&'static [Term]> = alloc::vec![&[]; 256];
        for info in OPS {
            formulas[info.opcode as usize] = info.gas;
        }
        Self { version: 1, intrinsic: MICRO, formulas }
    }

    /// blake3 over the version, the intrinsic minimum and every formula.
    pub fn hash(&self) -> [u8; 32] {
        let mut writer = Writer::new();
        writer.u16(self.version);
        writer.u64(self.intrinsic);
        for info in OPS {
            let terms = self.formulas[info.opcode as usize];
            writer.u8(info.opcode as u8);
            writer.u32(terms.len() as u32);
            for term in terms {
                writer.u64(term.coefficient);
                writer.text(&format!("{:?}", term.measure));
            }
        }
        let mut hasher = blake3::Hasher::new_derive_key("aither avm gas schedule v1");
        hasher.update(&writer.finish());
        *hasher.finalize().as_bytes()
    }
}

/// What an instruction costs, as one sentence that says what its measures are.
pub fn cost_text(mnemonic: &str, terms: &[Term]) -> String {
    let least = Gas(Schedule::v1().intrinsic);
    if terms.is_empty() {
        return format!(
            "{mnemonic} costs {least} gas, the intrinsic minimum of every instruction."
        );
    }
    let mut notes = Vec::new();
    for term in terms {
        if let Some(name) = term.name {
            notes.push(format!("{name} is {} by our choice", Gas(term.coefficient)));
        }
        if let Measure::Units(what) = term.measure
            && let Some((name, meaning)) = what.split_once(": ")
        {
            notes.push(format!("{name} is the number of {meaning}"));
        }
    }
    let notes = if notes.is_empty() { notes.concat() } else { format!(" ({})", notes.join("; ")) };
    let formula = formula_text(terms);
    format!(
        "{mnemonic} costs {formula} gas{notes}, on top of the intrinsic minimum of {least} gas."
    )
}

/// The short name of reported units, in front of a colon and their meaning.
fn unit_name(what: &str) -> &str {
    what.split_once(": ").map_or(what, |(name, _)| name)
}

/// A formula in words, such as `50 + 0.5 × codeSize`; "none" where there is only the minimum.
pub fn formula_text(terms: &[Term]) -> String {
    let mut line = String::new();
    for term in terms {
        if !line.is_empty() {
            line.push_str(" + ");
        }
        let gas = Gas(term.coefficient);
        line.push_str(&match term.measure {
            Measure::One => format!("{gas}"),
            Measure::Size(a) => format!("{gas} × size({a})"),
            Measure::Weight(a) => format!("{gas} × weight({a})"),
            Measure::Scan(a) => format!("{gas} × scan({a})"),
            Measure::Count(a) => format!("{gas} × count({a})"),
            Measure::Dim(a) => format!("{gas} × dimension({a})"),
            Measure::Value(a) => format!("{gas} × {a}"),
            Measure::SortWork(a) => format!("{gas} × n·log2(n), n = count({a})"),
            Measure::Times(a, n) => format!("{gas} × size({a}) × {n}"),
            Measure::Product(a, b) => format!("{gas} × size({a}) × count({b})"),
            Measure::Steps(a, b, s) => format!("{gas} × |({b} - {a}) / {s}|"),
            Measure::Units(what) => format!("{gas} × {}", unit_name(what)),
        });
    }
    if line.is_empty() { String::from("none") } else { line }
}
