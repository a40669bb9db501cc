//! The providers of a run: embedded ones, bound and granted by `avm.toml` and the command line.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use avm_ir::{NameKind, gas::Gas, program::Manifest};
use avm_plugins::{
    builtin::{Balances, Collections},
    docs::persist::Library,
    grants::Grants,
    host::Host,
    registry::{BindError, Binding, Origin, Registry, way_out},
};

use crate::{
    cli::Setup,
    coder::Assembler,
    config::{Config, Provider, Stated, Written},
    exit::{Failure, Outcome},
    host::Machine,
    modules::Modules,
};

/// Binds providers to names and grants names, for a program.
pub(crate) fn bind(
    setup: &Setup,
    config: &Config,
    program: &Path,
    library: Library,
) -> Outcome<Registry> {
    let mut registry = Registry::embedded(Arc::new(Machine::at(config.folder(program))));
    configured(&mut registry, config)?;
    ordered(&mut registry, setup)?;
    let place = match &setup.store {
        Some(folder) => format!("kept in {}", folder.display()),
        None => "in memory".to_owned(),
    };
    registry.set_documents(Arc::new(Collections::new(library, place)));
    registry.set_clock();
    registry.set_coder(Arc::new(Assembler::with(Modules::load(config, setup)?)));
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    registry.set_workers(setup.workers.map_or_else(processors, usize::from));
    Ok(registry)
}

/// Refuses a program that names what nobody allows.
pub(crate) fn check_grants(registry: &Registry, manifest: &Manifest) -> Outcome<()> {
    let ungranted = registry.ungranted(manifest);
    if ungranted.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        ungranted.iter().map(|name| format!("\n  {}", way_out(name.kind, &name.name))).collect();
    Err(Failure::files(format!("the program names what nobody allows:{}", lines.concat())))
}

/// What the configuration says.
fn configured(registry: &mut Registry, config: &Config) -> Outcome<()> {
    let at = |key: &str, why: &dyn std::fmt::Display| {
        Failure::files(format!("{}: {key}: {why}", config.name()))
    };
    for (section, kind, names) in [
        ("models", NameKind::Model, &config.models),
        ("tools", NameKind::Tool, &config.tools),
        ("plugins", NameKind::Plugin, &config.plugins),
        ("chains", NameKind::Chain, &config.chains),
        ("subnets", NameKind::Subnet, &config.subnets),
    ] {
        for (name, provider) in names {
            let key = format!("{section}.{name}");
            let binding = binding(provider).map_err(|why| at(&key, &why))?;
            registry.bind(kind, name, binding).map_err(|error| at(&key, &error))?;
        }
    }
    type Bind = fn(&mut Registry, Binding) -> Result<(), BindError>;
    let slots: [(&str, &Option<Provider>, Bind); 4] = [
        ("sql", &config.sql, Registry::bind_sql),
        ("gpu", &config.gpu, Registry::bind_gpus),
        ("policy", &config.policy, Registry::bind_policy),
        ("advisor", &config.advisor, Registry::bind_advisor),
    ];
    for (key, provider, bind) in slots {
        let Some(provider) = provider else { continue };
        let binding = binding(provider).map_err(|why| at(key, &why))?;
        bind(registry, binding).map_err(|error| at(key, &error))?;
    }
    for (kind, names) in &config.grants {
        for name in names {
            grant(registry.grants_mut(), kind, name, Origin::Config)
                .map_err(|why| at(&format!("grants.{kind}"), &why))?;
        }
    }
    if !config.wallet.is_empty() {
        let wallet = wallet(&config.wallet, registry.grants_mut());
        registry.set_wallet(Arc::new(wallet.map_err(|why| at("wallet", &why))?));
    }
    Ok(())
}

