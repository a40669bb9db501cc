//! What a new body of a region takes away from others, or takes from them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use super::GraftError;
use crate::{
    opcode::Opcode,
    program::{MAIN, Program, Region, Target},
};

/// All that speaks against `region` in the place of the region with this index, as far as other
/// regions and tests are concerned.
pub fn conflicts(program: &Program, index: usize, region: &Region) -> Vec<GraftError> {
    let mut found = Vec::new();
    let others = || program.regions.iter().enumerate().filter(|(at, _)| *at != index);
    let mut labels: BTreeMap<&str, &str> = BTreeMap::new();
    let mut functions: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, other) in others() {
        labels.extend(named_labels(other).map(|label| (label, other.name.as_str())));
        functions.extend(other.functions.iter().map(|f| (f.name.as_str(), other.name.as_str())));
    }
    let own_labels: BTreeSet<&str> = named_labels(region).collect();
    let params: BTreeMap<&str, u8> =
        region.functions.iter().map(|f| (f.name.as_str(), f.params)).collect();
    for label in &own_labels {
        // Labels that only the assembler writes belong to `main`.
        let owner = labels.get(label).copied().or(label.starts_with('@').then_some(MAIN));
        if let Some(owner) = owner {
            let (label, region) = (String::from(*label), String::from(owner));
            found.push(GraftError::LabelTaken { label, region });
        }
    }
    for function in params.keys() {
        if let Some(owner) = functions.get(function) {
            let (function, region) = (String::from(*function), String::from(*owner));
            found.push(GraftError::FunctionTaken { function, region });
        }
    }
    let Some(old) = program.regions.get(index) else { return found };
    let old_labels: BTreeSet<&str> = named_labels(old).collect();
    let old_functions: BTreeSet<&str> = old.functions.iter().map(|f| f.name.as_str()).collect();
    let users = others().map(|(_, region)| (format!("region `{}`", region.name), region));
    let tests = program.tests.iter().flat_map(|test| {
        [&test.given, &test.expect].map(|block| (format!("test \"{}\"", test.name), block))
    });
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for (user, code) in users.chain(tests) {
        for label in &code.labels {
            let name = label.name.as_str();
            if label.target == Target::Elsewhere
                && old_labels.contains(name)
                && !own_labels.contains(name)
                && told.insert(name)
            {
                let label = String::from(name);
                found.push(GraftError::LabelNeeded { label, user: user.clone() });
            }
        }
        let mut needed: BTreeMap<&str, usize> = BTreeMap::new();
        for import in code.imports.iter().filter(|i| old_functions.contains(i.as_str())) {
            needed.insert(import, 0);
        }
        for instr in code.code.iter().filter(|instr| instr.op == Opcode::CALL) {
            let Some(slots) = instr.slots(&code.pool) else { continue };
            let callee = slots.first().and_then(|slot| code.imports.get(usize::from(slot.0)));
            if let Some(most) = callee.and_then(|callee| needed.get_mut(callee.as_str())) {
                *most = (*most).max(slots.len() - 1);
            }
        }
        for (name, arguments) in needed {
            let function = String::from(name);
            let user = user.clone();
            match params.get(name) {
                None => found.push(GraftError::FunctionNeeded { function, user }),
                Some(&params) if arguments > usize::from(params) => {
                    found.push(GraftError::Parameters { function, user, arguments, params });
                }
                Some(_) => {}
            }
        }
    }
    found
}

fn named_labels(region: &Region) -> impl Iterator<Item = &str> {
    region
        .labels
        .iter()
        .filter(|label| matches!(label.target, Target::Here(_)) && !label.name.is_empty())
        .map(|label| label.name.as_str())
}
