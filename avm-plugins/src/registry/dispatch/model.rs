//! Models: one input, many inputs, embeddings, handles, proposals.

use avm_ir::{NameKind, Value, value::HandleKind};
use avm_vm::{EffectRequest, OwnCode, Spend};

use super::{super::Bound, any, map::map, name, text, unbound, wrong};
use crate::{
    guard::Ask,
    model::reduce::reduce,
    provider::{Call, Model, Outcome, Refusal, Reply},
    registry::Registry,
};

impl Registry {
    pub(super) fn model(&self, request: &EffectRequest) -> Result<&Bound<dyn Model>, Refusal> {
        let name = name(self, request)?;
        self.models.get(name).ok_or_else(|| {
            unbound(format!(
                "no provider bound for model \"{name}\"; bind one with --model {name}=builtin:extractive"
            ))
        })
    }

    pub(super) fn infer(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        infer(self.model(request)?, call, any(request, "input"))
    }

    pub(super) fn map(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let model = self.model(request)?;
        let Some(Value::List(items)) = request.arg("dataset") else {
            return Err(wrong(request, "dataset", "a list"));
        };
        map(model, call, items.as_slice(), self.workers, &*self.host)
    }

    pub(super) fn reduce(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let Some(Value::List(items)) = request.arg("input_results") else {
            return Err(wrong(request, "input_results", "a list"));
        };
        let combined = reduce(text(request, "agg_type")?, items.as_slice())?;
        call.fits(Reply::new(combined, 0))
    }

    pub(super) fn embed(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let (vector, spent) = self.embedding(call, request)?;
        call.fits(Reply::new(Value::vector(vector), 0).spending(spent))
    }

    pub(super) fn load_model(&mut self, request: &EffectRequest) -> Outcome {
        let name = name(self, request)?.to_owned();
        self.model(request)?;
        let id = self.handles.give(NameKind::Model, &name);
        Ok(Reply::new(Value::Handle(HandleKind::Capability, id), 0))
    }

    pub(super) fn propose(&mut self, call: &Call, request: &EffectRequest) -> Outcome {
        let Some(advisor) = &self.advisor else {
            return Err(unbound("no model proposes patches in this run; bind one under [advisor]"));
        };
        let (input, objective) = (any(request, "input"), text(request, "objective")?.to_owned());
        let tokens = advisor.provider.most_tokens(&input);
        call.reserves(&Spend { tokens, ..Spend::NONE })?;
        let ask = Ask { function: "propose", args: None };
        let code = request.code.clone();
        advisor.call(call, ask, move |model, call| {
            model.propose(call, &input, &objective, code.as_ref().map(OwnCode::program))
        })
    }
}

/// Asks a model through its guard, with its tokens reserved.
pub(super) fn infer(model: &Bound<dyn Model>, call: &Call, input: Value) -> Outcome {
    let tokens = model.provider.most_tokens(&input);
    call.reserves(&Spend { tokens, ..Spend::NONE })?;
    let args = input.clone();
    let ask = Ask { function: "infer", args: Some(&args) };
    model.call(call, ask, move |model, call| model.infer(call, &input))
}
