//! Which steps are of interest.

use alloc::{string::String, vec::Vec};
use core::ops::RangeInclusive;

use avm_ir::{Opcode, Program, verify::CodePlace};

use crate::Step;

/// Steps that pass every part; an empty part lets all pass.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Names of regions.
    pub regions: Vec<String>,
    /// Instructions.
    pub opcodes: Vec<Opcode>,
    /// Names of registers that a step reads or writes.
    pub registers: Vec<String>,
    /// Nanogas that a step pays at least.
    pub gas: u64,
    /// Numbers of steps.
    pub steps: RangeInclusive<u64>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            regions: Vec::new(),
            opcodes: Vec::new(),
            registers: Vec::new(),
            gas: 0,
            steps: 0..=u64::MAX,
        }
    }
}

impl Filter {
    /// Whether a step may pass, by what is known before its operands are looked at.
    pub(crate) fn may_admit(
        &self,
        program: &Program,
        number: u64,
        at: CodePlace,
        opcode: Opcode,
        gas: u64,
    ) -> bool {
        let region = || program.regions.get(at.region as usize).map(|region| &region.name);
        self.steps.contains(&number)
            && gas >= self.gas
            && (self.opcodes.is_empty() || self.opcodes.contains(&opcode))
            && (self.regions.is_empty() || region().is_some_and(|name| self.regions.contains(name)))
    }

    /// Whether a step passes.
    pub fn admits(&self, step: &Step) -> bool {
        let wanted = |name: &String| self.registers.contains(name);
        let part = (self.regions.is_empty() || self.regions.contains(&step.region))
            && (self.opcodes.is_empty() || self.opcodes.contains(&step.opcode))
            && step.gas >= self.gas
            && self.steps.contains(&step.number);
        part && (self.registers.is_empty()
            || step.inputs.iter().filter_map(|input| input.register.as_ref()).any(wanted)
            || step.outputs.iter().any(|(name, _)| wanted(name)))
    }
}
