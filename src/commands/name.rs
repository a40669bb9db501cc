//! `avm name`: whose names are, in a registry that only grows.

use std::path::Path;

use avm_ir::{
    Value,
    program::public_key,
    value::{Record, to_json},
    wire::hex,
};
use avm_vm::identity::{
    self, Change, Registry,
    registry::{Holder, Missing},
};

use super::key;
use crate::{
    cli::name::{Name, NameCommand},
    exit::{Exit, Failure, Outcome},
    name_file::{self, NameFile},
    output::{self, Out},
};

/// Looks at a registry or changes it.
pub(crate) fn run(args: &Name) -> Outcome {
    let name = |text: &str| {
        identity::Name::parse(text).map_err(|error| Failure::usage(format!("{text}: {error}")))
    };
    match &args.command {
        NameCommand::Claim { name: text, key, above } => {
            let (name, secrets) = (name(text)?, secrets([Some(key), above.as_ref()])?);
            let key = public_key(&secrets[0]);
            change(args, Change::Claim { name, key }, &secrets, Some(key))
        }
        NameCommand::Rotate { key, new } => {
            let secrets = secrets([Some(key), Some(new)])?;
            let (old, new) = (public_key(&secrets[0]), public_key(&secrets[1]));
            change(args, Change::Rotate { old, new }, &secrets, None)
        }
        NameCommand::Transfer { name: text, key, to } => {
            let (name, secrets) = (name(text)?, secrets([Some(key), Some(to)])?);
            let key = public_key(&secrets[1]);
            change(args, Change::Transfer { name, key }, &secrets, None)
        }
        NameCommand::Revoke { name: text, key } => {
            change(args, Change::Revoke { name: name(text)? }, &secrets([Some(key)])?, None)
        }
        NameCommand::Retire { key } => {
            let secrets = secrets([Some(key)])?;
            change(args, Change::Retire { key: public_key(&secrets[0]) }, &secrets, None)
        }
        NameCommand::Show { name: text, json } => {
            let name = text.as_deref().map(name).transpose()?;
            let file = open(args)?;
            Ok(show(&file.registry, name.as_ref(), *json))
        }
        NameCommand::Verify { head } => verify(args, head.as_deref()),
        NameCommand::Sign { key } => {
            let secret = key::read(key)?;
            let file = open(args)?;
            let signed = file.registry.sign_head(&secret).map_err(Failure::usage)?;
            Out::new().line(&name_file::line(&signed));
            Ok(Exit::Done)
        }
    }
}

fn secrets<'a>(
    files: impl IntoIterator<Item = Option<&'a std::path::PathBuf>>,
) -> Outcome<Vec<[u8; 32]>> {
    files.into_iter().flatten().map(|file| key::read(file)).collect()
}

/// Opens a registry to look at. What cannot be remembered is no reason not to look.
fn open(args: &Name) -> Outcome<NameFile> {
    let file = NameFile::open(&args.registry, args.seen.as_deref())?;
    if let Err(failure) = file.remember() {
        output::note(&format!("warning: {:#}: the head is not remembered", failure.error));
    }
    Ok(file)
}

fn change(args: &Name, change: Change, secrets: &[[u8; 32]], keeper: Option<[u8; 32]>) -> Outcome {
    let mut file = NameFile::change(&args.registry, args.seen.as_deref(), keeper)?;
    let registry = &mut file.registry;
    let number = registry.head().count;
    let about = change.name().map(|name| format!("{name}: ")).unwrap_or_default();
    registry
        .sign(change.clone(), secrets)
        .map_err(|why| Failure::usage(format!("{about}{why}")))?;
    let said = tell(registry, &change);
    file.save()?;
    if number == 0 {
        let path = args.registry.display();
        let keeper = hex(file.registry.keeper());
        output::note(&format!("note: {path}: a new registry, whose heads {keeper} signs"));
    }
    Out::new().line(&format!("entry {number}: {said}"));
    Ok(Exit::Done)
}

