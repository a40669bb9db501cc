//! Patches that try to get out: each says what it is after, and is refused or gains nothing.

use std::sync::Arc;

use avm_asm::patch::{condition, patch_text};
use avm_ir::{
    NameKind, Program, Schedule, Value,
    gas::GAS,
    program::{Label, Patch, Perms, Target},
};
use avm_vm::{
    Config, Image, Machine,
    policy::{Invariant, OpSet, Policy, Rules},
};

use super::super::{answer, ended, run};

/// An agent whose checks are locked, and what an attacker would like to have.
const AGENT: &str = "\
.registers cash, seen
SET cash = 10
SET seen = []
SELF_OBSERVER_MODE true
SET name = \"STRATEGY\"
SELF_MODIFY name, \"new\"
SELF_INTROSPECT \"last_failure\" -> why
SET seen = seen + [decide(1)]
CALL audit
READ_FROM_TOOL \"Bank\", NULL -> b
RETURN [cash, seen, why]
:public
SELF_READ \"STRATEGY\" -> s
RETURN \"out\"

.region STRATEGY detached perms=read,modify,execute
.func decide(x)
  RETURN x + 1
.endfunc
.endregion
.region OTHER detached perms=read,modify,execute
.func other(x)
  RETURN x
.endfunc
.endregion
.region CHECKS detached perms=read,execute,lock
SET cash = cash - 1
:paid
SET cash = cash + 100
.func audit()
  LOG \"audited\"
.endfunc
.endregion
.test \"one more\" region=STRATEGY
expect decide(1) == 2
.endtest
";

fn agent() -> Program {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", AGENT, &mut avm_asm::NoSources, &options);
    assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics))
}

fn patch(region: &str, text: &str) -> Patch {
    let patched = patch_text(&agent(), region, text, false);
    let patched = patched.unwrap_or_else(|refused| panic!("{text}\n{refused}"));
    Patch::of(&patched.program, region).expect("it has the region")
}

/// What became of an agent that was given a patch, under a policy.
fn under(policy: Option<Policy>, patch: &Patch) -> Machine {
    let image = Image::new(avm_ir::verify(agent()).expect("it verifies"), &Schedule::v1());
    let config = Config { gas: 1000 * GAS, policy: policy.map(Arc::new), ..Config::default() };
    let mut machine = Machine::new(Arc::new(image), config).expect("it starts");
    run(&mut machine, |_| answer(patch));
    machine
}

/// Refused for this reason; everything is what it was.
fn refused(policy: Option<Policy>, patch: &Patch, why: &str) {
    let machine = under(policy, patch);
    let said = avm_ir::value::to_json(&ended(&machine));
    assert!(said.starts_with("[10,[2],\"") && said.contains(why), "{why}\n{said}");
    assert!(machine.versions().is_empty(), "{why}");
    let regions = &machine.image().program().regions;
    assert_eq!(*regions, agent().regions, "{why}");
    assert_eq!(machine.log().count(), 1, "it is audited all the same");
}

/// Taken, and this is what it gave.
fn taken(policy: Option<Policy>, patch: &Patch, result: &str) -> Machine {
    let machine = under(policy, patch);
    assert_eq!(avm_ir::value::to_json(&ended(&machine)), result);
    assert_eq!(machine.versions().len(), 2);
    machine
}

fn rules(rules: Rules) -> Option<Policy> {
    Some(Policy { patch: rules, ..Policy::default() })
}

fn holds(text: &str) -> Option<Policy> {
    let check = Arc::new(condition(&agent(), text).expect("it fits the agent"));
    rules(Rules { invariants: vec![Invariant { text: text.into(), check }], ..Rules::default() })
}

fn tests_pass() -> Option<Policy> {
    rules(Rules { tests: true, ..Rules::default() })
}

const FUNC: &str = ".func decide(x)\n  RETURN x + 1\n.endfunc";

/// Locked code is entered where the program says so and nowhere else: at its first instruction, at
/// labels that it names, and at its functions. Whoever wants a check to happen as a whole puts it into
/// a function.
#[test]
fn jumps_into_locked_code() {
    // What is named is named for everybody.
    let text = format!("JUMP paid\n{FUNC}");
    let machine = taken(None, &patch("STRATEGY", &text), "[10,[2],null]");
    assert_eq!(machine.log().count(), 1);
    // Labels without a name, and places that are not labels, are out of reach.
    for name in ["", "@main.end", "@CHECKS.end", "audit", "nowhere"] {
        let mut forged = patch("STRATEGY", &text);
        for label in &mut forged.region.labels {
            if label.name == "paid" {
                label.name = name.into();
            }
        }
        refused(None, &forged, "is defined nowhere");
    }
    // From inside a function there is no way out but by returning.
    let inside = ".func decide(x)\n  SET y = x\n:here\n  RETURN y\n.endfunc";
    let mut forged = patch("STRATEGY", &text);
    let body = patch("STRATEGY", inside);
    forged.region.functions.clone_from(&body.region.functions);
    forged.region.functions[0].entry = 0;
    refused(None, &forged, "");
}

