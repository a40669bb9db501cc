//! Binding names to providers of the catalogue.

use std::sync::Arc;

use avm_ir::NameKind;

use super::{Bound, Origin, Registry};
use crate::{
    catalogue::{self, DEFAULTS, Entry},
    guard::{self, Guard, Watch},
    host::Host,
    provider::{Manifest, Provider},
    settings::{BadSettings, Settings},
};

/// What the operator says about one name: a provider and its keys.
#[derive(Clone)]
pub struct Binding {
    /// The provider's name in the catalogue (`use = …`).
    pub provider: String,
    /// All other keys, those of the guard included.
    pub table: toml::Table,
    /// Where its paths are relative to something else than the registry's host says.
    pub host: Option<Arc<dyn Host>>,
    /// Who says so.
    pub origin: Origin,
}

/// Why a name cannot be bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The catalogue has no such provider of that kind.
    #[error("there is no {kind} provider \"{name}\"; there are {known}")]
    Unknown {
        /// Kind of the name.
        kind: &'static str,
        /// The provider asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The provider or its guard cannot be configured so.
    #[error("{0}")]
    Settings(#[from] BadSettings),
    /// Names of this kind are granted and not bound.
    #[error("a {0} is not bound to a provider; grant it")]
    NotBound(&'static str),
}

impl Registry {
    /// Binds a name to a provider, in place of what it was bound to.
    ///
    /// # Errors
    /// See [`BindError`]; nothing is bound then.
    pub fn bind(
        &mut self,
        kind: NameKind,
        name: &str,
        mut binding: Binding,
    ) -> Result<(), BindError> {
        let owned = name.to_owned();
        match kind {
            NameKind::Model => {
                let bound = self.make("model", name, binding, catalogue::MODELS)?;
                self.models.insert(owned, bound);
            }
            NameKind::Tool => {
                let bound = self.make("tool", name, binding, catalogue::TOOLS)?;
                self.tools.insert(owned, bound);
            }
            NameKind::Plugin => {
                let bound = self.make("plugin", name, binding, catalogue::PLUGINS)?;
                self.plugins.insert(owned, bound);
            }
            NameKind::Chain => {
                let bound = self.make("chain", name, binding, catalogue::CHAINS)?;
                self.chains.insert(owned, bound);
            }
            NameKind::Subnet => {
                let default = is_default(&mut binding.table)?;
                let bound = self.make("subnet", name, binding, catalogue::CLUSTERS)?;
                if default {
                    self.set_default_cluster(name);
                }
                self.clusters.insert(owned, bound);
            }
            _ => return Err(BindError::NotBound(kind.name())),
        }
        Ok(())
    }

    /// Binds the GPUs of the machine.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind_gpus(&mut self, binding: Binding) -> Result<(), BindError> {
        self.gpus = Some(self.make("gpu", "gpu", binding, catalogue::GPUS)?);
        Ok(())
    }

    /// Binds the database.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind_sql(&mut self, binding: Binding) -> Result<(), BindError> {
        self.sql = Some(self.make("sql", "sql", binding, catalogue::SQL)?);
        Ok(())
    }

    /// Binds the policy.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind_policy(&mut self, binding: Binding) -> Result<(), BindError> {
        self.policy = Some(self.make("policy", "policy", binding, catalogue::POLICIES)?);
        Ok(())
    }

    /// Binds the model that `SEPARATE_PROMPT` asks.
    ///
    /// # Errors
    /// See [`BindError`].
    pub fn bind_advisor(&mut self, binding: Binding) -> Result<(), BindError> {
        self.advisor = Some(self.make("model", "advisor", binding, catalogue::MODELS)?);
        Ok(())
    }

    /// Binds the embedded defaults.
    pub(super) fn bind_defaults(&mut self) {
        let named = DEFAULTS.iter().map(|(kind, name, provider)| (*kind, *name, *provider));
        let own = catalogue::MODELS.iter().map(|(name, _)| (NameKind::Model, *name, *name));
        for (kind, name, provider) in named.chain(own.filter(|(_, name, _)| is_builtin(name))) {
            let made = self.bind(kind, name, Binding::default_of(provider));
            debug_assert!(made.is_ok(), "a default must be made without keys: {name}: {made:?}");
        }
        let made = self.bind_gpus(Binding::default_of("builtin:devices"));
        debug_assert!(made.is_ok(), "a default must be made without keys: GPUs: {made:?}");
        let made = self.bind_advisor(Binding::default_of("builtin:tuner"));
        debug_assert!(made.is_ok(), "a default must be made without keys: advisor: {made:?}");
    }

    fn make<P: Provider + ?Sized + 'static>(
        &self,
        kind: &'static str,
        name: &str,
        binding: Binding,
        entries: &[Entry<P>],
    ) -> Result<Bound<P>, BindError> {
        let Binding { provider: label, mut table, origin, host } = binding;
        let Some((_, make)) = entries.iter().find(|(entry, _)| *entry == label) else {
            let known = catalogue::names(entries);
            return Err(BindError::Unknown { kind, name: label, known });
        };
        let mut watch = toml::Table::new();
        for key in guard::KEYS {
            if let Some((key, value)) = table.remove_entry(*key) {
                watch.insert(key, value);
            }
        }
        let read = watch
            .try_into()
            .map_err(|error: toml::de::Error| BadSettings::new(error.message().to_owned()));
        let watch: Watch = read?;
        let host = host.unwrap_or_else(|| Arc::clone(&self.host));
        let settings = Settings { name: name.to_owned(), table, host };
        let provider = make(&settings)?;
        Ok(self.bound(label, &format!("{kind} \"{name}\""), provider, (origin, watch)))
    }

    /// A provider that nobody configures.
    pub(super) fn unguarded<P: Provider + ?Sized>(
        &self,
        label: &str,
        provider: Arc<P>,
    ) -> Bound<P> {
        self.bound(label.to_owned(), label, provider, (Origin::Default, Watch::default()))
    }

    fn bound<P: Provider + ?Sized>(
        &self,
        label: String,
        name: &str,
        provider: Arc<P>,
        (origin, watch): (Origin, Watch),
    ) -> Bound<P> {
        let manifest: Arc<Manifest> = Arc::new(provider.manifest());
        let guard = Arc::new(Guard::new(name.to_owned(), watch, Arc::clone(&self.host)));
        Bound { provider, manifest, label, origin, guard }
    }

    /// Every provider with the key of its state.
    pub(super) fn everyone(&self) -> Vec<(String, &dyn Provider)> {
        let mut all: Vec<(String, &dyn Provider)> = Vec::new();
        push(&mut all, "model", &self.models, |p| p);
        push(&mut all, "tool", &self.tools, |p| p);
        push(&mut all, "plugin", &self.plugins, |p| p);
        push(&mut all, "chain", &self.chains, |p| p);
        push(&mut all, "subnet", &self.clusters, |p| p);
        if let Some(bound) = &self.gpus {
            all.push(("gpus".to_owned(), &*bound.provider));
        }
        if let Some(bound) = &self.sql {
            all.push(("sql".to_owned(), &*bound.provider));
        }
        if let Some(bound) = &self.policy {
            all.push(("policy".to_owned(), &*bound.provider));
        }
        if let Some(bound) = &self.advisor {
            all.push(("advisor".to_owned(), &*bound.provider));
        }
        if let Some(bound) = &self.documents {
            all.push(("documents".to_owned(), &*bound.provider));
        }
        all
    }

    /// Who answers to a name: provider, what it is, who bound it; `None` if nobody.
    pub fn binding(&self, kind: NameKind, name: &str) -> Option<(&str, &Manifest, Origin)> {
        let all = self.bindings(kind);
        let found = all.into_iter().find(|(bound, ..)| *bound == name)?;
        Some((found.1, found.2, found.3))
    }

    /// Who answers `SEPARATE_PROMPT`: provider, what it is, who bound it; `None` if nobody.
    pub fn advisor(&self) -> Option<(&str, &Manifest, Origin)> {
        let bound = self.advisor.as_ref()?;
        Some((&bound.label, &bound.manifest, bound.origin))
    }

    /// The names bound of a kind: name, provider, what it is, who bound it.
    pub fn bindings(&self, kind: NameKind) -> Vec<(&str, &str, &Manifest, Origin)> {
        fn rows<P: ?Sized>(bindings: &super::Bindings<P>) -> Vec<(&str, &str, &Manifest, Origin)> {
            bindings
                .iter()
                .map(|(name, bound)| {
                    (name.as_str(), bound.label.as_str(), &*bound.manifest, bound.origin)
                })
                .collect()
        }
        match kind {
            NameKind::Model => rows(&self.models),
            NameKind::Tool => rows(&self.tools),
            NameKind::Plugin => rows(&self.plugins),
            NameKind::Chain => rows(&self.chains),
            NameKind::Subnet => rows(&self.clusters),
            _ => Vec::new(),
        }
    }
}

fn push<'a, P: ?Sized>(
    all: &mut Vec<(String, &'a dyn Provider)>,
    kind: &str,
    bindings: &'a super::Bindings<P>,
    up: impl Fn(&'a P) -> &'a dyn Provider,
) {
    all.extend(
        bindings.iter().map(|(name, bound)| (format!("{kind}:{name}"), up(&bound.provider))),
    );
}

/// Takes the key `default` of a subnet.
fn is_default(table: &mut toml::Table) -> Result<bool, BadSettings> {
    match table.remove("default") {
        None => Ok(false),
        Some(toml::Value::Boolean(default)) => Ok(default),
        Some(_) => Err(BadSettings::new("default must be true or false")),
    }
}

fn is_builtin(name: &str) -> bool {
    name.starts_with("builtin:")
}

impl Binding {
    /// A provider without keys.
    pub fn to(provider: &str, origin: Origin) -> Self {
        Self { provider: provider.to_owned(), table: toml::Table::new(), origin, host: None }
    }

    fn default_of(provider: &str) -> Self {
        Self::to(provider, Origin::Default)
    }
}
