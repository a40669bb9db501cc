//! HPC tasks: starting, waiting, retrying; credits held and settled.

use avm_vm::EffectRequest;

use crate::{
    provider::{Call, Outcome},
    registry::Registry,
};

impl Registry {
    pub(super) fn migrate(&mut self, _: &Call, request: &EffectRequest) -> Outcome {
        Err(super::unbuilt(request))
    }

    pub(super) fn analyse(&mut self, _: &Call, request: &EffectRequest) -> Outcome {
        Err(super::unbuilt(request))
    }

    pub(super) fn wait_for(&mut self, _: &Call, request: &EffectRequest) -> Outcome {
        Err(super::unbuilt(request))
    }

    /// Who would answer a request about tasks.
    pub(in crate::registry) fn cluster_of(&self, request: &EffectRequest) -> Option<&str> {
        let name = self.name_of(request)?;
        self.clusters.get(name).map(|bound| bound.label.as_str())
    }
}
