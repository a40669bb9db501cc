//! Calls that the program does not make itself: what is due runs while it waits (O-3, X-35).

use core::fmt;

use avm_ir::{instr::NO_REGISTER, program::Perm, verify::FuncPlace};

use super::{FRAME, Frame, Machine, policy::perms};

/// Marks the region of a frame that no `CALL` made. Regions have smaller numbers, so fast code takes it
/// for one of another region and leaves the return to canonical code.
pub(crate) const INTERRUPTED: u32 = 1 << 31;

/// Why a function cannot be called while its agent waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterruptError {
    /// No effect waits for an answer.
    NotWaiting,
    /// The program has no function of that name.
    Unknown,
    /// The function takes arguments, and there are none.
    Arguments,
    /// Its region may not be executed.
    Denied,
    /// Calls are nested as deep as the agent may.
    CallDepth,
    /// The call takes more memory than the agent has left.
    Memory,
}

impl fmt::Display for InterruptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotWaiting => "the agent waits for nothing",
            Self::Unknown => "the program has no function of that name",
            Self::Arguments => "the function takes arguments, and a task has none",
            Self::Denied => "the function's region may not be executed",
            Self::CallDepth => "calls are nested as deep as the agent may",
            Self::Memory => "the agent's memory does not suffice for the call",
        })
    }
}

impl core::error::Error for InterruptError {}

impl Machine {
    /// Calls a function while an effect waits for its answer. The effect is taken back as if it had not
    /// been asked, with its gas, and its instruction asks it again once the function has returned. What
    /// the function returns nobody gets. Whoever was asked meanwhile has to be told: the machine takes
    /// no answer to the effect any more.
    ///
    /// It costs nothing itself. What fails leaves the machine as it was.
    ///
    /// # Errors
    /// No effect waits; the function is not there, may not run or takes arguments
    /// ([`Self::may_interrupt`]); depth of calls or memory do not suffice for another call.
    pub fn interrupt(&mut self, function: &str) -> Result<(), InterruptError> {
        let pending = self.pending.as_ref().ok_or(InterruptError::NotWaiting)?;
        let charged = pending.charged;
        let place = self.task(function)?;
        if self.frames.len() >= self.call_depth {
            return Err(InterruptError::CallDepth);
        }
        self.open();
        let waiting = self.pc;
        let called = &self.image.program().regions[place.region as usize];
        let function = &called.functions[place.function as usize];
        let (entry, registers) = (function.entry as usize, usize::from(function.registers));
        self.make_room(self.base + self.live);
        self.frames.push(Frame {
            base: self.base,
            live: self.live,
            region: self.region | INTERRUPTED,
            // Its own instruction comes again.
            pc: self.pc - 1,
            result: NO_REGISTER,
        });
        self.interrupts.push(place);
        self.base += self.live;
        (self.live, self.region, self.pc) = (registers, place.region, entry);
        if self.count_call(registers).is_err() {
            self.leave();
            self.pc = waiting;
            return Err(InterruptError::Memory);
        }
        self.agent.gas += charged;
        self.pending = None;
        Ok(())
    }

    /// Whether a function is one that [`Self::interrupt`] can call.
    ///
    /// # Errors
    /// It is not there, takes arguments, or its region may not be executed.
    pub fn may_interrupt(&self, function: &str) -> Result<(), InterruptError> {
        self.task(function).map(drop)
    }

    /// How many calls that the program did not make have not returned.
    pub const fn interrupts(&self) -> usize {
        self.interrupts.len()
    }

    fn task(&self, name: &str) -> Result<FuncPlace, InterruptError> {
        let mut regions = (0..).zip(&self.image.program().regions);
        let found = regions.find_map(|(number, region)| {
            let mut functions = (0..).zip(&region.functions);
            let (function, found) = functions.find(|(_, function)| function.name == name)?;
            Some((FuncPlace { region: number, function }, region, found.params))
        });
        let (place, region, params) = found.ok_or(InterruptError::Unknown)?;
        if !perms(self.agent.policy.as_deref(), region).has(Perm::Execute) {
            return Err(InterruptError::Denied);
        }
        if params > 0 { Err(InterruptError::Arguments) } else { Ok(place) }
    }

    /// Counts the memory of the call just made; where it does not suffice nothing is counted.
    fn count_call(&mut self, registers: usize) -> Result<(), InterruptError> {
        let made = FRAME + 16 * registers as u64;
        if !self.agent.memory.has_room(made) && self.measured() > self.agent.memory.limit {
            return Err(InterruptError::Memory);
        }
        // As for any call; it was seen that it suffices.
        self.count_made(made).map_err(|_| InterruptError::Memory)
    }
}
