//! What a rewrite costs, and so how many of them a budget buys.

use std::sync::Arc;

use avm_asm::patch::patch_text;
use avm_ir::{Program, Schedule, gas::GAS, program::Patch};
use avm_vm::{
    Config, Image, Machine,
    policy::{Policy, Rules},
};

use super::super::{answer, run};

/// Rewrites itself and does nothing else, for as long as it can pay.
const AGENT: &str = "\
SELF_OBSERVER_MODE true
:again
SELF_MODIFY \"STRATEGY\", \"new\"
JUMP again
.region STRATEGY detached perms=read,modify,execute
.func decide(x)
  RETURN x + 1
.endfunc
.endregion
.test \"one more\" region=STRATEGY
expect decide(1) == 2
.endtest
";
/// Nanogas of every instruction.
const STEP: u64 = 1_000;
/// And of what comes before the first rewrite.
const FIRST: u64 = 5 * GAS + STEP;

fn agent() -> Program {
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("a.avm", AGENT, &mut avm_asm::NoSources, &options);
    assembly.program.unwrap_or_else(|| panic!("{:?}", assembly.diagnostics))
}

/// How often the agent could change itself with so much gas (nanogas), and what the tests of its code
/// cost then.
fn rewrites(patch: &Patch, gas: u64, tests: bool) -> (u64, u64) {
    let rules = Rules { tests, ..Rules::default() };
    let policy = tests.then(|| Arc::new(Policy { patch: rules, ..Policy::default() }));
    let image = Image::new(avm_ir::verify(agent()).expect("it verifies"), &Schedule::v1());
    let config = Config { gas, policy, ..Config::default() };
    let mut machine = Machine::new(Arc::new(image), config).expect("it starts");
    run(&mut machine, |_| answer(patch));
    let count = machine.versions().iter().filter(|version| version.before > 0).count();
    let tested = machine.test_region("STRATEGY", 1000, u64::MAX).expect("it is there");
    assert_eq!(tested.failed(), 0);
    (count as u64, if tests { tested.gas() } else { 0 })
}

/// n credits buy at most n / (50 + 0.5 × size + minimum) rewrites, and an agent that does nothing else
/// gets as many as that; where the operator wants tests, these are paid, too.
#[test]
fn a_budget_buys_as_many_rewrites_as_computed() {
    let mut state: u64 = 7;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut bought = 0;
    for case in 0..60 {
        let nops = "  NOP\n".repeat(random(120) as usize);
        let text = format!(".func decide(x)\n{nops}  RETURN x + 1\n.endfunc");
        let patched = patch_text(&agent(), "STRATEGY", &text, false).expect("it assembles");
        let patch = Patch::of(&patched.program, "STRATEGY").expect("it has the region");
        let price = 50 * GAS + patch.region.code.len() as u64 * (GAS / 2) + STEP;
        // Often just enough for one more, or a unit less.
        let gas = match random(3) {
            0 => random(2_000) * GAS + random(GAS),
            1 => FIRST + (price + STEP) * random(20) + price,
            _ => FIRST + (price + STEP) * random(20) + price - 1,
        };
        let (count, tested) = rewrites(&patch, gas, case % 2 == 1);
        let price = price + tested;
        assert!(count <= gas / price, "{count} for {gas}, each {price}");
        // What comes in front of all, and a step between two.
        let exactly = (gas.saturating_sub(FIRST) + STEP) / (price + STEP);
        assert_eq!(count, exactly, "{gas}, each {price}");
        bought += count;
    }
    assert!(bought > 100, "{bought}");
}
