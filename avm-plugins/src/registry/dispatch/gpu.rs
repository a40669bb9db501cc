//! GPUs.

use avm_ir::Value;
use avm_vm::{EffectRequest, Spend};

use super::{super::Bound, text, unbound, wrong};
use crate::{
    guard::Ask,
    provider::{Call, Gpus, Outcome, Refusal, Reply},
    registry::Registry,
};

impl Registry {
    pub(super) fn allocate_gpu(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let gpu = text(request, "gpu_id")?.to_owned();
        let seconds = match request.arg("time_sec") {
            Some(Value::Int(seconds)) if *seconds > 0 => seconds.cast_unsigned(),
            Some(Value::Int(_)) => return Err(Refusal::invalid("time_sec must be at least 1")),
            _ => return Err(wrong(request, "time_sec", "an int")),
        };
        call.reserves(&Spend { gpu: seconds.saturating_mul(1000), ..Spend::NONE })?;
        self.gpus()?
            .call(call, ask("allocate"), move |gpus, call| gpus.allocate(call, &gpu, seconds))
    }

    pub(super) fn release_gpu(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let gpu = text(request, "gpu_id")?.to_owned();
        self.gpus()?.call(call, ask("release"), move |gpus, call| gpus.release(call, &gpu))
    }

    pub(super) fn gpu_load(&self, call: &Call, request: &EffectRequest) -> Outcome {
        let gpu = text(request, "gpu_id")?.to_owned();
        self.gpus()?.call(call, ask("load"), move |gpus, call| {
            Ok(Reply::new(Value::float(gpus.load(call, &gpu)?), 0))
        })
    }

    fn gpus(&self) -> Result<&Bound<dyn Gpus>, Refusal> {
        self.gpus.as_ref().ok_or_else(|| unbound("no GPUs bound; bind them under [gpu]"))
    }
}

const fn ask(function: &str) -> Ask<'_> {
    Ask { function, args: None }
}
