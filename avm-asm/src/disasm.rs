//! d
use avm_ir::Program;
/// e
#[derive(Debug)]
pub struct DisasmError;
/// d
pub fn disassemble(_: &Program) -> Result<String, DisasmError> {
    Err(DisasmError)
}
/// d
pub fn disassemble_region(_: &Program, _: usize) -> Result<String, DisasmError> {
    Err(DisasmError)
}
