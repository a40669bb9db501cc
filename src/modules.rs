//! The code store: modules that an operator lays out for agents, which ask for them by name or hash
//! (whitepaper §9.2, X-28).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use avm_asm::{
    SourceFile,
    ast::Arena,
    parse::{MAX_SOURCE, parse},
    patch::{Reference, is_diff, reference},
    render::render,
};
use avm_ir::{
    FileId, Program, Severity, Value,
    program::{MAGIC, MAX_PROGRAM},
    wire::hex,
};
use avm_plugins::provider::Refusal;

use crate::{cli::Setup, config::Config, exit::Failure, exit::Outcome, files};

/// Most modules whose names a failure lists.
const LISTED: usize = 20;

/// A module: code that was looked at for its form alone. Whether it fits a region is seen when an
/// agent takes it, by the rules for all patches.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// BLAKE3 of its bytes.
    pub(crate) hash: [u8; 32],
    /// A text, or the bytes of a program.
    code: Value,
}

/// Modules by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Modules(BTreeMap<String, Module>);

impl Modules {
    /// The modules of the configuration and of the command line, which wins.
    pub(crate) fn load(config: &Config, setup: &Setup) -> Outcome<Self> {
        let mut modules = Self::default();
        if let Some(folder) = &config.code.folder {
            let at = |why: String| Failure::files(format!("{}: code.folder: {why}", config.name()));
            modules.add_folder(folder).map_err(at)?;
        }
        for (name, path) in &config.code.modules {
            let key = format!("{}: code.modules.{name}", config.name());
            modules.add(name, path).map_err(|why| Failure::files(format!("{key}: {why}")))?;
        }
        for text in &setup.module {
            let wrong = |why: &str| Failure::usage(format!("--module {text}: {why}"));
            let (name, path) = text.split_once('=').ok_or_else(|| wrong("wants NAME=FILE"))?;
            modules.add(name, Path::new(path)).map_err(|why| wrong(&why))?;
        }
        Ok(modules)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every module, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Module)> {
        self.0.iter().map(|(name, module)| (name.as_str(), module))
    }

    /// Every `.avm` and `.avmb` of a folder, without those below it, under its name there.
    fn add_folder(&mut self, folder: &Path) -> Result<(), String> {
        let entries = fs::read_dir(folder).map_err(|error| files::about(folder, error));
        let entries = entries.map_err(|failure| format!("{:#}", failure.error))?;
        for entry in entries {
            let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if !matches!(extension, Some("avm" | "avmb")) || path.is_dir() {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(other) = self.0.get(&name) {
                let (path, other) = (path.display(), other.path.display());
                return Err(format!("{path} and {other} have one name"));
            }
            self.add(&name, &path).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        Ok(())
    }

    /// A file under a name.
    fn add(&mut self, name: &str, path: &Path) -> Result<(), String> {
        if !matches!(reference(name), Some(Reference::Name(_))) {
            return Err(format!(
                "{name:?} is no name for a module; it wants letters, digits and _, and no \
                 instruction or keyword"
            ));
        }
        let module = Module::read(path)?;
        self.0.insert(name.to_owned(), module);
        Ok(())
    }

    /// The code of the module that is asked for.
    pub(crate) fn find(&self, wanted: Reference<'_>) -> Result<&Value, Refusal> {
        let (found, words) = match wanted {
            Reference::Name(name) => (self.0.get(name), format!("module \"{name}\"")),
            Reference::Hash(hash) => {
                let wanted = hash.to_ascii_lowercase();
                let found = self.0.values().find(|module| hex(&module.hash) == wanted);
                (found, format!("module of hash {wanted}"))
            }
        };
        found.map(|module| &module.code).ok_or_else(|| {
            Refusal::not_found(format!("the code store has no {words}; {}", self.names()))
        })
    }

    /// What there is, in words.
    fn names(&self) -> String {
        if self.0.is_empty() {
            return "it is empty; write [code.modules] in avm.toml or --module NAME=FILE".into();
        }
        let names: Vec<&str> = self.0.keys().take(LISTED).map(String::as_str).collect();
        let more = match self.0.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("there are {}{more}", names.join(", "))
    }
}

impl Module {
    fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let bytes = files::read(path, MAX_PROGRAM as u64);
        let bytes = bytes.map_err(|failure| format!("{:#}", failure.error))?;
        let hash = *blake3::hash(&bytes).as_bytes();
        if bytes.starts_with(&MAGIC) {
            let program = Program::from_bytes(&bytes);
            program.map_err(|error| format!("{shown}: not valid bytecode: {error}"))?;
            return Ok(Self { path: path.to_owned(), hash, code: Value::Bytes(bytes.into()) });
        }
        if bytes.len() > MAX_SOURCE {
            return Err(format!("{shown}: text larger than {MAX_SOURCE} bytes"));
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => text,
            _ => return Err(format!("{shown}: neither program text (UTF-8) nor bytecode")),
        };
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        if is_diff(&text) || reference(&text).is_some() {
            return Err(format!("{shown}: a diff or a name, not the code of a region"));
        }
        well_formed(path, &text)?;
        Ok(Self { path: path.to_owned(), hash, code: Value::from(text) })
    }
}

/// Whether a text can be read at all; what its names mean depends on the agent that takes it.
fn well_formed(path: &Path, text: &str) -> Result<(), String> {
    let arena = Arena::default();
    let (_, diagnostics, _) = parse(FileId(0), text, &arena);
    if diagnostics.iter().all(|report| report.severity != Severity::Error) {
        return Ok(());
    }
    let file = SourceFile { path: path.display().to_string(), text: text.to_owned() };
    Err(format!("it does not read as code\n{}", render(&diagnostics, &[file], false)))
}
