//! What a record says of one step, and what both sides expect of it.

use avm_ir::{
    Instr, Opcode, StatusWord, Value,
    instr::NO_REGISTER,
    opcode::OPS,
    value::HandleKind,
    wire::{Reader, WireError, Writer},
};

use crate::observer::{Done, Flow, Seen};

/// What an instruction gave, as far as the trace has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// `NULL`.
    Null,
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i64),
    /// The bits of a float.
    Float(u64),
    /// A handle.
    Handle(HandleKind, u64),
    /// Anything larger: the byte of its type in the canonical encoding (5 text, 6 bytes, 7 list, 8
    /// record, 9 vector), and the length of that encoding in bytes. What it is follows from the operands.
    Large(u8, u64),
}

impl Output {
    fn of(value: &Value) -> Self {
        let large = |tag| Self::Large(tag, value.encoded_len());
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(value.to_bits()),
            Value::Handle(kind, id) => Self::Handle(*kind, *id),
            Value::Text(_) => large(5),
            Value::Bytes(_) => large(6),
            Value::List(_) => large(7),
            Value::Record(_) => large(8),
            Value::Vector(_) => large(9),
        }
    }
}

/// What a trace says of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// Nanogas that it paid in all.
    pub gas: u64,
    /// Whether flow went on at the label that it names.
    pub jumped: bool,
    /// What it gave to its first output register, where it is no effect and has one.
    pub output: Option<Output>,
    /// The status words behind it: lastBool, lastPluginFailed, lastTaskFailed, lastRewriteFailed are
    /// bits 0 to 3.
    pub status: u8,
}

/// Bits of the byte that begins a step's record; bits 0 to 3 are the form of its output.
const JUMPED: u8 = 1 << 4;
const GAS: u8 = 1 << 5;
const STATUS: u8 = 1 << 6;

const NONE: u8 = 0;
const NULL: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const INT: u8 = 4;
/// Large values have the byte of their type as form, 5 to 9.
const HANDLE: u8 = 10;
const FLOAT: u8 = 11;

/// What is expected of the next step: as last time.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    /// Nanogas that each opcode paid last.
    gas: [u64; 256],
    /// The int that each register number was given last.
    ints: [i64; 256],
    status: u8,
    /// What is known of an opcode.
    traits: [Traits; 256],
}

#[derive(Clone, Copy, Debug, Default)]
struct Traits {
    /// It gives something that is not known from outside.
    gives: bool,
    /// What it gives is lastBool too.
    sets_bool: bool,
}

impl Expected {
    pub(super) fn new(status: u8) -> Self {
        let mut traits = [Traits::default(); 256];
        for info in OPS {
            // What a call gives comes with the return.
            let is_local = info.handler != "request" && info.opcode != Opcode::CALL;
            traits[info.opcode as usize] = Traits {
                gives: is_local && !info.outputs.is_empty(),
                sets_bool: is_local && info.sets == Some(StatusWord::Bool),
            };
        }
        Self { gas: [0; 256], ints: [0; 256], status, traits }
    }

    /// What is to be said of a step that was executed.
    #[inline]
    pub(super) fn look(&self, done: &Done<'_>) -> Said {
        let gives = done.flow == Flow::On && self.gives(done.instr);
        let output = if gives { done.seen.register(done.instr.a).map(Output::of) } else { None };
        let jumped = done.flow == Flow::Jumped;
        Said { gas: done.gas, jumped, output, status: bits(&done.seen) }
    }

    fn gives(&self, instr: Instr) -> bool {
        instr.a != NO_REGISTER && self.traits[instr.op as usize].gives
    }

    /// The status behind a step that changes no more of it than it has to.
    fn status(&self, op: Opcode, output: Option<Output>) -> u8 {
        match output {
            Some(Output::Bool(bool)) if self.traits[op as usize].sets_bool => {
                self.status & !1 | u8::from(bool)
            }
            _ => self.status,
        }
    }

