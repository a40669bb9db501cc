//! Decoder and validator on any bytes, and on valid programs with a few bytes changed.

use avm_ir::{Program, verify};

use crate::{
    Entropy,
    generate::{Shape, program},
};

/// Decodes and verifies one input.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    if entropy.once_in(4) {
        check(data);
        return;
    }
    let mut bytes = program(&mut entropy, Shape { block: 12, ..Shape::ANY }).to_bytes();
    for _ in 0..entropy.below(4) {
        let at = entropy.below(bytes.len());
        match entropy.below(4) {
            0 => bytes[at] ^= 1 << entropy.below(8),
            1 => bytes[at] = entropy.u8(),
            2 => bytes.truncate(at),
            _ => bytes.insert(at, entropy.u8()),
        }
        if bytes.is_empty() {
            break;
        }
    }
    check(&bytes);
}

fn check(bytes: &[u8]) {
    let Ok(program) = Program::from_bytes(bytes) else { return };
    assert_eq!(program.to_bytes(), bytes, "what decodes has one encoding");
    // Whether it verifies does not matter; that it says so without panic does.
    let _ = verify(program);
}
