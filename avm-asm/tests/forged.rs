//! Programs that no assembler wrote: the disassembler answers, and what it calls a text of the
//! program is one.

use avm_asm::{DisasmError, NoSources, Options, assemble, disassemble, disassemble_region};
use avm_ir::{Instr, Opcode, Program, Slot, Value, program::Place, verify};

fn program(text: &str) -> Program {
    assemble("main.avm", text, &mut NoSources, &Options::default()).program.expect("right")
}

const SAMPLE: &str = "SET R = {a: [1, 2.5, \"x\"]}\nFOR x IN R.a DO\n  LOG f(x)\nENDFOR\n.func f(n)\n  RETURN n\n.endfunc\n\
    .region A in=(R)\n:there\n  GPU_INFER \"m\", R, gas_limit=5 -> R.b\n  IF R == NULL THEN JUMP there\n.endregion\n\
    .test \"t\" region=A\ngiven R = f(5)\nexpect R.a != 6 AND R == 7\n.endtest\n";

/// Flips bytes, keeps what can still be read as a program.
#[test]
fn no_bytes_make_the_disassembler_panic() {
    let bytes = program(SAMPLE).to_bytes();
    let (mut read, mut right) = (0, 0);
    for at in 0..bytes.len() {
        for change in [1u8, 0x7F, 0xFF] {
            let mut bytes = bytes.clone();
            bytes[at] = bytes[at].wrapping_add(change);
            let Ok(forged) = Program::from_bytes(&bytes) else { continue };
            read += 1;
            for region in 0..forged.regions.len() {
                let _ = disassemble_region(&forged, region);
            }
            let Ok(text) = disassemble(&forged) else { continue };
            // A name may have become one that means something else; then the text is refused.
            let again = assemble("again.avm", &text, &mut NoSources, &Options::default()).program;
            if let (Some(again), Ok(_)) = (again, verify(forged.clone())) {
                right += usize::from(again.hash() == forged.hash());
            }
        }
    }
    assert!(read > 100 && right > 50, "{read} read, {right} right");
}

#[test]
fn constants_without_a_literal_are_named() {
    let mut forged = program("LOG 1\n");
    for value in [Value::vector(vec![1.0]), Value::float(f64::NAN), Value::float(f64::INFINITY)] {
        forged.regions[0].consts[0] = value;
        let DisasmError { text, causes } = disassemble(&forged).expect_err("no literal");
        assert_eq!(causes.len(), 1);
        assert!(text.contains(";; cannot be written: a constant of type"), "{text}");
    }
}

#[test]
fn a_region_alone() {
    let program = program(SAMPLE);
    let text = disassemble_region(&program, 1).expect("text");
    insta::assert_snapshot!(text.trim());
    assert_eq!(disassemble_region(&program, 9).as_deref(), Ok(""));
}

#[test]
fn places_point_at_the_source() {
    let program = program("LOG 1\n\n  12. LOG \"é\" + \"x\"\n");
    let places = &program.debug.as_ref().expect("debug data").places[0];
    assert_eq!(places[0], Place { file: 0, line: 1, column: 1, number: 0 });
    assert_eq!(places[1], Place { file: 0, line: 3, column: 7, number: 12 });
}

/// A jump that the assembler would not write is said to be unwritable, not left out.
#[test]
fn unwritable_code_is_reported() {
    let mut forged = program("HALT\n.region A\nHALT\n.endregion\n");
    forged.regions[0].code[0] = Instr { b: Slot(1), ..Instr::bare(Opcode::JUMP) };
    assert!(disassemble(&forged).is_err());
    let mut empty = program("HALT\n");
    empty.regions[0].code.clear();
    assert!(disassemble(&empty).is_ok_and(|text| text.is_empty()));
    assert_eq!(disassemble(&Program::default()).as_deref(), Ok(""));
}
