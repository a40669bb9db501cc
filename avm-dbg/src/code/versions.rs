//! The codes of a run that changes its own: each is made when somebody stands where it runs.

use std::{collections::BTreeMap, sync::Arc};

use avm_vm::Image;

use super::Code;

/// Most codes that are kept besides the one that the program came with.
const KEPT: usize = 64;

/// Every code of a run that was looked at, by the hash of the program.
#[derive(Clone, Debug)]
pub struct Codes {
    origin: Arc<Code>,
    origin_hash: [u8; 32],
    others: BTreeMap<[u8; 32], Arc<Code>>,
}

impl Codes {
    /// With the code that the run began with.
    pub fn new(origin: Code) -> Self {
        let origin_hash = origin.program().hash();
        Self { origin: Arc::new(origin), origin_hash, others: BTreeMap::new() }
    }

    /// The code of a machine's image. It has the sources that the first one has.
    pub fn of(&mut self, image: &Image) -> Arc<Code> {
        let hash = image.program_hash();
        if hash == self.origin_hash {
            return Arc::clone(&self.origin);
        }
        if let Some(code) = self.others.get(&hash) {
            return Arc::clone(code);
        }
        // Who goes through thousands of them comes to few again.
        if self.others.len() >= KEPT {
            self.others.clear();
        }
        let verified = image.verified().clone();
        let code = Arc::new(Code::of(verified, Arc::clone(&self.origin.sources)));
        self.others.insert(hash, Arc::clone(&code));
        code
    }
}
