//! Places: registers, and paths into what they hold.
//!
//! A value inside of another is changed by taking it out, so that nobody else holds it, changing
//! it in a scratch register and putting it back. That is one instruction per level and no copy.

use avm_ir::{Opcode, Slot, Span};

use super::{Lower, expr::Atom};
use crate::{
    ast::{Expr, ExprKind, Name},
    emit::{Arg, Literal},
};

/// A path into a register: the register and the keys from the outermost inward.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) root: u8,
    keys: Vec<Slot>,
    span: Span,
}

/// One step of a path.
enum Step<'a> {
    Field(&'a Name<'a>),
    Index(&'a Expr<'a>),
}

impl Path {
    /// Whether writing to a register would change what the path means.
    pub(super) fn depends_on(&self, register: u8) -> bool {
        self.root == register || self.keys.contains(&Slot::reg(register))
    }
}

impl<'a> Lower<'_, 'a> {
    /// The register of a place that is no path.
    pub(super) fn plain_place(&mut self, place: &'a Expr<'a>) -> Option<u8> {
        match &place.kind {
            ExprKind::Name(name) => self.write(name, place.span),
            ExprKind::Raw(number) => self.raw(*number, place.span),
            _ => None,
        }
    }

    /// Resolves a path and computes its keys.
    pub(super) fn path(&mut self, place: &'a Expr<'a>) -> Option<Path> {
        let mut steps = Vec::new();
        let mut base = place;
        let root = loop {
            match &base.kind {
                ExprKind::Field(inner, name) => {
                    steps.push(Step::Field(name));
                    base = inner;
                }
                ExprKind::Index(inner, index) => {
                    steps.push(Step::Index(index));
                    base = inner;
                }
                _ => break self.plain_place(base),
            }
        };
        let mut keys = Vec::with_capacity(steps.len());
        for step in steps.into_iter().rev() {
            keys.push(match step {
                Step::Field(name) => self.literal(&Literal::Text(name.text)),
                Step::Index(index) => {
                    let atom = self.key(index);
                    self.slot(&atom)
                }
            });
        }
        Some(Path { root: root?, keys, span: place.span })
    }

    /// The key of an index; a text or int where it is a literal.
    pub(super) fn key(&mut self, index: &'a Expr<'a>) -> Atom<'a> {
        let atom = self.atom(index);
        self.check_key(&atom, index.span);
        atom
    }

    /// Takes the innermost value of a path out into a scratch register. Gives the registers of all
    /// levels, the register itself first.
    pub(super) fn take(&mut self, path: &Path) -> Vec<u8> {
        self.take_levels(path, path.keys.len())
    }

    fn take_levels(&mut self, path: &Path, count: usize) -> Vec<u8> {
        let mut levels = vec![path.root];
        let mut outer = path.root;
        for key in &path.keys[..count] {
            let inner = self.alloc(path.span);
            self.emit(Opcode::TAKE, &[inner], &[Arg::Slot(Slot::reg(outer)), Arg::Slot(*key)]);
            levels.push(inner);
            outer = inner;
        }
        levels
    }

    /// Puts what [`Self::take`] took back, innermost first.
    pub(super) fn put_back(&mut self, path: &Path, levels: &[u8]) {
        for (pair, key) in levels.windows(2).zip(&path.keys).rev() {
            let [outer, inner] = [pair[0], pair[1]].map(|register| Arg::Slot(Slot::reg(register)));
            self.emit(Opcode::PUT, &[], &[outer, Arg::Slot(*key), inner]);
        }
    }

    /// Writes a value to the end of a path.
    pub(super) fn store(&mut self, path: &Path, value: Slot) {
        // The last two levels are one instruction.
        let taken = path.keys.len().saturating_sub(2);
        let (outer, keys) = path.keys.split_at(taken);
        let mut value = value;
        if !outer.is_empty() && value == Slot::reg(path.root) {
            // Taking parts out would leave holes in the value.
            let copy = self.alloc(path.span);
            self.emit(Opcode::SET, &[copy], &[Arg::Slot(value)]);
            value = Slot::reg(copy);
        }
        let levels = self.take_levels(path, taken);
        let container = Slot::reg(levels.last().copied().unwrap_or(path.root));
        let opcode = if keys.len() == 2 { Opcode::PUT_IN } else { Opcode::PUT };
        let slots = [&[container], keys, &[value]].concat();
        self.emit(opcode, &[], &slots.into_iter().map(Arg::Slot).collect::<Vec<_>>());
        self.put_back(path, &levels);
    }
}
