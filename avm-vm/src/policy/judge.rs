//! Whether the rules of a policy let a code take the place of another, as far as that can be told
//! without running it.

use alloc::{collections::BTreeMap, format, string::String};

use avm_ir::{
    Gas, Opcode, Schedule, Verified,
    bound::{Bound, Bounds, FunctionBound},
    program::{Patch, Perm, Region},
};

use super::{Clause, ClauseKind, Policy, Rules};

/// A region before and after it gets another code, in programs that are otherwise the same.
pub(crate) struct Judged<'a> {
    pub(crate) old: &'a Verified,
    pub(crate) new: &'a Verified,
    pub(crate) region: u32,
    pub(crate) patch: &'a Patch,
    pub(crate) schedule: &'a Schedule,
}

/// A refusal: the clause, and why.
type Refusal = (ClauseKind, String);

impl Policy {
    /// The first clause about the code itself that refuses it, and why.
    pub(crate) fn refusal(&self, judged: &Judged<'_>) -> Option<(Clause, String)> {
        let name = judged.patch.region.name.as_str();
        if let Some(why) = self.replaces(judged) {
            return Some((Clause { region: Some(name.into()), kind: ClauseKind::Perms }, why));
        }
        self.rules(name).find_map(|(own, rules)| {
            let (kind, why) = rules.refusal(judged)?;
            Some((Clause { region: own.map(String::from), kind }, why))
        })
    }
}

impl Policy {
    /// Why a patch wants more than to append, where the operator leaves no more than that.
    fn replaces(&self, judged: &Judged<'_>) -> Option<String> {
        let old = judged.before();
        if self.perms(&old.name, old.perms).has(Perm::Modify) {
            return None;
        }
        let attached = judged.old.program().attached().contains_key(&judged.region);
        let what = judged.patch.region.extends(old, attached).err()?;
        Some(format!("what only appends leaves what was there, and this changes {what}"))
    }
}

impl Rules {
    fn refusal(&self, judged: &Judged<'_>) -> Option<Refusal> {
        let new = &judged.patch.region;
        self.instructions(new)
            .or_else(|| self.fewer(judged.before(), new))
            .or_else(|| self.unlisted(judged.patch))
            .or_else(|| self.larger(new))
            .or_else(|| self.dearer(judged))
    }

    /// An instruction that is not allowed.
    fn instructions(&self, new: &Region) -> Option<Refusal> {
        { new.code.iter().enumerate() }.find_map(|(at, instr)| {
            let name = instr.op.mnemonic();
            if self.allow.is_some_and(|allowed| !allowed.has(instr.op)) {
                return Some((ClauseKind::Allow, format!("instruction {at} is {name}")));
            }
            let forbidden = self.forbid.has(instr.op);
            forbidden.then(|| (ClauseKind::Forbid, format!("instruction {at} is {name}")))
        })
    }

    /// Fewer of an instruction than there were.
    fn fewer(&self, old: &Region, new: &Region) -> Option<Refusal> {
        if self.keep.is_empty() {
            return None;
        }
        let (old, new) = (counts(old), counts(new));
        self.keep.iter().find_map(|op| {
            let (before, after) = (count(&old, op), count(&new, op));
            let why = || format!("it has {after} {} instead of {before}", op.mnemonic());
            (after < before).then(|| (ClauseKind::Keep, why()))
        })
    }

    /// A name that may not be reached. What the code reaches counts, not what the patch says of it,
    /// which may be less.
    fn unlisted(&self, patch: &Patch) -> Option<Refusal> {
        if self.names.is_empty() {
            return None;
        }
        let (names, computed) = patch.region.reached();
        let said = patch.manifest.names.iter().map(|(kind, name)| (*kind, name.as_str()));
        let name = names.into_iter().chain(said).find_map(|(kind, name)| {
            let listed = self.names.get(&kind)?;
            let why = || format!("it reaches {} \"{name}\"", kind.name());
            (!listed.contains(name)).then(why)
        });
        let mut kinds = computed.iter().chain(&patch.manifest.computed);
        let computed = || {
            let kind = kinds.find(|kind| self.names.contains_key(kind))?;
            Some(format!("it computes names of kind {}", kind.name()))
        };
        name.or_else(computed).map(|why| (ClauseKind::Names, why))
    }

