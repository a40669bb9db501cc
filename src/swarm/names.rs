//! Keys and names of agents, looked up in a registry.

use avm_vm::{
    World,
    identity::{Id, Key, Name, Registry, id_of, registry::Missing},
    world::journal::Journal,
};

use super::file::Agent;
use crate::{
    exit::{Failure, Outcome},
    output::note,
    report::unhex,
};

/// Who an agent of a file is.
pub(super) struct Who {
    /// The key that its identity began with, and whether anybody has its secret.
    pub(super) key: Key,
    pub(super) signs: bool,
    /// The name of the registry that it goes by.
    pub(super) domain: Option<Name>,
}

impl Who {
    /// Looks an agent up; without a registry its key is what the file says.
    pub(super) fn of(agent: &Agent, registry: Option<&Registry>) -> Outcome<Self> {
        let key = match &agent.key {
            Some(key) => {
                Some(unhex(key).ok_or_else(|| wrong("key", &"wants 64 hexadecimal digits"))?)
            }
            None => None,
        };
        if let Some(domain) = &agent.domain {
            return Self::named(agent, key, domain, registry);
        }
        let Some(key) = key else {
            // Nobody has the secret key of it: such an agent signs nothing.
            let name = agent.name.as_bytes();
            let key = blake3::derive_key("aither avm agent without a key v1", name);
            return Ok(Self { key, signs: false, domain: None });
        };
        let Some(registry) = registry else { return Ok(Self { key, signs: true, domain: None }) };
        let root = registry.owner(&key).and_then(|id| registry.root(&id)).unwrap_or(key);
        let signer = registry.signer(&root).map_err(|why| wrong("key", &why))?;
        if key != root && key != signer {
            return Err(wrong("key", &"it was rotated, another one stands for it"));
        }
        Ok(Self { key: root, signs: true, domain: None })
    }

    fn named(
        agent: &Agent,
        key: Option<Key>,
        domain: &str,
        registry: Option<&Registry>,
    ) -> Outcome<Self> {
        let about = |why: &dyn std::fmt::Display| wrong("domain", &format_args!("{domain}: {why}"));
        let Some(registry) = registry else {
            return Err(about(&"[world] names no registry to look it up in"));
        };
        if agent.count.is_some() {
            return Err(about(&"one agent goes by a name, and no copies of it"));
        }
        let name = Name::parse(domain).map_err(|error| about(&error))?;
        let holder = registry.resolve(&name).map_err(|missing| about(&missing))?;
        if let Some(key) = key
            && registry.owner(&key).unwrap_or_else(|| id_of(&key)) != holder.id
        {
            let why = format!("the identity of that key does not have the name {domain}");
            return Err(wrong("key", &why));
        }
        let root = registry.root(&holder.id).unwrap_or(holder.key);
        Ok(Self { key: root, signs: true, domain: Some(name) })
    }
}

fn wrong(key: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::files(format!("{key}: {why}"))
}

/// Whether a registry is the one in which a world looked up names, and has all that it had then.
pub(crate) fn extends(registry: &Registry, journal: &Journal) -> Result<(), String> {
    match journal.registry() {
        None => Ok(()),
        Some((keeper, _)) if keeper != *registry.keeper() => {
            Err("it looked names up in another registry, of another keeper".to_owned())
        }
        Some((_, seen)) => {
            registry.extends(&seen).map_err(|why| format!("the registry that it began with: {why}"))
        }
    }
}

/// Checks that names of a world were those of its agents when it began, and notes which are not any
/// more.
pub(crate) fn check(registry: &Registry, world: &World, journal: &Journal) -> Result<(), String> {
    let past = journal.registry().and_then(|(_, seen)| registry.as_of(seen.count));
    for (domain, agent) in world.domains() {
        let holder = |registry: &Registry| -> Result<Id, String> {
            let name = Name::parse(domain).map_err(|error| error.to_string())?;
            registry.resolve(&name).map(|holder| holder.id).map_err(|why: Missing| why.to_string())
        };
        let (id, name) = (world.identity(agent), world.name(agent).unwrap_or("?"));
        if past.as_ref().and_then(|past| holder(past).ok()) != id {
            return Err(format!("{name}: {domain} was not its name when the world began"));
        }
        match holder(registry) {
            Ok(now) if Some(now) == id => {}
            Ok(_) => note(&format!("note: {domain} is somebody else's since the world began")),
            Err(why) => note(&format!("note: {domain}: since the world began {why}")),
        }
    }
    Ok(())
}
