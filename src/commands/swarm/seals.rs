//! `avm swarm seal` and `avm swarm verify`.

use avm_ir::{Value, value::Record, wire::hex};
use avm_vm::{
    World,
    identity::{Key, Registry, Seal as Sealed},
    world::{AgentId, Found, Witness},
};

use super::threads;
use crate::{
    cli::swarm::{Seal, Verify},
    commands::key,
    exit::{Exit, Failure, Outcome},
    name_file::NameFile,
    output::{Out, note},
    report::unhex,
    swarm::{
        interrupt::Interrupt,
        names,
        recorded::Recorded,
        seals::{self, Sealer, messages},
    },
};

/// What stands for a recorded world.
fn id_of(recorded: &Recorded) -> Outcome<[u8; 32]> {
    let id = recorded.journal.world();
    id.ok_or_else(|| Failure::files(format!("{}: nobody joined", recorded.path.display())))
}

/// Seals what agents of a key sent.
pub(super) fn seal(args: &Seal) -> Outcome {
    let secret = key::read(&args.key)?;
    let names = args.registry.as_deref().map(|file| NameFile::look(file, None)).transpose()?;
    let registry = names.map_or_else(|| Registry::new([0; 32]), |names| names.registry);
    let wrong = |why| Failure::usage(format!("{}: {why}", args.key.display()));
    let sealer = Sealer::new(secret, &registry).map_err(wrong)?;
    let recorded = Recorded::open(args.run.as_deref())?;
    let (file, id) = (seals::path(&recorded.path), id_of(&recorded)?);
    let before = seals::read(&file, &id)?.unwrap_or_default();
    let mut witness = Witness::of(&before);
    let (world, _) = recorded.play(threads(None, None), &Interrupt::listen()?, &mut witness)?;
    let sealed = sealer.seal(&file, id, (&world, &witness), before, &registry)?;
    let mut out = Out::new();
    let agents: std::collections::BTreeSet<_> =
        sealed.iter().filter_map(|seal| world.agent_of(&seal.sender.id())).collect();
    for agent in agents {
        let count = world.outbox(agent).map_or(0, |outbox| outbox.count);
        out.line(&format!("{}: {} sealed", name(&world, agent), messages(count)));
    }
    Ok(Exit::Done)
}

/// What is to be known of an agent that signs.
struct Row<'a> {
    agent: AgentId,
    root: Key,
    seal: Option<&'a Sealed>,
    sent: u64,
    vouched: u64,
}