    #[inline]
    pub(super) fn write(&mut self, instr: Instr, said: &Said, out: &mut Writer) {
        let op = instr.op;
        let new_status = said.status != self.status(op, said.output);
        let usual = &mut self.gas[op as usize];
        let new_gas = *usual != said.gas;
        let form = match said.output {
            None => NONE,
            Some(Output::Null) => NULL,
            Some(Output::Bool(false)) => FALSE,
            Some(Output::Bool(true)) => TRUE,
            Some(Output::Int(_)) => INT,
            Some(Output::Float(_)) => FLOAT,
            Some(Output::Handle(..)) => HANDLE,
            Some(Output::Large(tag, _)) => tag,
        };
        let flags = [(said.jumped, JUMPED), (new_gas, GAS), (new_status, STATUS)];
        out.u8(flags
            .into_iter()
            .fold(form, |byte, (is, flag)| if is { byte | flag } else { byte }));
        if new_gas {
            varint(said.gas, out);
            *usual = said.gas;
        }
        if new_status {
            out.u8(said.status);
        }
        match said.output {
            Some(Output::Int(int)) => {
                let last = &mut self.ints[usize::from(instr.a)];
                varint(zigzag(int.wrapping_sub(*last)), out);
                *last = int;
            }
            Some(Output::Float(bits)) => out.u64(bits),
            Some(Output::Handle(kind, id)) => {
                out.u8(kind as u8);
                varint(id, out);
            }
            Some(Output::Large(_, len)) => varint(len, out),
            _ => {}
        }
        self.status = said.status;
    }

    /// Reads the record of a step of an instruction, whose first byte was read.
    pub(super) fn read(
        &mut self,
        first: u8,
        instr: Instr,
        input: &mut Reader<'_>,
    ) -> Result<Said, WireError> {
        let op = instr.op;
        let mut gas = self.gas[op as usize];
        if first & GAS != 0 {
            let usual = input.error("the usual gas in full");
            let paid = read_varint(input)?;
            if paid == gas {
                return Err(usual);
            }
            gas = paid;
            self.gas[op as usize] = gas;
        }
        let status = if first & STATUS != 0 { Some(input.u8()?) } else { None };
        let output = match first & 0x0F {
            NONE => None,
            NULL => Some(Output::Null),
            FALSE => Some(Output::Bool(false)),
            TRUE => Some(Output::Bool(true)),
            INT => {
                let last = &mut self.ints[usize::from(instr.a)];
                *last = last.wrapping_add(unzigzag(read_varint(input)?));
                Some(Output::Int(*last))
            }
            FLOAT => Some(Output::Float(input.u64()?)),
            HANDLE => {
                let kind = HandleKind::from_number(input.u8()?);
                let kind = kind.ok_or_else(|| input.error("unknown handle kind"))?;
                Some(Output::Handle(kind, read_varint(input)?))
            }
            tag @ 5..=9 => Some(Output::Large(tag, read_varint(input)?)),
            _ => return Err(input.error("no such form of an output")),
        };
        let usual = self.status(op, output);
        if status.is_some_and(|status| status == usual || status > 15) {
            return Err(input.error("the status words as they are anyway, or none such"));
        }
        self.status = status.unwrap_or(usual);
        Ok(Said { gas, jumped: first & JUMPED != 0, output, status: self.status })
    }
}

/// The status words as bits.
pub(super) fn bits(seen: &Seen<'_>) -> u8 {
    let status = seen.status;
    let words = [status.bool, status.plugin, status.task, status.rewrite];
    words.iter().rev().fold(0, |bits, word| bits << 1 | u8::from(*word))
}

const fn zigzag(int: i64) -> u64 {
    (int << 1 ^ int >> 63).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Seven bits a byte, least first, bit 7 where more follow.
pub(super) fn varint(mut number: u64, out: &mut Writer) {
    while number > 0x7F {
        out.u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.u8(number as u8);
}

/// Reads what [`varint`] writes, and nothing else.
pub(super) fn read_varint(input: &mut Reader<'_>) -> Result<u64, WireError> {
    let wrong = input.error("a number in another form than it is written");
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = input.u8()?;
        let part = u64::from(byte & 0x7F);
        if (part << shift) >> shift != part || byte == 0 && shift > 0 {
            return Err(wrong);
        }
        number |= part << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, int: i64) {
            prop_assert_eq!(unzigzag(zigzag(int)), int);
            let mut out = Writer::new();
            varint(number, &mut out);
            let bytes = out.finish();
            prop_assert!(bytes.len() <= 10);
            let mut input = Reader::new(&bytes);
            prop_assert_eq!(read_varint(&mut input), Ok(number));
            prop_assert!(input.end().is_ok());
        }
    }

    #[test]
    fn a_number_has_one_form() {
        for bytes in [&[0x80, 0x00][..], &[0xFF; 9], &[0xFF; 10]] {
            assert!(read_varint(&mut Reader::new(bytes)).is_err());
        }
        let most = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
        assert_eq!(read_varint(&mut Reader::new(&most)), Ok(u64::MAX));
    }
}
