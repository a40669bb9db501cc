//! The fast loop.
//!
//! Every arm follows one rule: look at the operands, leave to canonical code where anything is
//! unusual, and only then write. So whatever the arm does not do, canonical code does from the
//! same state, traps and their messages included.

use alloc::vec::Vec;

use avm_ir::{Value, program::Region};

use super::{
    calls::{Call, return_constant, return_register},
    op::{Compare, MOST, Op},
    parts::{count, counted, insert, item, push, replace, shallow, take},
    scalar::{
        bits, compare, compare_float, compare_int, condition, is_zero, mixed, set, set_bool,
        set_float, set_int, set_null, unary,
    },
};
use crate::{agent::Memory, exec::WINDOW, machine::Frame};

/// What fast code sees of a machine.
pub(crate) struct View<'m> {
    pub(crate) code: &'m [Op],
    pub(crate) region: &'m Region,
    pub(crate) number: u32,
    pub(crate) stack: &'m mut [Value],
    pub(crate) frames: &'m mut Vec<Frame>,
    pub(crate) sums: &'m mut Vec<u64>,
    pub(crate) memory: &'m mut Memory,
    pub(crate) last_bool: &'m mut bool,
    pub(crate) call_depth: usize,
    pub(crate) base: usize,
    pub(crate) live: usize,
    pub(crate) pc: usize,
}

