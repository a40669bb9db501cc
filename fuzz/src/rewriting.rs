//! Programs that change their own code, and the code that they are given: regions that replace
//! themselves and each other while they run, go back, and name points.

use avm_ir::{
    Opcode, Value,
    program::{Patch, Program},
};
use avm_vm::{Answer, EffectRequest};

use crate::{Entropy, machine::answer};

/// Names of the regions that change.
const REGIONS: [&str; 2] = ["LEFT", "RIGHT"];

/// What `main` does in a round.
const MAIN: &[&str] = &[
    "SELF_MODIFY \"LEFT\", k -> s",
    "SELF_MODIFY \"RIGHT\", k -> s",
    "SET x = left(k)",
    "SET x = right(k)",
    "SELF_READ \"LEFT\" -> text",
    "REVERT_CODE \"LEFT\", k",
    "REVERT_CODE \"RIGHT\", k + 1",
    "CREATE_SYSTEM_CHECKPOINT \"here\" -> c",
    "REVERT_CODE \"LEFT\", \"here\"",
    "LOG x",
    "LOAD_EXECUTION_STATE snapshot=k -> r",
    "LOAD_EXECUTION_STATE snapshot=\"here\"",
    "SELF_INTROSPECT \"versions\" -> r",
    "SELF_INTROSPECT \"budget\" -> r",
    "SELF_INTROSPECT \"regions\" -> r",
    "SELF_INTROSPECT \"checkpoints\" -> r",
    "SELF_OBSERVER_MODE k % 5 != 3",
];

/// What a function of a region does.
const BODY: &[&str] = &[
    "SET n = n + TAG",
    "SET n = other(n % 3)",
    "SELF_MODIFY \"LEFT\", n -> s",
    "SELF_MODIFY \"RIGHT\", n -> s",
    "REVERT_CODE \"LEFT\", n % 4",
    "REVERT_CODE \"RIGHT\", n % 4",
    "CALL poke, n -> n",
    "LOG n",
    "LOAD_EXECUTION_STATE snapshot=n -> r",
    "SELF_INTROSPECT \"memory\" -> r",
];

/// A random program whose regions may be replaced.
pub(crate) fn program(entropy: &mut Entropy<'_>) -> Program {
    let rounds = 1 + entropy.below(12);
    let mut main = format!("SELF_OBSERVER_MODE true\nSET x = 0\nFOR k IN {rounds} DO\n");
    for _ in 0..1 + entropy.below(6) {
        main.push_str(&format!("  {}\n", entropy.pick(MAIN)));
    }
    main.push_str(
        "ENDFOR\nRETURN x\n.func poke(n)\n  SELF_MODIFY \"LEFT\", n -> s\n  RETURN n + 1\n.endfunc\n",
    );
    let bodies = [body(entropy, 0), body(entropy, 1)];
    assembled(&main, &bodies)
}

/// A function that may call that of the other region, but not so often that it never ends.
fn body(entropy: &mut Entropy<'_>, region: usize) -> String {
    let (own, other) = if region == 0 { ("left", "right") } else { ("right", "left") };
    let mut text = format!(".func {own}(n)\n  IF n > 8 THEN\n    RETURN 0\n  ENDIF\n");
    let tag = entropy.below(9).to_string();
    for _ in 0..entropy.below(5) {
        let line = entropy.pick(BODY).replace("TAG", &tag);
        text.push_str(&format!("  {}\n", line.replace("other", other)));
    }
    text + "  RETURN n + 1\n.endfunc\n"
}

fn assembled(main: &str, bodies: &[String; 2]) -> Program {
    let mut source = main.to_owned();
    for (name, body) in REGIONS.iter().zip(bodies) {
        source.push_str(&format!(
            ".region {name} detached perms=read,modify,execute\n{body}.endregion\n"
        ));
    }
    let options = avm_asm::Options::default();
    let assembly = avm_asm::assemble("fuzz.avm", &source, &mut avm_asm::NoSources, &options);
    assembly.program.unwrap_or_else(|| panic!("{source}\n{:?}", assembly.diagnostics))
}

/// What comes back: to who asks for other code mostly such.
pub(crate) fn answer_to(request: &EffectRequest, entropy: &mut Entropy<'_>) -> Answer {
    let code = request.code.as_ref().map(|code| code.program());
    let region = REGIONS.iter().position(|name| request.text_arg("region") == Some(name));
    match (request.opcode, code, region) {
        (Opcode::SELF_MODIFY, Some(code), Some(region)) if !entropy.once_in(5) => {
            let bodies = [body(entropy, 0), body(entropy, 1)];
            let main = "RETURN 0\n.func poke(n)\n  RETURN n\n.endfunc\n";
            let other = assembled(main, &bodies);
            let Some(mut patch) = Patch::of(&other, REGIONS[region]) else {
                return answer(entropy);
            };
            // The functions have registers of their own alone.
            patch.registers.clone_from(&code.registers);
            Answer::output(Value::Bytes(patch.to_bytes().into()), 0)
        }
        _ => answer(entropy),
    }
}