#[test]
fn names_of_others() {
    let good = patch("STRATEGY", FUNC);
    let with = |change: &dyn Fn(&mut Patch)| {
        let mut forged = good.clone();
        change(&mut forged);
        forged
    };
    // Another region's name, or one that the program does not have.
    for name in ["main", "CHECKS", "OTHER", "@STRATEGY", ""] {
        refused(None, &with(&|p| p.region.name = name.into()), "the patch");
    }
    // Bits, interface.
    for bits in [0, 1, 0x7F, 0xFF] {
        refused(None, &with(&|p| p.region.perms = Perms(bits)), "");
    }
    refused(None, &with(&|p| p.region.inputs.push(0)), "interface");
    // A label or a function that another region has.
    for name in ["paid", "public", "@CHECKS", "@main"] {
        let label = Label { name: name.into(), target: Target::Here(0) };
        refused(None, &with(&|p| p.region.labels.insert(0, label.clone())), "");
    }
    let double = |name: &str| {
        let text = format!("{FUNC}\n.func extra(x)\n  RETURN 0\n.endfunc");
        let mut forged = patch("STRATEGY", &text);
        forged.region.functions[1].name = name.into();
        forged
    };
    for name in ["audit", "other", "decide"] {
        refused(None, &double(name), "");
    }
    // Names that the program does not reach, said and unsaid.
    let tool = (NameKind::Tool, String::from("Vault"));
    refused(None, &with(&|p| p.manifest.names.extend([tool.clone()])), "Vault");
    refused(None, &with(&|p| p.manifest.computed.extend([NameKind::Tool])), "computes");
    let reads = ".func decide(x)\n  READ_FROM_TOOL \"Bank\", x -> y\n  RETURN x + 1\n.endfunc";
    let mut forged = patch("STRATEGY", reads);
    for value in &mut forged.region.consts {
        if *value == Value::text("Bank") {
            *value = Value::text("Vault");
        }
    }
    refused(None, &forged, "Vault");
    // Registers of the agent under another name.
    refused(None, &with(&|p| p.registers.swap(0, 1)), "registers");
}

/// A policy looks at what the code reaches, not at what the patch says that it reaches.
#[test]
fn a_patch_that_hides_its_names() {
    let reads = ".func decide(x)\n  READ_FROM_TOOL \"Bank\", x -> y\n  RETURN x + 1\n.endfunc";
    let mut forged = patch("STRATEGY", reads);
    let listed = || {
        let names = [(NameKind::Tool, ["Prices".to_owned()].into())].into();
        rules(Rules { names, ..Rules::default() })
    };
    let clause = "policy clause patch.names: it reaches tool";
    refused(listed(), &forged, clause);
    forged.manifest.names.clear();
    refused(listed(), &forged, clause);
}

/// Code that ends the run does not pass what would have looked at it.
#[test]
fn halting_instead_of_being_looked_at() {
    let halts = patch("STRATEGY", ".func decide(x)\n  HALT\n.endfunc");
    refused(tests_pass(), &halts, "policy clause patch.tests_pass: one more: ");
    refused(holds("decide(5) == 6"), &halts, "policy clause patch.invariants: decide(5) == 6 ");
    // Only in one of several.
    let sometimes = ".func decide(x)\n  IF x > 4 THEN\n    HALT\n  ENDIF\n  RETURN x + 1\n.endfunc";
    refused(holds("decide(1) == decide(5) - 4"), &patch("STRATEGY", sometimes), "patch.invariants");
    // Before the test looks at what the region did, which would see the function's registers.
    let body = format!("CALL decide, 1\n{}", sometimes.replace("x > 4", "x == 1"));
    refused(tests_pass(), &patch("STRATEGY", &body), "a function of region STRATEGY ended the run");
}

/// A region that may change itself cannot make others change more than they may.
#[test]
fn a_patch_to_the_patcher() {
    let text =
        ".func decide(x)\n  SET t = \"TARGET\"\n  SELF_MODIFY t, \"new\"\n  RETURN x + 1\n.endfunc";
    for target in ["CHECKS", "main", "NOWHERE"] {
        let patch = patch("STRATEGY", &text.replace("TARGET", target));
        let machine = taken(None, &patch, "[10,[2],null]");
        assert_eq!(machine.current_versions(), [(1, 2)], "{target}");
        assert_eq!(machine.image().program().regions[3], agent().regions[3], "{target}");
    }
    // Where the operator lists the regions, the new code is as bound as the old one.
    let regions = Some(["STRATEGY".to_owned()].into());
    let policy = Policy { regions, ..Policy::default() };
    let attack = patch("STRATEGY", &text.replace("TARGET", "OTHER"));
    let machine = taken(Some(policy), &attack, "[10,[2],null]");
    assert_eq!(machine.current_versions(), [(1, 2)]);
    // And where it may not have the instruction, it never comes to be.
    let forbid = OpSet::of("SELF_MODIFY").expect("an instruction");
    refused(rules(Rules { forbid, ..Rules::default() }), &attack, "patch.forbid: instruction");
}

