//! Who answers what: names bound to providers, and requests sent to them.
//!
//! A name is a right: a program reaches a provider only by a name that somebody bound. What nobody
//! bound answers with [`FailureCode::NoProvider`] and the way to bind it.

mod dispatch;

use std::collections::BTreeMap;

use avm_ir::{Opcode, Reach};
use avm_vm::{Answer, EffectRequest, Failure, FailureCode};

use crate::{
    builtin::{Extractive, HashEmbed},
    model::{extractive, hash_embed},
    provider::{Documents, Model, Refusal, answer},
};

/// Who bound a name.
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

/// Embedded providers that answer well-known model names where nobody binds them.
pub const DEFAULT_MODELS: &[(&str, &str)] = &[
    (hash_embed::NAME, hash_embed::NAME),
    (extractive::NAME, extractive::NAME),
    ("text-embedding-3-small", hash_embed::NAME),
    ("LLama", extractive::NAME),
];

/// A provider of that name does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no provider \"{name}\"; there are {known}")]
pub struct UnknownProvider {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub known: String,
}

/// Whole seconds since 1970 by the run's clock.
pub type Clock = Box<dyn FnMut() -> i64 + Send>;

/// The providers of a run and the names they answer to.
#[derive(Default)]
pub struct Registry {
    providers: BTreeMap<String, Box<dyn Model>>,
    models: BTreeMap<String, (String, Origin)>,
    documents: Option<Box<dyn Documents>>,
    clock: Option<Clock>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("models", &self.models).finish_non_exhaustive()
    }
}

impl Registry {
    /// Nothing bound: every request fails.
    pub fn new() -> Self {
        Self::default()
    }

    /// The embedded models under the names of [`DEFAULT_MODELS`]; neither documents nor a clock.
    pub fn embedded() -> Self {
        let mut registry = Self::new();
        registry.add_model(hash_embed::NAME, Box::new(HashEmbed));
        registry.add_model(extractive::NAME, Box::new(Extractive));
        for (name, provider) in DEFAULT_MODELS {
            let bound = ((*provider).to_owned(), Origin::Default);
            registry.models.insert((*name).to_owned(), bound);
        }
        registry
    }

    /// Adds a provider of models; names still have to be bound to it.
    pub fn add_model(&mut self, provider: &str, model: Box<dyn Model>) {
        self.providers.insert(provider.to_owned(), model);
    }

    /// Binds a model's name to a provider, in place of what it was bound to.
    ///
    /// # Errors
    /// No such provider; nothing is bound then.
    pub fn bind_model(
        &mut self,
        name: &str,
        provider: &str,
        origin: Origin,
    ) -> Result<(), UnknownProvider> {
        if !self.providers.contains_key(provider) {
            let known: Vec<&str> = self.providers.keys().map(String::as_str).collect();
            return Err(UnknownProvider { name: provider.to_owned(), known: known.join(", ") });
        }
        self.models.insert(name.to_owned(), (provider.to_owned(), origin));
        Ok(())
    }

    /// Answers requests for documents, by any collection's name.
    pub fn set_documents(&mut self, documents: Box<dyn Documents>) {
        self.documents = Some(documents);
    }

    /// Answers `GET_CURRENT_TIME`.
    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = Some(clock);
    }

    /// The provider that a model's name is bound to, what it is, and who bound it.
    pub fn model(&self, name: &str) -> Option<(&str, String, Origin)> {
        let (provider, origin) = self.models.get(name)?;
        let model = self.providers.get(provider)?;
        Some((provider, model.describe(), *origin))
    }

    /// Names of all providers of models, sorted.
    pub fn providers(&self) -> impl Iterator<Item = (&str, String)> {
        self.providers.iter().map(|(name, model)| (name.as_str(), model.describe()))
    }

    /// Who would answer a request, for summaries and journals; `None` if nobody.
    pub fn provider_of(&self, request: &EffectRequest) -> Option<&str> {
        match request.reach {
            Reach::Model => {
                let (provider, _) = self.models.get(model_name(request)?)?;
                Some(provider)
            }
            Reach::Docs => self.documents.as_ref().map(|_| "collections"),
            Reach::Time if request.opcode == Opcode::GET_CURRENT_TIME => {
                self.clock.as_ref().map(|_| "clock")
            }
            _ => None,
        }
    }

    /// Answers a request. Never panics and always answers: what cannot be done is a failure.
    pub fn answer(&mut self, request: &EffectRequest) -> Answer {
        answer(self.dispatch(request))
    }

    /// Returns when everything that providers keep is on stable storage.
    ///
    /// # Errors
    /// What the provider says.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.documents.as_mut().map_or(Ok(()), |documents| documents.flush());
        flushed.map_err(|refusal| refusal.failure)
    }

    fn model_mut(&mut self, name: &str) -> Result<&mut dyn Model, Refusal> {
        let provider = self.models.get(name).map(|(provider, _)| provider.as_str());
        match provider.and_then(|provider| self.providers.get_mut(provider)) {
            Some(model) => Ok(model.as_mut()),
            None => Err(Refusal::new(
                FailureCode::NoProvider,
                format!(
                    "no provider bound for model \"{name}\"; bind one with --model {name}={}",
                    extractive::NAME
                ),
            )),
        }
    }
}

/// The operand that names the model.
fn model_name(request: &EffectRequest) -> Option<&str> {
    request.text_arg("model_ref").or_else(|| request.text_arg("model"))
}

#[cfg(test)]
mod tests;
