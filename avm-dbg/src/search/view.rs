//! A search over a run that changes its own code: what is looked for, in each of the codes.

use std::{collections::BTreeMap, sync::Arc};

use avm_vm::Machine;

use super::{
    Test,
    plan::{Plan, Way},
};
use crate::code::{Code, Codes};

/// Most codes whose plans are kept.
const KEPT: usize = 16;

/// A code, what is looked for in it, and where.
#[derive(Debug)]
pub(super) struct View {
    program: [u8; 32],
    pub(super) code: Arc<Code>,
    /// The tests by their places in this code; one that has none never holds.
    pub(super) tests: Vec<Test>,
    pub(super) plan: Plan,
}

impl View {
    /// Whether it is of the code that a machine runs.
    pub(super) fn is_of(&self, machine: &Machine) -> bool {
        self.program == machine.image().program_hash()
    }
}

/// The views of a search.
#[derive(Debug)]
pub(super) struct Views {
    way: Way,
    made: BTreeMap<[u8; 32], Arc<View>>,
}

impl Views {
    pub(super) const fn new(way: Way) -> Self {
        Self { way, made: BTreeMap::new() }
    }

    pub(super) const fn way(&self) -> Way {
        self.way
    }

    /// The view of the code that a machine runs.
    pub(super) fn of(&mut self, machine: &Machine, codes: &mut Codes, tests: &[Test]) -> Arc<View> {
        let image = machine.image();
        let program = image.program_hash();
        if let Some(view) = self.made.get(&program) {
            return Arc::clone(view);
        }
        if self.made.len() >= KEPT {
            self.made.clear();
        }
        let code = codes.of(image);
        let tests: Vec<Test> = tests.iter().map(|test| test.within(&code)).collect();
        let plan = Plan::new(image, &code, &tests, self.way);
        let view = Arc::new(View { program, code, tests, plan });
        self.made.insert(program, Arc::clone(&view));
        view
    }
}