/// What the command line says; its paths are relative to the current folder.
fn ordered(registry: &mut Registry, setup: &Setup) -> Outcome<()> {
    let models = setup.model.iter().map(|text| ("--model", Some("model"), text));
    let tools = setup.tool.iter().map(|text| ("--tool", Some("tool"), text));
    let others = setup.bind.iter().map(|text| ("--bind", None, text));
    for (option, kind, text) in models.chain(tools).chain(others) {
        let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{option} {text}: {why}"));
        let (name, provider) = text.split_once('=').ok_or_else(|| match kind {
            Some(_) => wrong(&"wants NAME=PROVIDER"),
            None => wrong(&"wants KIND:NAME=PROVIDER"),
        })?;
        let (kind, name) = match kind {
            Some(kind) => (kind, name),
            None => name.split_once(':').ok_or_else(|| wrong(&"wants KIND:NAME=PROVIDER"))?,
        };
        let kind = name_kind(kind).map_err(|why| wrong(&why))?;
        let here = Arc::new(Machine::at(Path::new(".").to_path_buf()));
        let binding = Binding { origin: Origin::Operator, host: Some(here), ..short(provider) };
        registry.bind(kind, name, binding).map_err(|error| wrong(&error))?;
    }
    for text in &setup.grant {
        let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("--grant {text}: {why}"));
        let (kind, name) = text.split_once(':').ok_or_else(|| wrong(&"wants KIND:NAME"))?;
        grant(registry.grants_mut(), kind, name, Origin::Operator).map_err(|why| wrong(&why))?;
    }
    Ok(())
}

/// A provider as the configuration writes it.
fn binding(provider: &Provider) -> Result<Binding, String> {
    let host: Option<Arc<dyn Host>> = Some(Arc::new(Machine::at(provider.folder.clone())));
    let mut table = match &provider.stated {
        Stated::Name(name) => return Ok(Binding { host, ..short(name) }),
        Stated::Table(table) => table.clone(),
    };
    match table.remove("use") {
        Some(toml::Value::String(provider)) => {
            Ok(Binding { table, host, ..Binding::to(&provider, Origin::Config) })
        }
        Some(_) => Err("use: wants the name of a provider".to_owned()),
        None => Err("the key \"use\", the name of a provider, is missing".to_owned()),
    }
}

/// A provider in one text: its name alone, or its name and the key that matters most, such as
/// `fixture:tweets.toml`, `command:python3 tool.py`, `http://127.0.0.1:8080/`.
fn short(text: &str) -> Binding {
    let with = |provider: &str, key: &str, value: toml::Value| {
        let table = toml::Table::from_iter([(key.to_owned(), value)]);
        Binding { table, ..Binding::to(provider, Origin::Config) }
    };
    match text.split_once(':') {
        Some(("http" | "https", _)) => with("http", "url", text.into()),
        Some(("command", line)) => {
            let words: Vec<&str> = line.split_whitespace().collect();
            with("command", "command", words.into())
        }
        Some(("builtin", _)) | None => Binding::to(text, Origin::Config),
        Some((provider, file)) => with(provider, "file", file.into()),
    }
}

fn name_kind(word: &str) -> Result<NameKind, String> {
    NameKind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
        let known: Vec<&str> = NameKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("there is no kind \"{word}\"; there are {}", known.join(", "))
    })
}

fn grant(grants: &mut Grants, kind: &str, name: &str, origin: Origin) -> Result<(), String> {
    let kind = name_kind(kind)?;
    match name {
        "" => return Err("wants a name, or * for all of the kind".to_owned()),
        "*" => grants.allow_kind(kind, origin),
        name => grants.allow(kind, name, origin),
    }
    Ok(())
}

/// The wallet, and its tokens granted.
fn wallet(balances: &BTreeMap<String, Written>, grants: &mut Grants) -> Result<Balances, String> {
    let mut wallet = Balances::default();
    for (token, amount) in balances {
        let amount: Gas = amount.to_string().parse().map_err(|_| {
            format!("{token}: wants a decimal number with at most nine decimals, such as 500")
        })?;
        wallet.0.insert(token.clone(), amount.0);
        grants.allow(NameKind::Token, token, Origin::Config);
    }
    Ok(wallet)
}
