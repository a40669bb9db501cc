//! The fast loop.
//!
//! Every arm follows one rule: look at the operands, leave to canonical code where anything is
//! unusual, and only then write. So whatever the arm does not do, canonical code does from the
//! same state, traps and their messages included.
//!
//! It is one function, and so a long file: what is kept in processor registers is kept over one
//! function only. The arms are short, because what they share are the macros before them.

use avm_ir::{Slot, Value, value::Record};

use super::{
    calls::{Call, return_constant, return_register},
    op::{Compare, MOST, Op},
    parts::{
        LETTER, Side, count, counted, equal, first_code, insert, item, join, letter, letter_code,
        look, part, part_or, pop, push, put_in, record, replace, set_field_in, set_in, set_own,
        slice, take, tally,
    },
    scalar::{
        bits, both, compare, compare_float, compare_int, condition, is_zero, mixed, overwrite, set,
        set_bool, set_float, set_int, set_null, unary,
    },
    view::{View, Why},
};
use crate::exec::WINDOW;

/// Bytes of code of one instruction.
const STEP: usize = size_of::<Op>();

/// Jumps after which it is tried again whether scalars are enough.
const PATIENCE: u32 = 64;

/// Whether steps of fast code are counted and paid. They are, but in builds that measure what that
/// costs: no program of such a build can be trusted to stop.
const METERED: bool = !cfg!(avm_unmetered);

