//! A provider bound to a name.

use std::{collections::BTreeMap, sync::Arc};

use super::Origin;
use crate::{
    guard::{Ask, Guard},
    provider::{Call, Manifest, Outcome, Provider},
};

/// Names of one kind and who answers to them.
pub(crate) type Bindings<P> = BTreeMap<String, Bound<P>>;

/// A provider, its description, and the guard before it.
pub(crate) struct Bound<P: ?Sized> {
    pub(crate) provider: Arc<P>,
    pub(crate) manifest: Arc<Manifest>,
    /// The provider's name in the catalogue.
    pub(crate) label: String,
    pub(crate) origin: Origin,
    pub(crate) guard: Arc<Guard>,
}

impl<P: ?Sized> Clone for Bound<P> {
    fn clone(&self) -> Self {
        Self {
            provider: Arc::clone(&self.provider),
            manifest: Arc::clone(&self.manifest),
            label: self.label.clone(),
            origin: self.origin,
            guard: Arc::clone(&self.guard),
        }
    }
}

impl<P: Provider + ?Sized + 'static> Bound<P> {
    /// Asks the provider through its guard.
    pub(crate) fn call(
        &self,
        call: &Call,
        ask: Ask<'_>,
        job: impl Fn(&P, &Call) -> Outcome + Send + Sync + 'static,
    ) -> Outcome {
        let provider = Arc::clone(&self.provider);
        self.guard.call(call, &self.manifest, ask, move |call| job(&provider, call))
    }
}
