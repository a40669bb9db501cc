//! Agents' own code as text: the assembler behind `SELF_READ` and `SELF_MODIFY`.

use avm_asm::patch::{is_diff, is_region, patch_diff, patch_text, reference, region_text};
use avm_ir::{
    Program, Value,
    program::{Patch, Perm, graft::graft},
};
use avm_plugins::provider::{Coder, Determinism, Manifest, Provider, Reaches, Refusal};
use avm_vm::FailureCode;

use crate::modules::Modules;

/// The assembler with the code store. What it is asked depends on the program and the store alone, so
/// nothing has to be kept of it.
pub(crate) struct Assembler {
    modules: Modules,
}

impl Assembler {
    /// With the modules that agents may ask for.
    pub(crate) const fn with(modules: Modules) -> Self {
        Self { modules }
    }
}

impl Provider for Assembler {
    fn manifest(&self) -> Manifest {
        Manifest {
            about: "the assembler: text, diffs, bytecode and modules to patches, and code to text"
                .to_owned(),
            functions: Vec::new(),
            determinism: Determinism::Pure,
            reaches: Reaches::Nothing,
            cost: 0,
        }
    }
}

impl Coder for Assembler {
    fn text(&self, program: &Program, region: &str) -> Result<String, Refusal> {
        region_text(program, region)
            .map_err(|error| Refusal::new(FailureCode::NotFound, error.to_string()))
    }

    fn patch(&self, program: &Program, region: &str, code: &Value) -> Result<Patch, Refusal> {
        // What a model proposes says more than the code alone.
        let code = match code {
            Value::Record(proposal) => proposal.get("text").unwrap_or(code),
            code => code,
        };
        let named = match code {
            Value::Text(text) => reference(text),
            _ => None,
        };
        // A module is believed no more than what the agent writes itself.
        let code = named.map_or(Ok(code), |named| self.modules.find(named))?;
        let patched = match code {
            Value::Text(text) if is_diff(text) => {
                patch_diff(program, region, text).map_err(|refused| refused.to_string())
            }
            Value::Text(text) => {
                // Statements alone are what is new, where nothing else may be. The machine looks
                // whether what was there still is.
                let known = program.regions.iter().find(|known| known.name == region);
                let adds = known.is_some_and(|region| {
                    region.perms.has(Perm::Append) && !region.perms.has(Perm::Modify)
                });
                patch_text(program, region, text, adds && !is_region(text))
                    .map_err(|refused| refused.to_string())
            }
            Value::Bytes(bytes) => Program::from_bytes(bytes)
                .map_err(|error| format!("the bytecode: {error}"))
                .and_then(|other| graft(program, region, &other).map_err(|why| why.to_string())),
            other => Err(format!(
                "a patch is IR text, a unified diff, bytecode or the name of a module, not {}",
                other.type_name()
            )),
        };
        let patched = patched.map_err(Refusal::invalid)?;
        Patch::of(&patched.program, region)
            .ok_or_else(|| Refusal::new(FailureCode::Internal, "a patch without its region"))
    }
}
