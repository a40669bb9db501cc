//! An agent's own code.

use std::sync::Arc;

use avm_ir::{Opcode, Program, Value};
use avm_vm::{EffectRequest, FailureCode};

use super::{Registry, any, text, unbound};
use crate::provider::{Coder, Outcome, Refusal, Reply};

impl Registry {
    pub(super) fn code(&self, request: &EffectRequest) -> Outcome {
        if request.opcode == Opcode::SELF_MODIFY_SANDBOX {
            return Err(unbound("patches are not tested in a sandbox yet"));
        }
        let (coder, program) = self.coder_of(request)?;
        let region = text(request, "region")?;
        match request.opcode {
            Opcode::SELF_READ => {
                let text = coder.text(program, region)?;
                Ok(Reply::new(Value::from(text), 0))
            }
            _ => {
                let patch = coder.patch(program, region, &any(request, "new_code_ref"))?;
                Ok(Reply::new(Value::Bytes(patch.to_bytes().into()), 0))
            }
        }
    }

    fn coder_of<'a>(
        &'a self,
        request: &'a EffectRequest,
    ) -> Result<(&'a Arc<dyn Coder>, &'a Program), Refusal> {
        let coder = self.coder.as_ref();
        let coder = coder.ok_or_else(|| unbound("nobody here reads and writes code"))?;
        let code = request.code.as_ref();
        let code = code.ok_or_else(|| {
            Refusal::new(FailureCode::Internal, "a question about code came without the code")
        })?;
        Ok((coder, code.program()))
    }
}
