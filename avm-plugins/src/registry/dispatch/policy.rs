//! Rights, signatures, security checks, balances.

use avm_ir::{Opcode, Value};
use avm_vm::EffectRequest;

use super::{any, billionths, text, unbound};
use crate::{
    provider::{Outcome, Policy, Refusal, Reply},
    registry::{Bound, Registry},
    signature::verify,
};

impl Registry {
    pub(super) fn permissions(&self, request: &EffectRequest) -> Outcome {
        let (role, action) = (text(request, "role")?, text(request, "action")?);
        let permits = self.policy()?.provider.permits(role, action)?;
        Ok(Reply::new(Value::Bool(permits), 0))
    }

    pub(super) fn signature(&self, request: &EffectRequest) -> Outcome {
        let operand = |name| request.arg(name).unwrap_or(&Value::Null);
        let (key, signed) = (operand("pubkey_reg"), operand("sig_reg"));
        let valid = verify(key, signed, request.arg("message"))?;
        Ok(Reply::new(Value::Bool(valid), 0))
    }

    pub(super) fn security(&self, request: &EffectRequest) -> Outcome {
        self.policy()?.provider.check(&any(request, "object"))?;
        Ok(Reply::ok(0))
    }

    pub(super) fn balance(&self, request: &EffectRequest) -> Outcome {
        let wallet = self.wallet.as_ref();
        let wallet =
            wallet.ok_or_else(|| unbound("the agent has no wallet; give it one under [wallet]"))?;
        let (token, wanted) = (text(request, "token_id")?, billionths(request, "min_required")?);
        let balance = wallet.balance(token).unwrap_or(0);
        Ok(Reply::new(Value::Bool(balance >= wanted), 0))
    }

    fn policy(&self) -> Result<&Bound<dyn Policy>, Refusal> {
        self.policy.as_ref().ok_or_else(|| unbound("no policy bound; bind one under [policy]"))
    }

    /// Who would answer a request of the kind policy.
    pub(in crate::registry) fn policy_label(&self, request: &EffectRequest) -> Option<&str> {
        match request.opcode {
            Opcode::CHECK_SIG => Some("ed25519"),
            _ => self.policy.as_ref().map(|bound| bound.label.as_str()),
        }
    }

    /// Who would answer a model request that names no model.
    pub(in crate::registry) fn nameless_model(&self, request: &EffectRequest) -> Option<&str> {
        match request.opcode {
            Opcode::REDUCE_MODEL_CALL => Some("registry"),
            Opcode::SEPARATE_PROMPT => self.advisor.as_ref().map(|bound| bound.label.as_str()),
            _ => None,
        }
    }
}
