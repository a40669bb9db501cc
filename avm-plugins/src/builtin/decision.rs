//! `builtin:decision` as a provider.

use avm_ir::Value;
use avm_vm::Spend;
use serde::Deserialize;

use super::rules_or;
use crate::{
    model::decision,
    provider::{Call, Function, Manifest, Model, Outcome, Provider, Reply, tokens_of},
    rules::Decisions,
    settings::{BadSettings, Settings},
    shape::Shape,
};

/// `builtin:decision`; see [`decision`].
#[derive(Clone, Debug)]
pub struct Decision {
    rules: Decisions,
    own: bool,
}

/// Keys of its configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// A file of rules in place of the embedded ones.
    rules: Option<String>,
}

impl Decision {
    /// With the rules of the file under `rules`, or the embedded ones.
    ///
    /// # Errors
    /// The file cannot be read, or has no rules that decide.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let keys: Keys = settings.read()?;
        let own = keys.rules.is_some();
        Ok(Self { rules: rules_or(settings, keys.rules, decision::DECISION_RULES)?, own })
    }
}

impl Provider for Decision {
    fn manifest(&self) -> Manifest {
        let whose = if self.own { "the operator's" } else { "the embedded" };
        let about = format!("decides by {whose} rules; has learnt nothing and gives no advice");
        let takes = "what the rules look at, such as a forecast";
        Manifest::pure(about, vec![Function::new("infer", takes, Shape::Any, Shape::Any)])
    }
}

impl Model for Decision {
    fn infer(&self, _: &Call, input: &Value) -> Outcome {
        let decision = decision::decide(&self.rules, input)?;
        let spent = Spend { tokens: self.most_tokens(input), ..Spend::NONE };
        Ok(Reply::new(decision, 0).spending(spent))
    }

    fn most_tokens(&self, input: &Value) -> u64 {
        // Rules write nothing; what is paid for is reading.
        tokens_of(input)
    }
}