/// The loop, twice: without `HEAP` it does nothing that would take a call of a function, such as
/// dropping a container, and so the compiler keeps what it works with in processor registers.
///
/// Steps are counted where flow goes elsewhere: in between they are what the position advanced.
#[inline(never)]
pub(super) fn stretch<const HEAP: bool>(view: &mut View<'_>, fuel: u64) -> (u64, Why) {
    let mut patience = PATIENCE;
    let mut why = Why::Step;
    let (code, region) = (if view.apart { view.single } else { view.code }, view.region);
    let consts = region.consts.as_slice();
    // Where flow came from elsewhere, and where it leaves fast code.
    let mut start = view.pc;
    let mut pc = start;
    // Fuel is counted in bytes of code, as positions are: what was left at the start, and the address
    // where it would be used up if flow went straight on.
    let origin = code.as_ptr() as usize;
    let mut left = fuel as usize * STEP;
    let mut limit = origin + start * STEP + left;
    'window: loop {
        let (_, rest) = view.stack.split_at_mut(view.base);
        // The stack always holds a whole window from `base` on.
        let Some(regs) = rest.first_chunk_mut::<WINDOW>() else { break };
        'stretch: loop {
            if METERED && left < MOST as usize * STEP {
                limit = origin + start * STEP + left;
                break 'window;
            }
            let Some(rest) = code.get(start..) else { break 'window };
            let mut ahead = rest.iter();
            limit = rest.as_ptr() as usize + left;

            macro_rules! reg {
                ($number:expr) => {
                    regs[usize::from($number)]
                };
            }
            // The position of the instruction at hand.
            macro_rules! here {
                () => {
                    code.len() - ahead.as_slice().len() - 1
                };
            }
            // Canonical code takes the instruction at hand, or the other loop looks at it first.
            macro_rules! leave {
                () => {{
                    pc = here!();
                    if !HEAP {
                        why = Why::Heap;
                    }
                    break 'window;
                }};
            }
            // What stands behind it takes calls.
            macro_rules! heap {
                () => {
                    if !HEAP {
                        leave!();
                    }
                };
            }
            // A register can be written without dropping what it holds.
            macro_rules! free {
                ($a:expr) => {
                    if !HEAP && reg!($a).is_heap() {
                        leave!();
                    }
                };
            }
            // Writes a scalar; without `HEAP` to a register that is free.
            macro_rules! put_scalar {
                ($a:expr, $set:ident, $scalar:expr, $make:expr) => {
                    if HEAP {
                        $set(&mut reg!($a), $scalar)
                    } else {
                        overwrite(&mut reg!($a), $make($scalar))
                    }
                };
            }
            macro_rules! put_int {
                ($a:expr, $int:expr) => {
                    put_scalar!($a, set_int, $int, Value::Int)
                };
            }
            macro_rules! put_float {
                ($a:expr, $float:expr) => {
                    put_scalar!($a, set_float, $float, Value::Float)
                };
            }
            macro_rules! put_bool {
                ($a:expr, $bool:expr) => {
                    put_scalar!($a, set_bool, $bool, Value::Bool)
                };
            }
            // What was joined does not fit its operands.
            macro_rules! alone {
                () => {{
                    pc = here!();
                    why = Why::Apart;
                    break 'window;
                }};
            }
            // On behind the instructions that were done.
            macro_rules! done {
                (1) => {
                    continue
                };
                (2) => {{
                    ahead.next();
                    continue;
                }};
                (3) => {{
                    ahead.next();
                    ahead.next();
                    continue;
                }};
            }
            // What is left when so many instructions from the one at hand on are done.
            macro_rules! left_behind {
                ($steps:expr) => {{
                    let next = ahead.as_slice().as_ptr() as usize;
                    if METERED { limit - next - ($steps - 1) * STEP } else { left }
                }};
            }
            macro_rules! tire {
                () => {
                    if HEAP {
                        patience -= 1;
                        if patience == 0 {
                            why = Why::Scalars;
                            limit = origin + start * STEP + left;
                            break 'window;
                        }
                    }
                };
            }
            // So many instructions were done, and flow goes elsewhere: there the fuel is looked at.
            macro_rules! go {
                ($steps:expr, $to:expr) => {{
                    left = left_behind!($steps);
                    start = $to;
                    pc = start;
                    tire!();
                    continue 'stretch;
                }};
            }
            macro_rules! jump {
                ($steps:tt, $taken:expr, $to:expr) => {
                    if $taken { go!($steps, $to as usize) } else { done!($steps) }
                };
            }
            macro_rules! write {
                ($a:expr, $value:expr) => {{
                    heap!();
                    let value = $value;
                    set(&mut reg!($a), value);
                    done!(1)
                }};
            }
            macro_rules! int {
                ($a:expr, $int:expr) => {{
                    let int = $int;
                    free!($a);
                    put_int!($a, int);
                    done!(1)
                }};
            }
            // NaN has one form, which canonical code sees to.
            macro_rules! float {
                ($a:expr, $float:expr) => {{
                    let float: f64 = $float;
                    if float.is_nan() {
                        leave!();
                    }
                    free!($a);
                    put_float!($a, float);
                    done!(1)
                }};
            }
            macro_rules! write_bool {
                ($a:expr, $value:expr) => {{
                    let value = $value;
                    free!($a);
                    *view.last_bool = value;
                    put_bool!($a, value);
                }};
            }
            // What is there, or canonical code.
            macro_rules! some {
                ($value:expr) => {
                    match $value {
                        Some(value) => value,
                        None => leave!(),
                    }
                };
            }
            // A value that may be a container: counted, then written.
            macro_rules! copy {
                ($steps:tt, $a:expr, $value:expr) => {{
                    free!($a);
                    match $value {
                        &Value::Int(int) => put_int!($a, int),
                        &Value::Float(float) => put_float!($a, float),
                        &Value::Bool(bool) => put_bool!($a, bool),
                        value => {
                            heap!();
                            let copy = some!(counted(value, 0, view.memory));
                            set(&mut reg!($a), copy);
                        }
                    }
                    done!($steps)
                }};
            }
            // Arithmetic on registers, on a register and an int, on a register and a float.
            macro_rules! on_registers {
                ($a:expr, $b:expr, $c:expr, $ints:expr, $floats:expr) => {
                    match (&reg!($b), &reg!($c)) {
                        (&Value::Int(x), &Value::Int(y)) => int!($a, some!($ints(x, y))),
                        (&Value::Float(x), &Value::Float(y)) => float!($a, $floats(x, y)),
                        (x, y) => {
                            heap!();
                            let (x, y) = some!(mixed(x, y));
                            float!($a, $floats(x, y))
                        }
                    }
                };
            }
            macro_rules! with_int {
                ($a:expr, $b:expr, $ints:expr, $floats:expr, $k:expr) => {
                    match reg!($b) {
                        Value::Int(x) => int!($a, some!($ints(x, $k))),
                        Value::Float(x) => float!($a, $floats(x, $k as f64)),
                        _ => leave!(),
                    }
                };
            }
            macro_rules! with_float {
                ($a:expr, $b:expr, $floats:expr) => {
                    match reg!($b) {
                        Value::Float(x) => float!($a, $floats(x)),
                        Value::Int(x) => float!($a, $floats(x as f64)),
                        _ => leave!(),
                    }
                };
            }
            macro_rules! compared {
                ($a:expr, $holds:expr) => {{
                    let holds = some!($holds);
                    write_bool!($a, holds);
                    done!(1)
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
            macro_rules! jump_rr {
                ($how:ident, $a:expr, $b:expr, $c:expr, $is:expr, $to:expr) => {
                    compare_jump!(
                        $a,
                        compare::<HEAP>(Compare::$how, &reg!($b), &reg!($c)),
                        $is,
                        $to
                    )
                };
            }
            macro_rules! jump_ri {
                ($how:ident, $a:expr, $b:expr, $k:expr, $is:expr, $to:expr) => {
                    compare_jump!($a, compare_int::<HEAP>(Compare::$how, &reg!($b), $k), $is, $to)
                };
            }
            macro_rules! while_holds {
                ($a:expr, $holds:expr, $to:expr, $done:expr) => {{
                    let holds = some!($holds);
                    write_bool!($a, holds);
                    go!(3, if holds { $to } else { $done } as usize)
                }};
            }
            macro_rules! while_ {
                ($how:ident, $a:expr, $b:expr, $c:expr, $to:expr, $done:expr) => {
                    while_holds!(
                        $a,
                        compare::<HEAP>(Compare::$how, &reg!($b), &reg!($c)),
                        $to,
                        $done
                    )
                };
            }
            macro_rules! while_int {
                ($how:ident, $a:expr, $b:expr, $k:expr, $to:expr, $done:expr) => {
                    while_holds!(
                        $a,
                        compare_int::<HEAP>(Compare::$how, &reg!($b), i64::from($k)),
                        $to,
                        $done
                    )
                };
            }
            // An int that is the result of two instructions on ints.
            macro_rules! joined {
                ($a:expr, $b:expr, $c:expr, $ints:expr) => {{
                    let (&Value::Int(x), &Value::Int(y)) = (&reg!($b), &reg!($c)) else { alone!() };
                    let int: Option<i64> = $ints(x, y);
                    let Some(int) = int else { alone!() };
                    free!($a);
                    put_int!($a, int);
                    done!(2)
                }};
            }
            // A product, and a number with it.
            macro_rules! product_and {
                (
                    $a:expr, $b:expr, $c:expr, $d:expr, $e:expr,
                    $ints:expr, $floats:expr
                ) => {
                    match (&reg!($b), &reg!($c), &reg!($e)) {
                        (&Value::Float(x), &Value::Float(y), &Value::Float(other)) => {
                            let product: f64 = x * y;
                            let result: f64 = $floats(other, product);
                            if product.is_nan() || result.is_nan() {
                                alone!();
                            }
                            free!($a);
                            free!($d);
                            put_float!($a, product);
                            put_float!($d, result);
                            done!(2)
                        }
                        (&Value::Int(x), &Value::Int(y), &Value::Int(other)) => {
                            let Some(product) = x.checked_mul(y) else { leave!() };
                            let Some(result) = $ints(other, product) else { alone!() };
                            free!($a);
                            free!($d);
                            put_int!($a, product);
                            put_int!($d, result);
                            done!(2)
                        }
                        _ => alone!(),
                    }
                };
            }
            // A step, a jump back, a comparison and the jump on it.
            macro_rules! step_while {
                (
                    $a:expr, $b:expr, $c:expr, $step:expr, $holds:expr,
                    $to:expr, $done:expr
                ) => {
                    match (&reg!($b), &reg!($c)) {
                        (&Value::Int(x), &Value::Int(end)) => {
                            let Some(x) = x.checked_add($step) else { leave!() };
                            let holds: bool = $holds(x, end);
                            write_bool!($a, holds);
                            put_int!($b, x);
                            go!(4, if holds { $to } else { $done } as usize)
                        }
                        _ => alone!(),
                    }
                };
            }
            // The next number below an int.
            macro_rules! next_below {
                ($steps:expr, $a:expr, $b:expr, $end:expr, $to:expr, $done:expr) => {{
                    let Value::Int(cursor) = reg!($b) else { leave!() };
                    if cursor < 0 {
                        leave!();
                    }
                    if cursor >= $end {
                        go!($steps, $done as usize)
                    }
                    free!($a);
                    put_int!($b, cursor + 1);
                    put_int!($a, cursor);
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
                        _ => leave!(),
                    };
                    let Value::Int(cursor) = reg!($b) else { leave!() };
                    let Ok(at) = usize::try_from(cursor) else { leave!() };
                    let Some(item) = list.get(at) else { go!($steps, $done as usize) };
                    free!($a);
                    if let &Value::Int(item) = item {
                        put_int!($b, cursor + 1);
                        put_int!($a, item);
                        go!($steps, $to)
                    }
                    heap!();
                    let item = some!(counted(item, 0, view.memory));
                    set_int(&mut reg!($b), cursor + 1);
                    set(&mut reg!($a), item);
                    go!($steps, $to)
                }};
            }
            // The container that an item of a list is.
            macro_rules! inner {
                ($b:expr, $index:expr) => {{
                    let Value::List(list) = &reg!($b) else { leave!() };
                    some!(item(list, $index))
                }};
            }
            macro_rules! index {
                ($c:expr) => {{
                    let Value::Int(int) = reg!($c) else { leave!() };
                    int
                }};
            }
            // An item at a position, and another number.
            macro_rules! item_and {
                ($b:expr, $at:expr, $d:expr) => {{
                    let item = inner!($b, $at);
                    let (&Value::Int(item), &Value::Int(other)) = (item, &reg!($d)) else {
                        alone!()
                    };
                    (item, other)
                }};
            }
            macro_rules! item_jump {
                ($a:expr, $b:expr, $c:expr, $d:expr, $holds:expr, $is:expr, $to:expr) => {{
                    let (item, other) = item_and!($b, index!($c), $d);
                    let holds: bool = $holds(item, other);
                    write_bool!($a, holds);
                    jump!(3, holds == $is, $to)
                }};
            }
            macro_rules! step_item_jump {
                (
                    $a:expr, $b:expr, $c:expr, $d:expr, $k:expr, $holds:expr, $is:expr,
                    $to:expr, $next:expr
                ) => {{
                    let Value::Int(at) = reg!($c) else { alone!() };
                    let Some(at) = at.checked_add(i64::from($k)) else { leave!() };
                    let Value::List(list) = &reg!($b) else { alone!() };
                    let Some(&Value::Int(item)) = item(list, at) else { alone!() };
                    let Value::Int(other) = reg!($d) else { alone!() };
                    let holds: bool = $holds(item, other);
                    write_bool!($a, holds);
                    put_int!($c, at);
                    go!(5, if holds == $is { $to } else { $next } as usize)
                }};
            }
            // The code of a character of a text.
            macro_rules! letter {
                ($b:expr, $at:expr) => {{
                    let Value::Text(text) = &reg!($b) else { alone!() };
                    match letter_code(text, $at) {
                        Some(code) => code,
                        None => alone!(),
                    }
                }};
            }
            // Whether a character is another, and what making and comparing it costs.
            macro_rules! letter_is {
                ($a:expr, $holds:expr, $price:expr) => {{
                    let price = u64::from($price);
                    if view.slack < price || !view.memory.has_room(LETTER) {
                        alone!();
                    }
                    write_bool!($a, $holds);
                    view.slack -= price;
                    view.memory.make(LETTER);
                }};
            }
            // A part of a container that is counted as if it had been copied on the way.
            macro_rules! copy_part {
                ($a:expr, $part:expr, $heap:expr) => {{
                    let heap = $heap;
                    free!($a);
                    match $part {
                        &Value::Int(int) if count(view.memory, heap) => put_int!($a, int),
                        &Value::Float(float) if count(view.memory, heap) => put_float!($a, float),
                        part => {
                            heap!();
                            let copy = some!(counted(part, heap, view.memory));
                            set(&mut reg!($a), copy);
                        }
                    }
                    done!(2)
                }};
            }
            macro_rules! get_get {
                ($a:expr, $b:expr, $i:expr, $j:expr) => {{
                    let inner = inner!($b, $i);
                    let Value::List(list) = inner else { leave!() };
                    let item = some!(item(list, $j));
                    copy_part!($a, item, list.heap())
                }};
            }
            macro_rules! name {
                ($k:expr) => {{
                    let Value::Text(name) = &consts[$k as usize] else { leave!() };
                    name
                }};
            }
            // A field, at first where it was last time.
            macro_rules! field {
                ($record:expr, $place:expr, $name:expr) => {
                    match $record.field_at($place.get(), $name) {
                        Some(value) => value,
                        None => {
                            heap!();
                            look($record, $place, $name)
                        }
                    }
                };
            }
            macro_rules! get_get_field {
                ($a:expr, $b:expr, $i:expr, $place:expr, $k:expr) => {{
                    let Value::Record(record) = inner!($b, $i) else { leave!() };
                    let field = field!(record, $place, name!($k));
                    copy_part!($a, field, record.heap())
                }};
            }
            macro_rules! put {
                ($a:expr, $index:expr, $value:expr) => {{
                    let index = $index;
                    if let Some(value) = $value.scalar()
                        && let Value::List(list) = &mut reg!($a)
                        && set_own(list, index, value)
                    {
                        done!(1)
                    }
                    heap!();
                    let value = some!(part($value));
                    let Value::List(list) = &mut reg!($a) else { leave!() };
                    if !replace(list, index, value, view.memory) {
                        leave!();
                    }
                    done!(1)
                }};
            }
            macro_rules! put_field {
                ($a:expr, $name:expr, $value:expr) => {{
                    let value = $value;
                    let Value::Record(record) = &mut reg!($a) else { leave!() };
                    if !insert(record, $name, value, view.memory) {
                        leave!();
                    }
                    done!(1)
                }};
            }

            macro_rules! put_in {
                ($a:expr, $slots:expr, $place:expr) => {{
                    heap!();
                    if !put_in((regs, consts), $a, $slots, $place, view.memory) {
                        leave!();
                    }
                    done!(1)
                }};
            }

            macro_rules! join {
                ($a:expr, $left:expr, $right:expr, $price:expr) => {{
                    let sides = ($a, $left, $right);
                    if !join((regs, consts), sides, $price, &mut view.slack, view.memory) {
                        leave!();
                    }
                    done!(1)
                }};
            }

            // To another window, unless canonical code has to.
            macro_rules! go_to {
                ($to:expr) => {{
                    match $to {
                        Some(to) => start = to,
                        None => leave!(),
                    }
                    left = left_behind!(1);
                    pc = start;
                    tire!();
                    continue 'window;
                }};
            }

            loop {
                // A verified program's flow never runs off the end of its code.
                let Some(op) = ahead.next() else {
                    pc = code.len();
                    break 'window;
                };
                #[rustfmt::skip] // A table: one line where one is enough.
                match *op {
                    Op::Leave => { pc = here!(); break 'window; }

                    Op::Null { a } => { free!(a); set_null(&mut reg!(a)); done!(1) }
                    Op::Bool { a, k } => { free!(a); put_bool!(a, k); done!(1) }
                    Op::Int { a, k } => int!(a, k),
                    Op::Float { a, k } => float!(a, k),
                    Op::Move { a, b } => copy!(1, a, &reg!(b)),
                    Op::Const { a, k } => copy!(1, a, &consts[k as usize]),

                    Op::AddRR { a, b, c, price } => {
                        if HEAP && (reg!(b).is_heap() || reg!(c).is_heap()) {
                            join!(a, Side::Reg(b), Side::Reg(c), price)
                        }
                        on_registers!(a, b, c, i64::checked_add, |x, y| x + y)
                    }
                    Op::AddRK { a, b, k, price } => {
                        heap!();
                        join!(a, Side::Reg(b), Side::Const(k), price)
                    }
                    Op::AddKR { a, c, k, price } => {
                        heap!();
                        join!(a, Side::Const(k), Side::Reg(c), price)
                    }
                    Op::AddRI { a, b, k } => with_int!(a, b, i64::checked_add, |x, k| x + k, k),
                    Op::AddRF { a, b, k } => with_float!(a, b, |x| x + k),
                    Op::Step { a, k } => match &mut reg!(a) {
                        Value::Int(x) => { *x = some!(x.checked_add(k)); done!(1) }
                        Value::Float(x) => { let sum = *x + k as f64; float!(a, sum) }
                        _ => leave!(),
                    },
                    Op::SubRR { a, b, c } => on_registers!(a, b, c, i64::checked_sub, |x, y| x - y),
                    Op::SubRI { a, b, k } => with_int!(a, b, i64::checked_sub, |x, k| x - k, k),
                    Op::SubRF { a, b, k } => with_float!(a, b, |x| x - k),
                    Op::SubIR { a, k, c } => {
                        with_int!(a, c, |x, k: i64| k.checked_sub(x), |x, k| k - x, k)
                    }
                    Op::SubFR { a, k, c } => with_float!(a, c, |x| k - x),
                    Op::MulRR { a, b, c } => on_registers!(a, b, c, i64::checked_mul, |x, y| x * y),
                    Op::MulRI { a, b, k } => with_int!(a, b, i64::checked_mul, |x, k| x * k, k),
                    Op::MulRF { a, b, k } => with_float!(a, b, |x| x * k),
                    Op::DivRR { a, b, c } => {
                        if is_zero(&reg!(c)) { leave!(); }
                        on_registers!(a, b, c, i64::checked_div, |x, y| x / y)
                    }
                    Op::DivRI { a, b, k } => with_int!(a, b, i64::checked_div, |x, k| x / k, k),
                    Op::DivRF { a, b, k } => with_float!(a, b, |x| x / k),
                    Op::DivIR { a, k, c } => {
                        if is_zero(&reg!(c)) { leave!(); }
                        with_int!(a, c, |x, k: i64| k.checked_div(x), |x, k| k / x, k)
                    }
                    Op::DivFR { a, k, c } => {
                        if is_zero(&reg!(c)) { leave!(); }
                        with_float!(a, c, |x| k / x)
                    }
                    Op::ModRR { a, b, c } => {
                        if is_zero(&reg!(c)) { leave!(); }
                        if let (&Value::Int(x), &Value::Int(y)) = (&reg!(b), &reg!(c)) {
                            int!(a, x.wrapping_rem(y))
                        }
                        heap!();
                        let (x, y) = some!(mixed(&reg!(b), &reg!(c)));
                        float!(a, libm::fmod(x, y))
                    }
                    Op::ModRI { a, b, k } => match reg!(b) {
                        Value::Int(x) => int!(a, some!(x.checked_rem(k))),
                        Value::Float(x) => { heap!(); float!(a, libm::fmod(x, k as f64)) }
                        _ => leave!(),
                    },
                    Op::AndRR { a, b, c } => { let (x, y) = (index!(b), index!(c)); int!(a, x & y) }
                    Op::AndRI { a, b, k } => int!(a, index!(b) & k),
                    Op::XorRR { a, b, c } => { let (x, y) = (index!(b), index!(c)); int!(a, x ^ y) }
                    Op::XorRI { a, b, k } => int!(a, index!(b) ^ k),
                    Op::BitsRR { bits: how, a, b, c } => {
                        let (x, y) = (index!(b), index!(c));
                        int!(a, some!(bits(how, x, y)))
                    }
                    Op::BitsRI { bits: how, a, b, k } => {
                        let x = index!(b);
                        int!(a, some!(bits(how, x, k)))
                    }
                    Op::MulAdd { a, b, c, d, e } => {
                        product_and!(a, b, c, d, e, i64::checked_add, |x, y| x + y)
                    }
                    Op::MulSub { a, b, c, d, e } => {
                        product_and!(a, b, c, d, e, i64::checked_sub, |x, y| x - y)
                    }
                    Op::AddMod { a, b, c, k } => {
                        joined!(a, b, c, |x: i64, y| x.checked_add(y)?.checked_rem(k))
                    }
                    Op::MulXor { a, b, c, k } => {
                        joined!(a, b, c, |x: i64, y| Some(x.checked_mul(k)? ^ y))
                    }
                    Op::Linear { a, b, k, l } => {
                        joined!(a, b, b, |x: i64, _| x.checked_mul(i64::from(k))?.checked_add(l))
                    }
                    Op::Sqrt { a, b } => match reg!(b) {
                        Value::Float(x) if x >= 0.0 => float!(a, libm::sqrt(x)),
                        _ => leave!(),
                    },
                    Op::Unary { unary: how, a, b } => write!(a, some!(unary(how, &reg!(b)))),

                    Op::CompareRR { how, a, b, c } => {
                        compared!(a, compare::<HEAP>(how, &reg!(b), &reg!(c)))
                    }
                    Op::CompareRI { how, a, b, k } => {
                        compared!(a, compare_int::<HEAP>(how, &reg!(b), k))
                    }
                    Op::CompareRF { how, a, b, k } => {
                        compared!(a, compare_float::<HEAP>(how, &reg!(b), k))
                    }
                    Op::EqualRK { a, b, not, price, k } => {
                        heap!();
                        let (x, y) = (&reg!(b), &consts[k as usize]);
                        compared!(a, equal(x, y, price, &mut view.slack).map(|holds| holds != not))
                    }
                    Op::Truth { a, b, not } => compared!(a, condition(&reg!(b)).map(|x| x != not)),
                    Op::And { a, b, c } => {
                        compared!(a, both(&reg!(b), &reg!(c)).map(|(x, y)| x && y))
                    }
                    Op::Or { a, b, c } => {
                        compared!(a, both(&reg!(b), &reg!(c)).map(|(x, y)| x || y))
                    }

                    Op::Jump { to } => go!(1, to as usize),
                    Op::JumpIf { b, is, to } => {
                        let Some(holds) = condition(&reg!(b)) else { leave!() };
                        jump!(1, holds == is, to)
                    }
                    Op::JumpIfLast { is, to } => jump!(1, *view.last_bool == is, to),

                    Op::JumpLtRR { a, b, c, is, to } => jump_rr!(Lt, a, b, c, is, to),
                    Op::JumpLeRR { a, b, c, is, to } => jump_rr!(Le, a, b, c, is, to),
                    Op::JumpEqRR { a, b, c, is, to } => jump_rr!(Eq, a, b, c, is, to),
                    Op::JumpLtRI { a, b, is, to, k } => jump_ri!(Lt, a, b, k, is, to),
                    Op::JumpLeRI { a, b, is, to, k } => jump_ri!(Le, a, b, k, is, to),
                    Op::JumpGtRI { a, b, is, to, k } => jump_ri!(Gt, a, b, k, is, to),
                    Op::JumpGeRI { a, b, is, to, k } => jump_ri!(Ge, a, b, k, is, to),
                    Op::JumpEqRI { a, b, is, to, k } => jump_ri!(Eq, a, b, k, is, to),

                    Op::JumpEqualRK { a, b, not, is, price, to, k } => {
                        heap!();
                        let (x, y) = (&reg!(b), &consts[k as usize]);
                        let equal = equal(x, y, price, &mut view.slack);
                        compare_jump!(a, equal.map(|holds| holds != not), is, to)
                    }

                    Op::JumpLetter { a, b, k, not, is, price, to } => {
                        let Value::Text(text) = &reg!(b) else { alone!() };
                        let holds = (text.as_bytes() == [k]) != not;
                        let price = u64::from(price) * text.len() as u64;
                        if view.slack < price { leave!(); }
                        write_bool!(a, holds);
                        view.slack -= price;
                        jump!(2, holds == is, to)
                    }

                    Op::WhileLtRR { a, b, c, to, done } => while_!(Lt, a, b, c, to, done),
                    Op::WhileLeRR { a, b, c, to, done } => while_!(Le, a, b, c, to, done),
                    Op::WhileLtRI { a, b, to, done, k } => while_int!(Lt, a, b, k, to, done),
                    Op::WhileLeRI { a, b, to, done, k } => while_int!(Le, a, b, k, to, done),

                    Op::StepJump { a, to, k } => {
                        let Value::Int(x) = &mut reg!(a) else { alone!() };
                        *x = some!(x.checked_add(k));
                        go!(2, to as usize)
                    }
                    Op::StepWhileLt { a, b, c, k, to, done } => {
                        step_while!(a, b, c, i64::from(k), |x, end| x < end, to, done)
                    }
                    Op::StepWhileLe { a, b, c, k, to, done } => {
                        step_while!(a, b, c, i64::from(k), |x, end| x <= end, to, done)
                    }
                    Op::AddWhileLt { a, b, c, d, to, done } => {
                        let Value::Int(step) = reg!(d) else { alone!() };
                        step_while!(a, b, c, step, |x, end| x < end, to, done)
                    }

                    Op::Next { a, b, c, done } => next!(1, a, b, c, here!() + 1, done),
                    Op::NextI { a, b, done, k } => next_below!(1, a, b, k, here!() + 1, done),
                    Op::Again { a, b, c, to, done } => next!(2, a, b, c, to as usize, done),
                    Op::AgainI { a, b, to, done, k } => {
                        next_below!(2, a, b, i64::from(k), to as usize, done)
                    }

                    Op::GetRR { a, b, c } => match (&reg!(b), &reg!(c)) {
                        (Value::List(list), Value::Int(index)) => {
                            copy!(1, a, some!(item(list, *index)))
                        }
                        (Value::Text(text), Value::Int(index)) => {
                            heap!();
                            copy!(1, a, some!(letter(text, *index, view.letters)))
                        }
                        (Value::Record(record), Value::Text(name)) => {
                            heap!();
                            copy!(1, a, record.field(name).unwrap_or(&Value::Null))
                        }
                        _ => leave!(),
                    },
                    Op::GetRI { a, b, k } => match &reg!(b) {
                        Value::List(list) => copy!(1, a, some!(item(list, k))),
                        Value::Text(text) => {
                            heap!();
                            copy!(1, a, some!(letter(text, k, view.letters)))
                        }
                        _ => leave!(),
                    },
                    Op::GetField { a, b, ref place, k } => {
                        let Value::Record(record) = &reg!(b) else { leave!() };
                        copy!(1, a, field!(record, place, name!(k)))
                    }
                    Op::GetGet { a, b, c, d } => {
                        let (i, j) = (index!(c), index!(d));
                        get_get!(a, b, i, j)
                    }
                    Op::GetIGet { a, b, d, k } => { let j = index!(d); get_get!(a, b, k, j) }
                    Op::GetGetField { a, b, c, ref place, k } => {
                        let i = index!(c);
                        get_get_field!(a, b, i, place, k)
                    }
                    Op::GetIGetField { a, b, ref place, i, k } => {
                        get_get_field!(a, b, i64::from(i), place, k)
                    }

                    Op::GetJump { a, b, c, is, to } => match inner!(b, index!(c)) {
                        &Value::Bool(holds) => {
                            free!(a);
                            put_bool!(a, holds);
                            jump!(2, holds == is, to)
                        }
                        _ => alone!(),
                    },
                    Op::GetLtJump { a, b, c, d, is, to } => {
                        item_jump!(a, b, c, d, |item, other| item < other, is, to)
                    }
                    Op::GetGtJump { a, b, c, d, is, to } => {
                        item_jump!(a, b, c, d, |item, other| other < item, is, to)
                    }
                    Op::LetterJump { a, b, c, k, not, is, price, to } => {
                        let code = letter!(b, index!(c));
                        letter_is!(a, (code == k) != not, price);
                        jump!(3, ((code == k) != not) == is, to)
                    }
                    Op::StepGetLtJump { a, b, c, d, is, k, to, next } => {
                        step_item_jump!(a, b, c, d, k, |item, other| item < other, is, to, next)
                    }
                    Op::StepGetGtJump { a, b, c, d, is, k, to, next } => {
                        step_item_jump!(a, b, c, d, k, |item, other| other < item, is, to, next)
                    }
                    Op::NextLetterJump { a, b, c, k, not, is, price, to, next } => {
                        let Value::Int(at) = reg!(c) else { alone!() };
                        let Some(at) = at.checked_add(1) else { leave!() };
                        let code = letter!(b, at);
                        letter_is!(a, (code == k) != not, price);
                        put_int!(c, at);
                        go!(5, if ((code == k) != not) == is { to } else { next } as usize)
                    }
                    Op::LetterCode { a, b, c } => {
                        let code = letter!(b, index!(c));
                        free!(a);
                        if !count(view.memory, LETTER) { leave!(); }
                        put_int!(a, i64::from(code));
                        done!(2)
                    }
                    Op::PutRR { a, b, c } => match &reg!(b) {
                        &Value::Int(index) => put!(a, index, &reg!(c)),
                        Value::Text(name) => {
                            heap!();
                            let (name, value) = (name.clone(), some!(part(&reg!(c))));
                            put_field!(a, &name, value)
                        }
                        _ => leave!(),
                    },
                    Op::PutRK { a, b, k } => put!(a, index!(b), &consts[k as usize]),
                    Op::PutIR { a, k, c } => put!(a, k, &reg!(c)),
                    Op::PutField { a, c, ref place, k } => {
                        let name = name!(k);
                        let heap = Record::field_heap(name);
                        if view.memory.has_room(heap)
                            && let Some(value) = reg!(c).scalar()
                            && let Value::Record(record) = &mut reg!(a)
                            && record.set_own_at(place.get(), name, value)
                        {
                            view.memory.make(heap);
                            done!(1)
                        }
                        heap!();
                        if let Value::Record(record) = &reg!(a) {
                            place.set(record.place(name).unwrap_or_default());
                        }
                        put_field!(a, name, some!(part(&reg!(c))))
                    }
                    Op::PutFieldK { a, k, v } => {
                        heap!();
                        put_field!(a, name!(k), some!(part(&consts[v as usize])))
                    }
                    Op::PutIn { a, b, c, d } => {
                        if let (&Value::Int(i), &Value::Int(j)) = (&reg!(b), &reg!(c))
                            && let Some(value) = reg!(d).scalar()
                            && let Value::List(list) = &mut reg!(a)
                            && set_in(list, i, j, value)
                        {
                            done!(1)
                        }
                        put_in!(a, [b, c, d].map(Slot::reg), None)
                    }
                    Op::PutInField { a, b, d, ref place, k } => {
                        let (i, name) = (index!(b), name!(k));
                        let heap = Record::field_heap(name);
                        if view.memory.has_room(heap)
                            && let Some(value) = reg!(d).scalar()
                            && let Value::List(list) = &mut reg!(a)
                            && set_field_in(list, i, (place.get(), name), value)
                        {
                            view.memory.make(heap);
                            done!(1)
                        }
                        let slots = [Slot::reg(b), Slot::constant(k as u16), Slot::reg(d)];
                        put_in!(a, slots, Some(place))
                    }
                    Op::PutInAny { a, b, c, d } => put_in!(a, [b, c, d], None),
                    Op::TakeRR { a, b, c } => {
                        heap!();
                        let index = index!(c);
                        let Value::List(list) = &mut reg!(b) else { leave!() };
                        let Some(item) = take(list, index, view.memory) else { leave!() };
                        write!(a, item)
                    }
                    Op::TakeRI { a, b, k } => {
                        heap!();
                        let Value::List(list) = &mut reg!(b) else { leave!() };
                        let Some(item) = take(list, k, view.memory) else { leave!() };
                        write!(a, item)
                    }
                    Op::Push { a, b } => {
                        heap!();
                        let Some(item) = part(&reg!(b)) else { leave!() };
                        let Value::List(list) = &mut reg!(a) else { leave!() };
                        if !push(list, item, view.memory) { leave!(); }
                        done!(1)
                    }
                    Op::Pop { a, b } => {
                        heap!();
                        let Value::List(list) = &mut reg!(b) else { leave!() };
                        let item = some!(pop(list, view.memory));
                        write!(a, item)
                    }
                    Op::GetOr { a, b, c, d } => {
                        heap!();
                        copy!(1, a, some!(part_or(&reg!(b), &reg!(c), &reg!(d))))
                    }
                    Op::GetOrK { a, b, c, k } => {
                        heap!();
                        copy!(1, a, some!(part_or(&reg!(b), &reg!(c), &consts[k as usize])))
                    }
                    Op::Ord { a, b } => { heap!(); int!(a, some!(first_code(&reg!(b)))) }
                    Op::Tally { a, b, c, k, l } => {
                        heap!();
                        match tally(regs, (b, c), (k, l), view.memory) {
                            Some(sum) => { put_int!(a, sum); done!(3) }
                            None => alone!(),
                        }
                    }
                    Op::Record { a, count, pool, price } => {
                        heap!();
                        let slots = &region.pool[pool as usize..][..usize::from(count)];
                        if view.slack < u64::from(price) { leave!(); }
                        let made = some!(record((regs, consts), slots, view.memory));
                        view.slack -= u64::from(price);
                        write!(a, made)
                    }
                    Op::Slice { a, b, c, d, price } => {
                        heap!();
                        let Value::Text(text) = &reg!(b) else { leave!() };
                        let (from, to) = (index!(c), index!(d));
                        let slack = &mut view.slack;
                        let part = some!(slice(text, (from, to), price, slack, view.memory));
                        write!(a, part)
                    }
                    Op::Len { a, b } => {
                        let len = match &reg!(b) {
                            Value::List(list) => list.len(),
                            Value::Record(record) => record.len(),
                            Value::Text(text) if text.is_ascii() => text.len(),
                            _ => leave!(),
                        };
                        int!(a, len as i64)
                    }

                    Op::Call1 { a, b, registers, entry, pool } => {
                        let call = Call { registers, pc: here!() + 1, result: a };
                        let called = match reg!(b) {
                            Value::Int(int) => call.with_int(view, int),
                            _ => false,
                        };
                        let slots = pool as usize + 1;
                        let called =
                            called || (HEAP && call.with(view, &region.pool[slots..=slots]));
                        go_to!(called.then_some(entry as usize))
                    }
                    Op::Call { a, count, registers, entry, pool } => {
                        heap!();
                        let call = Call { registers, pc: here!() + 1, result: a };
                        let slots = &region.pool[pool as usize + 1..][..usize::from(count)];
                        go_to!(call.with(view, slots).then_some(entry as usize))
                    }
                    Op::Return { b } => go_to!(return_register::<HEAP>(view, b)),
                    Op::ReturnK { k } => {
                        heap!();
                        go_to!(return_constant(view, &consts[k as usize]))
                    }
                };
            }
        }
    }
    view.pc = pc;
    let left = if METERED { (limit - origin) / STEP - pc } else { fuel as usize };
    (left as u64, why)
}
