//! Who answers what: names bound to providers, and requests sent to them.
//!
//! A name is a right: a program reaches a provider only by a name that somebody bound or an embedded
//! default answers to, and other names only if the operator allows them. What nobody allows fails
//! with [`NotGranted`](avm_vm::FailureCode::NotGranted), what is allowed and answered by nobody with
//! [`NoProvider`](avm_vm::FailureCode::NoProvider), each with the way out.

mod bind;
mod bound;
mod dispatch;
mod grant;
mod handles;
mod memory;

use std::{sync::Arc, time::Duration};

use avm_ir::{NameKind, Opcode, Reach, Value};
use avm_vm::{Answer, EffectRequest, Failure};

pub use bind::{BindError, Binding};
pub(crate) use bound::Bound;
pub use grant::way_out;

use crate::{
    grants::Grants,
    host::Host,
    provider::{
        Chain, Cluster, Coder, Determinism, Documents, Gpus, Manifest, Model, Plugin, Policy, Sql,
        Tool, Wallet, answer,
    },
};
use bound::Bindings;
use handles::Handles;

/// How long a wait lasts if neither the instruction nor the operator says.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Who bound or allowed a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The embedded default, because nobody said otherwise.
    Default,
    /// The configuration file.
    Config,
    /// The operator, on the command line.
    Operator,
}

impl Origin {
    /// Words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Default => "embedded default",
            Self::Config => "avm.toml",
            Self::Operator => "command line",
        }
    }
}

/// The providers of a run and the names they answer to.
pub struct Registry {
    host: Arc<dyn Host>,
    models: Bindings<dyn Model>,
    tools: Bindings<dyn Tool>,
    plugins: Bindings<dyn Plugin>,
    chains: Bindings<dyn Chain>,
    clusters: Bindings<dyn Cluster>,
    gpus: Option<Bound<dyn Gpus>>,
    sql: Option<Bound<dyn Sql>>,
    policy: Option<Bound<dyn Policy>>,
    /// Answers `SEPARATE_PROMPT`.
    advisor: Option<Bound<dyn Model>>,
    documents: Option<Bound<dyn Documents>>,
    wallet: Option<Arc<dyn Wallet>>,
    coder: Option<Arc<dyn Coder>>,
    grants: Grants,
    handles: Handles,
    /// Where analyses run that name no cluster, if the operator said so.
    default_cluster: Option<String>,
    patience: Duration,
    workers: usize,
    clock: bool,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("grants", &self.grants).finish_non_exhaustive()
    }
}

impl Registry {
    /// Nothing bound and nothing granted: every request fails.
    pub fn new(host: Arc<dyn Host>) -> Self {
        Self {
            host,
            models: Bindings::new(),
            tools: Bindings::new(),
            plugins: Bindings::new(),
            chains: Bindings::new(),
            clusters: Bindings::new(),
            gpus: None,
            sql: None,
            policy: None,
            advisor: None,
            documents: None,
            wallet: None,
            coder: None,
            grants: Grants::default(),
            handles: Handles::default(),
            default_cluster: None,
            patience: PATIENCE,
            workers: 1,
            clock: false,
        }
    }

    /// The embedded defaults ([`crate::catalogue::DEFAULTS`]) and what is private to an agent;
    /// neither documents nor a clock.
    pub fn embedded(host: Arc<dyn Host>) -> Self {
        let mut registry = Self::new(host);
        registry.grants = Grants::private();
        registry.bind_defaults();
        registry
    }

    /// The same providers and grants for another agent: what a provider remembers is shared, the handles
    /// that an agent holds are its own.
    #[must_use]
    pub fn for_another(&self) -> Self {
        Self {
            host: Arc::clone(&self.host),
            models: self.models.clone(),
            tools: self.tools.clone(),
            plugins: self.plugins.clone(),
            chains: self.chains.clone(),
            clusters: self.clusters.clone(),
            gpus: self.gpus.clone(),
            sql: self.sql.clone(),
            policy: self.policy.clone(),
            advisor: self.advisor.clone(),
            documents: self.documents.clone(),
            wallet: self.wallet.clone(),
            coder: self.coder.clone(),
            grants: self.grants.clone(),
            handles: Handles::default(),
            default_cluster: self.default_cluster.clone(),
            patience: self.patience,
            workers: self.workers,
            clock: self.clock,
        }
    }

    /// Whether what a request is answered may depend on which others were answered before it: such
    /// requests have to be asked one after the other.
    pub fn is_in_order(&self, request: &EffectRequest) -> bool {
        let manifest = match request.reach {
            Reach::Policy | Reach::Code => return false,
            Reach::Model => {
                let bound = self.name_of(request).and_then(|name| self.models.get(name));
                bound.map(|bound| &*bound.manifest)
            }
            _ => self.manifest_of(request),
        };
        manifest.is_none_or(|manifest| manifest.determinism == Determinism::Stateful)
    }

