//! An agent that lets anybody replace its code: whatever bytes come as patches, nothing changes but
//! the regions that may, under an operator's policy in half of the runs, and the run can be repeated.

use std::sync::{Arc, LazyLock};

use avm_asm::{
    NoSources, Options, assemble,
    patch::{patch_text, region_text},
};
use avm_ir::{
    Instr, NameKind, Opcode, Program, Value,
    program::{MAIN, Patch, Perm, Perms},
};
use avm_vm::{
    Answer, Config, Image, Machine, Pause,
    journal::{Journal, Player, Recorder, Start, Stop, Writer},
    policy::{Policy, Vote, VoteError},
};

use crate::{
    Entropy,
    generate::{self, Shape},
    machine::{answer, config, image, within_limits},
    policies::{self, Guard},
};

/// Steps after which a run is cut short.
const STEPS: u64 = 3_000;

/// The agent, but for what its two regions do.
const AGENT: &str = "\
.input work = 5
.registers all, k, s, t, u, x
SELF_OBSERVER_MODE true
SET all = []
SET k = 0
:next
  SET k = k + 1
  IF k > work THEN
    RETURN all
  ENDIF
  SELF_MODIFY \"STRATEGY\", k -> s
  READ_FROM_TOOL \"alpha\", k -> t
  SELF_MODIFY_SANDBOX \"HELPER\", k, 2 -> t
  SELF_MODIFY_SANDBOX \"STRATEGY\", k -> t
  SET all = all + [decide(k)]
  CREATE_SYSTEM_CHECKPOINT \"here\"
  SELF_MODIFY \"HELPER\", k -> u
  JUMP in_helper
:back
  IF k == 3 THEN
    REVERT_CODE \"STRATEGY\", s.snapshot_id
    REVERT_CODE \"HELPER\", \"here\"
  ENDIF
  SELF_MODIFY \"SAFE\", k
  SELF_MODIFY \"NOTES\", k -> u
  CALL note, k
  CALL guard
JUMP next
.func poke(n)
  IF n > 1 THEN
    SELF_MODIFY \"STRATEGY\", n -> s
    SELF_MODIFY \"HELPER\", n -> s
  ENDIF
  RETURN n
.endfunc
";
const SAFE: &str = "\
.region SAFE detached perms=read,modify,execute,lock
.func guard()
  RETURN 1
