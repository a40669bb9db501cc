//! Calls and returns, and flow between regions.

use alloc::vec::Vec;
use core::ops::Range;

use avm_ir::{
    Value,
    program::{Perm, Region},
    verify::CodePlace,
};

use super::{End, Machine, interrupt::INTERRUPTED, policy::perms};
use crate::{
    exec::WINDOW,
    trap::{Fault, TrapCode},
};

/// Where a call came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Frame {
    /// The caller's window.
    pub(crate) base: usize,
    pub(crate) live: usize,
    /// Where the caller goes on; the region with [`INTERRUPTED`] where it did not call.
    pub(crate) region: u32,
    pub(crate) pc: usize,
    /// The caller's register for the result.
    pub(crate) result: u8,
}

impl Frame {
    /// Where whoever was called or interrupted goes on.
    pub(crate) const fn at(&self) -> CodePlace {
        CodePlace { region: self.region & !INTERRUPTED, pc: self.pc as u32 }
    }

    /// Whether it was interrupted and did not call.
    pub(crate) const fn is_interrupt(&self) -> bool {
        self.region & INTERRUPTED != 0
    }
}

/// Memory counted for a frame besides its registers, in bytes.
pub(crate) const FRAME: u64 = 64;

/// Memory of all frames and windows in bytes, slots included. `sums` keeps that of the callers'
/// windows, so that every window is walked once as long as it is not returned to; the agent's own
/// window, to which functions can write, is walked every time, but for its `unused` registers.
pub(crate) fn windows_heap(
    unused: &Range<usize>,
    below: &[Value],
    current: &[Value],
    frames: &[Frame],
    sums: &mut Vec<u64>,
) -> u64 {
    let heap = |window: &[Value]| window.iter().map(Value::heap).sum::<u64>();
    for frame in frames.iter().skip(1 + sums.len()) {
        let callers = sums.last().copied().unwrap_or(0);
        sums.push(callers + heap(&below[frame.base..frame.base + frame.live]));
    }
    let slots = 16 * (below.len() + WINDOW) as u64;
    let (agents, current) = if below.is_empty() { (current, below) } else { (below, current) };
    let agent = heap(&agents[..unused.start]) + heap(&agents[unused.end..WINDOW]);
    agent + sums.last().copied().unwrap_or(0) + heap(current) + slots + FRAME * frames.len() as u64
}

impl Machine {
    /// The register that the current function's result goes to; `None` outside functions, and where
    /// nobody gets it.
    pub(crate) fn result_register(&self) -> Option<u8> {
        self.frames.last().filter(|frame| !frame.is_interrupt()).map(|frame| frame.result)
    }

    /// Makes sure that there is a whole window from a register on.
    pub(super) fn make_room(&mut self, base: usize) {
        if base + WINDOW > self.stack.len() {
            // Grown by doubling, so that deep recursion costs little per call.
            let len = (base + WINDOW).max(self.stack.len() * 2);
            self.stack.resize(len, Value::Null);
        }
    }

    /// Pushes a frame for the `CALL` just fetched.
    pub(super) fn call(&mut self) -> Result<(), Fault> {
        if self.frames.len() >= self.call_depth {
            let message = alloc::format!("calls are nested {} deep", self.frames.len());
            return Err(Fault { code: TrapCode::CallDepth, message });
        }
        let new_base = self.base + self.live;
        self.make_room(new_base);
        let image = &*self.image;
        let regions = &image.program().regions;
        let region = &regions[self.region as usize];
        let instr = region.code[self.pc - 1];
        let slots = &region.pool[instr.pool_start()..][..instr.pool_count()];
        // A verified program's calls have a function in their first slot.
        let Some((function, arguments)) = slots.split_first() else {
            return Err(Fault::new(TrapCode::InvalidArgument, "CALL without a function"));
        };
        let links = &image.verified.links()[self.region as usize];
        let place = links.imports[usize::from(function.0)];
        let target = &regions[place.region as usize];
        if place.region != self.region && !self.may_run(target) {
            let message = alloc::format!("region {} may not be executed", target.name);
            return Err(Fault { code: TrapCode::PermissionDenied, message });
        }
        let function = &target.functions[place.function as usize];
        let mut made = FRAME + 16 * u64::from(function.registers);
        let (callers, rest) = self.stack.split_at_mut(new_base);
        let window = &callers[self.base..];
        for (parameter, slot) in rest.iter_mut().zip(arguments) {
            let value = match (slot.as_reg(), slot.as_const()) {
                (Some(register), _) => window[usize::from(register)].clone(),
                (None, Some(constant)) => region.consts[constant].clone(),
                (None, None) => Value::Null,
            };
            made += value.heap();
            *parameter = value;
        }
        self.frames.push(Frame {
            base: self.base,
            live: self.live,
            region: self.region,
            pc: self.pc,
            result: instr.a,
        });
        let (region, entry, registers) = (place.region, function.entry, function.registers);
        self.base = new_base;
        self.live = usize::from(registers);
        self.region = region;
        self.pc = entry as usize;
        let counted = self.count_made(made);
        if counted.is_err() {
            // The instruction at fault is the call.
            self.leave();
        }
        counted
    }

