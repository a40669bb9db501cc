//! `avm verify`: who made a program, what it consists of, and what it can reach.

use avm_ir::{Program, program::SignatureError, value::to_json};

use crate::{
    cli::{Dialect, Verify},
    exit::{Exit, Outcome},
    grants::Nameless,
    output::Out,
    program,
    report::hex,
};

/// Shows a program that passed every check; one that does not is an error.
pub(crate) fn run(args: &Verify) -> Outcome {
    let loaded = program::load(&args.file, None::<Dialect>)?;
    let program = loaded.program.program();
    let mut out = Out::new();
    out.line(&format!("program    {}", hex(&program.hash())));
    out.line(&match program.verify_signature() {
        Ok(key) => format!("signed by  {}", hex(&key)),
        Err(SignatureError::Missing) => "signed by  nobody".to_owned(),
        // Loading has refused it already.
        Err(error) => format!("signed by  {error}"),
    });
    regions(&mut out, program);
    inputs(&mut out, program);
    for (kind, name) in &program.manifest.names {
        out.line(&format!("reaches    {} {}", kind.name(), to_json(&name.as_str().into())));
    }
    for kind in &program.manifest.computed {
        out.line(&format!("reaches    {} by names computed at run time", kind.name()));
    }
    for nameless in Nameless::used(program) {
        out.line(&format!("reaches    {}", nameless.name()));
    }
    if !program.tests.is_empty() {
        out.line(&format!("tests      {}", program.tests.len()));
    }
    Ok(Exit::Done)
}

fn regions(out: &mut Out, program: &Program) {
    for region in &program.regions {
        let perms: Vec<&str> = region.perms.iter().map(|perm| perm.name()).collect();
        out.line(&format!(
            "region     {}: {}, {} instructions, {}",
            region.name,
            perms.join(","),
            region.code.len(),
            &hex(&region.hash())[..16]
        ));
    }
}

fn inputs(out: &mut Out, program: &Program) {
    for input in &program.inputs {
        let name = program.registers.get(usize::from(input.register)).map_or("?", String::as_str);
        out.line(&match &input.default {
            Some(default) => format!("input      {name} = {}", crate::end::short(default)),
            None => format!("input      {name}, must be given"),
        });
    }
}