.endfunc
.endregion
.test \"guarded\" region=HELPER
given x = 1
expect x == 1
.endtest
.test \"decided\" region=STRATEGY
answer READ_FROM_TOOL \"alpha\" -> 2
answer READ_FROM_TOOL fails \"no\"
answer SELF_MODIFY -> {status: \"OK\"}
expect decide(1) == 2
.endtest
";
/// A region that may only be appended to.
const NOTES: &str = "\
.region NOTES detached perms=append,execute
:noted
  LOG [\"noted\", k]
.func note(n)
  SET m = 0
  WHILE m < n DO
    SET m = m + 1
  ENDWHILE
  RETURN [m, \"kept\"]
.endfunc
.endregion
";
/// What is put behind it.
const ADDED: &[&str] = &[
    "LOG 2",
    ".func more()\n  RETURN [1, \"kept\"]\n.endfunc",
    "SET brand_new = note(2)\nJUMP noted\n.func other(n)\n  RETURN n\n.endfunc",
];
const STRATEGIES: &[&str] = &[
    "RETURN x + 1",
    "RETURN x * 10",
    "SET y = poke(x)\n  RETURN y + inner(x)",
    "SET k = 0\n  WHILE k < 4 DO\n    SET k = k + 1\n    CALL poke, k\n  ENDWHILE\n  RETURN [k, x]",
    "REVERT_CODE \"STRATEGY\", x\n  RETURN inner(x)",
    "SELF_OBSERVER_MODE false\n  RETURN x",
    "SELF_MODIFY \"STRATEGY\", \"again\" -> s\n  RETURN s.status",
    "RETURN decide(x - 1)",
    "READ_FROM_TOOL \"alpha\", x -> y\n  RETURN y",
    "SELF_MODIFY_SANDBOX \"STRATEGY\", x -> y\n  READ_FROM_TOOL \"alpha\", x + 1 -> z\n  RETURN [y, z]",
    "CREATE_SYSTEM_CHECKPOINT \"inside\" -> c\n  RETURN c",
    "READ_FROM_TOOL \"alpha\", x -> y\n  CALC_EMBED \"a\", \"Beta\" -> y\n  RETURN x + 1",
    "HALT",
];
const HELPERS: &[&str] = &[
    "SET x = 1",
    "SET x = x + 1\nSET brand_new = [x]",
    "CALL poke, 2 -> t",
    "SET another = decide(2)\nSET all = all + [another]",
    "REVERT_CODE \"STRATEGY\", \"here\"",
    "HALT",
];

/// What every run begins with.
struct Origin {
    program: Program,
    image: Arc<Image>,
    /// Patches as a host makes them.
    patches: Vec<Patch>,
}

static ORIGIN: LazyLock<Origin> = LazyLock::new(|| {
    let program = agent(STRATEGIES[0], HELPERS[0]);
    let others = STRATEGIES.iter().map(|text| agent(text, HELPERS[0]));
    let mut patches: Vec<Patch> = others.filter_map(|p| Patch::of(&p, "STRATEGY")).collect();
    let others = HELPERS.iter().map(|text| agent(STRATEGIES[0], text));
    patches.extend(others.filter_map(|p| Patch::of(&p, "HELPER")));
    let added = ADDED.iter().map(|text| patch_text(&program, "NOTES", text, true));
    let added = added.map(|patched| patched.expect("it assembles").program);
    patches.extend(added.filter_map(|p| Patch::of(&p, "NOTES")));
    patches.extend(["SAFE", "NOTES", MAIN].iter().filter_map(|name| Patch::of(&program, name)));
    Origin { image: image(&program), program, patches }
});

/// The agent as it begins.
pub(crate) fn self_testing() -> Arc<Image> {
    ORIGIN.image.clone()
}

fn agent(strategy: &str, helper: &str) -> Program {
    let source = format!(
        "{AGENT}.region STRATEGY detached perms=read,modify,execute\n.func decide(x)\n  {strategy}\n\
         .endfunc\n.func inner(x)\n  RETURN -x\n.endfunc\n.endregion\n\
         .region HELPER detached perms=read,modify,append,execute,fork,breed\n:in_helper\n{helper}\nJUMP back\n\
         .endregion\n{NOTES}{SAFE}"
    );
    let assembly = assemble("fuzz.avm", &source, &mut NoSources, &Options::default());
    let mut program =
        assembly.program.unwrap_or_else(|| panic!("{source}\n{:#?}", assembly.diagnostics));
    // Names that a patch may reach, so that some of what is generated is taken.
    let names = ["alpha", "Beta"].iter();
    let names = names.flat_map(|name| NameKind::ALL.map(|kind| (kind, (*name).to_owned())));
    program.manifest.names.extend(names);
    program
}

/// What some policies want to hold.
const HOLDS: &[&str] = &["k <= work + 1", "decide(0) != 7", "guard() == 1", "LEN(all) < 5"];

/// Runs one agent: once with a journal, then the journal, then in other slices over snapshots.
pub fn run(data: &[u8]) {
    patches(data);
}

/// The same; gives the number of answers to `SELF_MODIFY` and its sandbox in the first run.
pub(crate) fn patches(data: &[u8]) -> u64 {
    let mut entropy = Entropy::new(data);
    let origin = &*ORIGIN;
    let mut config = config(&mut entropy);
    if !entropy.once_in(8) {
        config = Config { gas: u64::MAX / 2, ..Config::default() };
    }
    if entropy.once_in(2) {
        let policy = policies::policy(&mut entropy, &origin.program, HOLDS);
        let bytes = policy.to_bytes();
        let again = Policy::read(&mut avm_ir::wire::Reader::new(&bytes));
        assert_eq!(again.as_ref(), Ok(&policy), "it comes back from its bytes");
        config.policy = Some(Arc::new(policy));
    }
    let Ok(mut machine) = Machine::new(origin.image.clone(), config.clone()) else { return 0 };
    let (writer, bytes) = Writer::new(&Start::of(&origin.image, config.clone()));
    let mut recorder = Recorder::new(writer, bytes);
    let mut guard = Guard::of(&machine);
    let mut whole = false;
    let mut host = Host { entropy: entropy.clone(), again: None, asked: 0 };
    while machine.steps() < STEPS && !whole {
        match machine.run(STEPS, &mut ()) {
            Pause::Slice => {}
            Pause::Effect(request) => {
                recorder.ask(&machine, &request);
                let answer = host.reply(request.opcode);
                recorder.answer(&mut machine, answer, &mut ()).expect("it waits for this one");
            }
            Pause::End(_) => {
                recorder.rest(&machine);
                whole = !host.votes(&mut machine, |machine, vote| recorder.vote(machine, vote));
                if whole {
                    // It stays at rest where it was, which is noted again.
                    recorder.rest(&machine);
                }
            }
        }
        unharmed(&machine, &mut guard);
    }

    if whole {
        let journal = &Journal::read(&recorder.take()).expect("it was just written");
        let mut player = Player::new(journal, origin.image.clone()).expect("it started before");
        assert_eq!(player.run(journal, &mut ()), Ok(Stop::Rested));
        same(player.machine(), &machine);
        unharmed(player.machine(), &mut guard);

        let mut hops = Entropy::new(&data[data.len() / 2..]);
        let mut again = Machine::new(origin.image.clone(), config).expect("it started before");
        let mut host = Host { entropy, again: None, asked: 0 };
        loop {
            if hops.once_in(3) {
                let bytes = again.snapshot();
                let restored =
                    Machine::restore(origin.image.clone(), &bytes).expect("it was just written");
                assert_eq!(restored.snapshot(), bytes, "one state has one form");
                same(&restored, &again);
                again = restored;
            }
            match again.run(1 + hops.below(90) as u64, &mut ()) {
                Pause::Slice => {}
                Pause::Effect(request) => {
                    let answer = host.reply(request.opcode);
                    again.answer(request.id, answer, &mut ()).expect("it waits for this one");
                }
                Pause::End(_) if host.votes(&mut again, Machine::vote) => {}
                Pause::End(_) => break,
            }
        }
        same(&again, &machine);
    }
    host.asked
}

/// Whoever answers and votes.
struct Host<'a> {
    entropy: Entropy<'a>,
    /// A patch that was voted on, to be given once more.
    again: Option<Vec<u8>>,
    /// Answers to those who asked for a patch.
    asked: u64,
}

impl Host<'_> {
    fn reply(&mut self, op: Opcode) -> Answer {
        self.asked += u64::from(rewrites(op));
        let again = self.again.take();
        match again.filter(|_| rewrites(op) && !self.entropy.once_in(4)) {
            Some(bytes) => Answer::output(Value::Bytes(bytes.into()), 0),
            None => reply(&mut self.entropy, op),
        }
    }

    /// Votes a few times; gives whether the run goes on.
    fn votes(
        &mut self,
        machine: &mut Machine,
        mut say: impl FnMut(&mut Machine, &Vote) -> Result<(), VoteError>,
    ) -> bool {
        let Some(wanted) = machine.unapproved_patch() else { return false };
        self.again = Some(wanted.patch.to_bytes());
        for _ in 0..1 + self.entropy.below(8) {
            policies::vote(&mut self.entropy, machine, &mut say);
            if machine.end().is_none() {
                return true;
            }
        }
        false
    }
}

const fn rewrites(op: Opcode) -> bool {
    matches!(op, Opcode::SELF_MODIFY | Opcode::SELF_MODIFY_SANDBOX)
}

fn same(one: &Machine, other: &Machine) {
    assert_eq!(one.state_hash(), other.state_hash());
    assert_eq!(one.image().program_hash(), other.image().program_hash(), "the same code");
}

/// Nothing has changed that must not.
fn unharmed(machine: &Machine, guard: &mut Guard) {
    within_limits(machine);
    guard.look(machine);
    let (now, before) = (machine.image().program(), &ORIGIN.program);
    assert_eq!(now.regions.len(), before.regions.len());
    for (now, before) in now.regions.iter().zip(&before.regions) {
        assert_eq!((&now.name, now.perms), (&before.name, before.perms));
        assert_eq!((&now.inputs, &now.outputs), (&before.inputs, &before.outputs));
        let (modify, append) = (before.perms.has(Perm::Modify), before.perms.has(Perm::Append));
        if before.name == MAIN || before.perms.has(Perm::Lock) || !modify && !append {
            assert_eq!(now, before, "it may not be replaced");
        }
    }
    if now.region("NOTES") != before.region("NOTES") {
        appended(now);
    }
    assert_eq!((&now.inputs, &now.tests), (&before.inputs, &before.tests));
    let mut manifest = before.manifest.clone();
    if let Some(policy) = machine.policy() {
        manifest.names.extend(policy.names.iter().cloned());
    }
    assert_eq!(now.manifest, manifest);
    assert_eq!(now.registers[..before.registers.len()], before.registers[..]);
}

/// The canonical text says of a region that may only be appended to that nothing is gone of it.
fn appended(now: &Program) {
    let blocks = |program: &Program| -> Option<Vec<String>> {
        let text = region_text(program, "NOTES").ok()?;
        let (body, functions) = text.split_once(".func ")?;
        // The end of the body goes without saying.
        let body = body.trim_end().trim_end_matches("HALT").trim_end();
        let functions = functions.split(".func ").map(|text| {
            let end = text.find(".endfunc").unwrap_or(text.len());
            text.get(..end).unwrap_or(text)
        });
        Some([body].into_iter().chain(functions).map(str::to_owned).collect())
    };
    let (Some(now), Some(before)) = (blocks(now), blocks(&ORIGIN.program)) else { return };
    assert!(now[0].starts_with(&before[0]), "{now:#?}");
    assert_eq!(now[1..before.len()], before[1..]);
}

fn reply(entropy: &mut Entropy<'_>, op: Opcode) -> Answer {
    if !rewrites(op) || entropy.once_in(30) {
        return answer(entropy);
    }
    Answer::output(Value::Bytes(Arc::new(attempt(entropy))), entropy.below(1000) as u64)
}

/// Bytes that are given as a patch.
fn attempt(entropy: &mut Entropy<'_>) -> Vec<u8> {
    if entropy.once_in(20) {
        return (0..entropy.below(200)).map(|_| entropy.u8()).collect();
    }
    let mut patch = entropy.pick(&ORIGIN.patches).clone();
    if entropy.once_in(8) {
        // Other code altogether.
        let other = generate::program(entropy, Shape { block: 10, ..Shape::ANY });
        let region = entropy.pick(&other.regions).clone();
        if entropy.once_in(4) {
            patch.manifest = other.manifest;
        }
        let labels = region.labels.iter().filter(|label| !label.name.starts_with('@')).cloned();
        patch.region.labels = labels.collect();
        if !entropy.once_in(4) {
            patch.region.functions.clone_from(&region.functions);
        }
        patch.region = avm_ir::program::Region {
            name: patch.region.name,
            perms: patch.region.perms,
            inputs: patch.region.inputs,
            outputs: patch.region.outputs,
            ..region
        };
    }
    if entropy.once_in(2) {
        for _ in 0..=entropy.below(3) {
            change(entropy, &mut patch);
        }
    }
    let mut bytes = patch.to_bytes();
    if entropy.once_in(4) {
        for _ in 0..=entropy.below(2) {
            let at = entropy.below(bytes.len());
            match entropy.below(5) {
                0 => bytes[at] ^= 1 << entropy.below(8),
                1 => bytes[at] = entropy.u8(),
                2 => bytes.truncate(at),
                3 => drop(bytes.remove(at)),
                _ => bytes.insert(at, entropy.u8()),
            }
            if bytes.is_empty() {
                break;
            }
        }
    }
    bytes
}

/// Changes something of a patch that still decodes, mostly.
fn change(entropy: &mut Entropy<'_>, patch: &mut Patch) {
    let region = &mut patch.region;
    let names = [MAIN, "STRATEGY", "HELPER", "SAFE", "NOTES", "NEW"];
    match entropy.below(13) {
        12 => patch.manifest = avm_ir::program::Manifest::default(),
        0 => region.perms = Perms(entropy.u8()),
        1 => region.name = (*entropy.pick(&names)).into(),
        2 => region.inputs.push(entropy.u8()),
        3 => region.outputs.push(entropy.u8()),
        4 => patch.registers.push(format!("more_{}", entropy.below(300))),
        5 => patch.registers.truncate(entropy.below(8)),
        6 => {
            let name = (*entropy.pick(&["alpha", "Bank"])).to_owned();
            patch.manifest.names.insert((*entropy.pick(&NameKind::ALL), name));
        }
        7 => drop(patch.manifest.computed.insert(*entropy.pick(&NameKind::ALL))),
        8 if !region.functions.is_empty() => {
            let at = entropy.below(region.functions.len());
            let func = &mut region.functions[at];
            match entropy.below(4) {
                0 => func.name = (*entropy.pick(&["guard", "poke", "decide", "inner"])).into(),
                1 => func.params = entropy.u8(),
                2 => func.registers = entropy.u8(),
                _ => func.entry = entropy.below(10) as u32,
            }
        }
        9 if !region.code.is_empty() => {
            let at = entropy.below(region.code.len());
            region.code.insert(at, Instr::bare(*entropy.pick(Opcode::ALL)));
        }
        _ if !region.code.is_empty() => {
            let at = entropy.below(region.code.len());
            let mut bytes = region.code[at].to_bytes();
            bytes[entropy.below(8)] = entropy.u8();
            if let Some(instr) = Instr::from_bytes(bytes) {
                region.code[at] = instr;
            }
        }
        _ => {}
    }
}