    /// Answers requests for documents, by any granted collection's name.
    pub fn set_documents(&mut self, documents: Arc<dyn Documents>) {
        self.documents = Some(self.unguarded("collections", documents));
    }

    /// Answers `CHECK_BALANCE`.
    pub fn set_wallet(&mut self, wallet: Arc<dyn Wallet>) {
        self.wallet = Some(wallet);
    }

    /// Answers agents that read and change their own code.
    pub fn set_coder(&mut self, coder: Arc<dyn Coder>) {
        self.coder = Some(coder);
    }

    /// Answers `GET_CURRENT_TIME` from the host's clock.
    pub fn set_clock(&mut self) {
        self.clock = true;
    }

    /// Sends analyses that name no cluster to this one.
    pub fn set_default_cluster(&mut self, subnet: &str) {
        self.default_cluster = Some(subnet.to_owned());
    }

    /// How long a wait lasts whose instruction does not say.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Threads for calls that run side by side; results and costs do not depend on it.
    pub fn set_workers(&mut self, workers: usize) {
        self.workers = workers.max(1);
    }

    /// What the operator allows, to be added to.
    pub fn grants_mut(&mut self) -> &mut Grants {
        &mut self.grants
    }

    /// Who would answer a request, for summaries and journals; `None` if nobody.
    pub fn provider_of(&self, request: &EffectRequest) -> Option<&str> {
        let name = || self.name_of(request);
        match request.reach {
            Reach::Model => match name() {
                Some(name) => self.models.get(name).map(|bound| bound.label.as_str()),
                None => self.nameless_model(request),
            },
            Reach::Docs => Some(self.documents.as_ref()?.label.as_str()),
            Reach::Tool => match name() {
                Some(name) => self.tools.get(name).map(|bound| bound.label.as_str()),
                None => Some("registry"),
            },
            Reach::Plugin => Some(self.plugins.get(name()?)?.label.as_str()),
            Reach::Chain => Some(self.chains.get(name()?)?.label.as_str()),
            Reach::Sql => Some(self.sql.as_ref()?.label.as_str()),
            Reach::Gpu => Some(self.gpus.as_ref()?.label.as_str()),
            Reach::Task => self.cluster_of(request),
            Reach::Time => self.clock.then_some("clock"),
            Reach::Policy => self.policy_label(request),
            Reach::Ledger => self.wallet.as_ref().map(|_| "wallet"),
            Reach::Code => self.coder.as_ref().map(|_| "assembler"),
            Reach::Swarm | Reach::World => None,
        }
    }

    /// Answers a request. Never panics and always answers: what cannot be done is a failure.
    pub fn answer(&mut self, request: &EffectRequest) -> Answer {
        let granted = self.check_grants(request);
        answer(granted.and_then(|()| self.dispatch(request)))
    }

    /// What the provider of a request says of itself; `None` where it keeps no state.
    fn manifest_of(&self, request: &EffectRequest) -> Option<&Manifest> {
        let name = || self.name_of(request);
        let manifest = match request.reach {
            Reach::Model if request.opcode == Opcode::LOAD_MODEL => {
                &self.models.get(name()?)?.manifest
            }
            Reach::Docs => &self.documents.as_ref()?.manifest,
            Reach::Tool => &self.tools.get(name()?)?.manifest,
            Reach::Plugin => &self.plugins.get(name()?)?.manifest,
            Reach::Chain => &self.chains.get(name()?)?.manifest,
            Reach::Sql => &self.sql.as_ref()?.manifest,
            Reach::Gpu => &self.gpus.as_ref()?.manifest,
            Reach::Task => {
                let label = self.cluster_of(request)?;
                &self.clusters.values().find(|bound| bound.label == label)?.manifest
            }
            _ => return None,
        };
        Some(manifest)
    }

    /// Returns when everything that providers keep is on stable storage.
    ///
    /// # Errors
    /// What the provider says.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.documents.as_ref().map_or(Ok(()), |bound| bound.provider.flush());
        flushed.map_err(|refusal| refusal.failure)
    }

    /// The name of the provider that a request is about, with handles read.
    fn name_of<'a>(&'a self, request: &'a EffectRequest) -> Option<&'a str> {
        let wanted = match request.reach {
            // What collections ask beside themselves is a model.
            Reach::Model | Reach::Docs => NameKind::Model,
            Reach::Tool => NameKind::Tool,
            Reach::Plugin => NameKind::Plugin,
            Reach::Chain => NameKind::Chain,
            Reach::Task => NameKind::Subnet,
            _ => return None,
        };
        let inputs = &request.opcode.info().inputs;
        let index = inputs.iter().position(|input| input.kind.name_kind() == Some(wanted))?;
        self.read_name(wanted, request.args.get(index)?.as_ref()?)
    }

    fn read_name<'a>(&'a self, kind: NameKind, value: &'a Value) -> Option<&'a str> {
        match value {
            Value::Text(name) => Some(name),
            Value::Handle(_, id) => self.handles.name(kind, *id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
