//! Canonical code to fast code: each instruction by itself, then what belongs together as one.
//!
//! Fast code lies beside canonical code, position by position. The instructions behind a joined
//! one stay as they are, so every position can be entered: by a jump, after a slice, after an
//! effect. Nothing has to be mapped. What was joined is kept by itself too, for operands that the
//! joined form does not know.

use alloc::vec::Vec;

use avm_ir::{
    Instr, Opcode, Slot, Value,
    program::Region,
    verify::{CodePlace, Links},
};

use super::op::{Bits, Compare, MOST, Op, Place, Unary};
use crate::price::Prices;

/// Where an operand comes from.
enum Arg {
    Reg(u8),
    Int(i64),
    Float(f64),
    /// Any other constant, by its number.
    Const(u32),
    /// Left out, or a constant that is not there.
    None,
}

/// The fast code of a region: what is run, and each instruction by itself. Canonical code takes
/// those that are `marked`.
pub(super) fn compile(
    region: &Region,
    links: &Links,
    number: u32,
    regions: &[Region],
    prices: &Prices,
    marked: &[bool],
) -> (Vec<Op>, Vec<Op>) {
    let compiler = Compiler { region, links, number, regions, prices };
    let mut single: Vec<Op> = region.code.iter().map(|instr| compiler.one(*instr)).collect();
    // Before anything is joined: what has no fast form is part of no joined instruction.
    for (op, marked) in single.iter_mut().zip(marked) {
        if *marked {
            *op = Op::Leave;
        }
    }
    let mut straight = 0;
    for op in &mut single {
        straight = if op.ends() { 0 } else { straight + 1 };
        if straight == LONGEST {
            *op = Op::Leave;
            straight = 0;
        }
    }
    let joined = (0..single.len())
        .map(|pc| compiler.joined(&single, pc).unwrap_or_else(|| single[pc].clone()));
    (joined.collect(), single)
}

/// Most instructions in a row behind which flow may simply go on; the one behind them stands for up
/// to four more.
const LONGEST: u64 = MOST - 4;

struct Compiler<'a> {
    region: &'a Region,
    links: &'a Links,
    number: u32,
    regions: &'a [Region],
    prices: &'a Prices,
}