    fn larger(&self, new: &Region) -> Option<Refusal> {
        let (most, has) = (self.max_instructions?, new.code.len());
        let why = || format!("it has {has} instructions, and {most} are allowed");
        (has > most as usize).then(|| (ClauseKind::MaxInstructions, why()))
    }

    /// A bound that is too large, or larger than before.
    fn dearer(&self, judged: &Judged<'_>) -> Option<Refusal> {
        if self.max_gas.is_none() && !self.bound {
            return None;
        }
        let new = Parts::of(judged.new, judged);
        if let Some(most) = self.max_gas
            && let Some(why) = new.over(most)
        {
            return Some((ClauseKind::MaxGas, why));
        }
        if !self.bound {
            return None;
        }
        Parts::of(judged.old, judged).grew(&new).map(|why| (ClauseKind::Bound, why))
    }
}

impl Judged<'_> {
    fn before(&self) -> &Region {
        &self.old.program().regions[self.region as usize]
    }
}

fn counts(region: &Region) -> BTreeMap<u8, usize> {
    let mut counts = BTreeMap::new();
    for instr in &region.code {
        *counts.entry(instr.op as u8).or_default() += 1;
    }
    counts
}

fn count(counts: &BTreeMap<u8, usize>, op: Opcode) -> usize {
    counts.get(&(op as u8)).copied().unwrap_or(0)
}

/// What the parts of a region that can be entered are bound to cost: its body, each function.
struct Parts<'a> {
    bounds: BTreeMap<String, Bound>,
    program: &'a Verified,
}

impl<'a> Parts<'a> {
    fn of(program: &'a Verified, judged: &Judged<'_>) -> Self {
        let all = Bounds::new(program, judged.schedule);
        let region = judged.region as usize;
        let code = &program.program().regions[region];
        let mut bounds = BTreeMap::new();
        if let (Some(body), true) = (all.regions.get(region), code.body_end() > 0) {
            bounds.insert(String::from("its body"), body.clone());
        }
        for FunctionBound { function, bound } in all.functions {
            if function.region == judged.region {
                let name = &code.functions[function.function as usize].name;
                bounds.insert(format!("function {name}"), bound);
            }
        }
        Self { bounds, program }
    }

    /// Why some part may cost more than so many nanogas.
    fn over(&self, most: u64) -> Option<String> {
        self.bounds.iter().find_map(|(part, bound)| match bound {
            Bound::Unbounded(_) => Some(format!("{part} has no bound")),
            Bound::Finite(sum) if sum.nanogas > most => Some(format!(
                "{part} costs up to {} gas, and {} is allowed",
                Gas(sum.nanogas),
                Gas(most)
            )),
            Bound::Finite(_) => None,
        })
    }

    /// Why some part may cost more than it did. What was not there before costs whoever calls it.
    fn grew(&self, new: &Self) -> Option<String> {
        new.bounds.iter().find_map(|(part, bound)| {
            let why = match (self.bounds.get(part)?, bound) {
                (Bound::Unbounded(_), _) => return None,
                (Bound::Finite(_), Bound::Unbounded(_)) => String::from("has no bound any more"),
                (Bound::Finite(old), Bound::Finite(now)) if now.nanogas > old.nanogas => {
                    format!("costs up to {} gas instead of {}", Gas(now.nanogas), Gas(old.nanogas))
                }
                (Bound::Finite(before), Bound::Finite(now)) => {
                    if now.others > before.others {
                        return Some(format!("{part} costs more by what it measures"));
                    }
                    let (before, now) =
                        (measured(self.program, before), measured(new.program, now));
                    let more = now.iter().find(|(op, times)| before.get(op) < Some(times))?;
                    let op = Opcode::from_byte(*more.0)?.mnemonic();
                    format!("costs more by what {op} measures")
                }
            };
            Some(format!("{part} {why}"))
        })
    }
}

/// How often each instruction counts that costs by what it measures.
fn measured(program: &Verified, sum: &avm_ir::bound::Sum) -> BTreeMap<u8, u64> {
    let mut times = BTreeMap::new();
    for part in &sum.parts {
        let region = program.program().regions.get(part.at.region as usize);
        if let Some(instr) = region.and_then(|region| region.code.get(part.at.pc as usize)) {
            let all: &mut u64 = times.entry(instr.op as u8).or_default();
            *all = all.saturating_add(part.times);
        }
    }
    times
}
