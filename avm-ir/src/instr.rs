//! The fixed-width instruction: eight bytes, and where its operands lie.
//!
//! Options weighed: variable width (smaller, but every jump, patch and trace needs a decoder),
//! stack code (more instructions), 32-bit words (too narrow for constants and 255 registers).
//! Eight bytes hold one register, three operand slots and nothing else; what needs more takes an
//! operand list from the region's pool.
//!
//! ```text
//! byte  0       1       2..4   4..6   6..8
//!       opcode  a       b      c      d
//! ```
//!
//! `a` is the register of the first result, or else of the first [`Kind::Place`] operand, or
//! [`NO_REGISTER`]. All other results and operands, in the order of the row (results first), fill
//! the slots `b c d` if there are at most three of them and none is variadic; otherwise `b` counts
//! them and `c | d << 16` is where they start in the pool.

use crate::{
    info::{OpInfo, OperandInfo, OutputInfo},
    opcode::Opcode,
    operand::Kind,
};

/// Register number that means "drop the result".
pub const NO_REGISTER: u8 = 255;
/// Number of registers in a window; numbers are 0 to 254.
pub const REGISTERS: usize = 255;
/// Largest number of constants in a region.
pub const MAX_CONSTS: usize = 0x7FFF;

/// Where an operand comes from, in 16 bits.
///
/// `0..=254` is a register, `0x8000 | n` constant `n` of the region, `0x7FFF` means absent. In a
/// [`Kind::Label`] or [`Kind::Func`] operand the number is an index into the region's labels or
/// imports instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u16);

impl Slot {
    /// The operand was left out.
    pub const ABSENT: Self = Self(0x7FFF);

    /// A register.
    pub const fn reg(number: u8) -> Self {
        Self(number as u16)
    }

    /// A constant of the region.
    pub const fn constant(index: u16) -> Self {
        Self(0x8000 | index)
    }

    /// The register, if it is one.
    pub const fn as_reg(self) -> Option<u8> {
        if self.0 < NO_REGISTER as u16 { Some(self.0 as u8) } else { None }
    }

    /// The constant's index, if it is one.
    pub const fn as_const(self) -> Option<usize> {
        if self.0 & 0x8000 != 0 { Some((self.0 & 0x7FFF) as usize) } else { None }
    }
}

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Instr {
    /// What to do.
    pub op: Opcode,
    /// First result, or place.
    pub a: u8,
    /// First slot, or number of pool slots.
    pub b: Slot,
    /// Second slot, or low half of the pool position.
    pub c: Slot,
    /// Third slot, or high half of the pool position.
    pub d: Slot,
}

/// Whether a row's slots live in the instruction or in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// At most three slots: `b c d`.
    Inline,
    /// A run of the region's operand pool.
    Pool,
}

/// What a slot of an instruction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A second or further result: a register or [`NO_REGISTER`].
    Output(usize),
    /// An operand of the row.
    Input(usize),
}

/// Where the slots of a row live, and how many there are; a variadic operand counts as one.
pub(crate) const fn shape(inputs: &[OperandInfo], outputs: &[OutputInfo]) -> (Layout, usize) {
    let mut in_a = !outputs.is_empty();
    let mut variadic = false;
    let mut i = 0;
    while i < inputs.len() {
        in_a |= matches!(inputs[i].kind, Kind::Place);
        variadic |= matches!(inputs[i].kind, Kind::Args);
        i += 1;
    }
    let slots = inputs.len() + outputs.len() - in_a as usize;
    (if variadic || slots > 3 { Layout::Pool } else { Layout::Inline }, slots)
}

impl OpInfo {
    /// The input that lives in `a`: the first place, where there is no output.
    pub fn place_in_a(&self) -> Option<usize> {
        if !self.outputs.is_empty() {
            return None;
        }
        self.inputs.iter().position(|operand| operand.kind == Kind::Place)
    }

    /// Where the slots live.
    pub const fn layout(&self) -> Layout {
        self.shape.0
    }

    /// The roles of the slots behind `a`, in order. A variadic operand is the last role and stands
    /// for any number of slots.
    pub fn slot_roles(&self) -> impl Iterator<Item = Role> + '_ {
        let in_a = self.place_in_a();
        let outputs = (1..self.outputs.len()).map(Role::Output);
        let inputs = (0..self.inputs.len()).filter(move |i| Some(*i) != in_a).map(Role::Input);
        outputs.chain(inputs)
    }
}

impl Instr {
    /// An instruction without operands.
    pub const fn bare(op: Opcode) -> Self {
        Self { op, a: NO_REGISTER, b: Slot::ABSENT, c: Slot::ABSENT, d: Slot::ABSENT }
    }

    /// Start of the operands in the pool, for rows with [`Layout::Pool`].
    pub const fn pool_start(self) -> usize {
        self.c.0 as usize | (self.d.0 as usize) << 16
    }

    /// Number of operands in the pool, for rows with [`Layout::Pool`].
    pub const fn pool_count(self) -> usize {
        self.b.0 as usize
    }

    /// The slots behind `a`, wherever they live; `None` if the pool is too short.
    pub fn slots<'a>(&self, pool: &'a [Slot]) -> Option<Slots<'a>> {
        let (layout, count) = self.op.info().shape;
        match layout {
            Layout::Inline => Some(Slots::Inline([self.b, self.c, self.d], count)),
            Layout::Pool => {
                let end = self.pool_start().checked_add(self.pool_count())?;
                pool.get(self.pool_start()..end).map(Slots::Pool)
            }
        }
    }

    /// The eight bytes.
    pub fn to_bytes(self) -> [u8; 8] {
        let [b0, b1] = self.b.0.to_le_bytes();
        let [c0, c1] = self.c.0.to_le_bytes();
        let [d0, d1] = self.d.0.to_le_bytes();
        [self.op as u8, self.a, b0, b1, c0, c1, d0, d1]
    }

    /// Reads eight bytes; `None` if the first names no instruction.
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        let slot = |low: u8, high: u8| Slot(u16::from_le_bytes([low, high]));
        Some(Self {
            op: Opcode::from_byte(bytes[0])?,
            a: bytes[1],
            b: slot(bytes[2], bytes[3]),
            c: slot(bytes[4], bytes[5]),
            d: slot(bytes[6], bytes[7]),
        })
    }
}

/// The slots of one instruction.
#[derive(Clone, Copy, Debug)]
pub enum Slots<'a> {
    /// In the instruction: the slots and how many are used.
    Inline([Slot; 3], usize),
    /// In the pool.
    Pool(&'a [Slot]),
}

impl core::ops::Deref for Slots<'_> {
    type Target = [Slot];

    fn deref(&self) -> &[Slot] {
        match self {
            Self::Inline(slots, count) => &slots[..*count],
            Self::Pool(slots) => slots,
        }
    }
}
