//! Containers, hashes, signatures, gas as text, and what the validator refuses.

use avm_ir::{
    Gas, Instr, Opcode, Program, Slot, Value,
    gas::GAS,
    operand::NameKind,
    program::{Debug, Func, Label, MAIN, Perms, Place, Region, SignatureError, Target},
    verify,
};

fn main_of(code: Vec<Instr>, rest: Region) -> Program {
    let main = Region { name: MAIN.into(), perms: Perms::MAIN, code, ..rest };
    Program { registers: vec!["R".into()], regions: vec![main], ..Program::default() }
}

fn halt() -> Instr {
    Instr::bare(Opcode::HALT)
}

fn refusal(program: Program) -> String {
    verify(program).expect_err("refused").to_string()
}

#[test]
fn debug_data_and_signature_leave_the_hash_alone() {
    let mut program = main_of(vec![halt()], Region::default());
    let hash = program.hash();
    let place = Place { file: 0, line: 3, column: 1, number: 12 };
    program.debug = Some(Debug {
        files: vec!["agent.avm".into()],
        places: vec![vec![place]],
        locals: vec![vec![]],
        tests: vec![place],
    });
    program.sign(&[7; 32]);
    assert_eq!(program.hash(), hash);
    assert_eq!(program.place(0, 0), Some(place));
    let bytes = program.to_bytes();
    let read = Program::from_bytes(&bytes).expect("our own bytes");
    assert_eq!(read, program);
    assert_eq!(read.to_bytes(), bytes);
    assert!(read.verify_signature().is_ok());
}

#[test]
fn a_signature_holds_for_one_program() {
    let mut program = main_of(vec![halt()], Region::default());
    assert_eq!(program.verify_signature(), Err(SignatureError::Missing));
    program.sign(&[7; 32]);
    program.registers[0] = "S".into();
    assert_eq!(program.verify_signature(), Err(SignatureError::Mismatch));
    program.sign(&[7; 32]);
    assert!(program.verify_signature().is_ok());
    let signature = program.signature.as_mut().expect("signed");
    signature.key = [0; 32];
    assert!(program.verify_signature().is_err());
}

#[test]
fn gas_is_written_and_read_exactly() {
    for (nanogas, text) in
        [(0, "0"), (1, "0.000000001"), (GAS, "1"), (1_500_000_000, "1.5"), (1_000, "0.000001")]
    {
        assert_eq!(Gas(nanogas).to_string(), text);
        assert_eq!(text.parse(), Ok(Gas(nanogas)));
    }
    for wrong in ["", "-1", "1.", "x", "1.0000000001", "99999999999999999999", "1e3", ".5"] {
        assert!(wrong.parse::<Gas>().is_err(), "{wrong}");
    }
}

#[test]
fn flow_stays_in_its_block() {
    let nop = Instr::bare(Opcode::NOP);
    assert!(refusal(main_of(vec![nop], Region::default())).contains("runs off the end"));
    assert!(refusal(main_of(vec![], Region::default())).contains("runs off the end"));
    // main jumps into the function behind it
    let jump = Instr { b: Slot(0), ..Instr::bare(Opcode::JUMP) };
    let ret = Instr { b: Slot::reg(0), ..Instr::bare(Opcode::RETURN) };
    let function = Func { name: "f".into(), entry: 1, end: 2, params: 1, registers: 1 };
    let label = Label { name: String::new(), target: Target::Here(1) };
    let region = Region { functions: vec![function], labels: vec![label], ..Region::default() };
    assert!(refusal(main_of(vec![jump, ret], region)).contains("enters or leaves a function"));
}

#[test]
fn operands_exist() {
    let set = |b: Slot| Instr { a: 0, b, ..Instr::bare(Opcode::SET) };
    let one = Region { consts: vec![Value::Null], ..Region::default() };
    assert!(verify(main_of(vec![set(Slot::constant(0)), halt()], one.clone())).is_ok());
    assert!(refusal(main_of(vec![set(Slot::constant(1)), halt()], one)).contains("constant"));
    assert!(
        refusal(main_of(vec![set(Slot::ABSENT), halt()], Region::default())).contains("missing")
    );
    assert!(refusal(main_of(vec![set(Slot(255)), halt()], Region::default())).contains("value"));
    let stray = Instr { c: Slot::reg(1), ..set(Slot::reg(0)) };
    assert!(refusal(main_of(vec![stray, halt()], Region::default())).contains("not empty"));
    let dropped = Instr { a: 255, ..set(Slot::reg(0)) };
    assert!(refusal(main_of(vec![dropped, halt()], Region::default())).contains("result register"));
}

#[test]
fn names_stand_in_the_manifest() {
    let infer =
        |model: Slot| Instr { a: 0, b: model, c: Slot::reg(0), ..Instr::bare(Opcode::GPU_INFER) };
    let region = Region { consts: vec![Value::text("m")], ..Region::default() };
    let program = main_of(vec![infer(Slot::constant(0)), halt()], region);
    assert!(refusal(program.clone()).contains("model \"m\" is not in the manifest"));
    let mut listed = program;
    listed.manifest.names.insert((NameKind::Model, "m".into()));
    assert!(verify(listed.clone()).is_ok());
    listed.regions[0].code[0] = infer(Slot::reg(0));
    assert!(refusal(listed.clone()).contains("computes model names"));
    listed.manifest.computed.insert(NameKind::Model);
    assert!(verify(listed).is_ok());
}

#[test]
fn main_is_locked_and_first() {
    let mut program = main_of(vec![halt()], Region::default());
    program.regions[0].perms = Perms::DEFAULT;
    assert!(refusal(program.clone()).contains("locked"));
    program.regions[0].name = "other".into();
    assert!(refusal(program).contains("first region"));
    assert!(refusal(Program::default()).contains("first region"));
}
