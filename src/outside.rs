//! Runs that the debugger goes on with: who answers them, and where they are kept.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use avm_dbg::live::{Home, Outside};
use avm_ir::{Reach, program::Manifest};
use avm_plugins::registry::Registry;
use avm_vm::{
    Answer, EffectRequest, Machine, Spend,
    journal::{Event, Link, Start},
};

use crate::{
    cli::Setup,
    config,
    exit::{Failure, Outcome},
    journal::{self, Kept},
    library,
    output::note,
    providers,
    random::random,
    run_dir::RunDir,
    state_file,
};

/// A run that is looked at while it goes.
pub(crate) struct Watched {
    file: Kept,
    kept: RunDir,
    providers: Providers,
    /// File of `--state`.
    state: Option<PathBuf>,
    /// Who signs its journal.
    signer: Option<[u8; 32]>,
}

/// Who answers a run.
enum Providers {
    Bound(Box<Registry>),
    /// Bound when the first of them is asked: many runs are forked to ask nobody.
    Later(Box<Later>),
}

/// What providers are made from.
#[derive(Clone)]
struct Later {
    program: PathBuf,
    setup: Setup,
    manifest: Manifest,
    /// What the run went through before.
    answered: Vec<EffectRequest>,
}

impl Later {
    fn bind(&self) -> Outcome<Registry> {
        let config = config::load(&self.program, self.setup.config.as_deref())?;
        let mut library = library::open(self.setup.store.as_deref())?;
        library::index(&mut library, &config.docs, &self.setup.docs, &self.manifest)?;
        let mut registry = providers::bind(&self.setup, &config, &self.program, library)?;
        providers::check_grants(&registry, &self.manifest)?;
        self.answered.iter().for_each(|request| registry.rehearse(request));
        Ok(registry)
    }
}

impl Providers {
    fn registry(&mut self) -> Outcome<&mut Registry> {
        if let Self::Later(later) = self {
            *self = Self::Bound(Box::new(later.bind()?));
        }
        match self {
            Self::Bound(registry) => Ok(registry),
            Self::Later(_) => Err(Failure::files("providers that are not bound")),
        }
    }
}

impl Watched {
    /// A run before its first instruction; its journal is created, in a file of its own or in its
    /// folder.
    pub(crate) fn begin(
        registry: Registry,
        mut kept: RunDir,
        journal: Option<&Path>,
        state: Option<PathBuf>,
        signer: Option<[u8; 32]>,
    ) -> Outcome<Self> {
        let path = match journal {
            Some(file) => {
                kept.journal_in(file);
                file.to_owned()
            }
            None => kept.begin()?,
        };
        let providers = Providers::Bound(Box::new(registry));
        Ok(Self { file: Kept::create(&path)?, kept, providers, state, signer })
    }
}

/// What the debugger shows of a failure.
fn told(failure: Failure) -> String {
    format!("{:#}", failure.error)
}

impl Outside for Watched {
    fn name(&self) -> String {
        self.kept.name_of(self.file.path())
    }

    fn keep(&mut self, bytes: &[u8], reach: Option<Reach>) -> Result<(), String> {
        self.file.write(bytes).map_err(told)?;
        match reach {
            Some(reach) if reach.is_lasting() => self.file.sync().map_err(told),
            _ => Ok(()),
        }
    }

    fn answer(&mut self, request: &EffectRequest) -> Result<Answer, String> {
        let registry = self.providers.registry().map_err(told)?;
        let begin = Instant::now();
        let answer = registry.answer(request);
        // Time that passes while somebody looks at the run is not the run's; what a provider takes
        // is, where it is limited.
        let most = request.max_spend.wall;
        let wall = match most {
            u64::MAX => 0,
            most => u64::try_from(begin.elapsed().as_millis()).unwrap_or(most).min(most),
        };
        Ok(Answer { spent: Spend { wall, ..answer.spent }, ..answer })
    }

    fn sign(&mut self, link: &Link) -> Option<Event> {
        self.signer.as_ref().map(|secret| journal::signed(secret, link))
    }

    fn rest(&mut self, machine: &Machine, link: &Link) -> Result<(), String> {
        if let Some(path) = &self.state {
            state_file::save(path, &machine.keepsake()).map_err(told)?;
        }
        if let Providers::Bound(registry) = &mut self.providers {
            registry.flush().map_err(|failure| format!("store: {failure}"))?;
        }
        if !machine.is_suspended() {
            return Ok(());
        }
        let registry = self.providers.registry().map_err(told)?;
        let kept = self.kept.keep(machine, registry, Some(*link), true).map_err(told)?;
        if let Some(kept) = kept {
            note(&format!("kept in {}; {}", kept.folder, kept.next));
        }
        Ok(())
    }
}

/// Where runs that are forked go: into folders of their own, like every run.
pub(crate) struct Forks {
    later: Later,
    /// A folder for the next one, if somebody named it.
    named: Option<PathBuf>,
}

impl Forks {
    /// Of a run of a program that began with these options.
    pub(crate) fn of(program: &Path, setup: &Setup, manifest: &Manifest) -> Self {
        let later = Later {
            program: program.to_owned(),
            setup: setup.clone(),
            manifest: manifest.clone(),
            answered: Vec::new(),
        };
        Self { later, named: None }
    }

    /// The next one goes into this folder.
    pub(crate) fn into(self, named: Option<PathBuf>) -> Self {
        Self { named, ..self }
    }
}

impl Home for Forks {
    fn fork(
        &mut self,
        start: &mut Start,
        answered: &[EffectRequest],
    ) -> Result<Box<dyn Outside>, String> {
        start.config.run = random().map_err(told)?;
        let Later { program, setup, .. } = &self.later;
        let named = self.named.take();
        let kept = RunDir::plan(named.as_deref(), program, None, setup);
        let mut kept = kept.map_err(told)?;
        let path = kept.begin().map_err(told)?;
        let providers =
            Providers::Later(Box::new(Later { answered: answered.to_vec(), ..self.later.clone() }));
        let file = Kept::create(&path).map_err(told)?;
        Ok(Box::new(Watched { file, kept, providers, state: None, signer: None }))
    }

    fn answers(&self) -> bool {
        true
    }
}
