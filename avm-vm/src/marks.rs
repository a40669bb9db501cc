//! Marked instructions: fast code that stops before some of them.
//!
//! Watching every step takes canonical code, ten times as slow as fast code. Who waits for a few
//! places only, such as a debugger for its breakpoints, marks them instead. In fast code that is
//! derived for the purpose a marked instruction has no fast form and is part of no joined one, so
//! fast code leaves before it as before anything else it does not know. The observer is told, and
//! canonical code takes the step. States, gas and ends are those of any other run.

use alloc::{boxed::Box, vec::Vec};

use avm_ir::verify::CodePlace;

use crate::{
    fast::{Code, Op},
    machine::Image,
};

/// Instructions of a program that are marked, and its fast code with them.
///
/// They belong to whoever watches and not to the machine: a clone that is made while somebody
/// watches knows nothing of them.
#[derive(Clone, Debug)]
pub struct Marks {
    /// For each region whether an instruction is marked.
    marked: Vec<Box<[bool]>>,
    /// The fast code of each region that has marks; the others run the image's.
    code: Vec<Option<(Vec<Op>, Vec<Op>)>>,
    program_hash: [u8; 32],
    schedule_hash: [u8; 32],
}

impl Marks {
    /// Marks places of an image's program; places that it does not have are left out.
    pub fn new(image: &Image, places: impl IntoIterator<Item = CodePlace>) -> Self {
        let regions = &image.program().regions;
        let none = |region: &avm_ir::program::Region| {
            alloc::vec![false; region.code.len()].into_boxed_slice()
        };
        let mut marked: Vec<Box<[bool]>> = regions.iter().map(none).collect();
        for at in places {
            let region = marked.get_mut(at.region as usize);
            if let Some(mark) = region.and_then(|region| region.get_mut(at.pc as usize)) {
                *mark = true;
            }
        }
        let code = (0..).zip(&marked).map(|(number, marked)| {
            marked
                .contains(&true)
                .then(|| Code::marked(image.verified(), &image.prices, number, marked))
        });
        Self {
            code: code.collect(),
            program_hash: image.program_hash(),
            schedule_hash: image.schedule_hash(),
            marked,
        }
    }

    /// Whether an instruction is marked.
    pub fn has(&self, at: CodePlace) -> bool {
        let region = self.marked.get(at.region as usize);
        region.and_then(|region| region.get(at.pc as usize)).is_some_and(|mark| *mark)
    }

    /// Whether they were made for what a machine runs. Of another program only the places count.
    pub(crate) fn fits(&self, image: &Image) -> bool {
        self.program_hash == image.program_hash() && self.schedule_hash == image.schedule_hash()
    }

    /// The fast code of a region that has marks, and that with every instruction by itself.
    pub(crate) fn region(&self, number: u32) -> Option<(&[Op], &[Op])> {
        let code = self.code.get(number as usize)?.as_ref();
        code.map(|(code, single)| (code.as_slice(), single.as_slice()))
    }
}