/// Checks seals against the messages of a recorded world.
pub(super) fn verify(args: &Verify) -> Outcome {
    let recorded = Recorded::open(args.run.as_deref())?;
    let signers = recorded.signers()?;
    let id = id_of(&recorded)?;
    let names = args.registry.as_deref().map(|file| NameFile::look(file, args.seen.as_deref()));
    let names = names.transpose()?;
    let registry = names.as_ref().map(|names| &names.registry);
    if let Some(registry) = registry {
        names::extends(registry, &recorded.journal)
            .map_err(|why| Failure::files(format!("{}: {why}", recorded.name)))?;
    }
    let of = args.of.as_deref().map(|text| root(text, registry)).transpose()?;
    let file = seals::path(&recorded.path);
    let sealed = seals::read(&file, &id)?.unwrap_or_default();
    let mut witness = Witness::of(&sealed);
    let (world, stop) = recorded.play(threads(None, None), &Interrupt::listen()?, &mut witness)?;
    let wrong =
        |agent: &str, why: String| Failure::files(format!("{}: {agent}: {why}", recorded.name));
    if let Some(seal) = witness.strangers().next() {
        let id = hex(&seal.sender.id());
        return Err(wrong(&id, "it is sealed, and nobody in this world".to_owned()));
    }
    if let Some(registry) = registry {
        names::check(registry, &world, &recorded.journal)
            .map_err(|why| Failure::files(format!("{}: {why}", recorded.name)))?;
    }
    let nobody = Registry::new([0; 32]);
    let mut out = Out::new();
    let (mut all, mut agents) = (true, 0);
    for (agent, lineage) in witness.agents() {
        let root = *lineage.key();
        if of.is_some_and(|of| of != root) {
            continue;
        }
        agents += 1;
        let sent = world.outbox(agent).map_or(0, |outbox| outbox.count);
        let seal = witness.seal_of(agent);
        let vouched = match seal {
            None => 0,
            Some(seal) => {
                let name = name(&world, agent);
                seal.check(registry.unwrap_or(&nobody))
                    .map_err(|refusal| wrong(&name, seals::refused(refusal, seal, registry)))?;
                let found = witness.found(agent, &world).unwrap_or(Found::Same);
                match seals::other(found, seal) {
                    Some(why) => return Err(wrong(&name, why)),
                    None => seal.outbox.count,
                }
            }
        };
        all &= seal.is_some() && vouched == sent;
        tell(&Row { agent, root, seal, sent, vouched }, &world, args.json, &mut out);
    }
    out.flush();
    if let Some(why) = recorded.torn(&world, stop) {
        note(&format!("note: {why}"));
    }
    signers.iter().for_each(|signer| note(&format!("the journal is signed by {}", hex(signer))));
    if recorded.journal.registry().is_some() && registry.is_none() {
        note("note: names and keys are not looked up again; --registry FILE does that");
    }
    match agents {
        0 if of.is_some() => Err(Failure::usage(format!("{}: nobody has this key", recorded.name))),
        0 => Err(Failure::files(format!("{}: nobody in it signs", recorded.name))),
        _ if all => Ok(Exit::Done),
        _ => {
            note("not all is sealed; `avm swarm seal` does that");
            Ok(Exit::Program)
        }
    }
}

/// The key that an identity began with, by a key or by a name.
fn root(text: &str, registry: Option<&Registry>) -> Outcome<Key> {
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{text}: {why}"));
    if let Some(key) = unhex(text) {
        let root = registry.and_then(|registry| registry.root(&registry.owner(&key)?));
        return Ok(root.unwrap_or(key));
    }
    let Some(registry) = registry else {
        return Err(wrong(&"wants 64 hexadecimal digits, or a name and --registry"));
    };
    let name = avm_vm::identity::Name::parse(text).map_err(|error| wrong(&error))?;
    let holder = registry.resolve(&name).map_err(|missing| wrong(&missing))?;
    Ok(registry.root(&holder.id).unwrap_or(holder.key))
}

/// What an agent is called.
fn name(world: &World, agent: AgentId) -> String {
    let name = world.name(agent).unwrap_or("?");
    let domain = world.domains().find(|(_, of)| *of == agent);
    domain.map_or_else(|| name.to_owned(), |(domain, _)| format!("{name} ({domain})"))
}

fn tell(row: &Row<'_>, world: &World, json: bool, out: &mut Out) {
    let Row { agent, root, seal, sent, vouched } = *row;
    let signer = seal.map(|seal| hex(&seal.signature.key));
    if json {
        let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let domain = world.domains().find(|(_, of)| *of == agent);
        out.event(
            "seal",
            Record::from_iter([
                ("agent", Value::text(world.name(agent).unwrap_or("?"))),
                ("domain", domain.map_or(Value::Null, |(domain, _)| Value::text(domain))),
                ("id", hex(&world.identity(agent).unwrap_or_default()).into()),
                ("root", hex(&root).into()),
                ("signer", signer.map_or(Value::Null, Value::from)),
                ("sent", int(sent)),
                ("vouched", int(vouched)),
            ]),
        );
        return;
    }
    let name = name(world, agent);
    out.line(&match signer {
        None => format!("{name}: {}, not sealed", messages(sent)),
        Some(signer) if vouched == sent => {
            format!("{name}: {}, sealed with {signer}", messages(sent))
        }
        Some(signer) => {
            let since = sent - vouched;
            format!("{name}: {} sealed with {signer}, {since} since are not", messages(vouched))
        }
    });
}
