//! Seals of what agents sent, in a file beside the journal of their world.

use std::path::{Path, PathBuf};

use avm_ir::{program::public_key, wire::hex};
use avm_vm::{
    World,
    identity::{
        Key, Refusal, Registry, Seal,
        outbox::{read_seals, write_seals},
        registry::Refused,
    },
    world::{Found, Other, Witness},
};

use crate::{
    exit::{Failure, Outcome},
    files,
};

/// Largest file of seals, in bytes.
const MAX_SEALS: u64 = 1 << 30;

/// Where the seals of a world are, by its journal.
pub(crate) fn path(journal: &Path) -> PathBuf {
    journal.with_extension("avms")
}

/// Reads the seals of a world; `None` if nobody sealed anything.
///
/// Fails if they are no seals, or those of another world.
pub(crate) fn read(path: &Path, world: &[u8; 32]) -> Outcome<Option<Vec<Seal>>> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(None);
    }
    let wrong = |why: &dyn std::fmt::Display| Failure::files(format!("{}: {why}", path.display()));
    let (of, seals) = read_seals(&files::read(path, MAX_SEALS)?).map_err(|error| wrong(&error))?;
    if of != *world {
        return Err(wrong(&"seals of another world"));
    }
    Ok(Some(seals))
}

/// Whoever seals what agents sent.
pub(crate) struct Sealer {
    secret: [u8; 32],
    /// The key that the agents began with.
    root: Key,
}

impl Sealer {
    /// Somebody with a secret key, which may have been put in place of the agents' first one.
    pub(crate) fn new(secret: [u8; 32], registry: &Registry) -> Result<Self, Refused> {
        let root = registry.root_of(&public_key(&secret))?;
        Ok(Self { secret, root })
    }

    /// Seals what its agents sent in a world, in the file with these other seals, with which the witness
    /// compares. Gives the new ones.
    pub(crate) fn seal(
        &self,
        file: &Path,
        id: [u8; 32],
        (world, witness): (&World, &Witness),
        before: Vec<Seal>,
        registry: &Registry,
    ) -> Outcome<Vec<Seal>> {
        let sealed = witness.seal(id, world, &self.root, &self.secret);
        if sealed.is_empty() {
            let key = hex(&self.root);
            return Err(Failure::usage(format!("no agent of this world has the key {key}")));
        }
        for (agent, _) in witness.agents() {
            let Some(seal) = witness.seal_of(agent).filter(|seal| seal.check(registry).is_ok())
            else {
                continue;
            };
            if let Some(what) = witness.found(agent, world).and_then(|found| other(found, seal)) {
                let (name, file) = (world.name(agent).unwrap_or("?"), file.display());
                let why = "it was sealed otherwise before; take the file away to seal it anew";
                return Err(Failure::files(format!("{file}: {name}: {what}: {why}")));
            }
        }
        let mut all = before;
        all.retain(|seal| seal.sender.key() != &self.root);
        all.extend(sealed.iter().cloned());
        all.sort_by_cached_key(|seal| seal.sender.id());
        files::write(file, &write_seals(&id, &all))?;
        Ok(sealed)
    }
}

/// What is wrong with the messages under a seal, if something is.
pub(crate) fn other(found: Found, seal: &Seal) -> Option<String> {
    let sealed = seal.outbox.count;
    match found {
        Found::Same | Found::More(_) => None,
        Found::Fewer(missing) => {
            let sent = messages(sealed - missing);
            Some(format!("it sent {sent}, and {sealed} were sealed"))
        }
        Found::Other(Other { first, last, message }) => Some(match first == last {
            true => {
                format!("message {first} of its outbox, #{message}, is not the one that was sealed")
            }
            false => format!(
                "one of the messages {first} to {last} of its outbox, up to #{message}, is not the \
                 one that was sealed"
            ),
        }),
    }
}

/// So many messages.
pub(crate) fn messages(count: u64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

/// Why a seal does not count.
pub(crate) fn refused(refusal: Refusal, seal: &Seal, registry: Option<&Registry>) -> String {
    let root = seal.sender.key();
    match refusal {
        Refusal::Signer { key } => {
            let signed = format!("sealed with {}", hex(&key));
            match registry {
                None => format!(
                    "{signed}, and its key is {}; if that was rotated, --registry has to show it",
                    hex(root)
                ),
                Some(registry) if registry.root_of(&key) == Err(Refused::Rotated) => {
                    format!("{signed}, which was rotated: it wants a seal with the key of today")
                }
                Some(_) => format!("{signed}, which does not sign for it"),
            }
        }
        Refusal::Forged => {
            "forged: the signature is not one of what it says it sent in this world".to_owned()
        }
        Refusal::Key(refused) => format!("nobody signs for it: {refused}"),
        other => other.to_string(),
    }
}