/// Runs until canonical code has to take a step, or until fewer than [`MOST`] of so many steps are
/// left. Gives how many are left.
pub(crate) fn run(view: &mut View<'_>, mut fuel: u64) -> u64 {
    let (code, region) = (view.code, view.region);
    let consts = region.consts.as_slice();
    let mut pc = view.pc;
    'window: loop {
        let (_, rest) = view.stack.split_at_mut(view.base);
        // The stack always holds a whole window from `base` on.
        let Some(regs) = rest.first_chunk_mut::<WINDOW>() else { break };
        if fuel < MOST {
            break;
        }

        macro_rules! reg {
            ($number:expr) => {
                regs[usize::from($number)]
            };
        }
        // The instructions that were done, and where to go on.
        macro_rules! done {
            ($steps:expr, $pc:expr) => {{
                fuel -= $steps;
                pc = $pc;
                continue;
            }};
        }
        // The same where flow does not simply go on: only there the fuel is looked at.
        macro_rules! go {
            ($steps:expr, $pc:expr) => {{
                fuel -= $steps;
                pc = $pc;
                if fuel < MOST {
                    break 'window;
                }
                continue;
            }};
        }
        macro_rules! jump {
            ($steps:expr, $taken:expr, $to:expr) => {
                go!($steps, if $taken { $to as usize } else { pc + $steps })
            };
        }
        macro_rules! write {
            ($a:expr, $value:expr) => {{
                let value = $value;
                set(&mut reg!($a), value);
                done!(1, pc + 1)
            }};
        }
        macro_rules! int {
            ($a:expr, $int:expr) => {{
                let int = $int;
                set_int(&mut reg!($a), int);
                done!(1, pc + 1)
            }};
        }
        macro_rules! float {
            ($a:expr, $float:expr) => {{
                let float = $float;
                set_float(&mut reg!($a), float);
                done!(1, pc + 1)
            }};
        }
        macro_rules! write_bool {
            ($a:expr, $value:expr) => {{
                let value = $value;
                *view.last_bool = value;
                set_bool(&mut reg!($a), value);
            }};
        }
        // What is there, or canonical code.
        macro_rules! some {
            ($value:expr) => {
                match $value {
                    Some(value) => value,
                    None => break 'window,
                }
            };
        }
        // A value that may be a container: counted, then written.
        macro_rules! copy {
            ($steps:expr, $a:expr, $value:expr) => {{
                match $value {
                    &Value::Int(int) => set_int(&mut reg!($a), int),
                    &Value::Float(float) => set_float(&mut reg!($a), float),
                    &Value::Bool(bool) => set_bool(&mut reg!($a), bool),
                    value => {
                        let copy = some!(counted(value, 0, view.memory));
                        set(&mut reg!($a), copy);
                    }
                }
                done!($steps, pc + $steps)
            }};
        }
        // Arithmetic on registers, on a register and an int, on a register and a float.
        macro_rules! on_registers {
            ($a:expr, $b:expr, $c:expr, $ints:expr, $floats:expr) => {
                match (&reg!($b), &reg!($c)) {
                    (&Value::Int(x), &Value::Int(y)) => int!($a, some!($ints(x, y))),
                    (&Value::Float(x), &Value::Float(y)) => float!($a, $floats(x, y)),
                    (x, y) => {
                        let (x, y) = some!(mixed(x, y));
                        float!($a, $floats(x, y))
                    }
                }
            };
        }
        macro_rules! with_int {
            ($a:expr, $b:expr, $ints:expr, $floats:expr) => {
                match reg!($b) {
                    Value::Int(x) => int!($a, some!($ints(x))),
                    Value::Float(x) => float!($a, $floats(x)),
                    _ => break 'window,
                }
            };
        }
        macro_rules! with_float {
            ($a:expr, $b:expr, $floats:expr) => {
                match reg!($b) {
                    Value::Float(x) => float!($a, $floats(x)),
                    Value::Int(x) => float!($a, $floats(x as f64)),
                    _ => break 'window,
                }
            };
        }
        macro_rules! compared {
            ($a:expr, $holds:expr) => {{
                let holds = some!($holds);
                write_bool!($a, holds);
                done!(1, pc + 1)
            }};
        }
        // A comparison and the jump on it.
        macro_rules! compare_jump {
            ($a:expr, $holds:expr, $is:expr, $to:expr) => {{
                let holds = some!($holds);
                write_bool!($a, holds);
                jump!(2, holds == $is, $to)
            }};
        }
        macro_rules! while_ {
            ($a:expr, $holds:expr, $to:expr, $done:expr) => {{
                let holds = some!($holds);
                write_bool!($a, holds);
                go!(3, if holds { $to } else { $done } as usize)
            }};
        }
        // The next number below an int.
        macro_rules! next_below {
            ($steps:expr, $a:expr, $b:expr, $end:expr, $to:expr, $done:expr) => {{
                let Value::Int(cursor) = reg!($b) else { break 'window };
                if cursor < 0 {
                    break 'window;
                }
                if cursor >= $end {
                    go!($steps, $done as usize)
                }
                set_int(&mut reg!($b), cursor + 1);
                set_int(&mut reg!($a), cursor);
                go!($steps, $to)
            }};
        }
        macro_rules! next {
            ($steps:expr, $a:expr, $b:expr, $c:expr, $to:expr, $done:expr) => {{
                let list = match &reg!($c) {
                    Value::Int(end) => {
                        let end = *end;
                        next_below!($steps, $a, $b, end, $to, $done)
                    }
                    Value::List(list) => list,
                    _ => break 'window,
                };
                let Value::Int(cursor) = reg!($b) else { break 'window };
                let Ok(at) = usize::try_from(cursor) else { break 'window };
                let Some(item) = list.get(at) else { go!($steps, $done as usize) };
                if let &Value::Int(item) = item {
                    set_int(&mut reg!($b), cursor + 1);
                    set_int(&mut reg!($a), item);
                    go!($steps, $to)
                }
                let item = some!(counted(item, 0, view.memory));
                set_int(&mut reg!($b), cursor + 1);
                set(&mut reg!($a), item);
                go!($steps, $to)
            }};
        }
        // The container that an item of a list is, and the memory that canonical code counts for it.
        macro_rules! inner {
            ($b:expr, $index:expr) => {{
                let Value::List(list) = &reg!($b) else { break 'window };
                some!(item(list, $index))
            }};
        }
        macro_rules! index {
            ($c:expr) => {{
                let Value::Int(int) = reg!($c) else { break 'window };
                int
            }};
        }
        // A part of a container that is counted as if it had been copied on the way.
        macro_rules! copy_part {
            ($a:expr, $part:expr, $heap:expr) => {{
                let heap = $heap;
                match $part {
                    &Value::Int(int) if count(view.memory, heap) => set_int(&mut reg!($a), int),
                    &Value::Float(float) if count(view.memory, heap) => {
                        set_float(&mut reg!($a), float);
                    }
                    part => {
                        let copy = some!(counted(part, heap, view.memory));
                        set(&mut reg!($a), copy);
                    }
                }
                done!(2, pc + 2)
            }};
        }
        macro_rules! get_get {
            ($a:expr, $b:expr, $i:expr, $j:expr) => {{
                let inner = inner!($b, $i);
                let Value::List(list) = inner else { break 'window };
                let item = some!(item(list, $j));
                copy_part!($a, item, list.heap())
            }};
        }
        macro_rules! get_get_field {
            ($a:expr, $b:expr, $i:expr, $k:expr) => {{
                let inner = inner!($b, $i);
                let (Value::Record(record), Value::Text(name)) = (inner, &consts[$k as usize])
                else {
                    break 'window;
                };
                let field = record.field(name).unwrap_or(&Value::Null);
                copy_part!($a, field, record.heap())
            }};
        }
        macro_rules! put {
            ($a:expr, $index:expr, $value:expr) => {{
                let index = $index;
                let Some(value) = $value else { break 'window };
                let Value::List(list) = &mut reg!($a) else { break 'window };
                if !replace(list, index, value, view.memory) {
                    break 'window;
                }
                done!(1, pc + 1)
            }};
        }
        macro_rules! put_field {
            ($a:expr, $k:expr, $value:expr) => {{
                let Value::Text(name) = &consts[$k as usize] else { break 'window };
                let Some(value) = $value else { break 'window };
                let Value::Record(record) = &mut reg!($a) else { break 'window };
                if !insert(record, name, value, view.memory) {
                    break 'window;
                }
                done!(1, pc + 1)
            }};
        }

        // To another window, unless canonical code has to.
        macro_rules! go_to {
            ($pc:expr) => {{
                pc = some!($pc);
                fuel -= 1;
                continue 'window;
            }};
        }

        loop {
            // A verified program's flow never runs off the end of its code.
            let Some(op) = code.get(pc) else { break 'window };
            match *op {
                Op::Leave => break 'window,

                Op::Null { a } => {
                    set_null(&mut reg!(a));
                    done!(1, pc + 1)
                }
                Op::Bool { a, k } => {
                    set_bool(&mut reg!(a), k);
                    done!(1, pc + 1)
                }
                Op::Int { a, k } => int!(a, k),
                Op::Float { a, k } => float!(a, k),
                Op::Move { a, b } => copy!(1, a, &reg!(b)),
                Op::Const { a, k } => copy!(1, a, &consts[k as usize]),

                Op::AddRR { a, b, c } => {
                    on_registers!(a, b, c, i64::checked_add, |x, y| x + y)
                }
                Op::AddRI { a, b, k } => {
                    with_int!(a, b, |x: i64| x.checked_add(k), |x| x + k as f64)
                }
                Op::AddRF { a, b, k } => with_float!(a, b, |x| x + k),
                Op::SubRR { a, b, c } => {
                    on_registers!(a, b, c, i64::checked_sub, |x, y| x - y)
                }
                Op::SubRI { a, b, k } => {
                    with_int!(a, b, |x: i64| x.checked_sub(k), |x| x - k as f64)
                }
                Op::SubRF { a, b, k } => with_float!(a, b, |x| x - k),
                Op::SubIR { a, k, c } => {
                    with_int!(a, c, |x| k.checked_sub(x), |x| k as f64 - x)
                }
                Op::SubFR { a, k, c } => with_float!(a, c, |x| k - x),
                Op::MulRR { a, b, c } => {
                    on_registers!(a, b, c, i64::checked_mul, |x, y| x * y)
                }
                Op::MulRI { a, b, k } => {
                    with_int!(a, b, |x: i64| x.checked_mul(k), |x| x * k as f64)
                }
                Op::MulRF { a, b, k } => with_float!(a, b, |x| x * k),
                Op::DivRR { a, b, c } => {
                    if is_zero(&reg!(c)) {
                        break 'window;
                    }
                    on_registers!(a, b, c, i64::checked_div, |x, y| x / y)
                }
                Op::DivRI { a, b, k } => {
                    with_int!(a, b, |x: i64| x.checked_div(k), |x| x / k as f64)
                }
                Op::DivRF { a, b, k } => with_float!(a, b, |x| x / k),
                Op::DivIR { a, k, c } => {
                    if is_zero(&reg!(c)) {
                        break 'window;
                    }
                    with_int!(a, c, |x| k.checked_div(x), |x| k as f64 / x)
                }
                Op::DivFR { a, k, c } => {
                    if is_zero(&reg!(c)) {
                        break 'window;
                    }
                    with_float!(a, c, |x| k / x)
                }
                Op::ModRR { a, b, c } => {
                    if is_zero(&reg!(c)) {
                        break 'window;
                    }
                    let rem = |x: i64, y| Some(x.wrapping_rem(y));
                    on_registers!(a, b, c, rem, libm::fmod)
                }
                Op::ModRI { a, b, k } => {
                    with_int!(a, b, |x: i64| x.checked_rem(k), |x| libm::fmod(x, k as f64))
                }
                Op::BitsRR { bits: how, a, b, c } => {
                    let (x, y) = (index!(b), index!(c));
                    int!(a, some!(bits(how, x, y)))
                }
                Op::BitsRI { bits: how, a, b, k } => {
                    let x = index!(b);
                    int!(a, some!(bits(how, x, k)))
                }
                Op::Unary { unary: how, a, b } => write!(a, some!(unary(how, &reg!(b)))),

                Op::CompareRR { how, a, b, c } => compared!(a, compare(how, &reg!(b), &reg!(c))),
                Op::CompareRI { how, a, b, k } => compared!(a, compare_int(how, &reg!(b), k)),
                Op::CompareRF { how, a, b, k } => compared!(a, compare_float(how, &reg!(b), k)),
                Op::Truth { a, b, not } => compared!(a, condition(&reg!(b)).map(|x| x != not)),
                Op::And { a, b, c } => {
                    let (x, y) = (some!(condition(&reg!(b))), some!(condition(&reg!(c))));
                    compared!(a, Some(x && y))
                }
                Op::Or { a, b, c } => {
                    let (x, y) = (some!(condition(&reg!(b))), some!(condition(&reg!(c))));
                    compared!(a, Some(x || y))
                }

                Op::Jump { to } => go!(1, to as usize),
                Op::JumpIf { b, is, to } => {
                    let Some(holds) = condition(&reg!(b)) else { break 'window };
                    jump!(1, holds == is, to)
                }
                Op::JumpIfLast { is, to } => jump!(1, *view.last_bool == is, to),

                Op::JumpLtRR { a, b, c, is, to } => {
                    compare_jump!(a, compare(Compare::Lt, &reg!(b), &reg!(c)), is, to)
                }
                Op::JumpLeRR { a, b, c, is, to } => {
                    compare_jump!(a, compare(Compare::Le, &reg!(b), &reg!(c)), is, to)
                }
                Op::JumpEqRR { a, b, c, is, to } => {
                    compare_jump!(a, compare(Compare::Eq, &reg!(b), &reg!(c)), is, to)
                }
                Op::JumpLtRI { a, b, is, to, k } => {
                    compare_jump!(a, compare_int(Compare::Lt, &reg!(b), k), is, to)
                }
                Op::JumpLeRI { a, b, is, to, k } => {
                    compare_jump!(a, compare_int(Compare::Le, &reg!(b), k), is, to)
                }
                Op::JumpGtRI { a, b, is, to, k } => {
                    compare_jump!(a, compare_int(Compare::Gt, &reg!(b), k), is, to)
                }
                Op::JumpGeRI { a, b, is, to, k } => {
                    compare_jump!(a, compare_int(Compare::Ge, &reg!(b), k), is, to)
                }
                Op::JumpEqRI { a, b, is, to, k } => {
                    compare_jump!(a, compare_int(Compare::Eq, &reg!(b), k), is, to)
                }

                Op::WhileLtRR { a, b, c, to, done } => {
                    while_!(a, compare(Compare::Lt, &reg!(b), &reg!(c)), to, done)
                }
                Op::WhileLeRR { a, b, c, to, done } => {
                    while_!(a, compare(Compare::Le, &reg!(b), &reg!(c)), to, done)
                }
                Op::WhileLtRI { a, b, to, done, k } => {
                    while_!(a, compare_int(Compare::Lt, &reg!(b), i64::from(k)), to, done)
                }
                Op::WhileLeRI { a, b, to, done, k } => {
                    while_!(a, compare_int(Compare::Le, &reg!(b), i64::from(k)), to, done)
                }

                Op::Next { a, b, c, done } => next!(1, a, b, c, pc + 1, done),
                Op::NextI { a, b, done, k } => next_below!(1, a, b, k, pc + 1, done),
                Op::Again { a, b, c, to, done } => next!(2, a, b, c, to as usize, done),
                Op::AgainI { a, b, to, done, k } => {
                    next_below!(2, a, b, i64::from(k), to as usize, done)
                }

                Op::GetRR { a, b, c } => match (&reg!(b), &reg!(c)) {
                    (Value::List(list), Value::Int(index)) => {
                        copy!(1, a, some!(item(list, *index)))
                    }
                    (Value::Record(record), Value::Text(name)) => {
                        copy!(1, a, record.field(name).unwrap_or(&Value::Null))
                    }
                    _ => break 'window,
                },
                Op::GetRI { a, b, k } => {
                    let Value::List(list) = &reg!(b) else { break 'window };
                    copy!(1, a, some!(item(list, k)))
                }
                Op::GetField { a, b, k } => {
                    let (Value::Record(record), Value::Text(name)) =
                        (&reg!(b), &consts[k as usize])
                    else {
                        break 'window;
                    };
                    copy!(1, a, record.field(name).unwrap_or(&Value::Null))
                }
                Op::GetGet { a, b, c, d } => {
                    let (i, j) = (index!(c), index!(d));
                    get_get!(a, b, i, j)
                }
                Op::GetIGet { a, b, d, k } => {
                    let j = index!(d);
                    get_get!(a, b, k, j)
                }
                Op::GetGetField { a, b, c, k } => {
                    let i = index!(c);
                    get_get_field!(a, b, i, k)
                }
                Op::GetIGetField { a, b, i, k } => get_get_field!(a, b, i64::from(i), k),

                Op::PutRR { a, b, c } => {
                    let index = match &reg!(b) {
                        Value::Int(index) => *index,
                        _ => break 'window,
                    };
                    put!(a, index, shallow(&reg!(c)))
                }
                Op::PutRK { a, b, k } => put!(a, index!(b), shallow(&consts[k as usize])),
                Op::PutIR { a, k, c } => put!(a, k, shallow(&reg!(c))),
                Op::PutField { a, c, k } => put_field!(a, k, shallow(&reg!(c))),
                Op::PutFieldK { a, k, v } => put_field!(a, k, shallow(&consts[v as usize])),
                Op::TakeRR { a, b, c } => {
                    let index = index!(c);
                    let Value::List(list) = &mut reg!(b) else { break 'window };
                    let Some(item) = take(list, index, view.memory) else { break 'window };
                    write!(a, item)
                }
                Op::TakeRI { a, b, k } => {
                    let Value::List(list) = &mut reg!(b) else { break 'window };
                    let Some(item) = take(list, k, view.memory) else { break 'window };
                    write!(a, item)
                }
                Op::Push { a, b } => {
                    let Some(item) = shallow(&reg!(b)) else { break 'window };
                    let Value::List(list) = &mut reg!(a) else { break 'window };
                    if !push(list, item, view.memory) {
                        break 'window;
                    }
                    done!(1, pc + 1)
                }
                Op::Len { a, b } => {
                    let len = match &reg!(b) {
                        Value::List(list) => list.len(),
                        Value::Record(record) => record.len(),
                        Value::Text(text) if text.is_ascii() => text.len(),
                        _ => break 'window,
                    };
                    int!(a, len as i64)
                }

                Op::Call1 { a, b, registers, entry, pool } => {
                    let call = Call { registers, pc: pc + 1, result: a };
                    let slots = pool as usize + 1;
                    let called =
                        call.with_int(view, b) || call.with(view, &region.pool[slots..=slots]);
                    go_to!(called.then_some(entry as usize))
                }
                Op::Call { a, count, registers, entry, pool } => {
                    let call = Call { registers, pc: pc + 1, result: a };
                    let slots = &region.pool[pool as usize + 1..][..usize::from(count)];
                    go_to!(call.with(view, slots).then_some(entry as usize))
                }
                Op::Return { b } => go_to!(return_register(view, b)),
                Op::ReturnK { k } => go_to!(return_constant(view, &consts[k as usize])),
            }
        }
    }
    view.pc = pc;
    fuel
}
