//! What providers remember: kept when a run is left, brought back when it goes on.

use std::collections::BTreeMap;

use avm_ir::{Opcode, Reach, Value, value::Record};
use avm_vm::EffectRequest;

use super::{Registry, handles::Handles};
use crate::provider::{Determinism, Manifest, Reaches, Refusal};

impl Registry {
    /// What the providers have to remember when a run is suspended.
    pub fn save(&self) -> Value {
        let mut state: BTreeMap<String, Value> = BTreeMap::new();
        for (key, provider) in self.everyone() {
            let saved = provider.save();
            if saved != Value::Null {
                state.insert(key, saved);
            }
        }
        state.insert("handles".to_owned(), self.handles.save());
        Value::Record(Record::from_iter(state))
    }

    /// Takes back what [`Self::save`] gave.
    ///
    /// # Errors
    /// It is not something that providers bound like these saved.
    pub fn restore(&mut self, state: &Value) -> Result<(), Refusal> {
        let Value::Record(state) = state else {
            return Err(Refusal::invalid("the providers' state is no record"));
        };
        for (key, provider) in self.everyone() {
            let saved = state.get(&key).unwrap_or(&Value::Null);
            provider.restore(saved).map_err(|refusal| {
                Refusal::invalid(format!("state of {key}: {}", refusal.failure.message))
            })?;
        }
        self.handles = Handles::restore(state.get("handles").unwrap_or(&Value::Null))?;
        Ok(())
    }

    /// Who is bound, in words: what was saved of others is not restored here.
    pub fn who(&self) -> Value {
        let everyone = self.everyone().into_iter();
        let who = everyone.map(|(key, provider)| (key, Value::from(provider.manifest().about)));
        Value::Record(Record::from_iter(who))
    }

    /// The handles that the agent holds; `NULL` if it never got one.
    pub fn save_handles(&self) -> Value {
        if self.handles.is_new() { Value::Null } else { self.handles.save() }
    }

    /// Takes back what [`Self::save_handles`] gave.
    ///
    /// # Errors
    /// It is not what was saved.
    pub fn restore_handles(&mut self, saved: &Value) -> Result<(), Refusal> {
        self.handles = Handles::restore(saved)?;
        Ok(())
    }

    /// Asks again for what a journal says was answered, where the provider's state lives and dies with
    /// this process and depends on nothing but what it was asked: then it is what it was. Nobody else
    /// is asked anything.
    pub fn rehearse(&mut self, request: &EffectRequest) {
        let lives_here = |manifest: &Manifest| {
            manifest.determinism != Determinism::Outside && manifest.reaches == Reaches::Nothing
        };
        let changes = !matches!(request.opcode, Opcode::DOC_FETCH | Opcode::DOC_SEARCH);
        // What embeds a document is asked beside the collection.
        let embeds = request.reach != Reach::Docs
            || self.name_of(request).is_none_or(|name| {
                self.models.get(name).is_some_and(|bound| lives_here(&bound.manifest))
            });
        if changes && embeds && self.manifest_of(request).is_some_and(lives_here) {
            // What it says is in the journal already.
            let _ = self.dispatch(request);
        }
    }

    /// Whether what a request does may stay done when this process is gone. Then what led to it has to be
    /// on stable storage before it is asked: otherwise a run that goes on after a power cut may ask for
    /// something else under the same key.
    pub fn outlives(&self, request: &EffectRequest) -> bool {
        let manifest = self.manifest_of(request);
        request.reach.is_lasting()
            && manifest.is_none_or(|manifest| manifest.reaches != Reaches::Nothing)
    }
}