/// What runs in a test leaves nothing but what the test says, and what it costs is paid.
#[test]
fn tests_that_leak() {
    let leaks = [
        "KV_STORE \"stolen\", x",
        "LOG \"here\"",
        "CREATE_SYSTEM_CHECKPOINT \"mine\" -> y",
        "REVERT_CODE \"STRATEGY\", 0",
        "SELF_OBSERVER_MODE false",
        "SELF_MODIFY \"STRATEGY\", \"again\"",
        "SELF_MODIFY_SANDBOX \"STRATEGY\", \"again\"",
        "SAVE_EXECUTION_STATE x",
    ];
    for leak in leaks {
        let text = format!(".func decide(x)\n  {leak}\n  RETURN x - 1\n.endfunc");
        let (policy, why) = (tests_pass(), "patch.tests_pass: one more: ");
        refused(policy, &patch("STRATEGY", &text), why);
        let machine = under(tests_pass(), &patch("STRATEGY", &text));
        assert_eq!((machine.store().count(), machine.checkpoints().len()), (0, 0), "{leak}");
        assert!(machine.observes(), "{leak}");
    }
}

/// Tests and what has to hold ask nobody, and so run no further tests.
#[test]
fn tests_in_tests_have_an_end() {
    let again = ".func decide(x)\n  SELF_MODIFY_SANDBOX \"STRATEGY\", \"x\", 1000\n  RETURN decide(x)\n.endfunc";
    refused(tests_pass(), &patch("STRATEGY", again), "patch.tests_pass: one more: ");
    let spins = ".func decide(x)\n  WHILE true DO\n    NOP\n  ENDWHILE\n.endfunc";
    let machine = under(holds("decide(1) == 2"), &patch("STRATEGY", spins));
    // Ten gas for what does not hold, and the code's price; then the agent runs its old code.
    let (used, price) = (machine.gas_used(), 50 * GAS);
    assert!((price + 10 * GAS..price + 40 * GAS).contains(&used), "{used}");
}

/// Code can find out that it is being tested, since tests have a budget of their own and nobody to ask.
/// Whoever relies on tests forbids what tells it.
#[test]
fn code_that_behaves_while_it_is_looked_at() {
    let liar = ".func decide(x)\n  READ_FROM_TOOL \"Bank\", x -> y\n  IF lastPluginFailed THEN\n    RETURN x + 1\n  ENDIF\n  RETURN 666\n.endfunc";
    let liar = patch("STRATEGY", liar);
    taken(tests_pass(), &liar, "[10,[666],null]");
    let forbid = OpSet::of("outside").expect("it is known");
    refused(rules(Rules { tests: true, forbid, ..Rules::default() }), &liar, "patch.forbid");
}

/// What a patch costs is paid whatever its size and whatever is asked of it, up to the last unit.
#[test]
fn gas_at_the_edges() {
    let image = || Image::new(avm_ir::verify(agent()).expect("it verifies"), &Schedule::v1());
    let long = format!(".func decide(x)\n{}  RETURN x + 1\n.endfunc", "  NOP\n".repeat(1000));
    let long = patch("STRATEGY", &long);
    for gas in [0, 1, 50 * GAS, 100 * GAS, 560 * GAS, u64::MAX - 1, u64::MAX] {
        for policy in [None, tests_pass(), holds("decide(1) == 2")] {
            let policy = policy.map(Arc::new);
            let config = Config { gas, policy, ..Config::default() };
            let Ok(mut machine) = Machine::new(Arc::new(image()), config) else { continue };
            // Whoever answers cannot say what it costs.
            run(&mut machine, |_| avm_vm::Answer {
                units: u64::MAX,
                cost: u64::MAX,
                ..answer(&long)
            });
            let rich = machine.versions().len() == 2;
            assert!(machine.gas_used() <= gas);
            assert_eq!(rich, gas >= 560 * GAS, "{gas}");
        }
    }
    let mut deep = long;
    let nested = (0..200).fold(Value::Null, |value, _| Value::list(vec![value]));
    deep.region.consts.push(nested);
    refused(None, &deep, "the patch");
}
