//! The file in which an operator says what agents may do with their own code.
//!
//! ```toml
//! regions = ["STRATEGY"]            # the only ones that may be replaced
//! rewrites = 20                     # in a run
//! rate = { rewrites = 3, steps = 10000 }
//!
//! [perms]                           # what is left of the bits that the program gives
//! STRATEGY = ["read", "modify", "execute"]
//!
//! [names]                           # what patches may reach beyond the program's manifest
//! model = ["BertV4"]
//!
//! [patch]                           # what holds for the new code of every region
//! forbid = ["ledger", "chain", "PAY_AGENT"]
//! keep = ["LOG"]
//! max_instructions = 200
//! max_gas = "2.5"
//! not_dearer = true
//! tests_pass = true
//! invariants = ["cash >= 0"]
//!
//! [region.STRATEGY]                 # and for that of one region besides
//! allow = ["control", "data", "arith", "compare"]
//! names = { tool = ["Prices"] }
//!
//! [approval]                        # who has to agree, and to what
//! of = ["outside"]
//! needed = 2
//! keys = ["…", "…", "…"]
//! ```
//!
//! A misspelt limit must not be no limit: what nobody knows is an error, regions that the program does
//! not have included. `spec/policy.md` says what each clause refuses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    path::Path,
    sync::Arc,
};

use avm_asm::patch::condition;
use avm_ir::{
    Gas, Program,
    operand::NameKind,
    program::{Manifest, Perm, Perms},
};
use avm_vm::policy::{Approval, Invariant, MAX_LISTED, OpSet, Policy, Rate, Rules};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    config,
    exit::{Failure, Outcome},
    files,
    report::unhex,
};

