//! An agent's own code.

use std::sync::Arc;

use avm_ir::{Opcode, Program, Value};
use avm_vm::{EffectRequest, FailureCode};

use super::{Registry, any, text, unbound};
use crate::provider::{Coder, Outcome, Refusal, Reply};

impl Registry {
    pub(super) fn code(&self, request: &EffectRequest) -> Outcome {
        let (coder, program) = self.coder_of(request)?;
        let region = text(request, "region")?;
        match request.opcode {
            Opcode::SELF_READ => {
                let text = coder.text(program, region)?;
                Ok(Reply::new(Value::from(text), 0))
            }
            // What is tried and what is taken is the same; the machine does it.
            op => {
                let operand =
                    if op == Opcode::SELF_MODIFY_SANDBOX { "patch" } else { "new_code_ref" };
                let patch = coder.patch(program, region, &any(request, operand))?;
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
