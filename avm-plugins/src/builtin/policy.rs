//! `builtin:policy`: roles and security rules from the operator's configuration.

use std::collections::BTreeMap;

use avm_ir::Value;
use avm_vm::FailureCode;
use serde::Deserialize;

use crate::{
    model::decision::bounded,
    provider::{Function, Manifest, Policy, Provider, Refusal},
    rules::Checks,
    settings::{BadSettings, Settings},
    shape::Shape,
};

/// `builtin:policy`: what is not permitted is refused.
#[derive(Clone, Debug)]
pub struct RulePolicy {
    rules: Option<Checks>,
    roles: BTreeMap<String, Vec<String>>,
}

/// Keys of its configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The file of checks for security checks.
    rules: Option<String>,
    /// What each role may do: actions, or beginnings of actions followed by `*`.
    #[serde(default)]
    roles: BTreeMap<String, Vec<String>>,
}

impl RulePolicy {
    /// With the checks of the file under `rules` and the actions under `roles`.
    ///
    /// # Errors
    /// The file cannot be read, or has no checks.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let keys: Keys = settings.read()?;
        let rules = keys.rules.map(|path| settings.toml(&path)).transpose()?;
        Ok(Self { rules, roles: keys.roles })
    }
}

impl Provider for RulePolicy {
    fn manifest(&self) -> Manifest {
        let about = "roles and security rules of the operator";
        let permits = Function::new("permits", "what a role may do", Shape::Any, Shape::Bool);
        let check = Function::new("check", "an object by the rules", Shape::Any, Shape::Any);
        Manifest::pure(about, vec![permits, check])
    }
}

impl Policy for RulePolicy {
    fn permits(&self, role: &str, action: &str) -> Result<bool, Refusal> {
        let Some(actions) = self.roles.get(role) else {
            let known: Vec<&str> = self.roles.keys().map(String::as_str).collect();
            return Err(Refusal::not_found(match known.as_slice() {
                [] => format!("there is no role \"{role}\"; write roles under [policy.roles]"),
                known => format!("there is no role \"{role}\"; there are {}", known.join(", ")),
            }));
        };
        Ok(actions.iter().any(|permitted| match permitted.strip_suffix('*') {
            Some(beginning) => action.starts_with(beginning),
            None => action == permitted,
        }))
    }

    fn check(&self, object: &Value) -> Result<(), Refusal> {
        let Some(rules) = &self.rules else {
            let message = "the policy has no security rules; name a file under [policy] rules";
            return Err(Refusal::new(FailureCode::NoProvider, message));
        };
        bounded(object)?;
        let verdict = rules.judge(object);
        if verdict.approved {
            return Ok(());
        }
        Err(Refusal::new(FailureCode::Denied, verdict.reasons.join("; ")))
    }
}