impl Compiler<'_> {
    fn arg(&self, slot: Slot) -> Arg {
        if let Some(register) = slot.as_reg() {
            return Arg::Reg(register);
        }
        let Some(index) = slot.as_const() else { return Arg::None };
        match self.region.consts.get(index) {
            Some(Value::Int(int)) => Arg::Int(*int),
            Some(Value::Float(float)) => Arg::Float(*float),
            Some(_) => Arg::Const(index as u32),
            None => Arg::None,
        }
    }

    fn constant(&self, k: u32) -> &Value {
        &self.region.consts[k as usize]
    }

    /// The code of a constant that is a text of one ASCII character.
    fn letter(&self, k: u32) -> Option<u8> {
        let Value::Text(text) = self.constant(k) else { return None };
        let &[code] = text.as_bytes() else { return None };
        Some(code)
    }

    /// Where a label of this region is; those of other regions have no fast jump.
    fn label(&self, slot: Slot) -> Option<u32> {
        let CodePlace { region, pc } = *self.links.labels.get(usize::from(slot.0))?;
        (region == self.number).then_some(pc)
    }

    fn one(&self, i: Instr) -> Op {
        use Opcode::{EQ, GE, GT, LE, LT, NE};
        let fast = if i.op == Opcode::RECORD {
            self.record(i)
        } else if i.op == Opcode::SLICE {
            self.slice(i)
        } else if matches!(i.op, LT | LE | GT | GE | EQ | NE) {
            self.plain(i).filter(|_| self.prices.scalars_are_free(i.op))
        } else if let Some(fast) = self.numbers(i) {
            Some(fast).filter(|_| self.prices.scalars_are_free(i.op))
        } else {
            let fast = self.plain(i).or_else(|| self.parts(i));
            fast.filter(|_| self.prices.containers_are_free(i.op))
        };
        fast.unwrap_or(Op::Leave)
    }

    /// Moves, comparisons, logic and flow.
    fn plain(&self, i: Instr) -> Option<Op> {
        let a = i.a;
        let jump_if = |is| {
            let Arg::Reg(b) = self.arg(i.b) else { return None };
            Some(Op::JumpIf { b, is, to: self.label(i.c)? })
        };
        Some(match i.op {
            Opcode::SET => match self.arg(i.b) {
                Arg::Reg(b) => Op::Move { a, b },
                Arg::Int(k) => Op::Int { a, k },
                Arg::Float(k) => Op::Float { a, k },
                Arg::Const(k) => match self.constant(k) {
                    Value::Null => Op::Null { a },
                    Value::Bool(k) => Op::Bool { a, k: *k },
                    _ => Op::Const { a, k },
                },
                Arg::None => return None,
            },
            Opcode::JUMP => Op::Jump { to: self.label(i.b)? },
            Opcode::JUMP_IF => return jump_if(true),
            Opcode::JUMP_UNLESS => return jump_if(false),
            Opcode::JUMP_IF_TRUE => Op::JumpIfLast { is: true, to: self.label(i.b)? },
            Opcode::JUMP_IF_FALSE => Op::JumpIfLast { is: false, to: self.label(i.b)? },
            Opcode::LT => return self.compare(i, Compare::Lt),
            Opcode::LE => return self.compare(i, Compare::Le),
            Opcode::GT => return self.compare(i, Compare::Gt),
            Opcode::GE => return self.compare(i, Compare::Ge),
            Opcode::EQ => return self.compare(i, Compare::Eq),
            Opcode::NE => return self.compare(i, Compare::Ne),
            Opcode::NOT | Opcode::TEST => {
                let Arg::Reg(b) = self.arg(i.b) else { return None };
                Op::Truth { a, b, not: i.op == Opcode::NOT }
            }
            Opcode::AND | Opcode::OR => {
                let (Arg::Reg(b), Arg::Reg(c)) = (self.arg(i.b), self.arg(i.c)) else {
                    return None;
                };
                if i.op == Opcode::AND { Op::And { a, b, c } } else { Op::Or { a, b, c } }
            }
            Opcode::NEXT => {
                let (b, done) = (i.b.as_reg()?, self.label(i.d)?);
                match self.arg(i.c) {
                    Arg::Reg(c) => Op::Next { a, b, c, done },
                    Arg::Int(k) => Op::NextI { a, b, done, k },
                    _ => return None,
                }
            }
            Opcode::CALL => return self.call(i),
            Opcode::RETURN => match self.arg(i.b) {
                Arg::Reg(b) => Op::Return { b },
                Arg::None => return None,
                _ => Op::ReturnK { k: i.b.as_const()? as u32 },
            },
            _ => return None,
        })
    }

    fn call(&self, i: Instr) -> Option<Op> {
        let slots = self.region.pool.get(i.pool_start()..)?.get(..i.pool_count())?;
        let place = self.links.imports.get(usize::from(slots.first()?.0))?;
        if place.region != self.number {
            return None;
        }
        let function = &self.regions[place.region as usize].functions[place.function as usize];
        let (registers, entry) = (function.registers, function.entry);
        let pool = u32::try_from(i.pool_start()).ok()?;
        Some(match slots {
            [_, slot] if let Some(b) = slot.as_reg() => {
                Op::Call1 { a: i.a, b, registers, entry, pool }
            }
            _ => {
                let count = u8::try_from(slots.len() - 1).ok()?;
                Op::Call { a: i.a, count, registers, entry, pool }
            }
        })
    }

    fn compare(&self, i: Instr, how: Compare) -> Option<Op> {
        let a = i.a;
        Some(match (self.arg(i.b), self.arg(i.c)) {
            (Arg::Reg(b), Arg::Reg(c)) => match how {
                // Half as many forms to join with jumps.
                Compare::Gt | Compare::Ge => Op::CompareRR { how: how.exchanged(), a, b: c, c: b },
                how => Op::CompareRR { how, a, b, c },
            },
            (Arg::Reg(b), Arg::Int(k)) => Op::CompareRI { how, a, b, k },
            (Arg::Int(k), Arg::Reg(b)) => Op::CompareRI { how: how.exchanged(), a, b, k },
            (Arg::Reg(b), Arg::Float(k)) if !k.is_nan() => Op::CompareRF { how, a, b, k },
            (Arg::Float(k), Arg::Reg(b)) if !k.is_nan() => {
                Op::CompareRF { how: how.exchanged(), a, b, k }
            }
            (Arg::Reg(b), Arg::Const(k)) if matches!(how, Compare::Eq | Compare::Ne) => {
                let price = self.prices.byte(i.op, 1);
                if price == 0 {
                    return None;
                }
                Op::EqualRK { a, b, not: how == Compare::Ne, price, k }
            }
            _ => return None,
        })
    }

    fn record(&self, i: Instr) -> Option<Op> {
        let each = u32::try_from(self.prices.counted(i.op)?).ok()?;
        let count = u8::try_from(i.pool_count()).ok()?;
        let price = each.checked_mul(u32::from(count))?;
        Some(Op::Record { a: i.a, count, pool: u32::try_from(i.pool_start()).ok()?, price })
    }

    fn slice(&self, i: Instr) -> Option<Op> {
        let (b, c, d) = (i.b.as_reg()?, i.c.as_reg()?, i.d.as_reg()?);
        Some(Op::Slice { a: i.a, b, c, d, price: self.prices.result_byte(i.op)? })
    }

    /// Arithmetic and bits.
    fn numbers(&self, i: Instr) -> Option<Op> {
        let a = i.a;
        let args = (self.arg(i.b), self.arg(i.c));
        let bits = |bits| match (self.arg(i.b), self.arg(i.c)) {
            (Arg::Reg(b), Arg::Reg(c)) => Some(Op::BitsRR { bits, a, b, c }),
            (Arg::Reg(b), Arg::Int(k)) => Some(Op::BitsRI { bits, a, b, k }),
            _ => None,
        };
        let unary = |unary| match self.arg(i.b) {
            Arg::Reg(b) => Some(Op::Unary { unary, a, b }),
            _ => None,
        };
        Some(match (i.op, args) {
            (Opcode::ADD, (Arg::Reg(b), Arg::Int(k))) if a == b => Op::Step { a, k },
            // A float less 0 keeps the sign of its zero, plus 0 does not.
            (Opcode::SUB, (Arg::Reg(b), Arg::Int(k))) if a == b && k != i64::MIN && k != 0 => {
                Op::Step { a, k: -k }
            }
            (Opcode::ADD, (Arg::Reg(b), Arg::Reg(c))) => {
                Op::AddRR { a, b, c, price: self.prices.byte(i.op, 2) }
            }
            (Opcode::ADD, (Arg::Reg(b), Arg::Const(k))) => {
                Op::AddRK { a, b, k, price: self.prices.byte(i.op, 2) }
            }
            (Opcode::ADD, (Arg::Const(k), Arg::Reg(c))) => {
                Op::AddKR { a, c, k, price: self.prices.byte(i.op, 2) }
            }
            // A sum is the same the other way round; a text is left to canonical code.
            (Opcode::ADD, (Arg::Reg(b), Arg::Int(k)) | (Arg::Int(k), Arg::Reg(b))) => {
                Op::AddRI { a, b, k }
            }
            (Opcode::ADD, (Arg::Reg(b), Arg::Float(k)) | (Arg::Float(k), Arg::Reg(b))) => {
                Op::AddRF { a, b, k }
            }
            (Opcode::SUB, (Arg::Reg(b), Arg::Reg(c))) => Op::SubRR { a, b, c },
            (Opcode::SUB, (Arg::Reg(b), Arg::Int(k))) => Op::SubRI { a, b, k },
            (Opcode::SUB, (Arg::Reg(b), Arg::Float(k))) => Op::SubRF { a, b, k },
            (Opcode::SUB, (Arg::Int(k), Arg::Reg(c))) => Op::SubIR { a, k, c },
            (Opcode::SUB, (Arg::Float(k), Arg::Reg(c))) => Op::SubFR { a, k, c },
            (Opcode::MUL, (Arg::Reg(b), Arg::Reg(c))) => Op::MulRR { a, b, c },
            (Opcode::MUL, (Arg::Reg(b), Arg::Int(k)) | (Arg::Int(k), Arg::Reg(b))) => {
                Op::MulRI { a, b, k }
            }
            (Opcode::MUL, (Arg::Reg(b), Arg::Float(k)) | (Arg::Float(k), Arg::Reg(b))) => {
                Op::MulRF { a, b, k }
            }
            (Opcode::DIV, (Arg::Reg(b), Arg::Reg(c))) => Op::DivRR { a, b, c },
            (Opcode::DIV, (Arg::Reg(b), Arg::Int(k))) if k != 0 && k != -1 => Op::DivRI { a, b, k },
            (Opcode::DIV, (Arg::Reg(b), Arg::Float(k))) if k != 0.0 => Op::DivRF { a, b, k },
            (Opcode::DIV, (Arg::Int(k), Arg::Reg(c))) => Op::DivIR { a, k, c },
            (Opcode::DIV, (Arg::Float(k), Arg::Reg(c))) => Op::DivFR { a, k, c },
            (Opcode::MOD, (Arg::Reg(b), Arg::Reg(c))) => Op::ModRR { a, b, c },
            (Opcode::MOD, (Arg::Reg(b), Arg::Int(k))) if k != 0 && k != -1 => Op::ModRI { a, b, k },
            (Opcode::BIT_AND, (Arg::Reg(b), Arg::Reg(c))) => Op::AndRR { a, b, c },
            (Opcode::BIT_AND, (Arg::Reg(b), Arg::Int(k))) => Op::AndRI { a, b, k },
            (Opcode::BIT_XOR, (Arg::Reg(b), Arg::Reg(c))) => Op::XorRR { a, b, c },
            (Opcode::BIT_XOR, (Arg::Reg(b), Arg::Int(k))) => Op::XorRI { a, b, k },
            (Opcode::BIT_OR, _) => return bits(Bits::Or),
            (Opcode::SHIFT_LEFT, _) => return bits(Bits::Left),
            (Opcode::SHIFT_RIGHT, _) => return bits(Bits::Right),
            (Opcode::MUL_WRAP, _) => return bits(Bits::MulWrap),
            (Opcode::ADD_WRAP, _) => return bits(Bits::AddWrap),
            (Opcode::NEG, _) => return unary(Unary::Neg),
            (Opcode::ABS, _) => return unary(Unary::Abs),
            (Opcode::SQRT, (Arg::Reg(b), _)) => Op::Sqrt { a, b },
            (Opcode::FLOOR, _) => return unary(Unary::Floor),
            (Opcode::CEIL, _) => return unary(Unary::Ceil),
            (Opcode::TO_INT, _) => return unary(Unary::ToInt),
            (Opcode::TO_FLOAT, _) => return unary(Unary::ToFloat),
            _ => return None,
        })
    }

    /// Lists and records.
    fn parts(&self, i: Instr) -> Option<Op> {
        let a = i.a;
        let is_text = |k: u32| matches!(self.constant(k), Value::Text(_));
        Some(match i.op {
            Opcode::GET => match (self.arg(i.b), self.arg(i.c)) {
                (Arg::Reg(b), Arg::Reg(c)) => Op::GetRR { a, b, c },
                (Arg::Reg(b), Arg::Int(k)) => Op::GetRI { a, b, k },
                (Arg::Reg(b), Arg::Const(k)) if is_text(k) => {
                    Op::GetField { a, b, place: Place::default(), k }
                }
                _ => return None,
            },
            Opcode::PUT => match (self.arg(i.b), self.arg(i.c)) {
                (Arg::Reg(b), Arg::Reg(c)) => Op::PutRR { a, b, c },
                (Arg::Reg(b), _) => Op::PutRK { a, b, k: i.c.as_const()? as u32 },
                (Arg::Int(k), Arg::Reg(c)) => Op::PutIR { a, k, c },
                (Arg::Const(k), Arg::Reg(c)) if is_text(k) => {
                    Op::PutField { a, c, place: Place::default(), k }
                }
                (Arg::Const(k), _) if is_text(k) => {
                    Op::PutFieldK { a, k, v: i.c.as_const()? as u32 }
                }
                _ => return None,
            },
            Opcode::PUT_IN => match (self.arg(i.b), self.arg(i.c), i.d.as_reg()) {
                (Arg::Reg(b), Arg::Reg(c), Some(d)) => Op::PutIn { a, b, c, d },
                (Arg::Reg(b), Arg::Const(k), Some(d)) if is_text(k) => {
                    Op::PutInField { a, b, d, place: Place::default(), k }
                }
                _ => Op::PutInAny { a, b: i.b, c: i.c, d: i.d },
            },
            Opcode::TAKE => match (i.b.as_reg()?, self.arg(i.c)) {
                (b, Arg::Reg(c)) => Op::TakeRR { a, b, c },
                (b, Arg::Int(k)) => Op::TakeRI { a, b, k },
                _ => return None,
            },
            Opcode::PUSH => Op::Push { a, b: i.b.as_reg()? },
            Opcode::POP => Op::Pop { a, b: i.b.as_reg()? },
            Opcode::GET_OR => {
                let (b, c) = (i.b.as_reg()?, i.c.as_reg()?);
                match i.d.as_reg() {
                    Some(d) => Op::GetOr { a, b, c, d },
                    None => Op::GetOrK { a, b, c, k: i.d.as_const()? as u32 },
                }
            }
            Opcode::ORD => Op::Ord { a, b: i.b.as_reg()? },
            Opcode::LEN => Op::Len { a, b: i.b.as_reg()? },
            _ => return None,
        })
    }

    /// What an instruction and those behind it become together.
    fn joined(&self, single: &[Op], pc: usize) -> Option<Op> {
        let at = |offset: usize| single.get(pc + offset).cloned().unwrap_or(Op::Leave);
        match (at(0), at(1)) {
            (Op::Jump { to }, _) => back(single, to),
            (step @ (Op::Step { .. } | Op::AddRR { .. }), Op::Jump { to }) => {
                self.stepped_back(single, step, to)
            }
            (Op::EqualRK { a, b, not, price, k }, Op::JumpIf { b: on, is, to })
                if a == on && self.letter(k).is_some() =>
            {
                Some(Op::JumpLetter { a, b, k: self.letter(k)?, not, is, price, to })
            }
            (compare, Op::JumpIf { b, is, to }) if turned(&compare) == Some(b) => {
                with_jump(compare, is, to)
            }
            (Op::MulRR { a, b, c }, next) => product(a, b, c, next),
            (Op::AddRR { a, b, c, .. }, Op::ModRI { a: to, b: of, k })
                if a == of && a == to && k > 0 =>
            {
                Some(Op::AddMod { a, b, c, k })
            }
            (Op::MulRI { a, b, k }, Op::XorRR { a: to, b: of, c })
                if a == of && a == to && a != c =>
            {
                Some(Op::MulXor { a, b, c, k })
            }
            (Op::MulRI { a, b, k }, Op::AddRI { a: to, b: of, k: l }) if a == of && a == to => {
                Some(Op::Linear { a, b, k: i32::try_from(k).ok()?, l })
            }
            (Op::GetOrK { a, b, c, k }, Op::Step { a: sum, k: l }) if a == sum => {
                let back = Op::PutRR { a: b, b: c, c: a };
                let &Value::Int(k) = self.constant(k) else { return None };
                let (k, l) = (i32::try_from(k).ok()?, i32::try_from(l).ok()?);
                let apart = a != b && a != c && b != c;
                (at(2) == back && apart).then_some(Op::Tally { a, b, c, k, l })
            }
            (Op::GetRR { a, b, c }, next) => self.read(a, b, c, next, at(2)),
            (Op::GetRI { a, b, k }, Op::GetRR { a: to, b: of, c: d })
                if a == of && a == to && a != d =>
            {
                Some(Op::GetIGet { a, b, d, k })
            }
            (Op::GetRI { a, b, k: i }, Op::GetField { a: to, b: of, place, k })
                if a == of && a == to =>
            {
                Some(Op::GetIGetField { a, b, place, i: i32::try_from(i).ok()?, k })
            }
            _ => None,
        }
    }

    /// A step, a jump and what stands where it goes, where that is how a loop goes on.
    fn stepped_back(&self, single: &[Op], step: Op, target: u32) -> Option<Op> {
        let at = |offset: u32| single.get((target + offset) as usize).cloned();
        let again = back(single, target).or_else(|| match at(0)? {
            Op::GetRR { a, b, c } => self.read(a, b, c, at(1)?, at(2)?),
            _ => None,
        });
        let next = target + 3;
        match (step, again) {
            (_, Some(Op::WhileLtRR { a, b, c, .. } | Op::WhileLeRR { a, b, c, .. }))
                if a == b || b == c =>
            {
                None
            }
            (Op::Step { a: x, k }, Some(Op::WhileLtRR { a, b, c, to, done })) if b == x => {
                Some(Op::StepWhileLt { a, b, c, k: i16::try_from(k).ok()?, to, done })
            }
            (Op::Step { a: x, k }, Some(Op::WhileLeRR { a, b, c, to, done })) if b == x => {
                Some(Op::StepWhileLe { a, b, c, k: i16::try_from(k).ok()?, to, done })
            }
            (Op::AddRR { a: x, b: y, c: d, .. }, Some(Op::WhileLtRR { a, b, c, to, done }))
                if b == x && b == y && b != d =>
            {
                Some(Op::AddWhileLt { a, b, c, d, to, done })
            }
            (Op::Step { a: x, k }, Some(Op::GetLtJump { a, b, c, d, is, to }))
                if c == x && a != c && d != c && i8::try_from(k).is_ok() =>
            {
                Some(Op::StepGetLtJump { a, b, c, d, is, k: k as i8, to, next })
            }
            (Op::Step { a: x, k }, Some(Op::GetGtJump { a, b, c, d, is, to }))
                if c == x && a != c && d != c && i8::try_from(k).is_ok() =>
            {
                Some(Op::StepGetGtJump { a, b, c, d, is, k: k as i8, to, next })
            }
            (
                Op::Step { a: x, k: 1 },
                Some(Op::LetterJump { a, b, c, k, not, is, price: price @ ..=255, to }),
            ) if c == x && a != c => {
                Some(Op::NextLetterJump { a, b, c, k, not, is, price: price as u8, to, next })
            }
            (Op::Step { a, k }, _) => Some(Op::StepJump { a, to: target, k }),
            _ => None,
        }
    }

    /// `GET b, c -> a` and what is done with the part.
    fn read(&self, a: u8, b: u8, c: u8, next: Op, last: Op) -> Option<Op> {
        match (next, last) {
            (Op::GetRR { a: to, b: of, c: d }, _) if a == of && a == to && a != d => {
                Some(Op::GetGet { a, b, c, d })
            }
            (Op::GetField { a: to, b: of, place, k }, _) if a == of && a == to => {
                Some(Op::GetGetField { a, b, c, place, k })
            }
            (Op::Ord { a: to, b: of }, _) if a == of && a == to => Some(Op::LetterCode { a, b, c }),
            (Op::JumpIf { b: on, is, to }, _) if a == on => Some(Op::GetJump { a, b, c, is, to }),
            (
                Op::CompareRR { how: Compare::Lt, a: on, b: x, c: y },
                Op::JumpIf { b: of, is, to },
            ) if a == on && a == of && x != y => {
                if x == a {
                    Some(Op::GetLtJump { a, b, c, d: y, is, to })
                } else if y == a {
                    Some(Op::GetGtJump { a, b, c, d: x, is, to })
                } else {
                    None
                }
            }
            (Op::EqualRK { a: on, b: x, not, price, k }, Op::JumpIf { b: of, is, to })
                if a == on && a == of && a == x =>
            {
                Some(Op::LetterJump { a, b, c, k: self.letter(k)?, not, is, price, to })
            }
            _ => None,
        }
    }
}