/// Largest file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A word of the file and its place.
type Word = Spanned<String>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    regions: Option<Vec<Word>>,
    rewrites: Option<u32>,
    rate: Option<WrittenRate>,
    perms: BTreeMap<Word, Vec<Word>>,
    names: BTreeMap<Word, Vec<String>>,
    patch: WrittenRules,
    region: BTreeMap<Word, WrittenRules>,
    approval: Option<WrittenApproval>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRate {
    rewrites: u32,
    steps: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenRules {
    allow: Option<Vec<Word>>,
    forbid: Vec<Word>,
    keep: Vec<Word>,
    names: BTreeMap<Word, Vec<String>>,
    max_instructions: Option<u32>,
    #[serde(deserialize_with = "config::gas")]
    max_gas: Option<Gas>,
    not_dearer: bool,
    tests_pass: bool,
    invariants: Vec<Word>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenApproval {
    of: Option<Vec<Word>>,
    #[serde(default = "one")]
    needed: u32,
    #[serde(default)]
    keys: Vec<Word>,
}

const fn one() -> u32 {
    1
}

/// Reads a policy for a program; without one only the file itself is looked at, and what it asks to
/// hold is left out.
pub(crate) fn load(path: &Path, program: Option<&Program>) -> Outcome<Policy> {
    let text = files::read_text(path, MAX_BYTES)?;
    let written: Written = toml::from_str(&text)
        .map_err(|error| Failure::files(format!("{}: {error}", path.display())))?;
    let reader = Reader { path, text: &text, program };
    reader.policy(written)
}

/// What code under a policy may reach: the manifest and what patches may add.
pub(crate) fn reach(manifest: &Manifest, policy: Option<&Policy>) -> Manifest {
    let mut manifest = manifest.clone();
    if let Some(policy) = policy {
        manifest.names.extend(policy.names.iter().cloned());
    }
    manifest
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    program: Option<&'a Program>,
}

impl Reader<'_> {
    fn policy(&self, written: Written) -> Outcome<Policy> {
        let regions = written.regions.as_ref();
        let regions = regions.map(|regions| regions.iter().map(|region| self.region(region)));
        let policy = Policy {
            regions: regions.map(Iterator::collect).transpose()?,
            rewrites: written.rewrites,
            rate: written.rate.map(|rate| Rate { rewrites: rate.rewrites, steps: rate.steps }),
            perms: { written.perms.iter() }
                .map(|(region, bits)| Ok((self.region(region)?, self.perms(bits)?)))
                .collect::<Outcome<_>>()?,
            names: { self.names(&written.names)?.into_iter() }
                .flat_map(|(kind, names)| names.into_iter().map(move |name| (kind, name)))
                .collect(),
            patch: self.rules(&written.patch)?,
            region: { written.region.iter() }
                .map(|(region, rules)| Ok((self.region(region)?, self.rules(rules)?)))
                .collect::<Outcome<_>>()?,
            approval: written.approval.map(|written| self.approval(&written)).transpose()?,
        };
        let most = [policy.names.len(), policy.region.len(), policy.perms.len()];
        if most.into_iter().any(|listed| listed > MAX_LISTED) {
            let message = format!("{}: a policy lists at most {MAX_LISTED}", self.path.display());
            return Err(Failure::files(message));
        }
        Ok(policy)
    }

    fn rules(&self, written: &WrittenRules) -> Outcome<Rules> {
        let allow = written.allow.as_ref().map(|words| self.ops(words)).transpose()?;
        Ok(Rules {
            allow,
            forbid: self.ops(&written.forbid)?,
            keep: self.ops(&written.keep)?,
            names: self.names(&written.names)?,
            max_instructions: written.max_instructions,
            max_gas: written.max_gas.map(|gas| gas.0),
            bound: written.not_dearer,
            tests: written.tests_pass,
            invariants: self.invariants(&written.invariants)?,
        })
    }

    fn invariants(&self, written: &[Word]) -> Outcome<Vec<Invariant>> {
        let Some(program) = self.program else { return Ok(Vec::new()) };
        let one = |word: &Word| {
            let text = word.get_ref();
            let check = condition(program, text).map_err(|refused| self.wrong(word, &refused))?;
            Ok(Invariant { text: text.clone(), check: Arc::new(check) })
        };
        written.iter().map(one).collect()
    }

    fn approval(&self, written: &WrittenApproval) -> Outcome<Approval> {
        let keys = written.keys.iter().map(|key| {
            unhex(key.get_ref()).ok_or_else(|| {
                self.wrong(key, &"a public key is 64 hexadecimal digits, as `avm key` prints it")
            })
        });
        let keys: Vec<[u8; 32]> = keys.collect::<Outcome<_>>()?;
        if let Some((_, twice)) =
            { written.keys.iter().enumerate() }.find(|(at, _)| keys[..*at].contains(&keys[*at]))
        {
            return Err(self.wrong(twice, &"the key is listed twice"));
        }
        let voters = keys.len().max(1);
        if written.needed == 0 || written.needed as usize > voters {
            let message = format!(
                "{}: approval.needed: {} of {voters} can never agree; write 1 to {voters}",
                self.path.display(),
                written.needed
            );
            return Err(Failure::files(message));
        }
        let of = written.of.as_ref().map(|words| self.ops(words)).transpose()?;
        Ok(Approval { of, needed: written.needed, keys })
    }

    fn region(&self, word: &Word) -> Outcome<String> {
        let name = word.get_ref();
        let unknown = self.program.is_some_and(|program| program.region(name).is_none());
        if unknown {
            return Err(self.wrong(word, &format!("the program has no region {name}")));
        }
        Ok(name.clone())
    }

    fn perms(&self, words: &[Word]) -> Outcome<Perms> {
        words.iter().try_fold(Perms::default(), |perms, word| {
            let known = Perm::ALL.into_iter().find(|perm| perm.name() == word.get_ref());
            let known = known.ok_or_else(|| {
                let all = Perm::ALL.map(Perm::name).join(", ");
                self.wrong(word, &format!("no such permission; there are {all}"))
            })?;
            Ok(perms.with(known))
        })
    }

    fn names(
        &self,
        written: &BTreeMap<Word, Vec<String>>,
    ) -> Outcome<BTreeMap<NameKind, BTreeSet<String>>> {
        let kinds = written.iter().map(|(word, names)| {
            let kind = NameKind::by_name(word.get_ref()).ok_or_else(|| {
                let all = NameKind::ALL.map(NameKind::name).join(", ");
                self.wrong(word, &format!("no such kind of name; there are {all}"))
            })?;
            Ok((kind, names.iter().cloned().collect()))
        });
        kinds.collect()
    }

    fn ops(&self, words: &[Word]) -> Outcome<OpSet> {
        let mut all = OpSet::NONE;
        for word in words {
            let ops = OpSet::of(word.get_ref()).ok_or_else(|| {
                let message = "no instruction, family of instructions or kind of provider; \
                               `avm explain` lists the instructions, \"outside\" is all that ask somebody";
                self.wrong(word, &message)
            })?;
            all.extend(&ops);
        }
        Ok(all)
    }

    /// What is wrong with a word, and where it stands.
    fn wrong(&self, word: &Word, why: &dyn Display) -> Failure {
        let before = self.text.get(..word.span().start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let (path, word) = (self.path.display(), word.get_ref());
        Failure::files(format!("{path}:{line}:{column}: {word:?}: {why}"))
    }
}
