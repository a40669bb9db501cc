//! Bytes → text → bytes: what the disassembler writes, the assembler reads as the same code.

use avm_asm::{NoSources, Options, assemble, disassemble};
use avm_ir::{Program, verify};

use crate::{
    Entropy,
    generate::{Shape, program},
};

/// Disassembles and assembles one random program.
pub fn run(data: &[u8]) {
    let mut entropy = Entropy::new(data);
    check(&program(&mut entropy, Shape { textual: true, ..Shape::ANY }));
}

/// Panics unless text and code of a program say the same.
///
/// # Panics
/// If the program's text does not assemble, or assembles to something that reads differently.
pub fn check(program: &Program) {
    verify(program.clone()).expect("generated programs verify");
    let text = disassemble(program).expect("a textual program disassembles");
    let assembly = assemble("fuzz.avm", &text, &mut NoSources, &Options::default());
    let Some(again) = assembly.program else {
        panic!("the disassembly does not assemble: {:#?}\n{text}", assembly.diagnostics);
    };
    let text_again = disassemble(&again).expect("assembled programs disassemble");
    // Constants may be numbered otherwise; the text may not differ.
    assert_eq!(text, text_again, "assembling and disassembling again is a fixed point");
    let twice = assemble("fuzz.avm", &text_again, &mut NoSources, &Options::default());
    let twice = twice.program.expect("the same text assembles");
    assert_eq!(again.hash(), twice.hash(), "the same text is the same code");
}