/// A product and a sum or difference with it.
fn product(a: u8, b: u8, c: u8, next: Op) -> Option<Op> {
    match next {
        // A sum is the same the other way round.
        Op::AddRR { a: d, b: e, c: x, .. } | Op::AddRR { a: d, c: e, b: x, .. }
            if x == a && e != a =>
        {
            Some(Op::MulAdd { a, b, c, d, e })
        }
        Op::SubRR { a: d, b: e, c: x } if x == a && e != a => Some(Op::MulSub { a, b, c, d, e }),
        _ => None,
    }
}

/// The register of a comparison that can be joined with a jump.
const fn turned(op: &Op) -> Option<u8> {
    match op {
        Op::CompareRR { a, .. } | Op::CompareRI { a, .. } | Op::EqualRK { a, .. } => Some(*a),
        _ => None,
    }
}

/// A comparison and the jump on its result.
fn with_jump(compare: Op, is: bool, to: u32) -> Option<Op> {
    Some(match compare {
        Op::CompareRR { how, a, b, c } => match how {
            Compare::Lt => Op::JumpLtRR { a, b, c, is, to },
            Compare::Le => Op::JumpLeRR { a, b, c, is, to },
            Compare::Eq => Op::JumpEqRR { a, b, c, is, to },
            _ => return None,
        },
        Op::CompareRI { how, a, b, k } => match how {
            Compare::Lt => Op::JumpLtRI { a, b, is, to, k },
            Compare::Le => Op::JumpLeRI { a, b, is, to, k },
            Compare::Gt => Op::JumpGtRI { a, b, is, to, k },
            Compare::Ge => Op::JumpGeRI { a, b, is, to, k },
            Compare::Eq => Op::JumpEqRI { a, b, is, to, k },
            Compare::Ne => return None,
        },
        Op::EqualRK { a, b, not, price, k } => Op::JumpEqualRK { a, b, not, is, price, to, k },
        _ => return None,
    })
}

