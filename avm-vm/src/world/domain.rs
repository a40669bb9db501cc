//! Names of a registry that agents go by, beside the names that they have in their world (P-44, X-45).
//!
//! Whose a name is was looked up before the agent came: the world knows no registry.

use avm_ir::{
    value::Text,
    wire::{Reader, WireError, Writer},
};

use super::{AgentId, JoinError, World, event::Misfit};
use crate::identity::{Name, registry::codec::read_name};

impl World {
    /// Lets an agent go by a name of a registry, too.
    ///
    /// # Errors
    /// There is no such agent, or another one has the name.
    pub fn set_domain(&mut self, agent: AgentId, name: &Name) -> Result<(), Misfit> {
        self.actor(agent).ok_or(Misfit::Agent)?;
        let name = Text::from(name.as_str());
        if self.by_name.contains_key(&name) {
            return Err(Misfit::Join(JoinError::Taken));
        }
        self.by_name.insert(name.clone(), agent);
        self.domains.insert(name, agent);
        Ok(())
    }

    /// The names of a registry that agents go by, in their order.
    pub fn domains(&self) -> impl Iterator<Item = (&str, AgentId)> {
        self.domains.iter().map(|(name, agent)| (name.as_str(), *agent))
    }

    pub(super) fn write_domains(&self, out: &mut Writer) {
        out.u32(self.domains.len() as u32);
        for (name, agent) in &self.domains {
            out.text(name);
            out.u32(agent.0);
        }
    }

    /// Reads what [`Self::write_domains`] wrote, of agents that are there already.
    pub(super) fn read_domains(&mut self, input: &mut Reader<'_>) -> Result<(), WireError> {
        for _ in 0..input.count(8)? {
            let (name, agent) = (read_name(input)?, AgentId(input.u32()?));
            let last = self.domains.last_key_value();
            if last.is_some_and(|(last, _)| last.as_str() >= name.as_str()) {
                return Err(input.error("names of a registry are not in order"));
            }
            if self.set_domain(agent, &name).is_err() {
                return Err(input.error("a name of nobody, or of two"));
            }
        }
        Ok(())
    }
}
