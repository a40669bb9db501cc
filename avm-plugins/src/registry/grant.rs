//! Whether the operator allows what a program names.

use avm_ir::{NameKind, program};
use avm_vm::{EffectRequest, FailureCode};

use super::{Origin, Registry};
use crate::{gpu, grants::Ungranted, provider::Refusal};

impl Registry {
    /// Who allows a name: who bound it, or who granted it; `None` if nobody.
    pub fn granted(&self, kind: NameKind, name: &str) -> Option<Origin> {
        let bound = match kind {
            NameKind::Model => self.models.get(name).map(|bound| bound.origin),
            NameKind::Tool => self.tools.get(name).map(|bound| bound.origin),
            NameKind::Plugin => self.plugins.get(name).map(|bound| bound.origin),
            NameKind::Chain => self.chains.get(name).map(|bound| bound.origin),
            NameKind::Subnet => self.clusters.get(name).map(|bound| bound.origin),
            NameKind::Gpu => self.gpu_by_binding(name),
            _ => None,
        };
        let whole = || match kind {
            // Who may use a GPU may use a slice of it.
            NameKind::Gpu => self.grants.of(kind, name.rsplit_once('/')?.0),
            _ => None,
        };
        bound.or_else(|| self.grants.of(kind, name)).or_else(whole)
    }

    /// Who binds GPUs lends them all; the embedded default lends the slot that is no GPU.
    fn gpu_by_binding(&self, name: &str) -> Option<Origin> {
        let bound = self.gpus.as_ref()?;
        let cpu = name.split('/').next() == Some(gpu::CPU);
        (cpu || bound.origin != Origin::Default).then_some(bound.origin)
    }

    /// The names of a program's manifest that nobody allows, sorted.
    pub fn ungranted(&self, manifest: &program::Manifest) -> Vec<Ungranted> {
        let names =
            manifest.names.iter().filter(|(kind, name)| self.granted(*kind, name).is_none());
        names.map(|(kind, name)| Ungranted { kind: *kind, name: name.clone() }).collect()
    }

    /// Refuses a request that names something nobody allows: a computed name, as literal ones are
    /// looked at before the program starts.
    pub(super) fn check_grants(&self, request: &EffectRequest) -> Result<(), Refusal> {
        for (input, arg) in request.opcode.info().inputs.iter().zip(&request.args) {
            let (Some(kind), Some(value)) = (input.kind.name_kind(), arg) else { continue };
            // An operand that names nothing is the business of who answers.
            let Some(name) = self.read_name(kind, value) else { continue };
            if self.granted(kind, name).is_none() {
                return Err(Refusal::new(FailureCode::NotGranted, way_out(kind, name)));
            }
        }
        Ok(())
    }
}

/// What is not allowed and how to allow it.
pub fn way_out(kind: NameKind, name: &str) -> String {
    let word = kind.name();
    match kind {
        NameKind::Model
        | NameKind::Tool
        | NameKind::Plugin
        | NameKind::Chain
        | NameKind::Subnet => {
            format!(
                "{word} \"{name}\" is not granted; bind it in avm.toml or with --bind {word}:{name}=PROVIDER"
            )
        }
        _ => format!(
            "{word} \"{name}\" is not granted; grant it in avm.toml or with --grant {word}:{name}"
        ),
    }
}