/// A jump and what stands where it goes, where that is how a loop goes on.
fn back(single: &[Op], target: u32) -> Option<Op> {
    let at = |offset: u32| single.get((target + offset) as usize).cloned();
    match (at(0)?, at(1)) {
        (Op::Next { a, b, c, done }, _) => Some(Op::Again { a, b, c, to: target + 1, done }),
        (Op::NextI { a, b, done, k }, _) => {
            let k = i32::try_from(k).ok()?;
            Some(Op::AgainI { a, b, to: target + 1, done, k })
        }
        (compare, Some(Op::JumpIf { b: on, is: false, to: done })) => {
            let to = target + 2;
            match compare {
                Op::CompareRR { how: Compare::Lt, a, b, c } if a == on => {
                    Some(Op::WhileLtRR { a, b, c, to, done })
                }
                Op::CompareRR { how: Compare::Le, a, b, c } if a == on => {
                    Some(Op::WhileLeRR { a, b, c, to, done })
                }
                Op::CompareRI { how: Compare::Lt, a, b, k } if a == on => {
                    Some(Op::WhileLtRI { a, b, to, done, k: i32::try_from(k).ok()? })
                }
                Op::CompareRI { how: Compare::Le, a, b, k } if a == on => {
                    Some(Op::WhileLeRI { a, b, to, done, k: i32::try_from(k).ok()? })
                }
                _ => None,
            }
        }
        _ => None,
    }
}
