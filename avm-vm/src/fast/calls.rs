//! Calls and returns within a region.

use avm_ir::{Slot, Value};

use super::{
    parts::{count, operand},
    scalar::{overwrite, set, set_int, set_null},
    view::View,
};
use crate::{
    exec::WINDOW,
    machine::{FRAME, Frame},
};

/// What a call is besides its arguments.
#[derive(Clone, Copy)]
pub(super) struct Call {
    /// Registers of the function.
    pub(super) registers: u8,
    /// Where the caller goes on, and its register for the result.
    pub(super) pc: usize,
    pub(super) result: u8,
}

impl Call {
    /// Where the function's window would start; `None` where canonical code has to see to it.
    #[inline(always)]
    fn base(view: &View<'_>) -> Option<usize> {
        let base = view.base + view.live;
        let fits = view.frames.len() < view.call_depth && base + WINDOW <= view.stack.len();
        fits.then_some(base)
    }

    const fn memory(self) -> u64 {
        FRAME + 16 * self.registers as u64
    }

    #[inline(always)]
    fn enter(self, view: &mut View<'_>, base: usize) {
        view.frames.push(Frame {
            base: view.base,
            live: view.live,
            region: view.number,
            pc: self.pc,
            result: self.result,
        });
        view.base = base;
        view.live = usize::from(self.registers);
    }

    /// Calls with an int; `false`, and nothing is done, where canonical code has to.
    #[inline(always)]
    pub(super) fn with_int(self, view: &mut View<'_>, argument: i64) -> bool {
        let Some(base) = Self::base(view) else { return false };
        let Some(parameter) = view.stack.get_mut(base) else { return false };
        // Growing the list of frames would take a call of a function.
        if view.frames.len() == view.frames.capacity() || !count(view.memory, self.memory()) {
            return false;
        }
        // What lies behind the window in use is `NULL`.
        overwrite(parameter, Value::Int(argument));
        self.enter(view, base);
        true
    }

    /// Calls with any arguments; `false`, and nothing is done, where canonical code has to.
    #[cold]
    #[inline(never)]
    pub(super) fn with(self, view: &mut View<'_>, arguments: &[Slot]) -> bool {
        let Some(base) = Self::base(view) else { return false };
        let (callers, rest) = view.stack.split_at_mut(base);
        let window = &callers[view.base..];
        let mut heap = self.memory();
        // What lies behind the window in use is `NULL`.
        for (parameter, slot) in rest.iter_mut().zip(arguments) {
            let value = operand(window, &view.region.consts, *slot);
            match value.map(|value| (value, value.scalar())) {
                Some((_, Some(scalar))) => overwrite(parameter, scalar.into()),
                Some((value, None)) => {
                    heap += value.heap();
                    overwrite(parameter, value.clone());
                }
                None => {}
            }
        }
        if !count(view.memory, heap) {
            rest.iter_mut().take(arguments.len()).for_each(set_null);
            return false;
        }
        self.enter(view, base);
        true
    }
}

/// Empties the window and goes back to the caller's.
#[inline(always)]
fn leave(view: &mut View<'_>, frame: &Frame) {
    if let Some(window) = view.stack.get_mut(view.base..view.base + view.live) {
        window.iter_mut().for_each(set_null);
    }
    pop(view, frame);
}

/// Goes back to the caller's window.
#[inline(always)]
fn pop(view: &mut View<'_>, frame: &Frame) {
    view.frames.pop();
    if !view.sums.is_empty() {
        view.sums.truncate(view.frames.len().saturating_sub(1));
    }
    view.base = frame.base;
    view.live = frame.live;
}

/// The frame of a caller in the same region.
#[inline(always)]
fn caller(view: &View<'_>) -> Option<Frame> {
    view.frames.last().filter(|frame| frame.region == view.number).copied()
}

/// Returns the value of a register, without `HEAP` an int; gives where the caller goes on, or
/// `None`, and nothing is done, where somebody else has to.
#[inline(always)]
pub(super) fn return_register<const HEAP: bool>(
    view: &mut View<'_>,
    register: u8,
) -> Option<usize> {
    let frame = caller(view)?;
    let value = view.stack.get_mut(view.base + usize::from(register))?;
    if let &mut Value::Int(int) = value {
        leave(view, &frame);
        set_int(view.stack.get_mut(frame.base + usize::from(frame.result))?, int);
        return Some(frame.pc);
    }
    if !HEAP || !count(view.memory, value.heap()) {
        return None;
    }
    let value = core::mem::take(value);
    leave(view, &frame);
    set(view.stack.get_mut(frame.base + usize::from(frame.result))?, value);
    Some(frame.pc)
}

/// Returns a constant; like [`return_register`].
#[cold]
#[inline(never)]
pub(super) fn return_constant(view: &mut View<'_>, value: &Value) -> Option<usize> {
    let frame = caller(view)?;
    if !count(view.memory, value.heap()) {
        return None;
    }
    leave(view, &frame);
    set(view.stack.get_mut(frame.base + usize::from(frame.result))?, value.clone());
    Some(frame.pc)
}