    /// Empties the current window and goes back to the caller's; gives its frame, or `None` outside
    /// functions.
    pub(super) fn leave(&mut self) -> Option<Frame> {
        let frame = self.frames.pop()?;
        if frame.is_interrupt() {
            self.interrupts.pop();
        }
        self.sums.truncate(self.frames.len().saturating_sub(1));
        self.stack[self.base..self.base + self.live].fill(Value::Null);
        self.base = frame.base;
        self.live = frame.live;
        self.region = frame.at().region;
        self.pc = frame.pc;
        Some(frame)
    }

    /// Pops a frame for the `RETURN` just fetched.
    pub(super) fn ret(&mut self) -> Result<(), Fault> {
        let region = &self.image.program().regions[self.region as usize];
        let slot = region.code[self.pc - 1].b;
        let value = match (slot.as_reg(), slot.as_const()) {
            (Some(register), _) => {
                core::mem::take(&mut self.stack[self.base + usize::from(register)])
            }
            (None, Some(constant)) => region.consts[constant].clone(),
            (None, None) => Value::Null,
        };
        let Some(frame) = self.leave() else {
            if let Some(register) = slot.as_reg() {
                self.stack[self.base + usize::from(register)] = value.clone();
            }
            self.end = Some(End::Halted(value));
            return Ok(());
        };
        if frame.is_interrupt() {
            return Ok(());
        }
        let heap = value.heap();
        self.stack[frame.base + usize::from(frame.result)] = value;
        if heap > 0 { self.count_made(heap) } else { Ok(()) }
    }

    fn may_run(&self, region: &Region) -> bool {
        perms(self.agent.policy.as_deref(), region).has(Perm::Execute)
    }

    /// Goes on in another region.
    pub(super) fn enter_region(&mut self, place: CodePlace) -> Result<(), Fault> {
        let region = &self.image.program().regions[place.region as usize];
        if !self.may_run(region) {
            let message = alloc::format!("region {} may not be executed", region.name);
            return Err(Fault { code: TrapCode::PermissionDenied, message });
        }
        self.region = place.region;
        self.pc = place.pc as usize;
        Ok(())
    }

    /// Counts memory as made outside the loop.
    pub(super) fn count_made(&mut self, bytes: u64) -> Result<(), Fault> {
        if self.agent.memory.make(bytes) {
            return Ok(());
        }
        let reachable = self.measured();
        debug_assert_eq!(reachable, self.memory_used(), "the sums of the callers' windows");
        self.agent.memory.measure(reachable, 0)
    }

    /// The same as [`Self::memory_used`] of a running machine, in time that does not grow with the
    /// depth of calls.
    pub(super) fn measured(&mut self) -> u64 {
        let (below, rest) = self.stack.split_at(self.base);
        let (unused, current) = (&self.image.unused, &rest[..self.live]);
        windows_heap(unused, below, current, &self.frames, &mut self.sums) + self.agent.heap()
    }

    /// Memory of everything the agent holds, in bytes, as the limit counts it.
    pub fn memory_used(&self) -> u64 {
        let frames = FRAME * self.frames.len() as u64;
        let slots = 16 * (self.base + WINDOW) as u64;
        // What is left out of a stack at rest is `NULL`.
        let held = &self.stack[..self.stack.len().min(self.base + self.live)];
        held.iter().map(Value::heap).sum::<u64>() + slots + frames + self.agent.heap()
    }
}
