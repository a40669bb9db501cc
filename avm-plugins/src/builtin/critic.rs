//! `builtin:critic` as a provider.

use avm_ir::Value;
use serde::Deserialize;

use super::rules_or;
use crate::{
    model::decision,
    provider::{Call, Function, Manifest, Outcome, Plugin, Provider, Refusal, Reply},
    rules::Checks,
    settings::{BadSettings, Settings},
    shape::Shape,
};

/// Its only function.
const VALIDATE: &str = "validateDecision";

/// `builtin:critic`; see [`decision`].
#[derive(Clone, Debug)]
pub struct Critic {
    rules: Checks,
}

/// Keys of its configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// A file of checks in place of the embedded ones.
    rules: Option<String>,
}

impl Critic {
    /// With the checks of the file under `rules`, or the embedded ones.
    ///
    /// # Errors
    /// The file cannot be read, or has no checks.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let keys: Keys = settings.read()?;
        Ok(Self { rules: rules_or(settings, keys.rules, decision::CRITIC_RULES)? })
    }
}

impl Provider for Critic {
    fn manifest(&self) -> Manifest {
        let about = "a second opinion on a decision, by rules";
        let takes = "a decision; gives {approved, reasons}";
        let verdict =
            Shape::record([("approved", Shape::Bool), ("reasons", Shape::list(Shape::Text))]);
        Manifest::pure(about, vec![Function::new(VALIDATE, takes, Shape::Any, verdict)])
    }
}

impl Plugin for Critic {
    fn call(&self, _: &Call, function: &str, args: &Value) -> Outcome {
        if function != VALIDATE {
            return Err(Refusal::not_found(format!("there is no function \"{function}\"")));
        }
        let decision = match args {
            Value::List(list) => match list.as_slice() {
                [decision] => decision,
                items => {
                    let count = items.len();
                    return Err(Refusal::invalid(format!("wants one decision, found {count}")));
                }
            },
            other => other,
        };
        let verdict = decision::judge(&self.rules, decision)?;
        Ok(Reply::new(Value::Record(verdict.record), 0))
    }
}