/// What an entry did, for people.
fn tell(registry: &Registry, change: &Change) -> String {
    let of = |key| registry.owner(key).map_or_else(String::new, |id| hex(&id));
    match change {
        Change::Claim { name, key } => format!("{name} claimed for {}", of(key)),
        Change::Rotate { old, new } => format!("{} signs with {}", of(old), hex(new)),
        Change::Transfer { name, key } => format!("{name} given to {}", of(key)),
        Change::Revoke { name } => format!("{name} revoked"),
        Change::Retire { key } => format!("{} retired", of(key)),
    }
}

fn show(registry: &Registry, name: Option<&identity::Name>, json: bool) -> Exit {
    let mut out = Out::new();
    let Some(name) = name else {
        for (name, holder) in registry.names() {
            match json {
                true => out.line(&to_json(&row(name, holder))),
                false => out.line(&format!("{name}  {}", words(holder))),
            }
        }
        return Exit::Done;
    };
    let holder = registry.resolve(name);
    if json {
        out.line(&to_json(&row(name, holder)));
    } else {
        out.line(&format!("{name}: {}", words(holder)));
        history(registry, name, &mut out);
    }
    if holder.is_ok() { Exit::Done } else { Exit::Program }
}

fn words(holder: Result<Holder, Missing>) -> String {
    match holder {
        Ok(Holder { id, key }) => format!("id {} key {}", hex(&id), hex(&key)),
        Err(missing) => missing.to_string(),
    }
}

fn row(name: &identity::Name, holder: Result<Holder, Missing>) -> Value {
    let of =
        |bytes: fn(Holder) -> [u8; 32]| holder.map_or(Value::Null, |of| hex(&bytes(of)).into());
    let missing = holder.err().map_or(Value::Null, |missing| missing.to_string().into());
    Value::Record(Record::from_iter([
        ("name", Value::text(name.as_str())),
        ("id", of(|holder| holder.id)),
        ("key", of(|holder| holder.key)),
        ("missing", missing),
    ]))
}

/// Every entry about a name or whoever held it then.
fn history(registry: &Registry, name: &identity::Name, out: &mut Out) {
    let mut holder = None;
    for (number, entry) in registry.entries().iter().enumerate() {
        let about = match &entry.change {
            Change::Claim { key, .. } | Change::Transfer { key, .. }
                if entry.change.name() == Some(name) =>
            {
                holder = registry.owner(key);
                true
            }
            Change::Rotate { old: key, .. } | Change::Retire { key } => {
                holder.is_some() && registry.owner(key) == holder
            }
            change => change.name() == Some(name),
        };
        if about {
            out.line(&format!("  entry {number}: {}", tell(registry, &entry.change)));
        }
    }
}

fn verify(args: &Name, head: Option<&Path>) -> Outcome {
    let file = NameFile::open(&args.registry, args.seen.as_deref())?;
    let signed = head.map(|head| file.extends(head)).transpose()?;
    let registry = &file.registry;
    let seen = file.seen().display();
    let mut out = Out::new();
    out.line(&format!("entries  {}, every signature is right", registry.head().count));
    out.line(&format!("head     {}", hex(&registry.head().head)));
    out.line(&format!("keeper   {}", hex(registry.keeper())));
    out.line(&match file.before {
        Some(before) => {
            format!("seen     {} before, in {seen}, all of them are there", before.count)
        }
        None => format!("seen     nothing before; remembered in {seen} from now on"),
    });
    if let Some(signed) = signed {
        out.line(&format!("signed   {} by the keeper, all of them are there", signed.seen.count));
    }
    out.flush();
    if file.is_beside() {
        output::note(&format!(
            "note: whoever puts back the registry's folder puts back {seen}, too, and is not \
             noticed; --seen keeps it elsewhere"
        ));
    }
    file.remember()?;
    Ok(Exit::Done)
}
