//! The providers of a run: embedded ones, bound by `avm.toml` and the command line.

use std::time::{SystemTime, UNIX_EPOCH};

use avm_plugins::{
    builtin::Collections,
    docs::persist::Library,
    registry::{Origin, Registry},
};

use crate::{
    cli::Run,
    config::{self, Config},
    exit::{Failure, Outcome},
};

/// Binds models, documents and the clock.
pub(crate) fn bind(run: &Run, config: &Config, library: Library) -> Outcome<Registry> {
    let mut registry = Registry::embedded();
    for (name, provider) in &config.models {
        registry
            .bind_model(name, provider, Origin::Config)
            .map_err(|error| Failure::files(format!("{}: models.{name}: {error}", config::NAME)))?;
    }
    for binding in &run.model {
        let Some((name, provider)) = binding.split_once('=') else {
            return Err(Failure::usage(format!("--model {binding}: wants NAME=PROVIDER")));
        };
        registry
            .bind_model(name, provider, Origin::Operator)
            .map_err(|error| Failure::usage(format!("--model {binding}: {error}")))?;
    }
    let place = match &run.store {
        Some(folder) => format!("kept in {}", folder.display()),
        None => "in memory".to_owned(),
    };
    registry.set_documents(Box::new(Collections::new(library, place)));
    registry.set_clock(Box::new(now));
    Ok(registry)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
