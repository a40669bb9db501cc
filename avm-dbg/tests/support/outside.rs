//! Somebody outside who counts what is asked, and keeps journals in memory.

use std::sync::{Arc, Mutex};

use avm_dbg::live::{Home, Outside};
use avm_ir::Reach;
use avm_vm::{Answer, EffectRequest, journal::Start};

/// What was asked, and the journals of all runs.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) journals: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Effects that new runs went through without asking.
    pub(crate) passed: Arc<Mutex<Vec<u64>>>,
}

/// One of its runs.
pub(crate) struct Run {
    world: World,
    number: usize,
}

impl World {
    pub(crate) fn run(&self) -> Run {
        let mut journals = self.journals.lock().expect("nobody panicked");
        journals.push(Vec::new());
        Run { world: self.clone(), number: journals.len() }
    }

    /// The questions since somebody looked last.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("nobody panicked"))
    }

    pub(crate) fn journal(&self, number: usize) -> Vec<u8> {
        self.journals.lock().expect("nobody panicked")[number - 1].clone()
    }
}

impl Outside for Run {
    fn name(&self) -> String {
        format!("run-{}", self.number)
    }

    fn keep(&mut self, bytes: &[u8], _: Option<Reach>) -> Result<(), String> {
        let mut journals = self.world.journals.lock().expect("nobody panicked");
        journals[self.number - 1].extend_from_slice(bytes);
        Ok(())
    }

    fn answer(&mut self, request: &EffectRequest) -> Result<Answer, String> {
        let input = request.text_arg("input").unwrap_or_default();
        self.world.asked.lock().expect("nobody panicked").push(input.to_owned());
        Ok(super::recording::answer(request))
    }
}

impl Home for World {
    fn fork(
        &mut self,
        _: &mut Start,
        answered: &[EffectRequest],
    ) -> Result<Box<dyn Outside>, String> {
        let ids = answered.iter().map(|request| request.id).collect();
        *self.passed.lock().expect("nobody panicked") = ids;
        Ok(Box::new(self.run()))
    }

    fn answers(&self) -> bool {
        true
    }
}
